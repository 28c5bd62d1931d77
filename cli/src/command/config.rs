//! `almanac config`: every setting, its value, and where it comes from.

use serde_json::json;

use crate::{args::Common, exit::Exit, say::say, stack};

/// Prints `.env.example`.
pub(super) fn example() -> anyhow::Result<Exit> {
    say!("{}", shared::config::example().trim_end());
    Ok(Exit::Done)
}

pub(super) fn config(common: &Common) -> anyhow::Result<Exit> {
    let listing = stack::settings(common).listing();
    if common.json {
        for listed in &listing.settings {
            say!(
                "{}",
                json!({"name": listed.name, "value": listed.value, "from": listed.origin.to_string(),
                       "doc": listed.doc, "read_by": listed.read_by, "problem": listed.problem})
            );
        }
    } else {
        say!("{listing}");
    }
    let wrong = listing.settings.iter().any(|listed| listed.problem.is_some()) || !listing.problems.is_empty();
    Ok(if wrong { Exit::Usage } else { Exit::Done })
}
