//! Values on their way out of a query.

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::{Row as _, mysql::MySqlRow, sqlite::SqliteRow};

use super::{RecordsError, Result};

/// One row of a result; columns are counted from 0.
#[derive(Debug)]
pub enum Row {
    #[doc(hidden)]
    MySql(MySqlRow),
    #[doc(hidden)]
    Sqlite(SqliteRow),
}

impl Row {
    /// A whole number.
    pub fn int(&self, column: usize) -> Result<i64> {
        // The column types are this crate's own migrations, so decoding skips the type comparison.
        Ok(match self {
            Self::MySql(row) => row.try_get_unchecked::<i64, _>(column)?,
            Self::Sqlite(row) => row.try_get_unchecked::<i64, _>(column)?,
        })
    }

    /// A number that cannot be negative or large, such as a count.
    pub fn count(&self, column: usize) -> Result<u64> {
        let number = self.int(column)?;
        u64::try_from(number).map_err(|_| RecordsError::unreadable(column, "a count is negative"))
    }

    /// A `SUM` of whole numbers, which MySQL gives as a decimal.
    pub fn sum(&self, column: usize) -> Result<u64> {
        let sum = match self {
            Self::Sqlite(row) => row.try_get_unchecked::<i64, _>(column)?.to_string(),
            Self::MySql(row) => row.try_get_unchecked::<String, _>(column)?,
        };
        sum.parse().map_err(|_| RecordsError::unreadable(column, "a sum is not a whole number"))
    }

    /// A position or another small number.
    pub fn small(&self, column: usize) -> Result<u32> {
        let number = self.int(column)?;
        u32::try_from(number).map_err(|_| RecordsError::unreadable(column, "a small number is out of range"))
    }

    /// A truth value.
    pub fn truth(&self, column: usize) -> Result<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A rate.
    pub fn float(&self, column: usize) -> Result<f64> {
        Ok(match self {
            Self::MySql(row) => row.try_get_unchecked::<f64, _>(column)?,
            Self::Sqlite(row) => row.try_get_unchecked::<f64, _>(column)?,
        })
    }

    /// A text.
    pub fn text(&self, column: usize) -> Result<String> {
        Ok(match self {
            Self::MySql(row) => row.try_get_unchecked::<String, _>(column)?,
            Self::Sqlite(row) => row.try_get_unchecked::<String, _>(column)?,
        })
    }

    /// A text that a type of ours was written as.
    pub fn parsed<T>(&self, column: usize) -> Result<T>
    where
        T: std::str::FromStr,
    {
        let text = self.text(column)?;
        text.parse().map_err(|_| RecordsError::unreadable(column, "the text is none of those that are written there"))
    }

    /// Bytes.
    pub fn bytes(&self, column: usize) -> Result<Vec<u8>> {
        Ok(match self {
            Self::MySql(row) => row.try_get_unchecked::<Vec<u8>, _>(column)?,
            Self::Sqlite(row) => row.try_get_unchecked::<Vec<u8>, _>(column)?,
        })
    }

    /// A moment; [`super::never()`] where it has not come.
    pub fn time(&self, column: usize) -> Result<DateTime<Utc>> {
        match self {
            Self::MySql(row) => Ok(row.try_get_unchecked::<NaiveDateTime, _>(column)?.and_utc()),
            Self::Sqlite(row) => {
                let micros = row.try_get_unchecked::<i64, _>(column)?;
                DateTime::from_timestamp_micros(micros)
                    .ok_or_else(|| RecordsError::unreadable(column, "a moment is out of range"))
            }
        }
    }
}
