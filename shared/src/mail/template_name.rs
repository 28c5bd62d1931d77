//! Which template and which language: the two choices that lead to a template's files.

use std::fmt;
use std::str::FromStr;

/// The tone of an invitation, chosen by its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TemplateName {
    /// Warm and simple: the default.
    Friendly,
    /// Formal.
    Professional,
    /// Playful.
    Fun,
}

/// The language that a mail is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locale {
    /// French: the default.
    Fr,
    /// English.
    En,
}

/// A word that is none of the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {found:?} is not known: use {allowed}")]
pub struct UnknownChoice {
    what: &'static str,
    found: String,
    allowed: &'static str,
}

impl TemplateName {
    /// Every template, in the order of the files' table.
    pub const ALL: [Self; 3] = [Self::Friendly, Self::Professional, Self::Fun];

    /// The name as rows, files and settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Friendly => "friendly",
            Self::Professional => "professional",
            Self::Fun => "fun",
        }
    }
}

impl Locale {
    /// Every language, in the order of the files' table.
    pub const ALL: [Self; 2] = [Self::Fr, Self::En];

    /// The language's code as rows, files and settings write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }
}

impl FromStr for TemplateName {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or_else(|| UnknownChoice {
            what: "template",
            found: text.to_owned(),
            allowed: "friendly, professional or fun",
        })
    }
}

impl FromStr for Locale {
    type Err = UnknownChoice;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|locale| locale.as_str() == text).ok_or_else(|| UnknownChoice {
            what: "locale",
            found: text.to_owned(),
            allowed: "fr or en",
        })
    }
}

impl fmt::Display for TemplateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::{Locale, TemplateName};

    #[test]
    fn every_choice_is_read_back_from_its_own_name() {
        for name in TemplateName::ALL {
            assert_eq!(name.as_str().parse(), Ok(name));
        }
        for locale in Locale::ALL {
            assert_eq!(locale.as_str().parse(), Ok(locale));
        }
    }

    #[test]
    fn an_unknown_choice_is_answered_with_the_allowed_ones() {
        let error = "serious".parse::<TemplateName>().expect_err("not a template");
        assert_eq!(error.to_string(), "template \"serious\" is not known: use friendly, professional or fun");
        let error = "de".parse::<Locale>().expect_err("not a locale");
        assert_eq!(error.to_string(), "locale \"de\" is not known: use fr or en");
    }
}
