//! A contact, as an import brings one and as the records keep it, and how the two become one.

use std::fmt;

use chrono::{DateTime, SubsecRound, Utc};
use shared::{
    email_address::EmailAddress,
    people::{ContactStatus, EmailStatus, Source, strictness::Strictness},
    records::never,
};

use super::Tags;

/// Why a contact is opted out of whom a file says so.
const BY_IMPORT: &str = "import";

/// A contact to be put into the records; `Debug` hides who it is. Whoever made it has checked the lengths and ranges that are named here.
#[derive(Clone, PartialEq)]
pub struct NewContact {
    /// The external id of the user whose contact it is.
    pub owner: String,
    /// The contact's address.
    pub email: EmailAddress,
    /// The first name, at most 190 characters; may be empty.
    pub first_name: String,
    /// The last name, at most 190 characters; may be empty.
    pub last_name: String,
    /// Where the contact stands.
    pub status: ContactStatus,
    /// What providers have said about the address.
    pub email_status: EmailStatus,
    /// How often letters came back.
    pub bounce_count: u32,
    /// When one last came back. `None` where there were bounces means that nobody knows, and the time of the import
    /// stands in, so that they are not forgiven at once.
    pub last_bounce_at: Option<DateTime<Utc>>,
    /// Whether the contact asked not to be invited.
    pub opted_out: bool,
    /// Whether the contact is in use.
    pub active: bool,
    /// The owner's words for the contact.
    pub tags: Tags,
    /// How often the contact answers, 0 to 100; `None` leaves a rate that the records have.
    pub response_rate: Option<f64>,
    /// When the contact was last invited.
    pub last_sent_at: Option<DateTime<Utc>>,
    /// How the contact came into the list.
    pub source: Source,
}

impl fmt::Debug for NewContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewContact(…)")
    }
}

impl NewContact {
    /// A contact who may be invited, and of whom nothing else is known.
    pub fn new(owner: impl Into<String>, email: EmailAddress) -> Self {
        Self {
            owner: owner.into(),
            email,
            first_name: String::new(),
            last_name: String::new(),
            status: ContactStatus::Active,
            email_status: EmailStatus::Active,
            bounce_count: 0,
            last_bounce_at: None,
            opted_out: false,
            active: true,
            tags: Tags::default(),
            response_rate: None,
            last_sent_at: None,
            source: Source::Csv,
        }
    }

    /// What the records would keep of it, had they nothing yet. `seen_at` is the time of the import.
    pub(super) fn record(&self, seen_at: DateTime<Utc>) -> ContactRecord {
        let bounced = self.bounce_count > 0 || is_bounce(self.email_status) || self.last_bounce_at.is_some();
        ContactRecord {
            first_name: self.first_name.clone(),
            last_name: self.last_name.clone(),
            status: self.status,
            email_status: self.email_status,
            bounce_count: self.bounce_count,
            last_bounce_at: if bounced { storable(self.last_bounce_at.unwrap_or(seen_at)) } else { never() },
            opted_out: self.opted_out,
            opt_out_reason: if self.opted_out { BY_IMPORT.to_owned() } else { String::new() },
            opted_out_at: if self.opted_out { storable(seen_at) } else { never() },
            active: self.active,
            tags: self.tags.clone(),
            last_sent_at: self.last_sent_at.map_or(never(), storable),
            response_rate: self.response_rate,
            source: self.source,
        }
    }
}

/// A moment as both databases keep it: to the microsecond, and not before the one that stands for "never".
fn storable(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(6).max(never())
}

fn is_bounce(status: EmailStatus) -> bool {
    matches!(status, EmailStatus::BouncedTemporary | EmailStatus::BouncedPermanent)
}

/// A contact as the records keep it, without its key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ContactRecord {
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) status: ContactStatus,
    pub(super) email_status: EmailStatus,
    pub(super) bounce_count: u32,
    pub(super) last_bounce_at: DateTime<Utc>,
    pub(super) opted_out: bool,
    pub(super) opt_out_reason: String,
    pub(super) opted_out_at: DateTime<Utc>,
    pub(super) active: bool,
    pub(super) tags: Tags,
    pub(super) last_sent_at: DateTime<Utc>,
    pub(super) response_rate: Option<f64>,
    pub(super) source: Source,
}

/// What the records keep of a contact when an import brings `incoming` about `existing`.
///
/// What speaks against writing to the contact is only ever added to, and the last invitation only grows. The rest takes
/// the new value. When and why go with the fact that they explain, so the same file again changes nothing.
pub(super) fn merge(existing: ContactRecord, incoming: ContactRecord) -> ContactRecord {
    let email_status = existing.email_status.tightened_by(incoming.email_status);
    let bounced_again = incoming.bounce_count > existing.bounce_count
        || is_bounce(email_status) && email_status.strictness() > existing.email_status.strictness();
    let (opt_out_reason, opted_out_at) = if existing.opted_out {
        (existing.opt_out_reason, existing.opted_out_at)
    } else {
        (incoming.opt_out_reason, incoming.opted_out_at)
    };
    ContactRecord {
        status: existing.status.tightened_by(incoming.status),
        email_status,
        bounce_count: existing.bounce_count.max(incoming.bounce_count),
        last_bounce_at: if bounced_again {
            existing.last_bounce_at.max(incoming.last_bounce_at)
        } else {
            existing.last_bounce_at
        },
        opted_out: existing.opted_out || incoming.opted_out,
        opt_out_reason,
        opted_out_at,
        active: existing.active && incoming.active,
        last_sent_at: existing.last_sent_at.max(incoming.last_sent_at),
        response_rate: incoming.response_rate.or(existing.response_rate),
        first_name: incoming.first_name,
        last_name: incoming.last_name,
        tags: incoming.tags,
        source: incoming.source,
    }
}

#[cfg(test)]
mod tests {
    use proptest::{option, prelude::*, sample::select};

    use super::*;

    fn moment() -> impl Strategy<Value = DateTime<Utc>> {
        (-10_i64..5_000, 0_u32..1_000_000_000).prop_map(|(day, nanos)| {
            DateTime::from_timestamp(day * 86_400, nanos).expect("a day in this century or the last")
        })
    }

    prop_compose! {
        fn contact()(
            (status, email_status, source) in (select(ContactStatus::ALL), select(EmailStatus::ALL), select(Source::ALL)),
            (opted_out, active) in any::<(bool, bool)>(),
            bounce_count in 0..6_u32,
            (last_bounce_at, last_sent_at) in (option::of(moment()), option::of(moment())),
            response_rate in option::of(0.0..=100.0_f64),
            (first_name, tag) in ("[a-c]{0,2}", "[a-c]{0,2}"),
        ) -> NewContact {
            NewContact {
                status, email_status, source, opted_out, active, bounce_count, last_bounce_at, last_sent_at,
                response_rate, first_name, tags: Tags::join([tag]).expect("short"),
                ..NewContact::new("owner", EmailAddress::from_stored("ada@example.org".to_owned()))
            }
        }
    }

    prop_compose! {
        fn record()(contact in contact(), seen_at in moment()) -> ContactRecord {
            contact.record(seen_at)
        }
    }

    /// Everything that speaks against writing to a contact, as numbers that must not fall.
    fn against(record: &ContactRecord) -> [i64; 6] {
        [
            record.status.strictness().into(),
            record.email_status.strictness().into(),
            record.bounce_count.into(),
            record.opted_out.into(),
            (!record.active).into(),
            record.last_sent_at.timestamp_micros(),
        ]
    }

    proptest! {
        #[test]
        fn a_merge_never_loosens_and_takes_all_that_tightens(a in record(), b in record()) {
            let merged = against(&merge(a.clone(), b.clone()));
            for ((merged, a), b) in merged.into_iter().zip(against(&a)).zip(against(&b)) {
                prop_assert_eq!(merged, a.max(b));
            }
        }

        #[test]
        fn what_tightens_does_so_in_whatever_order_it_comes(a in record(), b in record(), c in record()) {
            let one = merge(merge(a.clone(), b.clone()), c.clone());
            let other = merge(merge(c, b), a);
            prop_assert_eq!(against(&one), against(&other));
        }

        #[test]
        fn merging_the_same_again_changes_nothing(a in record(), contact in contact(), first in moment(), again in moment()) {
            let once = merge(a, contact.record(first));
            prop_assert_eq!(merge(once.clone(), contact.record(again)), once);
        }

        #[test]
        fn a_fact_keeps_the_moment_and_the_reason_that_it_came_with(a in record(), b in record()) {
            let merged = merge(a.clone(), b);
            prop_assert!(merged.last_bounce_at >= a.last_bounce_at);
            if a.opted_out {
                prop_assert_eq!((merged.opt_out_reason, merged.opted_out_at), (a.opt_out_reason, a.opted_out_at));
            } else {
                prop_assert_eq!(merged.opted_out, merged.opt_out_reason == BY_IMPORT);
            }
        }
    }

    #[test]
    fn what_only_describes_takes_the_new_value() {
        let email = || EmailAddress::from_stored("ada@example.org".to_owned());
        let old = NewContact {
            first_name: "Ada".to_owned(),
            tags: Tags::join(["friend"]).expect("short"),
            response_rate: Some(50.0),
            source: Source::Manual,
            status: ContactStatus::Pending,
            ..NewContact::new("owner", email())
        };
        let new = NewContact { last_name: "Byron".to_owned(), ..NewContact::new("owner", email()) };
        let merged = merge(old.record(never()), new.record(never()));
        let kept = ContactRecord { response_rate: Some(50.0), ..new.record(never()) };
        assert_eq!(merged, kept);
    }
}
