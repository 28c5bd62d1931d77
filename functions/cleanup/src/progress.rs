//! How far a clean-up has come: its step and the last key that the step looked at, in a run's one checkpoint.

use shared::{
    cleaned,
    records::{Result, Tx},
    run::{Run, plan::move_checkpoint},
};

/// A part of the clean-up that is walked by itself, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// By batch.
    ExpireInvitations,
    /// By invitation.
    DeleteInvitations,
    /// By batch.
    ForgetReminders,
    /// By user.
    Contacts,
    /// By batch.
    Doubts,
    /// By item of the outbox.
    Delivered,
    /// By number.
    News,
}

/// What each step's keys stay below: an invitation's id is 65,536 times its batch's.
const KEYS: i64 = 1 << 52;

/// What a page did.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The last key that it looked at; `None` when there was nothing after the one before.
    pub(crate) next: Option<i64>,
    /// How many rows it did what to.
    pub(crate) done: Vec<(&'static str, u64)>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Progress {
    run: i64,
    pub(crate) step: Step,
    /// The last key that the step looked at.
    pub(crate) after: i64,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::ExpireInvitations,
        Self::DeleteInvitations,
        Self::ForgetReminders,
        Self::Contacts,
        Self::Doubts,
        Self::Delivered,
        Self::News,
    ];

    fn following(self) -> Option<Self> {
        Self::ALL.get(self as usize + 1).copied()
    }
}

impl Progress {
    pub(crate) fn of(run: &Run) -> Self {
        let place = usize::try_from(run.checkpoint / KEYS).unwrap_or_default();
        // A checkpoint comes only from below, and names a step that there is.
        let step = Step::ALL.get(place).copied().unwrap_or(Step::News);
        Self { run: run.id, step, after: run.checkpoint % KEYS }
    }

    fn checkpoint(self) -> i64 {
        self.step as i64 * KEYS + self.after
    }

    /// Notes what a page did, and how far it came.
    pub(crate) async fn move_on(self, tx: &mut Tx, page: Page) -> Result<()> {
        let to = match page.next {
            Some(after) => Some(Self { after, ..self }),
            None => self.step.following().map(|step| Self { step, after: 0, ..self }),
        };
        move_checkpoint(tx, self.run, self.checkpoint(), to.map(Self::checkpoint), 0).await?;
        for (what, rows) in page.done {
            cleaned::add(tx, self.run, what, rows).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_leads_back_to_its_step_and_key_and_steps_never_go_back() {
        let mut before = -1;
        for step in Step::ALL {
            for after in [0, 1, KEYS - 1] {
                let checkpoint = Progress { run: 1, step, after }.checkpoint();
                assert!(checkpoint > before, "{step:?} {after}");
                assert_eq!((checkpoint / KEYS, checkpoint % KEYS), (step as i64, after));
                before = checkpoint;
            }
        }
        assert_eq!(Step::News.following(), None);
    }
}
