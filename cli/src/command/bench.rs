//! x
use crate::{
    args::{Bench, Common},
    exit::Exit,
};
pub(super) async fn bench(_: &Common, _: &Bench) -> anyhow::Result<Exit> {
    Ok(Exit::Done)
}
