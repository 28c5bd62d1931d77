//! The clean-up in one process: nights at moments of a test's choice.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use chrono::{DateTime, Utc};
use cleanup::Cleanup;
use futures_util::FutureExt;
use shared::{
    cleaned,
    clock::Clock,
    firing::{Firing, Trigger},
    objects::{FolderObjects, Objects},
    records::Records,
    run::job::Job as _,
    sqs::Deadline,
};

use crate::cycle::ledger_of_completed;

/// A clean-up whose clock stands at a moment, and which archives into that folder.
pub fn cleanup(records: &Records, archive: &tempfile::TempDir, at: DateTime<Utc>) -> Cleanup {
    let objects = FolderObjects::new(archive.path()).expect("writable");
    cleanup_into(records, Arc::new(objects), at)
}

/// A clean-up whose clock stands at a moment, and which archives there.
pub fn cleanup_into(records: &Records, objects: Arc<dyn Objects>, at: DateTime<Utc>) -> Cleanup {
    Cleanup {
        records: records.clone(),
        objects,
        clock: Clock::standing_at(at),
        zone: chrono_tz::Europe::Paris,
        retention_days: 90,
        silence_hours: 24,
        history_hours: 72,
    }
}

/// The schedule's firing at a moment.
pub fn firing(at: DateTime<Utc>) -> Firing {
    Firing::new(at, Trigger::Schedule)
}

/// Cleans up at a moment, to the end; gives the run and what it did to how many rows.
pub async fn clean(records: &Records, archive: &tempfile::TempDir, at: DateTime<Utc>) -> (i64, BTreeMap<String, u64>) {
    let fired = cleanup(records, archive, at).fire(firing(at), Deadline::none()).await.expect("cleaned");
    assert!(fired.plan_complete);
    ledger_of_completed(records, fired.run).await;
    (fired.run, done(records, fired.run).await)
}

/// What a run did to how many rows.
pub async fn done(records: &Records, run: i64) -> BTreeMap<String, u64> {
    records.read(move |tx| cleaned::of_run(tx, run).boxed()).await.expect("readable")
}

/// The same, of a test's words.
pub fn counts(done: &[(&str, u64)]) -> BTreeMap<String, u64> {
    done.iter().map(|(what, rows)| ((*what).to_owned(), *rows)).collect()
}

/// What the archive holds: its files in the order of their names, each with its lines.
pub fn archived(archive: &tempfile::TempDir) -> Vec<(String, Vec<serde_json::Value>)> {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut folders = vec![archive.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let lines = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let name = |path: &PathBuf| path.strip_prefix(archive.path()).expect("inside").display().to_string();
    files.iter().map(|path| (name(path), lines(path))).collect()
}
