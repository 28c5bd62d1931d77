use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::{
    email_address::EmailAddress,
    invitation::InvitationId,
    people::{EmailTemplate, Locale},
    reminders::ReminderDays,
};

use super::*;
use crate::{
    eligibility::{Candidate, Wishes},
    people::ReminderWishes,
};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// When the invitation was sent.
const SENT: &str = "2026-11-05T17:00:00Z";

fn parameters(scheduled_at: DateTime<Utc>) -> ReminderParameters {
    ReminderParameters::of_first_run(scheduled_at, ReminderDays { first: 3, second: 7 })
}

fn rules(kind: ReminderKind, moment: &str) -> Rules {
    Rules::new(kind, parameters(at(moment)), at(moment))
}

fn contact() -> Candidate {
    Candidate {
        id: 2,
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

fn invitation() -> Standing {
    Standing {
        letter: InvitationId(1),
        invitation: InvitationId(1),
        user_id: 1,
        contact_id: 2,
        email: EmailAddress::parse("ada@example.org").expect("well formed"),
        first_name: String::new(),
        token: [0; 32],
        status: 1,
        sent_at: at(SENT),
        expires_at: at(SENT) + TimeDelta::days(60),
        contact: Some(contact()),
    }
}

fn user() -> User {
    User {
        id: 1,
        active: true,
        name: "Ada".to_owned(),
        locale: Locale::French,
        template: EmailTemplate::Friendly,
        custom_message: String::new(),
        wishes: Wishes::default(),
        reminders: ReminderWishes { first: true, second: true, channel: ReminderChannel::Email },
    }
}

fn skip(reason: SkipReason) -> Verdict {
    Verdict::Skip(reason)
}

#[test]
fn each_rule_skips_for_its_own_reason() {
    let due = rules(ReminderKind::First, "2026-11-08T17:00:00Z");
    let judge = |standing: Standing, user: &User| due.judge(&standing, Some(user), Earlier::default());
    for status in 0..=3 {
        assert_eq!(judge(Standing { status, ..invitation() }, &user()), Verdict::Send, "status {status}");
    }
    for (status, reason) in [
        (4, SkipReason::Submitted),
        (5, SkipReason::Expired),
        (6, SkipReason::Bounced),
        (7, SkipReason::InvitationCancelled),
    ] {
        assert_eq!(judge(Standing { status, ..invitation() }, &user()), skip(reason));
    }
    let expires = |text: &str| Standing { expires_at: at(text), ..invitation() };
    assert_eq!(judge(expires("2026-11-08T17:00:00Z"), &user()), skip(SkipReason::Expired));
    assert_eq!(judge(expires("2026-11-08T17:00:01Z"), &user()), Verdict::Send);
    let of_contact = |contact: Option<Candidate>| judge(Standing { contact, ..invitation() }, &user());
    assert_eq!(of_contact(None), skip(SkipReason::Gone));
    assert_eq!(of_contact(Some(Candidate { opted_out: true, ..contact() })), skip(SkipReason::OptedOut));
    assert_eq!(of_contact(Some(Candidate { suppressed: true, ..contact() })), skip(SkipReason::Suppressed));
    assert_eq!(due.judge(&invitation(), None, Earlier::default()), skip(SkipReason::Gone));
    assert_eq!(judge(invitation(), &User { active: false, ..user() }), skip(SkipReason::UserInactive));
    let wishes = |reminders: ReminderWishes| judge(invitation(), &User { reminders, ..user() });
    assert_eq!(wishes(ReminderWishes { first: false, ..user().reminders }), skip(SkipReason::SwitchedOff));
    assert_eq!(wishes(ReminderWishes { second: false, ..user().reminders }), Verdict::Send, "it is the first");
    for channel in [ReminderChannel::Sms, ReminderChannel::Push] {
        assert_eq!(wishes(ReminderWishes { channel, ..user().reminders }), skip(SkipReason::ChannelUnavailable));
    }
    let earlier = Earlier { first: Past::DidNotGo, ..Earlier::default() };
    assert_eq!(due.judge(&invitation(), Some(&user()), earlier), skip(SkipReason::AlreadyReminded));
}

#[test]
fn a_first_that_is_more_than_four_days_late_is_superseded_and_one_that_is_less_is_sent() {
    let verdict =
        |moment: &str| rules(ReminderKind::First, moment).judge(&invitation(), Some(&user()), Earlier::default());
    assert_eq!(verdict("2026-11-08T17:00:00Z"), Verdict::Send);
    assert_eq!(verdict("2026-11-12T17:00:00Z"), Verdict::Send, "four days late to the second");
    assert_eq!(verdict("2026-11-12T17:00:01Z"), skip(SkipReason::Superseded));
    let second_went = Earlier { second: Past::Went(at("2026-11-12T17:00:00Z")), ..Earlier::default() };
    let verdict = rules(ReminderKind::First, "2026-11-12T17:00:00Z").judge(&invitation(), Some(&user()), second_went);
    assert_eq!(verdict, skip(SkipReason::Superseded), "never after the second");
}

#[test]
fn how_late_a_first_may_be_does_not_depend_on_when_the_second_is_due() {
    let days = ReminderDays { first: 1, second: 30 };
    let verdict = |moment: &str| {
        let parameters = ReminderParameters::of_first_run(at(moment), days);
        Rules::new(ReminderKind::First, parameters, at(moment)).judge(&invitation(), Some(&user()), Earlier::default())
    };
    assert_eq!(verdict("2026-11-10T17:00:00Z"), Verdict::Send, "four days late to the second");
    assert_eq!(verdict("2026-11-10T17:00:01Z"), skip(SkipReason::Superseded));
}

#[test]
fn a_second_comes_on_the_seventh_day_and_three_days_after_a_late_first() {
    let verdict = |moment: &str, first: Past| {
        let earlier = Earlier { first, ..Earlier::default() };
        rules(ReminderKind::Second, moment).judge(&invitation(), Some(&user()), earlier)
    };
    let seventh = "2026-11-12T17:00:00Z";
    for handled in [Past::None, Past::DidNotGo, Past::Went(at("2026-11-08T17:00:30Z"))] {
        assert_eq!(verdict(seventh, handled), Verdict::Send, "{handled:?}");
    }
    let late = Past::Went(at("2026-11-10T09:00:00Z"));
    let due = at("2026-11-13T09:00:00Z");
    assert_eq!(verdict(seventh, late), Verdict::Wait(due));
    assert_eq!(verdict("2026-11-13T08:00:00Z", late), Verdict::Wait(due));
    assert_eq!(verdict("2026-11-13T09:00:00Z", late), Verdict::Send);
    assert_eq!(verdict(seventh, Past::Planned), Verdict::Wait(at("2026-11-12T18:00:00Z")));
}

#[test]
fn no_wait_ends_within_an_hour_of_its_decision() {
    let late = Earlier { first: Past::Went(at("2026-11-10T09:00:00Z")), ..Earlier::default() };
    for (moment, until) in [
        ("2026-11-13T08:00:00Z", "2026-11-13T09:00:00Z"),
        ("2026-11-13T08:00:01Z", "2026-11-13T09:00:01Z"),
        ("2026-11-13T08:59:59Z", "2026-11-13T09:59:59Z"),
    ] {
        let verdict = rules(ReminderKind::Second, moment).judge(&invitation(), Some(&user()), late);
        assert_eq!(verdict, Verdict::Wait(at(until)));
    }
}

#[test]
fn the_moment_is_the_later_of_the_scheduled_time_and_the_clock() {
    let scheduled = at("2026-11-08T17:00:00Z");
    for (now, moment) in [
        ("2026-11-08T17:00:03Z", "2026-11-08T17:00:03Z"),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00Z"),
        ("2026-10-01T08:00:00Z", "2026-11-08T17:00:00Z"),
    ] {
        assert_eq!(Rules::new(ReminderKind::First, parameters(scheduled), at(now)).moment, at(moment));
    }
}

/// What happens to one invitation in its first weeks, in hours after it was sent.
#[derive(Debug, Clone)]
struct History {
    /// When its contact answers, opts out and comes back; when its user switches the first off and on again.
    submitted: Option<i64>,
    opted_out: Option<(i64, i64)>,
    first_off: Option<(i64, i64)>,
    second_off: bool,
    /// The hours in which no run takes place; the next one catches up.
    outages: Vec<(i64, i64)>,
    /// How long letters of a run wait before they go out, in minutes.
    delay: i64,
}

fn within(span: Option<(i64, i64)>, hour: i64) -> bool {
    span.is_some_and(|(from, length)| (from..from + length).contains(&hour))
}

fn histories() -> impl Strategy<Value = History> {
    let span = || proptest::option::weighted(0.3, (0..240_i64, 1..96_i64));
    let outages = proptest::collection::vec((0..260_i64, 1..140_i64), 0..3);
    let submitted = proptest::option::weighted(0.3, 0..300_i64);
    (submitted, span(), span(), any::<bool>(), outages, 0..50_i64).prop_map(
        |(submitted, opted_out, first_off, second_off, outages, delay)| History {
            submitted,
            opted_out,
            first_off,
            second_off,
            outages,
            delay,
        },
    )
}

impl History {
    fn runs(&self) -> impl Iterator<Item = i64> {
        (0..400).filter(|hour| !self.outages.iter().any(|(from, length)| (*from..from + length).contains(hour)))
    }

    fn standing(&self, hour: i64) -> Standing {
        let status = if self.submitted.is_some_and(|at| at <= hour) { 4 } else { 1 };
        let contact = Some(Candidate { opted_out: within(self.opted_out, hour), ..contact() });
        Standing { status, contact, ..invitation() }
    }

    fn user(&self, hour: i64) -> User {
        let reminders = ReminderWishes {
            first: !within(self.first_off, hour),
            second: !self.second_off,
            channel: ReminderChannel::Email,
        };
        User { reminders, ..user() }
    }

    /// By the rules as the job applies them: each run looks at what came due since the one before.
    fn by_the_rules(&self) -> BTreeMap<ReminderKind, i64> {
        let sent = at(SENT);
        let mut went: BTreeMap<ReminderKind, i64> = BTreeMap::new();
        let (mut earlier, mut waits, mut before) = (Earlier::default(), None, -1);
        for hour in self.runs() {
            let moment = sent + TimeDelta::hours(hour);
            for kind in [ReminderKind::First, ReminderKind::Second] {
                let days = if kind == ReminderKind::First { 3 } else { 7 };
                let comes_due = (before + 1..=hour).contains(&(days * 24));
                let has_waited = kind == ReminderKind::Second && waits.is_some_and(|until| until <= moment);
                if !comes_due && !has_waited {
                    continue;
                }
                if kind == ReminderKind::Second {
                    waits = None;
                }
                let rules = Rules::new(kind, parameters(moment), moment);
                match rules.judge(&self.standing(hour), Some(&self.user(hour)), earlier) {
                    Verdict::Skip(_) => {}
                    Verdict::Wait(until) => waits = Some(until),
                    Verdict::Send => {
                        assert_eq!(went.insert(kind, hour), None, "each once");
                        let past = Past::Went(moment + TimeDelta::minutes(self.delay));
                        match kind {
                            ReminderKind::First => earlier.first = past,
                            ReminderKind::Second => earlier.second = past,
                        }
                    }
                }
            }
            before = hour;
        }
        went
    }

    /// By a plain reading of what is promised, hour by hour.
    fn by_hand(&self) -> BTreeMap<ReminderKind, i64> {
        let mut went = BTreeMap::new();
        let may_go = |hour: i64| {
            let answered = self.submitted.is_some_and(|at| at <= hour);
            !answered && !within(self.opted_out, hour)
        };
        let next_run = |from: i64| self.runs().find(|hour| *hour >= from);
        let mut first_went = None;
        if let Some(hour) = next_run(3 * 24) {
            let late = hour - 3 * 24;
            if may_go(hour) && !within(self.first_off, hour) && late <= 4 * 24 {
                went.insert(ReminderKind::First, hour);
                first_went = Some(hour);
            }
        }
        // A first goes out some minutes after its hour, so three days after it is in the next hour but for the minute zero.
        let apart = first_went.map_or(0, |hour| hour + 3 * 24 + i64::from(self.delay > 0));
        let looked_at = next_run(7 * 24);
        let hour = looked_at.and_then(|looked_at| if looked_at < apart { next_run(apart) } else { Some(looked_at) });
        // Whoever may not be reminded when it is first looked at is not looked at again.
        let kept = looked_at.is_some_and(may_go);
        if let Some(hour) = hour.filter(|hour| kept && may_go(*hour) && !self.second_off) {
            went.insert(ReminderKind::Second, hour);
        }
        went
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_goes_out_is_what_a_plain_reading_of_the_promises_says(history in histories()) {
        prop_assert_eq!(history.by_the_rules(), history.by_hand());
    }

    #[test]
    fn a_second_never_comes_before_its_first_nor_within_three_days_of_it(history in histories()) {
        let went = history.by_the_rules();
        if let (Some(first), Some(second)) = (went.get(&ReminderKind::First), went.get(&ReminderKind::Second)) {
            prop_assert!(second - first >= 3 * 24, "{went:?}");
        }
        for hour in went.values() {
            prop_assert!(history.submitted.is_none_or(|submitted| *hour < submitted));
            prop_assert!(!within(history.opted_out, *hour));
        }
    }
}
