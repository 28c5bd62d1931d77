//! `almanac pause`, `resume` and `cancel`.

use anyhow::bail;
use serde_json::json;
use shared::run::control::{self, Control, Wish};

use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn set(common: &Common, id: i64, control: Control) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    match control::set(&stack.records, id, control).await? {
        Wish::Noted => {}
        Wish::Unknown => bail!("there is no run {id}; `almanac runs` lists them"),
        Wish::AlreadyClosed(state) => bail!("run {id} is closed already: {}", state.as_str()),
        Wish::AlreadyCancelled => bail!("run {id} is being cancelled, which cannot be taken back"),
    }
    let said = match control {
        Control::Run => "goes on: `almanac run` or a running engine takes it up",
        Control::Pause => "is paused: calls under way end, no new one begins",
        Control::Cancel => "is being cancelled: `almanac run` or a running engine closes it",
    };
    if common.json {
        say!("{}", json!({"run": id, "control": control.as_str()}));
    } else {
        say!("Run {id} {said}.");
    }
    Ok(Exit::Done)
}
