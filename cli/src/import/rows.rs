//! From a reader to typed rows, one at a time.

use std::io::{self, BufRead};

use super::columns::{Columns, HeaderError, Layout};
use super::contacts::ContactRow;
use super::costs::{CostRow, Format};
use super::fields::Fields;
use super::records::{Broken, Record, Records};
use super::rejects::Reject;
use super::users::UserRow;

/// A kind of row: its columns, and how to read one.
pub(super) trait Row: Sized {
    const LAYOUT: Layout;

    fn read(fields: &Fields<'_>) -> Result<Self, Reject>;
}

/// Why there is no row.
#[derive(Debug)]
pub enum ReadError {
    /// This line is not taken; reading goes on.
    Rejected(Reject),
    /// The file cannot be read on: it ends here.
    Unreadable(io::Error),
}

/// Why reading could not begin.
#[derive(Debug)]
pub enum OpenError {
    /// The first line is not what it should be.
    Header(HeaderError),
    /// The file cannot be read.
    Unreadable(io::Error),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(error) => error.fmt(f),
            Self::Unreadable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

/// The rows of a file, in its order.
struct Rows<R, F> {
    records: Records<R>,
    columns: Columns,
    ended: bool,
    read: F,
}

/// Reads `users.csv`; an error means that its first line is wrong.
pub fn read_users<R: BufRead>(reader: R) -> Result<impl Iterator<Item = Result<UserRow, ReadError>>, OpenError> {
    open(reader)
}

/// Reads `contacts.csv`; an error means that its first line is wrong.
pub fn read_contacts<R: BufRead>(reader: R) -> Result<impl Iterator<Item = Result<ContactRow, ReadError>>, OpenError> {
    open(reader)
}

/// Reads a cost breakdown in which a tag may name the team; an error means that its first line is wrong.
pub fn read_costs<R: BufRead>(
    reader: R,
    team_tag: &str,
) -> Result<impl Iterator<Item = Result<CostRow, ReadError>>, OpenError> {
    Rows::open(reader, |header| {
        let (format, columns) = Format::of(header)?;
        Ok((columns, move |fields: &Fields<'_>| format.read(fields, team_tag)))
    })
}

/// Reads a file of one kind of rows.
fn open<R: BufRead, T: Row>(reader: R) -> Result<impl Iterator<Item = Result<T, ReadError>>, OpenError> {
    let read: fn(&Fields<'_>) -> Result<T, Reject> = T::read;
    Rows::open(reader, |header| Ok((Columns::read(T::LAYOUT, header)?, read)))
}

impl<R: BufRead, F> Rows<R, F> {
    /// `begin` reads the first line: where the columns are, and how a line is read.
    fn open(reader: R, begin: impl FnOnce(&[Vec<u8>]) -> Result<(Columns, F), HeaderError>) -> Result<Self, OpenError> {
        let mut records = Records::new(reader);
        let begun = match records.next(|_| true).map_err(OpenError::Unreadable)? {
            Some(Ok(record)) => begin(&record.fields),
            Some(Err(broken)) => Err(Columns::missing(broken.reason)),
            None => Err(Columns::missing("the file is empty")),
        };
        let (columns, read) = begun.map_err(OpenError::Header)?;
        Ok(Self { records, columns, ended: false, read })
    }

    fn row<T>(&self, record: &Record) -> Result<T, Reject>
    where
        F: Fn(&Fields<'_>) -> Result<T, Reject>,
    {
        let (fields, width) = (record.fields.len(), self.columns.width());
        if fields != width {
            let reason = format!("has {fields} fields, and the first line has {width}");
            return Err(Reject { line: record.line, field: "", reason });
        }
        (self.read)(&Fields { columns: &self.columns, record })
    }
}

impl<R: BufRead, T, F: Fn(&Fields<'_>) -> Result<T, Reject>> Iterator for Rows<R, F> {
    type Item = Result<T, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let width = self.columns.width();
        match self.records.next(|fields| fields == width) {
            Ok(None) => None,
            Ok(Some(Ok(record))) => Some(self.row(&record).map_err(ReadError::Rejected)),
            Ok(Some(Err(Broken { line, reason }))) => {
                Some(Err(ReadError::Rejected(Reject { line, field: "", reason: reason.to_owned() })))
            }
            Err(error) => {
                self.ended = true;
                Some(Err(ReadError::Unreadable(error)))
            }
        }
    }
}
