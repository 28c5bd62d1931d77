//! `almanac import`: two files into the records, a chunk at a time; bad lines into a file of rejects.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use shared::clock::Clock;

use super::intake::{Rejects, name_of, open};
use crate::{
    args::Common,
    exit::Exit,
    import::{ReadError, Reject, read_contacts, read_users},
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
        counts.rejected += 1;
        self.rejects.add_unread(name, error)
    }
}
