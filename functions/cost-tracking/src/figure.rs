//! A number among a team's variables.

use serde::{Deserialize, Serialize};
use shared::hackathon::Team;

/// The most letters a number has.
const LONGEST: usize = 40;

/// What stands in a team's variable.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// A number from 0 on.
    Of(f64),
    /// Nothing.
    Missing,
    /// Something else, such as a value that the Hub masks.
    Unreadable,
    /// A number below 0.
    Negative,
}

impl Figure {
    /// The figure in the first of these variables that is set.
    pub fn of(team: &Team, variables: &[&str]) -> Self {
        let set = variables.iter().find_map(|name| team.variable(name));
        set.map_or(Self::Missing, Self::parse)
    }

    /// A decimal number, such as `1250` or `12.50`: no currency, no separators, no exponent.
    fn parse(text: &str) -> Self {
        let plain = |byte: u8| byte.is_ascii_digit() || b".-+".contains(&byte);
        if text.len() > LONGEST || !text.bytes().all(plain) {
            return Self::Unreadable;
        }
        match text.parse::<f64>() {
            Ok(number) if number < 0.0 => Self::Negative,
            // Without the sign of a negative zero.
            Ok(number) => Self::Of(number.abs()),
            Err(_) => Self::Unreadable,
        }
    }

    /// The number; else why there is none.
    pub fn number(self, variable: &str) -> Result<f64, String> {
        match self {
            Self::Of(number) => Ok(number),
            Self::Missing => Err(format!("{variable} is not set")),
            Self::Unreadable => Err(format!("{variable} is no decimal number, or is masked")),
            Self::Negative => Err(format!("{variable} is below 0")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_a_plain_decimal_number_from_zero_on() {
        for (text, figure) in [
            ("0", Figure::Of(0.0)),
            ("-0", Figure::Of(0.0)),
            ("1250", Figure::Of(1_250.0)),
            ("12.50", Figure::Of(12.5)),
            ("+3", Figure::Of(3.0)),
            ("-0.01", Figure::Negative),
            ("********", Figure::Unreadable),
            ("12,50", Figure::Unreadable),
            ("$12", Figure::Unreadable),
            ("1e3", Figure::Unreadable),
            ("NaN", Figure::Unreadable),
            ("inf", Figure::Unreadable),
            (".", Figure::Unreadable),
            ("1.2.3", Figure::Unreadable),
        ] {
            assert_eq!(Figure::parse(text), figure, "{text}");
        }
        assert_eq!(Figure::parse(&"9".repeat(400)), Figure::Unreadable);
    }
}
