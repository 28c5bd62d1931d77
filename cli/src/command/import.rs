//! x
use crate::{args::Common, exit::Exit};
use std::path::{Path, PathBuf};
pub(super) async fn import(_: &Common, _: &Path, _: &Path, _: Option<PathBuf>) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
