//! `almanac pause`, `resume`, `cancel` and `approve`.

use anyhow::bail;
use serde_json::json;
use shared::{
    clock::Clock,
    run::control::{self, Control, Wish},
};

use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn set(common: &Common, id: i64, control: Control) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    check(id, &control::set(&stack.records, id, control).await?)?;
    let said = match control {
        Control::Run => "goes on: `almanac run` or a running engine takes it up",
        Control::Pause => "is paused: calls under way end, no new one begins",
        Control::Cancel => "is being cancelled: `almanac run` or a running engine closes it",
        Control::Approval => "waits for approval",
    };
    say_set(common, id, control, said);
    Ok(Exit::Done)
}

pub(super) async fn approve(common: &Common, id: i64) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    check(id, &control::approve(&stack.records, &Clock::system(), id).await?)?;
    say_set(common, id, Control::Run, "begins: `almanac run`, a running engine or the deployed keeper takes it up");
    Ok(Exit::Done)
}

fn check(id: i64, wish: &Wish) -> anyhow::Result<()> {
    match wish {
        Wish::Noted => Ok(()),
        Wish::Unknown => bail!("there is no run {id}; `almanac runs` lists them"),
        Wish::AlreadyClosed(state) => bail!("run {id} is closed already: {}", state.as_str()),
        Wish::AlreadyCancelled => bail!("run {id} is being cancelled, which cannot be taken back"),
        Wish::WaitsForApproval => {
            bail!("run {id} waits for approval: `almanac approve {id}`, or `almanac cancel {id}`")
        }
        Wish::NeedsNoApproval => bail!("run {id} waits for nobody's approval"),
    }
}

fn say_set(common: &Common, id: i64, control: Control, said: &str) {
    if common.json {
        say!("{}", json!({"run": id, "control": control.as_str()}));
    } else {
        say!("Run {id} {said}.");
    }
}
