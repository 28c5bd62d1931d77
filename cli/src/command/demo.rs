//! x
use crate::{args::Common, exit::Exit};
pub(super) async fn demo(_: &Common, _: bool, _: u32, _: u32) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
