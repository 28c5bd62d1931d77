//! The numbers in a field of a cron expression: lists, ranges, steps and names.

use std::{collections::BTreeSet, iter::StepBy, ops::RangeInclusive};

use super::InvalidExpression;

/// A field, with the numbers and characters that AWS's table gives it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names for numbers, the first for the least.
    words: &'static [&'static str],
    /// Whether `/` is among its characters.
    takes_steps: bool,
}

const PLAIN: Field = Field { name: "", least: 0, most: 0, words: &[], takes_steps: true };

pub(super) const MINUTES: Field = Field { name: "minutes", most: 59, ..PLAIN };
pub(super) const HOURS: Field = Field { name: "hours", most: 23, ..PLAIN };
pub(super) const DAY_OF_MONTH: Field = Field { name: "day-of-month", least: 1, most: 31, ..PLAIN };
pub(super) const MONTH: Field = Field {
    name: "month",
    least: 1,
    most: 12,
    words: &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    ..PLAIN
};
pub(super) const DAY_OF_WEEK: Field = Field {
    name: "day-of-week",
    least: 1,
    most: 7,
    words: &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
    takes_steps: false,
};
/// What stands behind `#` in the day of the week: no month has a sixth Tuesday.
pub(super) const WEEK_OF_MONTH: Field = Field { name: "day-of-week, after #", least: 1, most: 5, ..PLAIN };
pub(super) const YEAR: Field = Field { name: "year", least: 1970, most: 2199, ..PLAIN };

impl Field {
    /// The numbers of a list such as `1-5,30/10`.
    pub(super) fn numbers(self, text: &str) -> Result<BTreeSet<u32>, InvalidExpression> {
        let mut numbers = BTreeSet::new();
        for item in text.split(',') {
            numbers.extend(self.item(item)?);
        }
        Ok(numbers)
    }

    /// One number, or the name of one.
    pub(super) fn number(self, text: &str) -> Result<u32, InvalidExpression> {
        let named = (self.least..).zip(self.words).find(|(_, word)| word.eq_ignore_ascii_case(text));
        let number = match named {
            Some((number, _)) => Some(number),
            None => whole_number(text),
        };
        match number {
            Some(number) if (self.least..=self.most).contains(&number) => Ok(number),
            Some(_) => Err(self.invalid(text, "is out of range", self.expected())),
            None => Err(self.invalid(text, "is not understood", self.expected())),
        }
    }

    /// `*`, `5`, `5-9`, and with a step `*/2`, `5/2` (from 5 to the greatest), `5-9/2`.
    fn item(self, text: &str) -> Result<StepBy<RangeInclusive<u32>>, InvalidExpression> {
        let (span, step) = match text.split_once('/') {
            Some((span, step)) => (span, Some(self.step(step)?)),
            None => (text, None),
        };
        let (first, last) = match span.split_once('-') {
            Some((first, last)) => (self.number(first)?, self.number(last)?),
            None if span == "*" => (self.least, self.most),
            None => {
                let first = self.number(span)?;
                (first, if step.is_some() { self.most } else { first })
            }
        };
        if first > last {
            return Err(self.invalid(span, "runs backwards", "the lesser one first".to_owned()));
        }
        Ok((first..=last).step_by(step.unwrap_or(1)))
    }

    fn step(self, text: &str) -> Result<usize, InvalidExpression> {
        if !self.takes_steps {
            return Err(self.invalid(&format!("/{text}"), "is a step", "none in this field".to_owned()));
        }
        let step = whole_number(text).filter(|step| (1..=self.most).contains(step));
        step.and_then(|step| usize::try_from(step).ok())
            .ok_or_else(|| self.invalid(text, "is no step", format!("a number from 1 to {}", self.most)))
    }

    fn expected(self) -> String {
        let Self { least, most, words, .. } = self;
        match words.first() {
            None => format!("a number from {least} to {most}"),
            Some(word) => format!("a number from {least} to {most} or a name such as {word}"),
        }
    }

    fn invalid(self, found: &str, fault: &'static str, expected: String) -> InvalidExpression {
        InvalidExpression { part: self.name, found: found.to_owned(), fault, expected }
    }
}

/// A number in digits. (`parse` alone would let a sign through.)
fn whole_number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
