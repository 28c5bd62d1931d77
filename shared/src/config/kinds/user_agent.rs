//! What a client calls itself.

use super::{Kind, Text, Wrong};

/// The value of a `User-Agent` header.
#[derive(Debug)]
pub struct UserAgent;

/// The longest.
const LONGEST: usize = 200;

impl Kind for UserAgent {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Wrong> {
        if !text.is_ascii() {
            return Err(Wrong::of_value("holds a letter that no header has"));
        }
        Text::up_to(LONGEST).parse(text)
    }

    fn expected(&self) -> String {
        format!("one line of at most {LONGEST} ASCII characters")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_fits_a_header() {
        assert_eq!(UserAgent.parse("almanac/1.0 (+https://x)").as_deref(), Ok("almanac/1.0 (+https://x)"));
        for wrong in ["é", "a\r\nb", &"a".repeat(201)] {
            assert!(UserAgent.parse(wrong).is_err(), "{wrong}");
        }
    }
}
