//! Cutting bytes into records (RFC 4180) such that a broken one costs its own line and no other.
//!
//! The `csv` crate takes everything after a quote that is never closed for one field. Here a record that cannot be
//! right is given up at its first line, and reading goes on at the next one.

use std::collections::VecDeque;
use std::io::{self, BufRead};

/// The longest record, and so the most memory that a file can take.
const LONGEST: usize = 64 * 1024;

/// One record: its fields, unquoted, and the line on which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) line: u64,
    pub(super) fields: Vec<Vec<u8>>,
}

/// Why a line is no record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) line: u64,
    pub(super) reason: &'static str,
}

const NOT_CLOSED: &str = "a quote is not closed";
const AFTER_QUOTE: &str = "a closing quote is followed by more text";
const TOO_LONG: &str = "the line is longer than 64 KiB";

struct Line {
    number: u64,
    /// With its line feed, if it has one.
    bytes: Vec<u8>,
    cut: bool,
}

/// Reads records one after the other.
pub(super) struct Records<R> {
    reader: R,
    /// Lines that were read to find the end of a record that had none.
    ahead: VecDeque<Line>,
    lines: u64,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, ahead: VecDeque::new(), lines: 0 }
    }

    /// The next record or broken line; `None` at the end. Blank lines are skipped.
    ///
    /// `fits` tells whether a record has the right number of fields. One that spans lines and does not fit was most
    /// likely opened by a stray quote, so only its first line is given up.
    pub(super) fn next(&mut self, fits: impl Fn(usize) -> bool) -> io::Result<Option<Result<Record, Broken>>> {
        let first = loop {
            match self.line()? {
                None => return Ok(None),
                Some(line) if line.bytes.trim_ascii().is_empty() && !line.cut => {}
                Some(line) => break line,
            }
        };
        let broken = |reason| Ok(Some(Err(Broken { line: first.number, reason })));
        if first.cut {
            return broken(TOO_LONG);
        }
        let mut splitter = Splitter::default();
        let mut end = splitter.take(&first.bytes);
        let mut more: Vec<Line> = Vec::new();
        let mut length = first.bytes.len();
        while end == End::Open {
            match self.line()? {
                Some(line) => {
                    length += line.bytes.len();
                    end = if line.cut || length > LONGEST { End::Bad(NOT_CLOSED) } else { splitter.take(&line.bytes) };
                    more.push(line);
                }
                None => end = End::Bad(NOT_CLOSED),
            }
        }
        match end {
            End::Closed if more.is_empty() || fits(splitter.fields.len()) => {
                Ok(Some(Ok(Record { line: first.number, fields: splitter.fields })))
            }
            End::Bad(reason) if more.is_empty() => broken(reason),
            End::Closed | End::Open | End::Bad(_) => {
                for line in more.into_iter().rev() {
                    self.ahead.push_front(line);
                }
                broken(NOT_CLOSED)
            }
        }
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Line { number: self.lines + 1, bytes: Vec::new(), cut: false };
        let mut any = false;
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                buffer => buffer?,
            };
            if buffer.is_empty() {
                break;
            }
            any = true;
            let feed = buffer.iter().position(|byte| *byte == b'\n');
            let taken = feed.map_or(buffer.len(), |position| position + 1);
            if line.bytes.len() + taken > LONGEST {
                line.cut = true;
                line.bytes.clear();
            }
            if !line.cut {
                line.bytes.extend_from_slice(&buffer[..taken]);
            }
            self.reader.consume(taken);
            if feed.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.lines += 1;
        if line.number == 1 && line.bytes.starts_with(b"\xEF\xBB\xBF") {
            line.bytes.drain(..3);
        }
        Ok(Some(line))
    }
}

#[derive(PartialEq, Eq)]
enum End {
    Closed,
    /// Within quotes: the next line belongs to the record.
    Open,
    Bad(&'static str),
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    FieldBegins,
    Bare,
    Quoted,
    /// After a quote within quotes: it ended them, unless a second one follows.
    QuoteSeen,
}

/// Splits lines into fields, keeping its state from line to line.
#[derive(Default)]
struct Splitter {
    fields: Vec<Vec<u8>>,
    field: Vec<u8>,
    state: State,
}

impl Splitter {
    fn take(&mut self, line: &[u8]) -> End {
        let (content, line_end) = without_line_end(line);
        for byte in content {
            self.state = match (self.state, *byte) {
                (State::FieldBegins, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::QuoteSeen,
                (State::QuoteSeen, b'"') => {
                    self.field.push(b'"');
                    State::Quoted
                }
                (State::FieldBegins | State::Bare | State::QuoteSeen, b',') => {
                    self.fields.push(std::mem::take(&mut self.field));
                    State::FieldBegins
                }
                (State::QuoteSeen, _) => return End::Bad(AFTER_QUOTE),
                (State::Quoted, byte) => {
                    self.field.push(byte);
                    State::Quoted
                }
                (State::FieldBegins | State::Bare, byte) => {
                    self.field.push(byte);
                    State::Bare
                }
            };
        }
        if matches!(self.state, State::Quoted) {
            self.field.extend_from_slice(line_end);
            return End::Open;
        }
        self.fields.push(std::mem::take(&mut self.field));
        End::Closed
    }
}

fn without_line_end(line: &[u8]) -> (&[u8], &[u8]) {
    let content = line.strip_suffix(b"\n").unwrap_or(line);
    line.split_at(content.strip_suffix(b"\r").unwrap_or(content).len())
}

#[cfg(test)]
mod tests {
    use super::{AFTER_QUOTE, Broken, LONGEST, NOT_CLOSED, Record, Records, TOO_LONG};

    fn all(text: &[u8]) -> Vec<Result<Vec<String>, (u64, &'static str)>> {
        let mut records = Records::new(std::io::BufReader::with_capacity(7, text));
        let mut read = Vec::new();
        while let Some(next) = records.next(|fields| fields == 2).expect("memory") {
            let text = |field: &Vec<u8>| String::from_utf8_lossy(field).into_owned();
            read.push(match next {
                Ok(Record { fields, .. }) => Ok(fields.iter().map(text).collect()),
                Err(Broken { line, reason }) => Err((line, reason)),
            });
        }
        read
    }

    fn fields(fields: [&str; 2]) -> Result<Vec<String>, (u64, &'static str)> {
        Ok(fields.map(str::to_owned).to_vec())
    }

    #[test]
    fn quotes_line_ends_blank_lines_and_a_byte_order_mark_are_understood() {
        let text = b"\xEF\xBB\xBFa,b\r\n\r\n\"a,\"\"x\"\"\",\nc\"d,\"one\r\ntwo\"\n,";
        assert_eq!(
            all(text),
            [fields(["a", "b"]), fields(["a,\"x\"", ""]), fields(["c\"d", "one\r\ntwo"]), fields(["", ""])]
        );
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_own_line_and_no_other() {
        let text = b"a,\"b\nc,d\ne,f\n";
        assert_eq!(all(text), [Err((1, NOT_CLOSED)), fields(["c", "d"]), fields(["e", "f"])]);
    }

    #[test]
    fn a_stray_quote_that_a_later_line_seems_to_close_costs_its_own_line_and_no_other() {
        let text = b"a,\"b\nc,\"d\"\ne,\"f\ng,h\ni,\"\"\n";
        assert_eq!(
            all(text),
            [Err((1, NOT_CLOSED)), fields(["c", "d"]), Err((3, NOT_CLOSED)), fields(["g", "h"]), fields(["i", ""])]
        );
        assert_eq!(all(b"\"a\"b,c\nd,e\n"), [Err((1, AFTER_QUOTE)), fields(["d", "e"])]);
    }

    #[test]
    fn a_stray_quote_never_joins_lines_into_a_record_of_another_width() {
        let text = b"\"a,b\nc,d\",e,f\n";
        assert_eq!(all(text)[0], Err((1, NOT_CLOSED)));
    }

    #[test]
    fn an_endless_line_or_record_is_given_up_at_a_fixed_length() {
        let mut text = vec![b'x'; 3 * LONGEST];
        text.extend(b"\na,b\nc,\"");
        text.extend(b"line\n".repeat(LONGEST));
        let read = all(&text);
        assert_eq!(read[..3], [Err((1, TOO_LONG)), fields(["a", "b"]), Err((3, NOT_CLOSED))]);
        assert_eq!(read.len(), 2 + LONGEST);
    }
}
