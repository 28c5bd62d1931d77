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
    layout: Layout,
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
        let names: Vec<String> = header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
        let mut wrong = Vec::new();
        if let [only] = names.as_slice()
            && only.contains([';', '\t'])
        {
            wrong.push("columns must be separated by commas".to_owned());
            return Err(HeaderError(wrong));
        }
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
            Ok(Self { layout, positions: layout.known.iter().map(position).collect(), width: names.len() })
        } else {
            Err(HeaderError(wrong))
        }
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
        let known = self.layout.known.iter().position(|known| *known == field);
        known.and_then(|known| self.positions[known])
    }
}
