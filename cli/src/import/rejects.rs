//! Lines that were not taken, and the file that tells about them.

use std::io::Write;

/// A line that was not taken. It holds nothing of what the line says, because that may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The line, counted from 1; of several, the first.
    pub line: u64,
    /// The field that is wrong; empty when it is the line as a whole.
    pub field: &'static str,
    /// What is wrong.
    pub reason: String,
}

/// The file of rejects: `file,line,field,reason`.
pub struct RejectsFile<W: Write>(csv::Writer<W>);

impl<W: Write> RejectsFile<W> {
    /// Begins the file with its header.
    pub fn new(writer: W) -> csv::Result<Self> {
        let mut writer = csv::Writer::from_writer(writer);
        writer.write_record(["file", "line", "field", "reason"])?;
        Ok(Self(writer))
    }

    /// Adds a line of the file `file`.
    pub fn add(&mut self, file: &str, reject: &Reject) -> csv::Result<()> {
        self.0.write_record([file, &reject.line.to_string(), reject.field, &reject.reason])
    }

    /// Writes out what is buffered.
    pub fn finish(mut self) -> csv::Result<()> {
        Ok(self.0.flush()?)
    }
}
