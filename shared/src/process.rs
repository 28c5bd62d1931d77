//! Who holds what: a process's own token, and how others on the same machine find out that it died.
//!
//! Each process holds an operating-system lock on a file of its own. The system frees the lock when the process ends,
//! however it ends, so whoever can take it knows at once that the process is dead, without waiting for leases.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::random;

/// This process's token, on every claim that it makes and every message that it receives.
#[derive(Debug, Clone)]
pub struct Holder {
    token: Arc<str>,
    /// Kept so that the lock lives as long as the holder.
    _lock: Option<Arc<File>>,
}

impl Holder {
    /// A holder that nobody can see die, as in Lambda: its claims end with their leases.
    pub fn unwatched() -> Self {
        Self { token: random::token().into(), _lock: None }
    }

    /// A holder whose death others find out through its lock file in `folder`.
    pub fn watched(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let token = random::token();
        let path = lock_path(folder, &token);
        // Locked under a name that nobody looks for, so that nobody can take it in between.
        let hidden = folder.join(format!(".{token}"));
        let file = File::create(&hidden)?;
        file.lock()?;
        fs::rename(hidden, path)?;
        Ok(Self { token: token.into(), _lock: Some(Arc::new(file)) })
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }
}

/// The tokens of processes that held a lock in `folder` and have died. They are forgotten by [`bury`].
pub fn dead(folder: &Path) -> io::Result<Vec<String>> {
    let mut dead = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(token) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".lock")) else { continue };
        let Ok(file) = File::open(&path) else { continue };
        match file.try_lock() {
            Ok(()) => dead.push(token.to_owned()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(dead)
}

/// Forgets a dead process, after what it held has been released.
pub fn bury(folder: &Path, token: &str) -> io::Result<()> {
    match fs::remove_file(lock_path(folder, token)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn lock_path(folder: &Path, token: &str) -> PathBuf {
    folder.join(format!("{token}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_dead_exactly_when_its_lock_is_free() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let alive = Holder::watched(folder.path()).expect("a lock");
        let gone = Holder::watched(folder.path()).expect("a lock");
        let token = gone.token().to_owned();
        assert!(dead(folder.path()).expect("readable").is_empty());
        drop(gone);
        assert_eq!(dead(folder.path()).expect("readable"), std::slice::from_ref(&token));
        bury(folder.path(), &token).expect("removable");
        bury(folder.path(), &token).expect("safe to repeat");
        assert!(dead(folder.path()).expect("readable").is_empty());
        drop(alive);
    }
}
