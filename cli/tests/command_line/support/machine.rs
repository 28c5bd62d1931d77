//! A machine on which `almanac` is called: a home of its own, and an environment without the tester's settings.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::process::{Ending, Running};

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

    /// Runs `almanac` to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ending {
        self.start(arguments).end().await
    }
}
