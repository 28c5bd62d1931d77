//! From a reader to typed rows, one at a time.

use std::io::{self, BufRead};
use std::marker::PhantomData;

use super::columns::{Columns, HeaderError, Layout};
use super::contacts::ContactRow;
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
struct Rows<R, T> {
    records: Records<R>,
    columns: Columns,
    ended: bool,
    row: PhantomData<T>,
}

/// Reads `users.csv`; an error means that its first line is wrong.
pub fn read_users<R: BufRead>(reader: R) -> Result<impl Iterator<Item = Result<UserRow, ReadError>>, OpenError> {
    Rows::<R, UserRow>::open(reader)
}

/// Reads `contacts.csv`; an error means that its first line is wrong.
pub fn read_contacts<R: BufRead>(reader: R) -> Result<impl Iterator<Item = Result<ContactRow, ReadError>>, OpenError> {
    Rows::<R, ContactRow>::open(reader)
}

impl<R: BufRead, T: Row> Rows<R, T> {
    fn open(reader: R) -> Result<Self, OpenError> {
        let mut records = Records::new(reader);
        let header = match records.next(|_| true).map_err(OpenError::Unreadable)? {
            Some(Ok(record)) => Columns::read(T::LAYOUT, &record.fields),
            Some(Err(broken)) => Err(Columns::missing(broken.reason)),
            None => Err(Columns::missing("the file is empty")),
        };
        Ok(Self { records, columns: header.map_err(OpenError::Header)?, ended: false, row: PhantomData })
    }

    fn row(&self, record: &Record) -> Result<T, Reject> {
        let (fields, width) = (record.fields.len(), self.columns.width());
        if fields != width {
            let reason = format!("has {fields} fields, and the first line has {width}");
            return Err(Reject { line: record.line, field: "", reason });
        }
        T::read(&Fields { columns: &self.columns, record })
    }
}

impl<R: BufRead, T: Row> Iterator for Rows<R, T> {
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
