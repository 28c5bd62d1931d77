//! What a person wants of a run: to go on, to pause, to be cancelled. Honoured between claims.

use futures_util::FutureExt;

use super::{Run, State, fuse};
use crate::records::{Records, Result, never};

/// A person's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Run,
    /// Start nothing more until it is resumed.
    Pause,
    /// Start nothing more, and close.
    Cancel,
}

impl Control {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Pause => "pause",
            Self::Cancel => "cancel",
        }
    }
}

impl std::str::FromStr for Control {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        [Self::Run, Self::Pause, Self::Cancel].into_iter().find(|control| control.as_str() == text).ok_or(())
    }
}

/// What became of a wish.
#[derive(Debug, Clone)]
pub enum Wish {
    /// It is noted; workers see it before their next claim.
    Noted,
    /// The run is closed already.
    AlreadyClosed(State),
    /// The run is being cancelled, which cannot be taken back.
    AlreadyCancelled,
    /// There is no such run.
    Unknown,
}

/// Notes what a person wants of a run.
pub async fn set(records: &Records, run_id: i64, control: Control) -> Result<Wish> {
    records
        .transaction(move |tx| {
            async move {
                tx.execute(
                    // The planner of a paused run has ended: its checkpoint counts as old, so that the keeper starts one
                    // at once when the run goes on.
                    "UPDATE runs SET checkpoint_at = CASE WHEN control = 'pause' THEN ? ELSE checkpoint_at END, \
                     control = ? WHERE id = ? AND state = 'open' AND control <> 'cancel'",
                    &[never().into(), control.as_str().into(), run_id.into()],
                )
                .await?;
                Ok(match Run::find(tx, run_id).await? {
                    None => Wish::Unknown,
                    Some(run) if run.state != State::Open => Wish::AlreadyClosed(run.state),
                    Some(run) if run.control == control => {
                        if control == Control::Run {
                            fuse::reset(tx, run_id).await?;
                        }
                        Wish::Noted
                    }
                    Some(_) => Wish::AlreadyCancelled,
                })
            }
            .boxed()
        })
        .await
}
