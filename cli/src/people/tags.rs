//! A list of tags that fits its column.

/// The most characters that a list of tags has, its separators included.
const LONGEST: usize = 2_000;

/// What stands between two tags.
const SEPARATOR: char = ';';

/// A list of tags, as it is stored: `friend;family`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(String);

/// The tags are too long to be stored together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tags have {characters} characters together, and at most {LONGEST} are allowed")]
pub struct TooManyTags {
    characters: usize,
}

impl Tags {
    /// Joins tags. Empty ones are dropped; a separator within a tag makes two of it.
    pub fn join<T: AsRef<str>>(tags: impl IntoIterator<Item = T>) -> Result<Self, TooManyTags> {
        let mut joined = String::new();
        for tag in tags {
            for tag in tag.as_ref().split(SEPARATOR).filter(|tag| !tag.is_empty()) {
                if !joined.is_empty() {
                    joined.push(SEPARATOR);
                }
                joined.push_str(tag);
            }
        }
        match joined.chars().count() {
            characters if characters > LONGEST => Err(TooManyTags { characters }),
            _ => Ok(Self(joined)),
        }
    }

    /// Wraps a text that was joined before it was stored.
    pub(super) fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The tags as they are stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Tags};

    #[test]
    fn tags_are_stored_separated_and_without_empty_ones() {
        let tags = Tags::join(["friend", "", "family;choir"]).expect("short");
        assert_eq!(tags.as_str(), "friend;family;choir");
        assert_eq!(Tags::join(Vec::<String>::new()), Ok(Tags::default()));
    }

    #[test]
    fn tags_that_do_not_fit_their_column_are_refused() {
        assert!(Tags::join(["é".repeat(LONGEST)]).is_ok());
        let error = Tags::join(["é".repeat(LONGEST), "x".to_owned()]).expect_err("too long");
        assert_eq!(error.to_string(), "the tags have 2002 characters together, and at most 2000 are allowed");
    }
}
