//! Files that are taken in line by line, and the file of the lines that are not taken.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::import::{ReadError, Reject, RejectsFile};

/// The file of rejects, made when the first line is rejected; an older one is taken away.
pub(super) struct Rejects {
    path: PathBuf,
    file: Option<RejectsFile<File>>,
    count: u64,
}

impl Rejects {
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("replacing {}", path.display()))
            }
            _ => Ok(Self { path: path.to_owned(), file: None, count: 0 }),
        }
    }

    /// Adds a line of the file `name`.
    pub(super) fn add(&mut self, name: &str, reject: &Reject) -> anyhow::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = File::create(&self.path).with_context(|| format!("making {}", self.path.display()))?;
                self.file.insert(RejectsFile::new(file)?)
            }
        };
        self.count += 1;
        Ok(file.add(name, reject)?)
    }

    /// Adds a line that could not be read, unless the file as a whole cannot be.
    pub(super) fn add_unread(&mut self, name: &str, error: ReadError) -> anyhow::Result<()> {
        match error {
            ReadError::Rejected(reject) => self.add(name, &reject),
            ReadError::Unreadable(error) => Err(error).with_context(|| format!("reading {name}")),
        }
    }

    /// Writes out what is buffered; gives how many lines there are.
    pub(super) fn finish(self) -> anyhow::Result<u64> {
        if let Some(file) = self.file {
            file.finish().with_context(|| format!("writing {}", self.path.display()))?;
        }
        Ok(self.count)
    }
}

pub(super) fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

/// How a file is called in the rejects.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
