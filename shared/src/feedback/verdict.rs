//! What all that was said of a letter comes to, in whatever order it came.

use chrono::{DateTime, Utc};

use super::{Kind, said::Said};
use crate::{
    invitation::{SendState, Status},
    letters::LetterKind,
};

/// What is known of a letter by what was said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it was sent or failed, and when the attempt was made; `None` where nothing was said of this letter.
    pub outcome: Option<(SendState, DateTime<Utc>)>,
    /// How far its invitation has come at least; `None` where it says nothing of that.
    pub status: Option<Status>,
    /// When it was first looked at.
    pub opened_at: Option<DateTime<Utc>>,
}

impl Verdict {
    /// The verdict on a letter of that kind, of which all this was said.
    ///
    /// What was rejected after it was taken has failed, unless anything shows that it went out all the same. More that is
    /// said never takes a status back, so it may be written down at any time.
    pub fn of(letter: LetterKind, all: &[Said]) -> Self {
        let any = |test: fn(Kind) -> bool| all.iter().any(|said| test(said.kind));
        let failed = any(Kind::is_failure) && !any(went_out);
        let opened_at = all.iter().filter(|said| is_look(said.kind)).map(|said| said.happened_at).min();
        let state = if failed { SendState::Failed } else { SendState::Sent };
        let is_invitation = letter == LetterKind::Invitation;
        // A reminder that could not be sent says nothing of the invitation, which had arrived.
        let came_back = any(|kind| kind == Kind::BouncedForGood) || (is_invitation && any(Kind::is_failure));
        let status = match (opened_at, came_back) {
            (Some(_), _) => Some(Status::Opened),
            (None, true) => Some(Status::Bounced),
            (None, false) => is_invitation.then_some(Status::Sent),
        };
        let sent_at = all.iter().map(|said| said.claimed_at).min();
        Self { outcome: sent_at.map(|sent_at| (state, sent_at)), status: sent_at.and(status), opened_at }
    }
}

/// What is only said of a letter that its provider has sent on.
fn went_out(kind: Kind) -> bool {
    !kind.is_failure() && kind != Kind::Sent
}

fn is_look(kind: Kind) -> bool {
    matches!(kind, Kind::Opened | Kind::Clicked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::ReminderKind;
    use proptest::{prelude::*, sample::select};

    fn said(kind: Kind, minute: i64) -> Said {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).expect("in range");
        Said {
            batch: 1,
            claim: 0,
            kind,
            happened_at: at(minute),
            claimed_at: at(1),
            code: String::new(),
            provider_id: String::new(),
        }
    }

    fn verdict(kinds: &[Kind]) -> (Option<SendState>, Option<Status>) {
        let all: Vec<_> = kinds.iter().map(|kind| said(*kind, 2)).collect();
        let verdict = Verdict::of(LetterKind::Invitation, &all);
        (verdict.outcome.map(|(state, _)| state), verdict.status)
    }

    #[test]
    fn each_kind_has_its_own_weight() {
        use Kind::*;
        let sent = |status| (Some(SendState::Sent), Some(status));
        for (kinds, expected) in [
            (vec![], (None, None)),
            (vec![Sent], sent(Status::Sent)),
            (vec![Delayed], sent(Status::Sent)),
            (vec![Sent, Delivered, BouncedForNow], sent(Status::Sent)),
            (vec![Delivered, Complained], sent(Status::Sent)),
            (vec![Delivered, BouncedForGood], sent(Status::Bounced)),
            (vec![BouncedForGood, Clicked], sent(Status::Opened)),
            (vec![Sent, Rejected], (Some(SendState::Failed), Some(Status::Bounced))),
            (vec![Unrenderable], (Some(SendState::Failed), Some(Status::Bounced))),
            (vec![Rejected, Delivered], sent(Status::Bounced)),
        ] {
            assert_eq!(verdict(&kinds), expected, "{kinds:?}");
        }
    }

    #[test]
    fn what_a_reminder_meets_does_not_undo_that_the_invitation_arrived() {
        let of_reminder = |kind| Verdict::of(LetterKind::Reminder(ReminderKind::First), &[said(kind, 2)]).status;
        assert_eq!(of_reminder(Kind::Delivered), None);
        assert_eq!(of_reminder(Kind::Unrenderable), None);
        assert_eq!(of_reminder(Kind::BouncedForGood), Some(Status::Bounced));
        assert_eq!(of_reminder(Kind::Opened), Some(Status::Opened));
    }

    proptest! {
        #[test]
        fn more_evidence_never_takes_a_status_back(
            kinds in proptest::collection::vec(select(&Kind::ALL), 0..8), more in select(&Kind::ALL),
            letter in select(&LetterKind::ALL),
        ) {
            let status = |kinds: &[Kind]| {
                Verdict::of(letter, &kinds.iter().map(|kind| said(*kind, 2)).collect::<Vec<_>>()).status
            };
            prop_assert!(status(&[kinds.as_slice(), &[more]].concat()) >= status(&kinds));
        }
    }
}
