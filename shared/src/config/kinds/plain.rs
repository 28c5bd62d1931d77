//! Numbers, texts, folders and time zones.

use std::path::PathBuf;

use chrono_tz::{TZ_VARIANTS, Tz};

use super::super::nearest::nearest;
use super::{Kind, Wrong};

/// A whole number within a range.
#[derive(Debug)]
pub struct Whole {
    least: u32,
    most: u32,
    unit: &'static str,
}

impl Whole {
    /// From `least` to `most`, both included.
    pub const fn range(least: u32, most: u32) -> Self {
        Self { least, most, unit: "" }
    }

    /// The same, counting something, which the error then names.
    pub const fn of(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }
}

impl Kind for Whole {
    type Value = u32;

    fn parse(&self, text: &str) -> Result<u32, Wrong> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits {
            return Err(Wrong::of_value("is not a whole number"));
        }
        match text.parse() {
            Ok(value) if value < self.least => Err(Wrong::of_value(format!("is below {}", self.least))),
            Ok(value) if value <= self.most => Ok(value),
            // Too many digits for a u32 is above every range.
            Ok(_) | Err(_) => Err(Wrong::of_value(format!("is above {}", self.most))),
        }
    }

    fn expected(&self) -> String {
        let number = format!("a whole number from {} to {}", self.least, self.most);
        if self.unit.is_empty() { number } else { format!("{number} ({})", self.unit) }
    }
}

/// A number from 0 to 1.
#[derive(Debug)]
pub struct Fraction;

impl Kind for Fraction {
    type Value = f64;

    fn parse(&self, text: &str) -> Result<f64, Wrong> {
        match text.parse::<f64>() {
            Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
            Ok(value) if value.is_finite() => Err(Wrong::of_value("is not between 0 and 1")),
            Ok(_) | Err(_) => Err(Wrong::of_value("is not a number")),
        }
    }

    fn expected(&self) -> String {
        "a number from 0 to 1, such as 0.05".to_owned()
    }
}

/// One line of text.
#[derive(Debug)]
pub struct Text {
    longest: usize,
}

impl Text {
    /// At most so many characters.
    pub const fn up_to(longest: usize) -> Self {
        Self { longest }
    }
}

impl Kind for Text {
    type Value = String;

    fn parse(&self, text: &str) -> Result<String, Wrong> {
        if text.chars().any(char::is_control) {
            return Err(Wrong::of_value("holds a control character"));
        }
        match text.chars().count() {
            count if count > self.longest => Err(Wrong::of_value(format!("is {count} characters long"))),
            _ => Ok(text.to_owned()),
        }
    }

    fn expected(&self) -> String {
        format!("one line of at most {} characters", self.longest)
    }
}

/// A folder or file, which need not exist yet. A relative one starts at the current folder.
#[derive(Debug)]
pub struct Folder;

impl Kind for Folder {
    type Value = PathBuf;

    fn parse(&self, text: &str) -> Result<PathBuf, Wrong> {
        if text.chars().any(char::is_control) {
            return Err(Wrong::of_value("holds a control character"));
        }
        Ok(PathBuf::from(text))
    }

    fn expected(&self) -> String {
        "a path".to_owned()
    }
}

/// A time zone by its name in the IANA database.
#[derive(Debug)]
pub struct Zone;

impl Kind for Zone {
    type Value = Tz;

    fn parse(&self, text: &str) -> Result<Tz, Wrong> {
        text.parse().map_err(|_| match nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(name) => Wrong::of_value(format!("is not a time zone (did you mean {name}?)")),
            None => Wrong::of_value("is not a time zone"),
        })
    }

    fn expected(&self) -> String {
        "a name of the IANA time zone database, such as Europe/Paris".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Fraction, Kind, Text, Whole, Zone};

    #[test]
    fn a_whole_number_keeps_to_its_range_and_to_digits() {
        let day = Whole::range(1, 28);
        assert_eq!(day.parse("1"), Ok(1));
        assert_eq!(day.parse("28"), Ok(28));
        for wrong in ["0", "29", "-1", "+5", "5.0", "five", " 5", "99999999999999999999"] {
            assert!(day.parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fraction_is_a_finite_number_from_zero_to_one() {
        assert_eq!(Fraction.parse("0.05"), Ok(0.05));
        assert_eq!(Fraction.parse("1"), Ok(1.0));
        for wrong in ["1.01", "-0.1", "NaN", "inf", "5%"] {
            assert!(Fraction.parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_cannot_break_a_header() {
        assert!(Text::up_to(20).parse("Ada\r\nBcc: x").is_err());
        assert!(Text::up_to(3).parse("Éloï").is_err());
        assert_eq!(Text::up_to(4).parse("Éloï").as_deref(), Ok("Éloï"));
    }

    #[test]
    fn a_mistyped_zone_is_answered_with_the_right_one() {
        let wrong = Zone.parse("Europe/Pari").expect_err("no such zone");
        assert!(wrong.said_of("Europe/Pari", false).contains("Europe/Paris"));
        assert_eq!(Zone.parse("Europe/Paris"), Ok(chrono_tz::Europe::Paris));
    }
}
