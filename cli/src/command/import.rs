//! `almanac import`: two files into the records, a chunk at a time; bad lines into a file of rejects.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::json;
use shared::clock::Clock;

use crate::{
    args::Common,
    exit::Exit,
    import::{ReadError, Reject, RejectsFile, read_contacts, read_users},
    people::{CHUNK, NewContact, NewUser, PeopleStore, Written},
    say::say,
    stack::{self, Stack},
    stop::Stop,
};

pub(super) async fn import(
    common: &Common,
    users: &Path,
    contacts: &Path,
    rejects: Option<PathBuf>,
) -> anyhow::Result<Exit> {
    let stop = Stop::listen();
    let stack = stop.or(Stack::open(stack::settings(common))).await??;
    let imported = stop.or(import_into(&stack, common, users, contacts, rejects)).await;
    stack.close().await;
    imported?
}

async fn import_into(
    stack: &Stack,
    common: &Common,
    users: &Path,
    contacts: &Path,
    rejects: Option<PathBuf>,
) -> anyhow::Result<Exit> {
    let path = rejects.unwrap_or_else(|| stack.settings.home.join("rejects.csv"));
    let store = PeopleStore::new(stack.records.clone(), Clock::system().now());
    let mut import = Import { store, rejects: Rejects::begin(&path)? };
    let users = import.users(users).await?;
    let contacts = import.contacts(contacts).await?;
    let rejected = import.rejects.finish()?;
    if common.json {
        let counts = |file: &Counts| {
            json!({"read": file.read, "added": file.written.inserted, "changed": file.written.changed,
                   "unchanged": file.written.unchanged, "rejected": file.rejected})
        };
        say!("{}", json!({"users": counts(&users), "contacts": counts(&contacts), "rejects": path}));
        return Ok(Exit::Done);
    }
    for (name, counts) in [("users", &users), ("contacts", &contacts)] {
        let Written { inserted, changed, unchanged, .. } = counts.written;
        let (read, rejected) = (counts.read, counts.rejected);
        say!("{name}: {read} lines: {inserted} added, {changed} changed, {unchanged} unchanged, {rejected} rejected");
    }
    if rejected > 0 {
        say!("The rejected lines, each with its reason, are in {}", path.display());
    }
    Ok(Exit::Done)
}

/// What became of a file.
#[derive(Debug, Default)]
struct Counts {
    read: u64,
    rejected: u64,
    written: Written,
}

struct Import {
    store: PeopleStore,
    rejects: Rejects,
}

impl Import {
    async fn users(&mut self, path: &Path) -> anyhow::Result<Counts> {
        let name = name_of(path);
        let rows = read_users(open(path)?).with_context(|| format!("reading {}", path.display()))?;
        let mut counts = Counts::default();
        let mut chunk = Vec::with_capacity(CHUNK);
        for row in rows {
            counts.read += 1;
            match row {
                Ok(row) => chunk.push(NewUser::from(row)),
                Err(error) => self.reject(&name, error, &mut counts)?,
            }
            if chunk.len() == CHUNK {
                counts.written += self.store.put_users(std::mem::take(&mut chunk)).await?;
            }
        }
        counts.written += self.store.put_users(chunk).await?;
        Ok(counts)
    }

    async fn contacts(&mut self, path: &Path) -> anyhow::Result<Counts> {
        let name = name_of(path);
        let rows = read_contacts(open(path)?).with_context(|| format!("reading {}", path.display()))?;
        let mut counts = Counts::default();
        let (mut chunk, mut lines) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
        for row in rows {
            counts.read += 1;
            match row {
                Ok(row) => {
                    lines.push(row.line);
                    chunk.push(NewContact::from(row));
                }
                Err(error) => self.reject(&name, error, &mut counts)?,
            }
            if chunk.len() == CHUNK {
                self.put_contacts(&name, &mut chunk, &mut lines, &mut counts).await?;
            }
        }
        self.put_contacts(&name, &mut chunk, &mut lines, &mut counts).await?;
        Ok(counts)
    }

    async fn put_contacts(
        &mut self,
        name: &str,
        chunk: &mut Vec<NewContact>,
        lines: &mut Vec<u64>,
        counts: &mut Counts,
    ) -> anyhow::Result<()> {
        let written = self.store.put_contacts(std::mem::take(chunk)).await?;
        for &index in &written.unknown_owners {
            let reason = "no user has this id".to_owned();
            let reject = Reject { line: lines[index], field: "owner", reason };
            self.rejects.add(name, &reject)?;
            counts.rejected += 1;
        }
        lines.clear();
        counts.written += written;
        counts.written.unknown_owners.clear();
        Ok(())
    }

    fn reject(&mut self, name: &str, error: ReadError, counts: &mut Counts) -> anyhow::Result<()> {
        match error {
            ReadError::Rejected(reject) => {
                counts.rejected += 1;
                self.rejects.add(name, &reject)
            }
            ReadError::Unreadable(error) => Err(error).with_context(|| format!("reading {name}")),
        }
    }
}

/// The file of rejects, made when the first line is rejected; an older one is taken away.
struct Rejects {
    path: PathBuf,
    file: Option<RejectsFile<File>>,
    count: u64,
}

impl Rejects {
    fn begin(path: &Path) -> anyhow::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("replacing {}", path.display()))
            }
            _ => Ok(Self { path: path.to_owned(), file: None, count: 0 }),
        }
    }

    fn add(&mut self, name: &str, reject: &Reject) -> anyhow::Result<()> {
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

    fn finish(self) -> anyhow::Result<u64> {
        if let Some(file) = self.file {
            file.finish().with_context(|| format!("writing {}", self.path.display()))?;
        }
        Ok(self.count)
    }
}

fn open(path: &Path) -> anyhow::Result<BufReader<File>> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    Ok(BufReader::with_capacity(1 << 16, file))
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
