//! What feedback does to contacts, and to the suppression list.

use std::sync::Arc;

use chrono::TimeDelta;
use futures_util::FutureExt;
use shared::{
    claims::Claim,
    consent,
    email_address::EmailAddress,
    feedback::{Feedback, Kind, Recorded, Source},
    firing::Firing,
    records::{Records, Value},
};
use tests::{
    ask::{all, execute, number, texts},
    attempts::{all_accepted, make, range, settle},
    cycle::through,
    databases::TestDatabase,
    people::add_user_with_contacts,
    provider_feedback::{at, said, take},
    runs::{add_open_batch, firing, open_run},
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    an_address_that_is_not_there_is_given_up_by_everybody_and_counted_by_one,
    a_letter_that_came_back_for_now_concerns_its_own_contact,
    a_complaint_opts_its_contact_out_and_bars_the_address,
    a_letter_counts_once_however_often_and_however_it_comes_back,
    what_speaks_against_an_address_is_never_taken_back_by_what_comes_later,
    the_graver_reason_stays_on_the_suppression_list_with_its_first_time,
    the_graver_reason_for_opting_out_stays_and_only_the_lesser_is_taken_back,
    what_is_repeated_does_not_undo_a_person_s_decision_to_restore_a_contact,
    a_contact_that_has_another_address_by_now_is_left_alone,
    what_a_provider_says_without_a_letter_concerns_the_address_alone,
    whoever_bounced_or_complained_is_not_invited_the_next_month,
);

/// Two users who know one address, and one letter to the first of them, which was accepted.
struct House {
    contacts: [i64; 2],
    claim: Claim,
}

const ADDRESS: &str = "ada@example.org";

async fn house(database: &TestDatabase) -> House {
    let (user, mine) = add_user_with_contacts(database, 1).await;
    let (_, others) = add_user_with_contacts(database, 1).await;
    execute(database, "UPDATE contacts SET email = ?", vec![ADDRESS.into()]).await;
    let run = open_run(database).await.id;
    let batch = add_open_batch(database, run, 3).await;
    let sql = "UPDATE invitations SET user_id = ?, contact_id = ?, to_email = ? WHERE id = ?";
    let to = vec![user.into(), mine[0].into(), ADDRESS.into(), (batch * 65_536).into()];
    execute(database, sql, to).await;
    let claim = range(batch, 0, 0, 2);
    make(database, &claim).await;
    settle(database, &claim, all_accepted(&claim)).await;
    House { contacts: [mine[0], others[0]], claim }
}

impl House {
    fn said(&self, kind: Kind, seconds: i64) -> Feedback {
        said(kind, &self.claim, 0, seconds)
    }
}

/// What stands of both contacts: e-mail status, bounces, and whether and why they opted out.
async fn standing(records: &Records) -> Vec<(String, i64, String)> {
    let sql = "SELECT email_status, bounce_count, CASE WHEN opted_out = 1 THEN opt_out_reason ELSE status END \
               FROM contacts ORDER BY id";
    all(records, sql, vec![], |row| Ok((row.text(0)?, row.int(1)?, row.text(2)?))).await
}

fn of(email_status: &str, bounces: i64, rest: &str) -> (String, i64, String) {
    (email_status.to_owned(), bounces, rest.to_owned())
}

async fn suppressed(records: &Records) -> Vec<String> {
    texts(records, "SELECT reason FROM suppressions", vec![]).await
}

async fn an_address_that_is_not_there_is_given_up_by_everybody_and_counted_by_one(database: &TestDatabase) {
    let house = house(database).await;
    take(database, house.said(Kind::BouncedForGood, 3)).await;
    let gone = "bounced_permanent";
    assert_eq!(standing(database).await, [of(gone, 1, "active"), of(gone, 0, "active")]);
    assert_eq!(suppressed(database).await, ["bounce"]);
    let when = "SELECT COUNT(*) FROM contacts WHERE last_bounce_at = ?";
    assert_eq!(number(database, when, vec![at(3).into()]).await, 1);
}

async fn a_letter_that_came_back_for_now_concerns_its_own_contact(database: &TestDatabase) {
    let house = house(database).await;
    take(database, house.said(Kind::BouncedForNow, 3)).await;
    assert_eq!(standing(database).await, [of("bounced_temporary", 1, "active"), of("active", 0, "active")]);
    assert!(suppressed(database).await.is_empty());
}

async fn a_complaint_opts_its_contact_out_and_bars_the_address(database: &TestDatabase) {
    let house = house(database).await;
    take(database, house.said(Kind::Complained, 60)).await;
    assert_eq!(standing(database).await, [of("complained", 0, "complaint"), of("complained", 0, "active")]);
    assert_eq!(suppressed(database).await, ["complaint"]);
    let status = "SELECT status FROM contacts WHERE id = ? AND opted_out_at = ?";
    assert_eq!(texts(database, status, vec![house.contacts[0].into(), at(60).into()]).await, ["opted_out"]);
}

async fn a_letter_counts_once_however_often_and_however_it_comes_back(database: &TestDatabase) {
    let house = house(database).await;
    for (kind, seconds) in
        [(Kind::BouncedForNow, 30), (Kind::BouncedForNow, 90), (Kind::BouncedForGood, 60), (Kind::BouncedForGood, 60)]
    {
        take(database, house.said(kind, seconds)).await;
    }
    assert_eq!(standing(database).await[0], of("bounced_permanent", 1, "active"));
    let last = "SELECT COUNT(*) FROM contacts WHERE last_bounce_at = ?";
    assert_eq!(number(database, last, vec![at(90).into()]).await, 1, "the last of all times");
}

async fn what_speaks_against_an_address_is_never_taken_back_by_what_comes_later(database: &TestDatabase) {
    let house = house(database).await;
    let mut seen = Vec::new();
    for kind in [
        Kind::Sent,
        Kind::Delivered,
        Kind::BouncedForNow,
        Kind::Opened,
        Kind::BouncedForGood,
        Kind::Clicked,
        Kind::Complained,
        Kind::Delayed,
    ] {
        take(database, house.said(kind, 5)).await;
        seen.push(standing(database).await.remove(0).0);
    }
    let (now, good) = ("bounced_temporary", "bounced_permanent");
    assert_eq!(seen, ["active", "delivered", now, now, good, good, "complained", "complained"]);
}

async fn the_graver_reason_stays_on_the_suppression_list_with_its_first_time(database: &TestDatabase) {
    let listed = "SELECT reason, suppressed_at FROM suppressions";
    let address = EmailAddress::parse(ADDRESS).expect("an address");
    for (why, seconds, expected) in [
        (consent::Suppression::Bounce, 50, ("bounce", 50)),
        (consent::Suppression::Unsubscribe, 10, ("bounce", 50)),
        (consent::Suppression::Bounce, 40, ("bounce", 40)),
        (consent::Suppression::Complaint, 60, ("complaint", 60)),
        (consent::Suppression::Complaint, 70, ("complaint", 60)),
        (consent::Suppression::Bounce, 5, ("complaint", 60)),
    ] {
        let address = address.clone();
        database
            .transaction(move |tx| {
                let address = address.clone();
                async move { consent::suppress(tx, &address, why, at(seconds)).await }.boxed()
            })
            .await
            .expect("listed");
        let seen = all(database, listed, vec![], |row| Ok((row.text(0)?, row.time(1)?))).await;
        assert_eq!(seen, [(expected.0.to_owned(), at(expected.1))]);
    }
}

async fn the_graver_reason_for_opting_out_stays_and_only_the_lesser_is_taken_back(database: &TestDatabase) {
    for unsubscribes_first in [true, false] {
        let house = house(database).await;
        let contact = house.contacts[0];
        let unsubscribe = || database.transaction(move |tx| consent::unsubscribe(tx, contact, at(9)).boxed());
        if unsubscribes_first {
            unsubscribe().await.expect("unsubscribed");
        }
        take(database, house.said(Kind::Complained, 60)).await;
        if !unsubscribes_first {
            unsubscribe().await.expect("unsubscribed");
        }
        let reason = "SELECT opt_out_reason FROM contacts WHERE id = ?";
        assert_eq!(texts(database, reason, vec![contact.into()]).await, ["complaint"]);
        let back = database.transaction(move |tx| consent::resubscribe(tx, contact).boxed()).await.expect("tried");
        assert!(!back, "who complained comes back by a person's decision alone");
    }
}

async fn what_is_repeated_does_not_undo_a_person_s_decision_to_restore_a_contact(database: &TestDatabase) {
    let house = house(database).await;
    for kind in [Kind::BouncedForGood, Kind::Complained] {
        take(database, house.said(kind, 3)).await;
    }
    let contact = house.contacts[0];
    let restored = database.transaction(move |tx| consent::restore(tx, contact).boxed()).await.expect("tried");
    assert!(restored);
    assert_eq!(standing(database).await, [of("active", 0, "active"), of("complained", 0, "active")]);
    assert!(suppressed(database).await.is_empty());
    for kind in [Kind::BouncedForGood, Kind::Complained] {
        assert_eq!(take(database, house.said(kind, 3)).await, Recorded::Known);
    }
    assert_eq!(standing(database).await[0], of("active", 0, "active"));
    assert!(suppressed(database).await.is_empty());
    let nobody = database.transaction(|tx| consent::restore(tx, 999).boxed()).await.expect("tried");
    assert!(!nobody);
}

async fn a_contact_that_has_another_address_by_now_is_left_alone(database: &TestDatabase) {
    let house = house(database).await;
    let moved: Vec<Value<'_>> = vec!["new@example.org".into(), house.contacts[0].into()];
    execute(database, "UPDATE contacts SET email = ? WHERE id = ?", moved).await;
    take(database, house.said(Kind::BouncedForGood, 3)).await;
    assert_eq!(standing(database).await, [of("active", 0, "active"), of("bounced_permanent", 0, "active")]);
    let listed = texts(database, "SELECT email FROM suppressions", vec![]).await;
    assert_eq!(listed, [ADDRESS], "where the letter went");
}

async fn what_a_provider_says_without_a_letter_concerns_the_address_alone(database: &TestDatabase) {
    let house = house(database).await;
    let without = |kind: Kind, recipients: &[&str]| {
        let recipients = recipients.iter().map(|text| EmailAddress::parse(text).expect("an address")).collect();
        Feedback { about: None, source: Source::Provider { recipients }, ..house.said(kind, 3) }
    };
    // Of other systems' letters only what speaks against their addresses matters.
    for kind in [Kind::Sent, Kind::Delivered, Kind::BouncedForNow] {
        assert_eq!(take(database, without(kind, &[ADDRESS])).await, Recorded::OfNoLetter);
    }
    assert_eq!(standing(database).await, [of("active", 0, "active"), of("active", 0, "active")]);
    assert_eq!(take(database, without(Kind::Complained, &[ADDRESS, "x@example.org"])).await, Recorded::OfNoLetter);
    assert_eq!(standing(database).await, [of("complained", 0, "active"), of("complained", 0, "active")]);
    assert_eq!(suppressed(database).await, ["complaint", "complaint"]);
}

async fn whoever_bounced_or_complained_is_not_invited_the_next_month(database: &TestDatabase) {
    add_user_with_contacts(database, 4).await;
    let mailer = Arc::new(ScriptedMailer::new("scripted", 50));
    let (_, ledger) = through(database, firing(), &mailer).await;
    assert_eq!(ledger.sent, 4);
    let mut claim = range(1, 0, 0, 3);
    claim.nonce = texts(database, "SELECT nonce FROM sends", vec![]).await.remove(0);
    for (kind, position) in [(Kind::BouncedForGood, 0), (Kind::Complained, 1), (Kind::BouncedForNow, 2)] {
        take(database, said(kind, &claim, position, 60)).await;
    }
    let next_month = Firing { scheduled_at: firing().scheduled_at + TimeDelta::days(30), ..firing() };
    let (_, ledger) = through(database, next_month, &mailer).await;
    assert_eq!((ledger.sent, ledger.skipped["undeliverable"], ledger.skipped["opted_out"]), (2, 1, 1));
}
