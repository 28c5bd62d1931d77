//! `almanac migrate`: what `migrate` does at deploy time, by hand.

use shared::records::Migrated;

use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn migrate(common: &Common) -> anyhow::Result<Exit> {
    let migrated = Stack::connect(stack::settings(common)).await?.migrate().await?;
    if common.json {
        say!("{}", serde_json::to_string(&migrated)?);
    } else {
        say!("{}", said(&migrated));
    }
    Ok(Exit::Done)
}

fn said(migrated: &Migrated) -> String {
    let Migrated { applied, version } = migrated;
    if migrated.is_newer() {
        format!("The schema is at version {version}, of a later release than this program: it is left alone.")
    } else if applied.is_empty() {
        format!("Nothing to apply: the schema is at version {version}.")
    } else {
        format!("Applied {}. The schema is at version {version}.", applied.join(", "))
    }
}
