//! What is either on or off.

use super::{Kind, Wrong};

/// `true` or `false`.
#[derive(Debug)]
pub struct Switch;

impl Kind for Switch {
    type Value = bool;

    fn parse(&self, text: &str) -> Result<bool, Wrong> {
        text.parse().map_err(|_| Wrong::of_value("is neither true nor false"))
    }

    fn expected(&self) -> String {
        "true or false".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Switch};

    #[test]
    fn a_switch_is_on_or_off_and_nothing_between() {
        assert_eq!((Switch.parse("true"), Switch.parse("false")), (Ok(true), Ok(false)));
        for wrong in ["1", "yes", "TRUE", " true", "on"] {
            assert!(Switch.parse(wrong).is_err(), "{wrong}");
        }
    }
}
