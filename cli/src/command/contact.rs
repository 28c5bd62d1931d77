//! `almanac contact restore`: the explicit way back for somebody who must not be written to.

use anyhow::bail;
use futures_util::FutureExt;
use serde_json::json;
use shared::consent;

use crate::{
    args::Common,
    exit::Exit,
    say::say,
    stack::{self, Stack},
};

pub(super) async fn restore(common: &Common, contact: i64) -> anyhow::Result<Exit> {
    let stack = Stack::open_existing(stack::settings(common)).await?;
    let restored = stack.records.transaction(move |tx| consent::restore(tx, contact).boxed()).await?;
    if !restored {
        bail!("there is no contact {contact}; `almanac why ADDRESS` says which contacts have an address");
    }
    if common.json {
        say!("{}", json!({"contact": contact, "restored": true}));
    } else {
        say!("Contact {contact} may be written to again, and its address is no longer suppressed.");
    }
    Ok(Exit::Done)
}
