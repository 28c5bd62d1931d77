use std::time::Duration;

use super::*;
use crate::{
    claims::{self, Abandoned, Claim, Outcome, Positions},
    clock::Clock,
    config::Database,
    letters::LetterKind,
    objects::FolderObjects,
    process::Holder,
    records::{ConnectOptions, Tx},
    run::{batch, close, control::Control},
};

const PARIS: Option<Tz> = Some(chrono_tz::Europe::Paris);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("RFC 3339")
}

async fn records(home: &tempfile::TempDir) -> Records {
    let database = Database::Sqlite(home.path().join("almanac.db"));
    let options = ConnectOptions { connections: 2, patience: Duration::ZERO };
    let records = Records::connect(&database, options).await.expect("a new file");
    records.migrate().await.expect("the schema");
    records
}

async fn insert_run(tx: &mut Tx, plan_complete: bool, planned: u64) -> Result<i64> {
    let sql = "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, parameters, \
               plan_complete, planned, ledger, error) \
               VALUES ('monthly-invitations', '2026-11/05', '', 'schedule', ?, ?, '', ?, ?, '', '')";
    let (scheduled, started) = (at("2026-11-05T17:00:00Z"), at("2026-11-05T17:00:01.25Z"));
    tx.insert(sql, &[scheduled.into(), started.into(), plan_complete.into(), planned.into()]).await
}

/// A batch that a worker has prepared: `invitations` are to be sent.
async fn insert_batch(tx: &mut Tx, run: i64, planned: u32, invitations: u32) -> Result<i64> {
    let sql = "INSERT INTO batches (run_id, subjects, planned, state, prepared_by, cause) \
               VALUES (?, '', ?, 'open', 'f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0', '')";
    let batch = tx.insert(sql, &[run.into(), planned.into()]).await?;
    for position in 0..invitations {
        let id = crate::invitation::InvitationId::new(batch, position).0;
        let sql = "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, expires_at) \
                   VALUES (?, 24321, 1, ?, 'ada@example.org', '', 0)";
        tx.execute(sql, &[id.into(), id.into()]).await?;
    }
    Ok(batch)
}

async fn insert_skip(tx: &mut Tx, run: i64, batch: i64, reason: &'static str, contacts: u32) -> Result<()> {
    let sql = "INSERT INTO skips (run_id, batch_id, user_id, reason, contacts, contact_ids, skipped_at) \
               VALUES (?, ?, 1, ?, ?, '', 0)";
    tx.execute(sql, &[run.into(), batch.into(), reason.into(), contacts.into()]).await?;
    Ok(())
}

/// Claims the first `letters` positions of a batch.
async fn call(tx: &mut Tx, batch: i64, letters: u32, holder: &Holder, now: DateTime<Utc>) -> Result<Claim> {
    let claim =
        Claim::new(batch, LetterKind::Invitation, 0, Positions::Range(0, letters - 1), letters as usize, "null", now);
    let granted = claims::claim(tx, &claim, letters, holder, Duration::from_secs(60)).await?;
    assert_eq!(granted, claims::Claimed::Granted);
    Ok(claim)
}

/// A run with everything in it: sent, skipped, failed, in doubt in both ways, and a batch parked before it was begun.
async fn eventful(tx: &mut Tx) -> Result<i64> {
    let (alive, dead) = (Holder::unwatched(), Holder::unwatched());
    let run = insert_run(tx, true, 89).await?;

    let mixed = insert_batch(tx, run, 6, 6).await?;
    let claim = call(tx, mixed, 6, &alive, at("2026-11-05T17:00:02Z")).await?;
    let outcome = Outcome {
        accepted: (0..4).map(|position| (position, format!("id-{position}"))).collect(),
        failed: vec![(4, "550 <script>alert(1)</script> <ada@example.org>".to_owned())],
        again: Vec::new(),
        unknown: vec![(5, "no reply after the message".to_owned())],
    };
    claims::settle(tx, &claim, &outcome, at("2026-11-05T17:00:02.5Z")).await?;
    batch::finish(tx, mixed).await?;

    let large = insert_batch(tx, run, 60, 50).await?;
    insert_skip(tx, run, large, "opted_out", 8).await?;
    insert_skip(tx, run, large, "too_many_bounces", 2).await?;
    let claim = call(tx, large, 50, &alive, at("2026-11-05T17:00:07Z")).await?;
    let accepted = (0..50).map(|position| (position, String::new())).collect();
    claims::settle(tx, &claim, &Outcome { accepted, ..Outcome::default() }, at("2026-11-05T17:00:07.7Z")).await?;
    batch::finish(tx, large).await?;

    let parked = "INSERT INTO batches (run_id, subjects, planned, cause) VALUES (?, '', 20, '')";
    let parked = tx.insert(parked, &[run.into()]).await?;
    batch::fail(tx, parked, "timed out").await?;
    batch::park(tx, parked, "timed out\nafter 60 s & gave up").await?;

    let lost = insert_batch(tx, run, 3, 3).await?;
    call(tx, lost, 3, &dead, at("2026-11-05T17:00:08Z")).await?;
    claims::abandon(tx, &Abandoned::HeldBy(vec![dead.token().to_owned()])).await?;
    batch::finish(tx, lost).await?;
    Ok(run)
}

async fn closed(records: &Records, run: i64) -> Run {
    let clock = Clock::standing_at(at("2026-11-05T17:00:09.5Z"));
    let mut run = close::try_close(records, &clock, run).await.expect("closing").expect("nothing is left to do");
    run.peak_rss_bytes = 50_331_648;
    run
}

async fn find(records: &Records, run: i64) -> Run {
    records.read(move |tx| Run::find(tx, run).boxed()).await.expect("reading").expect("the run")
}

async fn eventful_report() -> Report {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let run = records.transaction(|tx| eventful(tx).boxed()).await.expect("inserting");
    Report::gather(&records, &closed(&records, run).await).await.expect("a report")
}

#[tokio::test]
async fn the_json_of_a_run_stays_as_its_readers_know_it() {
    insta::assert_snapshot!("eventful", eventful_report().await.to_json());
}

#[tokio::test]
async fn a_run_that_has_a_trace_says_it_as_json_and_on_the_page() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let run = records.transaction(|tx| insert_run(tx, true, 0).boxed()).await.expect("inserting");
    let mut run = find(&records, run).await;
    let without = Report::gather(&records, &run).await.expect("a report");
    assert!(!without.to_json().contains("\"trace\"") && !without.to_html(None).contains("Trace"));
    run.trace = "1-5bef4de7-ad49b0e87f6ef6c87fc2e700".to_owned();
    let report = Report::gather(&records, &run).await.expect("a report");
    assert!(report.to_json().contains("\"trace\": \"1-5bef4de7-ad49b0e87f6ef6c87fc2e700\""), "{}", report.to_json());
    assert!(report.to_html(None).contains("1-5bef4de7-ad49b0e87f6ef6c87fc2e700"));
}

#[tokio::test]
async fn every_side_of_the_ledger_is_explained_to_the_last_letter() {
    let report = eventful_report().await;
    assert!(report.ledger.balanced);
    assert_eq!(report.failures.iter().map(|cause| cause.letters).sum::<u64>(), report.ledger.failed);
    assert_eq!(report.in_doubt.causes.iter().map(|cause| cause.letters).sum::<u64>(), report.ledger.in_doubt);
    assert_eq!(report.in_doubt.letters.len() as u64, report.ledger.in_doubt);
    assert_eq!(report.rate.accepted.iter().map(|bucket| bucket.letters).sum::<u64>(), report.ledger.sent);
}

#[tokio::test]
async fn the_page_shows_every_number_of_the_ledger_and_both_clocks() {
    let report = eventful_report().await;
    let html = report.to_html(PARIS);
    let term =
        |number: u64, label: &str| format!("<span class=\"value\">{number}</span><span class=\"label\">{label}<");
    for (number, label) in [(89, "planned"), (54, "sent"), (10, "skipped"), (21, "failed"), (4, "in doubt")] {
        assert!(html.contains(&term(number, label)), "{number} {label}\n{html}");
    }
    for words in ["with failures and some in doubt", "opted out", "too many bounces", "never sent again, because"] {
        assert!(html.contains(words), "{words}\n{html}");
    }
    assert!(
        html.contains("2026-11-05 17:00:00 UTC")
            && html.contains("2026-11-05 18:00:00 CET")
            && html.contains("Europe/Paris")
    );
    assert!(!report.to_html(None).contains("CET"));
    for id in &report.in_doubt.letters {
        assert!(html.contains(&format!("<li>{id}</li>")), "{id}");
    }
}

#[tokio::test]
async fn a_cause_cannot_put_markup_or_an_address_into_the_page() {
    let report = eventful_report().await;
    let html = report.to_html(PARIS);
    assert!(html.contains("550 &lt;script&gt;alert(1)&lt;/script&gt; …"), "{html}");
    assert!(html.contains("timed out after 60 s &amp; gave up"), "{html}");
    assert!(!html.contains("<script"), "{html}");
    assert!(!html.contains("ada@") && !report.to_json().contains("ada@"));
}

#[tokio::test]
async fn the_page_loads_nothing_and_its_picture_has_words() {
    let html = eventful_report().await.to_html(PARIS);
    for foreign in ["http://", "https://", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(foreign), "{foreign}\n{html}");
    }
    assert!(html.contains("role=\"img\" aria-labelledby=\"rate-title rate-desc\""), "{html}");
    assert!(html.contains("letters per second") && html.contains("seconds since the run was opened"), "{html}");
    assert!(html.contains("<summary>The same as a table</summary>"), "{html}");
}

#[tokio::test]
async fn an_open_run_is_counted_live_and_says_what_is_still_to_do() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let open = records.transaction(|tx| {
        async move {
            let run = insert_run(tx, false, 1_200).await?;
            let batch = insert_batch(tx, run, 40, 40).await?;
            let claim = call(tx, batch, 30, &Holder::unwatched(), at("2026-11-05T17:00:03Z")).await?;
            let accepted = (0..30).map(|position| (position, String::new())).collect();
            claims::settle(tx, &claim, &Outcome { accepted, ..Outcome::default() }, at("2026-11-05T17:00:04Z")).await?;
            Ok(run)
        }
        .boxed()
    });
    let run = find(&records, open.await.expect("inserting")).await;
    let report = Report::gather(&records, &run).await.expect("a report");
    assert_eq!((report.ledger.as_of, report.ledger.sent, report.ledger.unaccounted), (AsOf::Now, 30, 1_170));
    assert_eq!((report.run.finished_at, report.run.duration_ms), (None, None));
    let html = report.to_html(PARIS);
    assert!(html.contains("Still open") && html.contains("1,200 planned so far (the planner goes on)"), "{html}");
    assert!(html.contains("<span class=\"value\">1,170</span><span class=\"label\">still to do<"), "{html}");
}

#[tokio::test]
async fn a_run_with_nothing_planned_is_a_whole_report() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let run = records.transaction(|tx| insert_run(tx, true, 0).boxed()).await.expect("inserting");
    let report = Report::gather(&records, &closed(&records, run).await).await.expect("a report");
    assert_eq!((report.ledger.balanced, report.calls, report.rate.accepted.len()), (true, 0, 0));
    let html = report.to_html(None);
    for words in ["there was nothing to do", "Nothing was skipped.", "Nothing failed.", "Nothing is in doubt."] {
        assert!(html.contains(words), "{words}\n{html}");
    }
    assert!(!html.contains("NaN") && !html.contains("<svg"), "{html}");
}

#[tokio::test]
async fn a_run_that_lost_something_says_so_first_and_does_not_hide_it_in_the_equation() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let run = records.transaction(|tx| insert_run(tx, true, 5).boxed()).await.expect("inserting");
    let mut run = closed(&records, run).await;
    let lost = Report::gather(&records, &run).await.expect("a report");
    let html = lost.to_html(None);
    assert!(html.contains("Failed: the ledger does not balance"), "{html}");
    assert!(html.contains("5 of 5 planned have no outcome") && html.contains("without outcome"), "{html}");

    run.ledger = r#"{"planned":5,"sent":6,"failed":0,"in_doubt":0,"skipped":{}}"#.to_owned();
    let twice = Report::gather(&records, &run).await.expect("a report");
    assert_eq!(twice.ledger.unaccounted, -1);
    let html = twice.to_html(None);
    assert!(html.contains("1 more outcomes than the 5 planned") && html.contains('≠'), "{html}");
}

#[tokio::test]
async fn a_cancelled_run_is_no_failure() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let cancelled = records.transaction(|tx| {
        async move {
            let run = insert_run(tx, false, 10).await?;
            let batch = insert_batch(tx, run, 10, 10).await?;
            batch::cancel(tx, batch).await?;
            Ok(run)
        }
        .boxed()
    });
    let run = cancelled.await.expect("inserting");
    crate::run::control::set(&records, run, Control::Cancel).await.expect("a wish");
    let html = Report::gather(&records, &closed(&records, run).await).await.expect("a report").to_html(None);
    assert!(html.contains("Cancelled by a person, and balanced"), "{html}");
}

#[tokio::test]
async fn a_report_is_stored_under_its_job_key_and_run() {
    let home = tempfile::tempdir().expect("a folder");
    let records = records(&home).await;
    let objects = FolderObjects::new(home.path().join("objects")).expect("writable");
    let run = records.transaction(|tx| eventful(tx).boxed()).await.expect("inserting");
    let run_key = closed(&records, run).await.key;
    assert_eq!(run_key, "2026-11/05", "a slash would make two folders of it");
    let places = store(&records, &objects, run, PARIS).await.expect("stored");
    for (place, name) in places.iter().zip(["run-1.json", "run-1.html"]) {
        assert!(place.ends_with(&format!("objects/reports/monthly-invitations/2026-11-05/{name}")), "{place}");
        assert!(std::fs::read_to_string(place).expect("there").contains("monthly-invitations"));
    }
    let error = store(&records, &objects, 77, PARIS).await.expect_err("no such run").to_string();
    assert_eq!(error, "there is no run 77");
}
