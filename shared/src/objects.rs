//! The objects port: where results that are whole files go, such as a run's report.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use async_trait::async_trait;

use crate::random;

/// Where whole files are put, each under a key.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Puts `body` under `key`, and gives where it is: a path or a URL. Readers see nothing or a whole.
    ///
    /// A key is put again only when its delivery is repeated. A folder then holds the later whole; S3 keeps the first.
    ///
    /// A key that [`check_key`] refuses is an error.
    async fn put(&self, key: &str, content_type: &str, body: Vec<u8>) -> anyhow::Result<String>;
}

/// A text that is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{key:?} is no key: expected names of letters, digits, '.', '_' and '-', joined by '/', none starting with '.'"
)]
pub struct InvalidKey {
    key: String,
}

/// Refuses what could leave the folder or would need escaping in a URL. A key is relative: plain names joined by `/`.
pub fn check_key(key: &str) -> Result<(), InvalidKey> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let name = |name: &str| !name.is_empty() && !name.starts_with('.') && name.bytes().all(plain);
    if key.split('/').all(name) { Ok(()) } else { Err(InvalidKey { key: key.to_owned() }) }
}

/// Objects in a folder: those of one machine. The content type is in each file's name.
#[derive(Debug, Clone)]
pub struct FolderObjects {
    folder: PathBuf,
}

/// A folder that cannot take objects.
#[derive(Debug, thiserror::Error)]
#[error("the objects folder {} cannot be written: {source}", folder.display())]
pub struct UnwritableFolder {
    folder: PathBuf,
    source: io::Error,
}

impl FolderObjects {
    /// Objects in `folder`, which is made when it is not there yet. Tries to write there, so that a wrong setting stops
    /// the start and not the first report.
    pub fn new(folder: impl AsRef<Path>) -> Result<Self, UnwritableFolder> {
        let unwritable = |source| UnwritableFolder { folder: folder.as_ref().to_owned(), source };
        let folder = std::path::absolute(&folder).map_err(unwritable)?;
        fs::create_dir_all(&folder).map_err(unwritable)?;
        let probe = folder.join(format!(".probe-{}", random::token()));
        fs::write(&probe, "").and_then(|()| fs::remove_file(&probe)).map_err(unwritable)?;
        Ok(Self { folder })
    }
}

#[async_trait]
impl Objects for FolderObjects {
    async fn put(&self, key: &str, _content_type: &str, body: Vec<u8>) -> anyhow::Result<String> {
        check_key(key)?;
        let path = self.folder.join(key);
        let place = path.display().to_string();
        tokio::task::spawn_blocking(move || write_whole(&path, &body))
            .await
            .context("writing was interrupted")?
            .with_context(|| format!("writing {place}"))?;
        Ok(place)
    }
}

/// Writes under a hidden name of its own and renames.
fn write_whole(path: &Path, body: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let hidden = folder.join(format!(".{}.tmp", random::token()));
    let written = write_durably(&hidden, body)
        .and_then(|()| fs::rename(&hidden, path))
        // The new name is the folder's to keep.
        .and_then(|()| File::open(folder)?.sync_all());
    if written.is_err() {
        // Whatever is left of it has no reader, and the first error is the one to tell.
        fs::remove_file(&hidden).ok();
    }
    written
}

/// On the disk before anyone is told that it is there.
fn write_durably(path: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(body)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_read_back_whole_where_put_says_and_nothing_else_is_left() {
        let home = tempfile::tempdir().expect("a folder");
        let objects = FolderObjects::new(home.path().join("objects")).expect("writable");
        for body in ["first", "second"] {
            let place = objects.put("reports/job/run-1.json", "application/json", body.into()).await.expect("put");
            assert_eq!(fs::read_to_string(&place).expect("written"), body);
            assert!(Path::new(&place).is_absolute());
        }
        let names: Vec<_> = fs::read_dir(home.path().join("objects/reports/job"))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["run-1.json"]);
        assert_eq!(fs::read_dir(home.path().join("objects")).expect("a folder").count(), 1, "no probe is left");
    }

    #[tokio::test]
    async fn a_key_that_could_leave_the_folder_is_refused_and_named() {
        let home = tempfile::tempdir().expect("a folder");
        let objects = FolderObjects::new(home.path()).expect("writable");
        for key in ["", "/etc/x", "../x", "a/../x", "a//b", "a/", "./a", ".hidden", "a\\b", "a b", "a\0", "é"] {
            let error = objects.put(key, "text/plain", Vec::new()).await.expect_err("no key").to_string();
            assert!(error.contains(&format!("{key:?} is no key")), "{error}");
        }
        assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named_at_construction() {
        let home = tempfile::tempdir().expect("a folder");
        let file = home.path().join("file");
        fs::write(&file, "").expect("written");
        let error = FolderObjects::new(file.join("objects")).expect_err("a folder inside a file").to_string();
        assert!(error.contains("file/objects cannot be written: "), "{error}");
    }

    #[tokio::test]
    async fn a_put_that_fails_leaves_nothing_behind() {
        let home = tempfile::tempdir().expect("a folder");
        let objects = FolderObjects::new(home.path()).expect("writable");
        fs::create_dir_all(home.path().join("taken/inside")).expect("a folder");
        let error = objects.put("taken", "text/plain", b"x".to_vec()).await.expect_err("a folder is there");
        assert!(format!("{error:#}").contains("writing "), "{error:#}");
        assert_eq!(fs::read_dir(home.path()).expect("a folder").count(), 1);
    }
}
