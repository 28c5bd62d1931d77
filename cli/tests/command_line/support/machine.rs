//! A machine on which `almanac` is called: a home of its own, and an environment without the tester's settings.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use shared::{
    records::Records,
    run::control::{self, Control, Wish},
};
use tempfile::TempDir;
use tests::{cycle, runs::firing};

use super::{
    people::CYCLE,
    process::{Ending, Running},
    until,
};

/// A home, and what is set there.
pub struct Machine {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Machine {
    /// A machine on which nothing is set and nothing has been done.
    pub fn bare() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), settings: Vec::new() }
    }

    /// A machine with its records in that database.
    pub fn with_records(url: String) -> Self {
        Self::bare().set("DATABASE_URL", url)
    }

    /// The same with a setting.
    pub fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    /// The same, sending real mail through those transports.
    pub fn sending(self, transports: String) -> Self {
        self.set("EMAIL_TRANSPORTS", transports)
            .set("APP_BASE_URL", "https://almanac.example")
            .set("EMAIL_FROM_ADDRESS", "invitations@almanac.example")
    }

    /// The folder that holds the home and may hold more.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home, which the first command makes.
    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// Writes the settings file of the home.
    pub fn write_settings(&self, text: &str) {
        fs::create_dir_all(self.home()).expect("a home");
        fs::write(self.home().join("almanac.env"), text).expect("a file");
    }

    /// `almanac` with these arguments, not started yet.
    pub fn almanac(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_almanac"));
        command.env_clear().envs(self.settings.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.folder()).arg("--home").arg(self.home()).args(arguments);
        command
    }

    /// Starts `almanac`.
    pub fn start(&self, arguments: &[&str]) -> Running {
        Running::start(&mut self.almanac(arguments))
    }

    /// Plans the cycle in records with people, pauses it, and starts `almanac run`, which then has nothing to do; gives it
    /// once it is at work.
    pub async fn start_paused_run(&self, records: &Records) -> Running {
        let (run, _) = cycle::plan(records, firing(), 4).await;
        let wish = control::set(records, run, Control::Pause).await.expect("the records are there");
        assert!(matches!(wish, Wish::Noted), "{wish:?}");
        // The lock file of a process that died: an engine that is at work takes it away.
        let locks = self.home().join("processes");
        fs::create_dir_all(&locks).expect("a home");
        let dead = locks.join("dead.lock");
        fs::write(&dead, "").expect("a file");
        let running = self.start(&CYCLE);
        until("the engine is at work", async || !dead.exists()).await;
        running
    }

    /// Runs `almanac` to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ending {
        self.start(arguments).end().await
    }
}
