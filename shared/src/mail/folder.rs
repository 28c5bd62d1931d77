//! A folder of `.eml` files: mail on a machine where nothing is installed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;

use super::message::{Composer, one_word};
use super::providers::Sender;
use super::{Answer, Call, Capacity, Mailer, Refusal};

/// Writes each letter as one file.
pub struct FolderMailer {
    dir: PathBuf,
    composer: Composer,
}

/// A folder that cannot take mail.
#[derive(Debug, thiserror::Error)]
#[error("the mail folder {dir} cannot be written")]
pub struct UnwritableFolder {
    dir: PathBuf,
    source: io::Error,
}

/// As many as a bulk call of a real provider, so that claims look the same. A disk has no time-out; this is generous.
const CAPACITY: Capacity = Capacity { claim: 50, calls: 4, longest_call: Duration::from_secs(10) };

impl FolderMailer {
    /// A mailer into `dir`, which is made when it is not there yet.
    pub fn new(dir: impl Into<PathBuf>, sender: &Sender) -> Result<Self, UnwritableFolder> {
        let dir = dir.into();
        let unwritable = |source| UnwritableFolder { dir: dir.clone(), source };
        std::fs::create_dir_all(&dir).map_err(unwritable)?;
        let probe = dir.join(format!(".probe-{}", std::process::id()));
        std::fs::write(&probe, "").and_then(|()| std::fs::remove_file(&probe)).map_err(unwritable)?;
        Ok(Self { dir, composer: Composer::new(sender) })
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    fn name(&self) -> &'static str {
        "dir"
    }

    fn capacity(&self) -> Capacity {
        CAPACITY
    }

    async fn send(&self, call: Call<'_>) -> Vec<Answer> {
        let now = Utc::now();
        let files: Vec<(String, String)> = call
            .letters
            .iter()
            .map(|letter| (file_name(&letter.message), self.composer.compose(call, letter, now)))
            .collect();
        let count = files.len();
        let dir = self.dir.clone();
        let attempt = file_name(call.attempt);
        let written = tokio::task::spawn_blocking(move || {
            files.iter().map(|(name, message)| answer(write_whole(&dir, name, &attempt, message))).collect()
        });
        written.await.unwrap_or_else(|_| {
            // Only when the process is being torn down: some of the files may be there.
            vec![Answer::Unknown { cause: "writing was interrupted".to_owned() }; count]
        })
    }
}

/// `/` separates folders, and a leading dot hides a file.
fn file_name(message: &str) -> String {
    one_word(message).replace(['/', '\\'], "-").trim_start_matches('.').to_owned()
}

/// Writes under a hidden name of this attempt's own and renames: a reader sees the whole file or none.
fn write_whole(dir: &Path, name: &str, attempt: &str, message: &str) -> io::Result<()> {
    let hidden = dir.join(format!(".{name}.{attempt}.tmp"));
    std::fs::write(&hidden, message)?;
    std::fs::rename(&hidden, dir.join(format!("{name}.eml")))
}

fn answer(written: io::Result<()>) -> Answer {
    match written {
        Ok(()) => Answer::Accepted { provider_id: String::new() },
        Err(error) => Answer::Refused { refusal: Refusal::Unavailable, cause: error.kind().to_string() },
    }
}
