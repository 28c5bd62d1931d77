//! Invitations whose time is over.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use shared::{
    objects::Objects,
    records::{Records, never},
    run::job::Job as _,
    sqs::Deadline,
};
use tests::{
    ask::{all, execute, number, numbers, texts},
    cleaning::{archived, clean, cleanup_into, counts, firing},
    cycle,
    databases::TestDatabase,
    people::{add_contacts, add_user, add_user_with_contacts},
    reminding, runs,
    scripted_mailer::ScriptedMailer,
};

tests::contract!(
    what_nobody_can_answer_any_more_expires_and_what_has_ended_stays_as_it_ended,
    what_expired_long_ago_is_archived_and_deleted_with_all_that_was_kept_about_it,
    when_a_contact_was_last_written_to_outlives_the_invitation,
    nothing_is_deleted_that_is_not_in_the_archive,
    what_a_run_says_of_itself_stays_when_its_letters_are_gone,
    why_nobody_was_written_to_is_kept_as_long_as_a_letter_would_have_been,
);

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", 50))
}

/// So many days after the cycle's letters went out.
fn after(days: i64) -> DateTime<Utc> {
    reminding::after(days, 9)
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn statuses(records: &Records) -> Vec<i64> {
    numbers(records, "SELECT status FROM invitations ORDER BY id", vec![]).await
}

async fn what_nobody_can_answer_any_more_expires_and_what_has_ended_stays_as_it_ended(database: &TestDatabase) {
    add_user_with_contacts(database, 8).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    for status in 0..8_i64 {
        let sql = "UPDATE invitations SET status = ? WHERE id % 65536 = ?";
        execute(database, sql, vec![status.into(), status.into()]).await;
    }
    let archive = folder();
    let (_, early) = clean(database, &archive, after(59)).await;
    assert_eq!((early, statuses(database).await), (counts(&[("response_rates_changed", 8)]), (0..8).collect()));
    let (_, done) = clean(database, &archive, after(61)).await;
    assert_eq!(done, counts(&[("invitations_expired", 5)]));
    assert_eq!(statuses(database).await, [5, 5, 5, 5, 4, 5, 5, 7], "submitted and cancelled ones are what they were");
    let (_, again) = clean(database, &archive, after(62)).await;
    assert_eq!(again, counts(&[]));
}

/// How many rows there are about letters: invitations, reminders, waits, calls, skips.
async fn rows(records: &Records) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in ["invitations", "reminders", "waiting_reminders", "sends", "skips"] {
        rows.push(number(records, count_of(table), vec![]).await);
    }
    rows
}

fn count_of(table: &str) -> &'static str {
    match table {
        "invitations" => "SELECT COUNT(*) FROM invitations",
        "reminders" => "SELECT COUNT(*) FROM reminders",
        "waiting_reminders" => "SELECT COUNT(*) FROM waiting_reminders",
        "sends" => "SELECT COUNT(*) FROM sends",
        _ => "SELECT COUNT(*) FROM skips",
    }
}

async fn what_expired_long_ago_is_archived_and_deleted_with_all_that_was_kept_about_it(database: &TestDatabase) {
    for _ in 0..2 {
        add_user_with_contacts(database, 3).await;
    }
    let (user, contacts) = add_user_with_contacts(database, 2).await;
    let opted_out = vec![user.into(), contacts[0].into()];
    execute(database, "UPDATE contacts SET opted_out = 1 WHERE user_id = ? AND id = ?", opted_out).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    reminding::through(database, reminding::after(3, 0), &mailer()).await;
    assert_eq!(rows(database).await[..2], [7, 7]);

    let archive = folder();
    clean(database, &archive, after(61)).await;
    let (_, kept) = clean(database, &archive, after(149)).await;
    assert_eq!((kept, rows(database).await[0]), (counts(&[]), 7), "ninety days are not over");
    let (_, done) = clean(database, &archive, after(151)).await;
    assert_eq!(done, counts(&[("invitations_deleted", 7)]));
    assert_eq!(rows(database).await, [0; 5]);

    let files = archived(&archive);
    let lines: Vec<_> = files.iter().flat_map(|(_, lines)| lines).collect();
    assert!(files.iter().all(|(name, _)| name.starts_with("archive/invitations/202611/")), "{files:?}");
    assert_eq!(lines.len(), 7);
    for line in lines {
        assert_eq!((line["status"].as_i64(), line["send_state"].as_i64()), (Some(5), Some(2)));
        assert!(!line.to_string().contains('@') && line.get("token").is_none(), "{line}");
    }
}

async fn when_a_contact_was_last_written_to_outlives_the_invitation(database: &TestDatabase) {
    let (user, contacts) = add_user_with_contacts(database, 2).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    let later = after(100);
    let sql = "UPDATE contacts SET last_sent_at = ? WHERE user_id = ? AND id = ?";
    execute(database, sql, vec![later.into(), user.into(), contacts[1].into()]).await;
    let archive = folder();
    clean(database, &archive, after(61)).await;
    let last = || all(database, "SELECT last_sent_at FROM contacts ORDER BY id", vec![], |row| row.time(0));
    assert_eq!(last().await, [never(), later]);
    clean(database, &archive, after(151)).await;
    assert_eq!(last().await, [runs::scheduled_at(), later], "it only grows");
}

/// Objects that cannot be written.
struct Full;

#[async_trait]
impl Objects for Full {
    async fn put(&self, _: &str, _: &str, _: Vec<u8>) -> anyhow::Result<String> {
        anyhow::bail!("the disk is full")
    }
}

async fn nothing_is_deleted_that_is_not_in_the_archive(database: &TestDatabase) {
    add_user_with_contacts(database, 3).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    let archive = folder();
    clean(database, &archive, after(61)).await;
    let full = cleanup_into(database, Arc::new(Full), after(151));
    let failed = full.fire(firing(after(151)), Deadline::none()).await.expect_err("the archive cannot be written");
    assert!(format!("{failed:#}").contains("the disk is full"), "{failed:#}");
    assert_eq!(rows(database).await[0], 3);
    let (_, done) = clean(database, &archive, after(151)).await;
    assert_eq!(done, counts(&[("invitations_deleted", 3)]), "the same run goes on");
}

async fn what_a_run_says_of_itself_stays_when_its_letters_are_gone(database: &TestDatabase) {
    add_user_with_contacts(database, 3).await;
    let (run, ledger) = cycle::through(database, runs::firing(), &mailer()).await;
    let archive = folder();
    clean(database, &archive, after(61)).await;
    clean(database, &archive, after(151)).await;
    assert_eq!(cycle::ledger_of_completed(database, run).await, ledger);
    let again = cycle::plan(database, runs::firing(), 4).await;
    assert_eq!(again, (run, Vec::new()), "and its month is not begun anew");
}

async fn why_nobody_was_written_to_is_kept_as_long_as_a_letter_would_have_been(database: &TestDatabase) {
    let user = add_user(database).await;
    add_contacts(database, user, 2).await;
    execute(database, "UPDATE contacts SET opted_out = 1", vec![]).await;
    cycle::through(database, runs::firing(), &mailer()).await;
    let archive = folder();
    let skipped = || texts(database, "SELECT reason FROM skips", vec![]);
    // Batches end by the lease clock.
    let ended = Utc::now();
    clean(database, &archive, ended + TimeDelta::days(89)).await;
    assert_eq!(skipped().await, ["opted_out"]);
    clean(database, &archive, ended + TimeDelta::days(91)).await;
    assert!(skipped().await.is_empty());
}
