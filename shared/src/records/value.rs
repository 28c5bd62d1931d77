//! Values on their way into a query.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sqlx::{Arguments, mysql::MySqlArguments, sqlite::SqliteArguments};

/// A value to bind. There is no null: columns say "never" with [`never()`] and "nothing" with 0 or an empty text,
/// because a row that grows from null on update costs InnoDB three times as much.
#[derive(Debug, Clone)]
pub enum Value<'v> {
    /// A whole number or a truth value.
    Int(i64),
    /// A rate.
    Float(f64),
    /// A text.
    Text(Cow<'v, str>),
    /// Bytes.
    Bytes(Cow<'v, [u8]>),
    /// A moment.
    Time(DateTime<Utc>),
}

/// The moment that stands for "never": 1970.
pub const fn never() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH
}

/// Reads [`never()`] as an absence.
pub trait Never {
    /// `None` when this is [`never()`].
    fn unless_never(self) -> Option<DateTime<Utc>>;
}

impl Never for DateTime<Utc> {
    fn unless_never(self) -> Option<DateTime<Utc>> {
        (self != never()).then_some(self)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Int(truth.into())
    }
}

impl<'v> From<&'v str> for Value<'v> {
    fn from(text: &'v str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'v> From<&'v String> for Value<'v> {
    fn from(text: &'v String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'v> From<&'v [u8]> for Value<'v> {
    fn from(bytes: &'v [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl From<DateTime<Utc>> for Value<'_> {
    fn from(moment: DateTime<Utc>) -> Self {
        Self::Time(moment)
    }
}

pub(super) fn mysql_arguments(values: &[Value<'_>]) -> Result<MySqlArguments, sqlx::Error> {
    let mut arguments = MySqlArguments::default();
    arguments.reserve(values.len(), 16 * values.len());
    for value in values {
        match value {
            Value::Int(number) => arguments.add(number),
            Value::Float(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text.as_ref()),
            Value::Bytes(bytes) => arguments.add(bytes.as_ref()),
            Value::Time(moment) => arguments.add(moment.naive_utc()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

pub(super) fn sqlite_arguments(values: &[Value<'_>]) -> Result<SqliteArguments, sqlx::Error> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(values.len(), 0);
    for value in values {
        match value {
            Value::Int(number) => arguments.add(number),
            Value::Float(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text.as_ref()),
            Value::Bytes(bytes) => arguments.add(bytes.as_ref()),
            Value::Time(moment) => arguments.add(moment.timestamp_micros()),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}
