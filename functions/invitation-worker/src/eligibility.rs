//! Who is invited: the rules, without a database.
//!
//! Every contact of a user gets exactly one verdict: chosen, or skipped for the first reason that holds. Filters come
//! before the cap, so that a cap of N chooses the N best of those who pass.

use std::{borrow::Borrow, cmp::Ordering};

use chrono::{DateTime, TimeDelta, Utc};

/// The most contacts of one user that a cycle invites, whatever the user wishes.
pub const HARD_CAP: usize = 200;

/// From how many bounces on a contact is left alone.
pub const BOUNCE_LIMIT: i64 = 3;

/// Above which response rate an invitation has priority.
pub const PRIORITY_RATE: f64 = 80.0;

/// Why a contact is not invited, or not reminded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SkipReason {
    /// The user was deactivated after the run was planned.
    UserInactive,
    /// The user is in this month's cycle through another run.
    AlreadyInCycle,
    /// The contact does not want to be written to.
    OptedOut,
    /// The contact is switched off.
    ContactInactive,
    /// The contact's status is not `active`.
    StatusNotActive,
    /// The address bounced for good, complained or unsubscribed.
    Undeliverable,
    /// The address bounced too often.
    TooManyBounces,
    /// The address is on the suppression list.
    Suppressed,
    /// The contact has none of the tags that the user asks for.
    TagNotIncluded,
    /// The contact has a tag that the user excludes.
    TagExcluded,
    /// The contact answers less often than the user asks for.
    LowResponseRate,
    /// The last invitation is not long enough ago for the user.
    TooRecent,
    /// The contact was invited this month already.
    AlreadyInvited,
    /// Others came before, up to the user's limit.
    OverLimit,
    /// The contact was deleted after the run was planned; of a reminder, its user or invitation as well.
    Gone,
    /// The invitation's time is over.
    Expired,
    /// The invitation has been answered.
    Submitted,
    /// The invitation came back.
    Bounced,
    /// The invitation was taken back.
    InvitationCancelled,
    /// There is such a reminder of the invitation already.
    AlreadyReminded,
    /// The user does not want such reminders to be sent.
    SwitchedOff,
    /// The user wants reminders by a way that is not set up.
    ChannelUnavailable,
    /// A first reminder comes too late, or after the second.
    Superseded,
    /// A second reminder comes too soon after its first: another run looks at it again.
    TooSoonAfterFirst,
}

impl SkipReason {
    /// The word that rows and reports show.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserInactive => "user_inactive",
            Self::AlreadyInCycle => "already_in_cycle",
            Self::OptedOut => "opted_out",
            Self::ContactInactive => "contact_inactive",
            Self::StatusNotActive => "status_not_active",
            Self::Undeliverable => "undeliverable",
            Self::TooManyBounces => "too_many_bounces",
            Self::Suppressed => "suppressed",
            Self::TagNotIncluded => "tag_not_included",
            Self::TagExcluded => "tag_excluded",
            Self::LowResponseRate => "low_response_rate",
            Self::TooRecent => "too_recent",
            Self::AlreadyInvited => "already_invited",
            Self::OverLimit => "over_limit",
            Self::Gone => "gone",
            Self::Expired => "expired",
            Self::Submitted => "submitted",
            Self::Bounced => "bounced",
            Self::InvitationCancelled => "invitation_cancelled",
            Self::AlreadyReminded => "already_reminded",
            Self::SwitchedOff => "switched_off",
            Self::ChannelUnavailable => "channel_unavailable",
            Self::Superseded => "superseded",
            Self::TooSoonAfterFirst => "too_soon_after_first",
        }
    }
}

/// A user's wishes about whom to invite.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wishes {
    /// At most this many contacts; 0 for as many as there may be.
    pub limit: usize,
    /// Only contacts with one of these tags; empty for any.
    pub include_tags: Vec<String>,
    /// No contact with one of these tags.
    pub exclude_tags: Vec<String>,
    /// The least response rate; a contact without a rate passes.
    pub min_response_rate: f64,
    /// The least number of days since the last invitation.
    pub min_days: i64,
}

/// What the rules look at in a contact.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The contact; ids grow in the order in which contacts were added.
    pub id: i64,
    /// It does not want to be written to.
    pub opted_out: bool,
    /// It is switched on.
    pub active: bool,
    /// Its status is `active`.
    pub status_active: bool,
    /// Its address neither bounced for good nor complained nor unsubscribed.
    pub deliverable: bool,
    /// How often its address bounced.
    pub bounce_count: i64,
    /// Its address is on the suppression list.
    pub suppressed: bool,
    /// Its tags.
    pub tags: Vec<String>,
    /// How often it answers, in percent; `None` before the first invitation.
    pub response_rate: Option<f64>,
    /// When it was last invited.
    pub last_invited_at: Option<DateTime<Utc>>,
    /// It was invited this month already.
    pub already_invited: bool,
}

/// The verdict on a user's contacts, as indexes into the candidates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Those who are invited, best first.
    pub chosen: Vec<usize>,
    /// Those who are not, and why.
    pub skipped: Vec<(SkipReason, usize)>,
}

/// Chooses among a user's contacts.
pub fn select(wishes: &Wishes, scheduled_at: DateTime<Utc>, candidates: &[impl Borrow<Candidate>]) -> Selection {
    let candidate = |index: usize| candidates[index].borrow();
    let mut selection = Selection::default();
    for index in 0..candidates.len() {
        match obstacle(wishes, scheduled_at, candidate(index)) {
            Some(reason) => selection.skipped.push((reason, index)),
            None => selection.chosen.push(index),
        }
    }
    selection.chosen.sort_by(|&a, &b| best_first(candidate(a), candidate(b)));
    let limit = if wishes.limit == 0 { HARD_CAP } else { wishes.limit.min(HARD_CAP) };
    let over = selection.chosen.split_off(limit.min(selection.chosen.len()));
    selection.skipped.extend(over.into_iter().map(|index| (SkipReason::OverLimit, index)));
    selection
}

/// Why somebody must not be written to at all, whatever their user wishes. Looked at again before every late send.
pub fn hard_obstacle(candidate: &Candidate) -> Option<SkipReason> {
    let rules = [
        (candidate.opted_out, SkipReason::OptedOut),
        (!candidate.active, SkipReason::ContactInactive),
        (!candidate.status_active, SkipReason::StatusNotActive),
        (!candidate.deliverable, SkipReason::Undeliverable),
        (candidate.bounce_count >= BOUNCE_LIMIT, SkipReason::TooManyBounces),
        (candidate.suppressed, SkipReason::Suppressed),
    ];
    rules.into_iter().find(|(holds, _)| *holds).map(|(_, reason)| reason)
}

fn obstacle(wishes: &Wishes, scheduled_at: DateTime<Utc>, candidate: &Candidate) -> Option<SkipReason> {
    if let Some(reason) = hard_obstacle(candidate) {
        return Some(reason);
    }
    let has_any = |tags: &[String]| tags.iter().any(|tag| candidate.tags.contains(tag));
    let too_recent = || {
        let free_again = candidate.last_invited_at.map(|last| last + TimeDelta::days(wishes.min_days));
        free_again.is_some_and(|free| free > scheduled_at)
    };
    if candidate.already_invited {
        Some(SkipReason::AlreadyInvited)
    } else if !wishes.include_tags.is_empty() && !has_any(&wishes.include_tags) {
        Some(SkipReason::TagNotIncluded)
    } else if has_any(&wishes.exclude_tags) {
        Some(SkipReason::TagExcluded)
    } else if candidate.response_rate.is_some_and(|rate| rate < wishes.min_response_rate) {
        Some(SkipReason::LowResponseRate)
    } else if wishes.min_days > 0 && too_recent() {
        Some(SkipReason::TooRecent)
    } else {
        None
    }
}

/// Best response rate first, those without a rate last, and then in the order in which they were added.
fn best_first(a: &Candidate, b: &Candidate) -> Ordering {
    let by_rate = match (a.response_rate, b.response_rate) {
        (Some(a), Some(b)) => b.total_cmp(&a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    by_rate.then(a.id.cmp(&b.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(id: i64) -> Candidate {
        Candidate {
            id,
            opted_out: false,
            active: true,
            status_active: true,
            deliverable: true,
            bounce_count: 0,
            suppressed: false,
            tags: Vec::new(),
            response_rate: None,
            last_invited_at: None,
            already_invited: false,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn verdict(wishes: &Wishes, candidate: Candidate) -> Option<SkipReason> {
        let selection = select(wishes, at("2026-11-05T17:00:00Z"), &[candidate]);
        selection.skipped.first().map(|(reason, _)| *reason)
    }

    #[test]
    fn each_rule_skips_for_its_own_reason() {
        let wishes = Wishes {
            include_tags: vec!["friend".to_owned(), "family".to_owned()],
            exclude_tags: vec!["work".to_owned()],
            min_response_rate: 50.0,
            min_days: 30,
            ..Wishes::default()
        };
        let friend = || Candidate { tags: vec!["friend".to_owned()], ..candidate(1) };
        let tagged = |tags: &[&str]| tags.iter().map(|&tag| tag.to_owned()).collect::<Vec<_>>();
        for (expected, candidate) in [
            (None, friend()),
            (Some(SkipReason::OptedOut), Candidate { opted_out: true, ..friend() }),
            (Some(SkipReason::ContactInactive), Candidate { active: false, ..friend() }),
            (Some(SkipReason::StatusNotActive), Candidate { status_active: false, ..friend() }),
            (Some(SkipReason::Undeliverable), Candidate { deliverable: false, ..friend() }),
            (None, Candidate { bounce_count: 2, ..friend() }),
            (Some(SkipReason::TooManyBounces), Candidate { bounce_count: 3, ..friend() }),
            (Some(SkipReason::Suppressed), Candidate { suppressed: true, ..friend() }),
            (Some(SkipReason::AlreadyInvited), Candidate { already_invited: true, ..friend() }),
            (Some(SkipReason::TagNotIncluded), candidate(1)),
            (None, Candidate { tags: tagged(&["family", "choir"]), ..candidate(1) }),
            (Some(SkipReason::TagExcluded), Candidate { tags: tagged(&["friend", "work"]), ..candidate(1) }),
            (Some(SkipReason::LowResponseRate), Candidate { response_rate: Some(49.9), ..friend() }),
            (None, Candidate { response_rate: Some(50.0), ..friend() }),
        ] {
            assert_eq!(verdict(&wishes, candidate.clone()), expected, "{candidate:?}");
        }
    }

    #[test]
    fn days_since_the_last_invitation_are_whole_days_back_from_the_scheduled_time() {
        let wishes = Wishes { min_days: 30, ..Wishes::default() };
        let last = |time: &str| Candidate { last_invited_at: Some(at(time)), ..candidate(1) };
        assert_eq!(verdict(&wishes, last("2026-10-06T17:00:00Z")), None);
        assert_eq!(verdict(&wishes, last("2026-10-06T17:00:01Z")), Some(SkipReason::TooRecent));
        assert_eq!(verdict(&Wishes::default(), last("2026-11-05T16:59:59Z")), None);
    }

    #[test]
    fn the_limit_takes_the_best_of_those_who_pass_and_ties_in_the_order_they_were_added() {
        let rated = |id, rate| Candidate { response_rate: rate, ..candidate(id) };
        let candidates = [
            Candidate { opted_out: true, ..rated(1, Some(100.0)) },
            rated(2, None),
            rated(3, Some(20.0)),
            rated(4, Some(90.0)),
            rated(5, Some(20.0)),
            rated(6, None),
        ];
        let wishes = Wishes { limit: 4, ..Wishes::default() };
        let selection = select(&wishes, at("2026-11-05T17:00:00Z"), &candidates);
        let chosen: Vec<_> = selection.chosen.iter().map(|&index| candidates[index].id).collect();
        assert_eq!(chosen, [4, 3, 5, 2]);
        assert_eq!(selection.skipped, [(SkipReason::OptedOut, 0), (SkipReason::OverLimit, 5)]);
    }

    proptest! {
        #[test]
        fn every_contact_gets_exactly_one_verdict_and_no_limit_is_exceeded(
            flags in proptest::collection::vec((any::<[bool; 6]>(), 0..5_i64, proptest::option::of(0.0..100.0_f64)), 0..300),
            limit in 0..400_usize,
            min_response_rate in 0.0..100.0_f64,
        ) {
            let candidates: Vec<_> = flags.into_iter().zip(1..).map(|((f, bounce_count, response_rate), id)| Candidate {
                opted_out: f[0] && f[1], active: f[2] || f[3], suppressed: f[4] && f[5], bounce_count, response_rate,
                ..candidate(id)
            }).collect();
            let wishes = Wishes { limit, min_response_rate, ..Wishes::default() };
            let selection = select(&wishes, at("2026-11-05T17:00:00Z"), &candidates);
            let mut seen: Vec<_> = selection.chosen.iter().copied()
                .chain(selection.skipped.iter().map(|(_, index)| *index)).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..candidates.len()).collect::<Vec<_>>());
            let cap = if limit == 0 { HARD_CAP } else { limit.min(HARD_CAP) };
            prop_assert!(selection.chosen.len() <= cap);
            prop_assert!(selection.chosen.iter().all(|&index| hard_obstacle(&candidates[index]).is_none()));
        }
    }
}
