//! Which column of the file is which field.

use std::fmt;

use shared::config::nearest;

/// The fields of a kind of row, in the order of its documentation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) known: &'static [&'static str],
    pub(super) required: &'static [&'static str],
}

/// Where each known field stands in this file's lines.
#[derive(Debug)]
pub(super) struct Columns {
    known: &'static [&'static str],
    positions: Vec<Option<usize>>,
    width: usize,
}

/// What is wrong with the first line; everything at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError(Vec<String>);

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the first line does not name the columns: {}", self.0.join("; "))
    }
}

impl std::error::Error for HeaderError {}

impl Columns {
    /// Reads the first line. Columns may come in any order, and optional ones may be left out.
    pub(super) fn read(layout: Layout, header: &[Vec<u8>]) -> Result<Self, HeaderError> {
        let names = names(header)?;
        let mut wrong = Vec::new();
        for (position, name) in names.iter().enumerate() {
            if !layout.known.contains(&name.as_str()) {
                wrong.push(match nearest(name, layout.known.iter().copied()) {
                    Some(known) => format!("unknown column {name:?} (did you mean {known}?)"),
                    None => format!("unknown column {name:?} (known: {})", layout.known.join(", ")),
                });
            } else if names[..position].contains(name) {
                wrong.push(format!("column {name} comes twice"));
            }
        }
        let position = |field: &&str| names.iter().position(|name| name == field);
        let missing = layout.required.iter().filter(|field| position(field).is_none());
        wrong.extend(missing.map(|field| format!("column {field} is missing")));
        if wrong.is_empty() {
            Ok(Self { known: layout.known, positions: layout.known.iter().map(position).collect(), width: names.len() })
        } else {
            Err(HeaderError(wrong))
        }
    }

    /// Reads the first line of somebody else's file: names in capitals or not, among columns that do not matter. Of each
    /// need one column must be there.
    pub(super) fn read_among_others(
        known: &'static [&'static str],
        needs: &[&[&str]],
        header: &[Vec<u8>],
    ) -> Result<Self, HeaderError> {
        let names = names(header)?;
        let positions = |field: &str| -> Vec<usize> {
            let is_field = |position: &usize| names[*position].eq_ignore_ascii_case(field);
            (0..names.len()).filter(is_field).collect()
        };
        let twice = known.iter().filter(|field| positions(field).len() > 1);
        let mut wrong: Vec<String> = twice.map(|field| format!("column {field} comes twice")).collect();
        let unmet = needs.iter().filter(|need| need.iter().all(|field| positions(field).is_empty()));
        wrong.extend(unmet.map(|need| format!("column {} is missing", need.join(" or "))));
        if wrong.is_empty() {
            let positions = known.iter().map(|field| positions(field).first().copied()).collect();
            Ok(Self { known, positions, width: names.len() })
        } else {
            Err(HeaderError(wrong))
        }
    }

    /// Whether the first line names one of these columns, in capitals or not.
    pub(super) fn any_of(fields: &[&str], header: &[Vec<u8>]) -> bool {
        let is_one =
            |name: &Vec<u8>| fields.iter().any(|field| name.trim_ascii().eq_ignore_ascii_case(field.as_bytes()));
        header.iter().any(is_one)
    }

    /// An empty file names no column.
    pub(super) fn missing(reason: &str) -> HeaderError {
        HeaderError(vec![reason.to_owned()])
    }

    /// How many fields a line has.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Where a field stands, if the file has it.
    pub(super) fn position(&self, field: &str) -> Option<usize> {
        let known = self.known.iter().position(|known| *known == field);
        known.and_then(|known| self.positions[known])
    }
}

/// The names of the columns.
fn names(header: &[Vec<u8>]) -> Result<Vec<String>, HeaderError> {
    let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    match names.as_slice() {
        [only] if only.contains([';', '\t']) => {
            Err(HeaderError(vec!["columns must be separated by commas".to_owned()]))
        }
        _ => Ok(names),
    }
}
