//! What is deployed, read as it stands: the templates, their queues, rights, schedules and alarms, without an account.

mod alarms;
mod calls;
mod connections;
mod events;
mod folders;
mod mail;
mod migration;
mod queues;
mod retention;
mod rights;
mod schedules;
mod settings;
mod stores;
mod template;
mod workflows;

use std::path::{Path, PathBuf};

use serde_json::Value;
use shared::template::Document;

/// A path from the top of the workspace.
fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(at(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    let document = Document::parse(&read(path)).and_then(|document| document.json());
    document.unwrap_or_else(|error| panic!("{path}: {error:#}"))
}

/// The names in a folder that end so, without that ending, in order.
fn names(folder: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(at(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a readable folder").file_name().into_string().expect("a plain name"))
        .filter_map(|name| name.strip_suffix(ending).map(str::to_owned))
        .collect();
    names.sort();
    names
}
