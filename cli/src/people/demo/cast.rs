//! Who the demo's people are.
//!
//! What must not be missing hangs on people's numbers, so that a small demo has it too; how often things happen among
//! the rest is thrown with [`Dice`].

use chrono::{DateTime, Days, TimeDelta, Utc};
use chrono_tz::Tz;
use shared::{
    email_address::EmailAddress,
    people::{ContactStatus, EmailStatus, EmailTemplate, Locale, Source},
};

use super::{
    Demo,
    dice::Dice,
    names::{DOMAINS, FIRST, LAST},
    words::{LONGEST_MESSAGE, MESSAGES, TAGS},
};
use crate::people::{NewContact, NewUser, Tags};

/// The user with more contacts than a cycle ever invites.
const POPULAR: u32 = 3;

/// How many that user has.
const MANY: u32 = 230;

/// One user in so many has no contacts.
const ONE_IS_ALONE_IN: u32 = 40;

/// The most characters that a file may give a name.
const LONGEST_NAME: usize = 100;

/// How an address on the suppression list begins.
const SUPPRESSED: &str = "no-letters.";

/// User `number`.
pub(super) fn user(number: u32, demo: Demo) -> NewUser {
    let mut dice = Dice::of(number);
    let (first, last) = (dice.pick(FIRST).0, dice.pick(LAST));
    let username: String = format!("{first} {last}").trim().chars().take(LONGEST_NAME).collect();
    let mut user = NewUser::new(external_id(number), username, user_address(number));
    user.locale = if dice.percent(60) { Locale::French } else { Locale::English };
    user.email_template = match dice.below(100) {
        0..60 => EmailTemplate::Friendly,
        60..85 => EmailTemplate::Professional,
        _ => EmailTemplate::Fun,
    };
    if dice.percent(15) {
        user.timezone = Some(dice.pick(&[Tz::Europe__Paris, Tz::America__New_York, Tz::Asia__Kolkata, Tz::Etc__UTC]));
    }
    if dice.percent(20) {
        user.custom_message = dice.pick(MESSAGES).to_owned();
    }
    user.first_reminder = !dice.percent(8);
    user.second_reminder = !dice.percent(15);
    if number != POPULAR {
        wishes(number, demo, &mut user);
    }
    user
}

/// The settings that few users make, each with a number of its own.
fn wishes(number: u32, demo: Demo, user: &mut NewUser) {
    let tags = |tags: &[&str]| Tags::join(tags).unwrap_or_default();
    match number % 200 {
        5 => user.active = false,
        7 | 27 => user.send_day = 17,
        9 => user.send_day = 28,
        11 => user.send_day = 1,
        13 | 33 => user.include_tags = tags(&["friend", "family"]),
        15 => user.exclude_tags = tags(&["work", "vip"]),
        17 => (user.include_tags, user.exclude_tags) = (tags(&["école", "東京"]), tags(&["work"])),
        19 => user.min_response_rate = Some(50.0),
        21 => user.min_days_between_invitations = Some(45),
        23 => user.max_contacts_per_cycle = Some(demo.contacts_per_user.clamp(2, 400) / 2),
        25 => (user.max_contacts_per_cycle, user.min_response_rate) = (Some(1), Some(79.5)),
        29 => user.custom_message = "é".repeat(LONGEST_MESSAGE),
        _ => {}
    }
}

/// The contacts of user `owner`, in the order in which they were added.
pub(super) fn contacts(owner: u32, demo: Demo) -> impl Iterator<Item = NewContact> {
    let mut dice = Dice::of(owner);
    let average = demo.contacts_per_user;
    let spread = average / 2;
    let count = match owner {
        POPULAR => MANY,
        _ if owner % ONE_IS_ALONE_IN == ONE_IS_ALONE_IN - 1 => 0,
        _ => average - spread + dice.below(2 * spread + 1),
    };
    (0..count).map(move |number| contact(owner, number, demo, &mut dice))
}

/// Whether the demo puts an address on the suppression list.
pub(super) fn is_suppressed(address: &EmailAddress) -> bool {
    address.as_str().starts_with(SUPPRESSED)
}

fn contact(owner: u32, number: u32, demo: Demo, dice: &mut Dice) -> NewContact {
    let first = dice.pick(FIRST);
    let email = match number {
        // Two neighbours know the same person, and each knows the next user.
        1 => address(&format!("common.friend.{}", owner / 2), "example.org"),
        2 => user_address(owner + 1),
        _ if dice.below(200) == 0 => address(&format!("{SUPPRESSED}{owner}.{number}"), "example.net"),
        _ => address(&format!("{}.{owner}.{number}", first.1), dice.pick(DOMAINS)),
    };
    let mut contact = NewContact::new(external_id(owner), email);
    if !dice.percent(5) {
        contact.first_name = first.0.to_owned();
        contact.last_name = dice.pick(LAST).to_owned();
    }
    let tags: Vec<&str> = TAGS.iter().copied().filter(|_| dice.percent(20)).collect();
    contact.tags = Tags::join(tags).unwrap_or_default();
    contact.source = dice.pick(&[Source::Csv, Source::Csv, Source::Manual, Source::Invitation, Source::Handshake]);
    past(demo.cycle_at, dice, &mut contact);
    trouble(demo.cycle_at, dice, &mut contact);
    contact
}

/// What came of earlier invitations.
fn past(cycle_at: DateTime<Utc>, dice: &mut Dice, contact: &mut NewContact) {
    if dice.percent(30) {
        return;
    }
    let ago = match dice.below(10) {
        // Less than a month ago, as after a cycle that was late.
        0 => Days::new(u64::from(1 + dice.below(28))),
        // On the border of what a user with 45 days asks for, to the second.
        1 => Days::new(45),
        _ => Days::new(u64::from(30 + dice.below(300))),
    };
    contact.last_sent_at = cycle_at.checked_sub_days(ago).map(|at| at + TimeDelta::seconds(dice.below(2).into()));
    contact.email_status = if dice.percent(80) { EmailStatus::Delivered } else { EmailStatus::Sent };
    contact.response_rate = Some(f64::from(dice.below(1_001)) / 10.0);
}

/// What speaks against writing to some.
fn trouble(cycle_at: DateTime<Utc>, dice: &mut Dice, contact: &mut NewContact) {
    let mut bounced = |status, count, days: u64| {
        contact.email_status = status;
        contact.bounce_count = count;
        contact.last_bounce_at = cycle_at.checked_sub_days(Days::new(days));
    };
    match dice.below(1_000) {
        0..15 => (contact.opted_out, contact.status) = (true, ContactStatus::OptedOut),
        15..20 => contact.opted_out = true,
        20..30 => bounced(EmailStatus::BouncedPermanent, 1, 60),
        30..40 => bounced(EmailStatus::BouncedTemporary, 1, 10),
        40..50 => bounced(EmailStatus::BouncedTemporary, 2, 45),
        50..55 => bounced(EmailStatus::BouncedTemporary, 3, 12),
        55..60 => bounced(EmailStatus::BouncedTemporary, 4, 31),
        60..64 => bounced(EmailStatus::BouncedTemporary, 5, 40),
        64..68 => {
            bounced(EmailStatus::BouncedPermanent, 7, 200);
            (contact.status, contact.active) = (ContactStatus::Bounced, false);
        }
        68..73 => contact.email_status = EmailStatus::Complained,
        73..80 => contact.email_status = EmailStatus::Unsubscribed,
        80..85 => contact.status = ContactStatus::Blocked,
        85..95 => contact.status = ContactStatus::Pending,
        95..105 => contact.active = false,
        _ => {}
    }
}

fn external_id(number: u32) -> String {
    format!("demo-{number:05}")
}

fn user_address(number: u32) -> EmailAddress {
    address(&format!("user.{number}"), "example.com")
}

/// The parts are lower-case and well formed, as a test makes sure.
fn address(local: &str, domain: &str) -> EmailAddress {
    EmailAddress::from_stored(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const DEMO: Demo = Demo { users: 1_000, contacts_per_user: 20, cycle_at: DateTime::UNIX_EPOCH };

    fn reserved(address: &EmailAddress) -> bool {
        let domain = address.as_str().rsplit('@').next().expect("a domain");
        ["example.org", "example.com", "example.net"].contains(&domain) || domain.ends_with(".example")
    }

    #[test]
    fn every_address_is_well_formed_and_nobodys() {
        let users = (0..DEMO.users).map(user_address);
        let contacts = (0..DEMO.users).flat_map(|owner| contacts(owner, DEMO)).map(|contact| contact.email);
        for address in users.chain(contacts) {
            assert!(reserved(&address));
            assert!(EmailAddress::parse(address.as_str()).is_ok_and(|parsed| parsed == address));
        }
    }

    #[test]
    fn everything_fits_what_a_file_may_say() {
        for number in 0..DEMO.users {
            let user = user(number, DEMO);
            assert!((1..=LONGEST_NAME).contains(&user.username.chars().count()));
            assert!(user.custom_message.chars().count() <= LONGEST_MESSAGE);
            assert!((1..=28).contains(&user.send_day));
            assert!(user.max_contacts_per_cycle.is_none_or(|most| (1..=200).contains(&most)));
        }
        for (name, _) in FIRST {
            assert!(name.chars().count() <= LONGEST_NAME);
        }
        assert_eq!(LAST.iter().map(|name| name.chars().count()).max(), Some(LONGEST_NAME));
    }

    #[test]
    fn an_owner_knows_an_address_once_and_neighbours_share_one() {
        for owner in (0..DEMO.users).step_by(2) {
            let addresses = |owner| contacts(owner, DEMO).map(|contact| contact.email).collect::<Vec<_>>();
            let (own, next) = (addresses(owner), addresses(owner + 1));
            assert_eq!(own.iter().collect::<HashSet<_>>().len(), own.len());
            assert!(next.is_empty() || own.iter().any(|address| next.contains(address)));
        }
    }

    #[test]
    fn a_person_is_the_same_however_many_others_there_are() {
        let larger = Demo { users: 2_000, ..DEMO };
        assert!(user(7, DEMO) == user(7, larger));
        assert!(contacts(7, DEMO).eq(contacts(7, larger)));
    }

    #[test]
    fn there_are_about_as_many_contacts_as_were_asked_for() {
        let count = (0..DEMO.users).flat_map(|owner| contacts(owner, DEMO)).count();
        assert!((19_000..=21_000).contains(&count), "{count}");
        assert!(contacts(POPULAR, DEMO).count() > 200);
    }
}
