//! What people do with the letters of a simulated year: by the same doors as people outside.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use shared::{
    consent,
    feedback::{self, Feedback, Kind, Source},
    records::{Records, Result, Tx},
};

use super::{
    fate::Act,
    letterbox::{Coming, Letterbox},
};

/// How much one transaction takes in.
const AT_ONCE: usize = 500;

/// Lets happen what is to happen before `until`.
pub async fn act(records: &Records, letterbox: &Letterbox, until: DateTime<Utc>) -> Result<()> {
    loop {
        let due = take_due(letterbox, until);
        if due.is_empty() {
            return Ok(());
        }
        let due = Arc::new(due);
        records
            .transaction(move |tx| {
                let due = due.clone();
                async move {
                    for (at, coming) in due.iter() {
                        happen(tx, *at, coming).await?;
                    }
                    Ok(())
                }
                .boxed()
            })
            .await?;
    }
}

/// Takes what is due next out of the letterbox, and has it remember that it happened.
fn take_due(letterbox: &Letterbox, until: DateTime<Utc>) -> Vec<(DateTime<Utc>, Coming)> {
    let mut memory = letterbox.memory();
    let mut due = Vec::new();
    while due.len() < AT_ONCE {
        let Some(first) = memory.coming.first_entry().filter(|first| first.key().0 < until) else { break };
        let ((at, _), coming) = first.remove_entry();
        let day = memory.days.entry(letterbox.day_of(at)).or_default();
        match coming.act {
            Act::BouncesForGood | Act::BouncesForNow => day.bounces += 1,
            Act::Answers => day.answers += 1,
            Act::Leaves | Act::Complains => day.leaving += 1,
            Act::Opens => {}
        }
        match coming.act {
            Act::BouncesForGood => drop(memory.stopped.insert(coming.contact)),
            Act::Leaves | Act::Complains => drop(memory.stopped.insert(coming.contact)),
            Act::BouncesForNow => drop(memory.bounced.insert(coming.contact)),
            Act::Answers => drop(memory.answered.insert(coming.letter.invitation.0)),
            Act::Opens => {}
        }
        due.push((at, coming));
    }
    due
}

async fn happen(tx: &mut Tx, at: DateTime<Utc>, coming: &Coming) -> Result<()> {
    match coming.act {
        Act::BouncesForGood => said(tx, at, coming, Kind::BouncedForGood).await,
        Act::BouncesForNow => said(tx, at, coming, Kind::BouncedForNow).await,
        Act::Complains => said(tx, at, coming, Kind::Complained).await,
        Act::Leaves => consent::unsubscribe(tx, coming.contact, at).await.map(drop),
        // As the application does that people answer in.
        Act::Opens => {
            let sql = "UPDATE invitations SET status = 2, opened_at = ? WHERE id = ? AND status = 1";
            tx.execute(sql, &[at.into(), coming.letter.invitation.0.into()]).await.map(drop)
        }
        Act::Answers => {
            let sql = "UPDATE invitations SET status = 4, submitted_at = ? WHERE id = ? AND status IN (1, 2, 3)";
            tx.execute(sql, &[at.into(), coming.letter.invitation.0.into()]).await.map(drop)
        }
    }
}

/// What the provider says.
async fn said(tx: &mut Tx, at: DateTime<Utc>, coming: &Coming, kind: Kind) -> Result<()> {
    let feedback = Feedback {
        kind,
        source: Source::Provider { recipients: vec![coming.address.clone()] },
        about: Some((coming.attempt.clone(), coming.letter)),
        happened_at: at,
        code: String::new(),
        provider_id: String::new(),
    };
    feedback::record(tx, &feedback, at).await.map(drop)
}
