//! Enough rows that a planner of queries has a choice.

use futures_util::FutureExt;
use shared::records::{Records, Value, never};

/// How many users, batches and messages there are.
const MANY: i64 = 3_000;

/// So many seconds after the first.
fn second(n: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(1_800 + n, 0).unwrap_or_default()
}

/// Fills every table that grows.
pub async fn fill(records: &Records) {
    insert(records, "INSERT INTO users (external_id, username, email) VALUES", 3, MANY, |n| {
        vec![format!("user {n}").into(), "Ada".into(), "ada@example.org".into()]
    })
    .await;
    insert(records, "INSERT INTO contacts (user_id, email) VALUES", 2, 3 * MANY, |n| {
        vec![(1 + n / 3).into(), format!("contact{n}@example.org").into()]
    })
    .await;
    insert(records, "INSERT INTO suppressions (email, reason, suppressed_at) VALUES", 3, MANY, |n| {
        vec![format!("contact{}@example.org", 7 * n).into(), "complained".into(), never().into()]
    })
    .await;
    let head = "INSERT INTO runs (job, run_key, owner_token, trigger_kind, scheduled_at, started_at, state, parameters, \
                ledger, error) VALUES";
    insert(records, head, 10, MANY, |n| {
        let state = if n % 100 == 0 { "open" } else { "completed" };
        let texts = |text: &'static str| -> Value<'static> { text.into() };
        vec![
            texts("monthly-invitations"),
            format!("key {n}").into(),
            texts(""),
            texts("schedule"),
            never().into(),
            never().into(),
            texts(state),
            texts(""),
            texts(""),
            texts(""),
        ]
    })
    .await;
    let head = "INSERT INTO batches (run_id, subjects, planned, state, queued, cause, heard_out) VALUES";
    insert(records, head, 7, MANY, |n| {
        let (state, heard_out) = if n % 50 == 0 { ("open", 0_i64) } else { ("done", 1) };
        let (run, queued) = (1 + n / 30, (n % 100).min(1));
        let planned = 2_i64.into();
        vec![run.into(), "1:2".into(), planned, state.into(), queued.into(), "".into(), heard_out.into()]
    })
    .await;
    insert(records, "INSERT INTO cycle_members (month, user_id, batch_id, joined_at) VALUES", 4, 2 * MANY, |n| {
        vec![(202_610 + n % 2).into(), (1 + n / 2).into(), (1 + n / 4).into(), never().into()]
    })
    .await;
    let head =
        "INSERT INTO invitations (id, month, user_id, contact_id, to_email, token, send_state, expires_at) VALUES";
    insert(records, head, 8, 2 * MANY, |n| {
        vec![
            ((1 + n / 2) * 65_536 + n % 2).into(),
            202_611_i64.into(),
            (1 + n / 3).into(),
            (1 + n).into(),
            format!("contact{n}@example.org").into(),
            Value::Bytes(vec![7; 32].into()),
            if n % 100 == 0 { 0_i64 } else { 2 }.into(),
            never().into(),
        ]
    })
    .await;
    let head = "INSERT INTO sends (batch_id, claim, nonce, holder, provider, first_position, last_position, listed, \
                letters, state, claimed_at, lease_until, settled_at, accepted, outcome) VALUES";
    insert(records, head, 15, MANY, |n| {
        vec![
            (1 + n).into(),
            0_i64.into(),
            "00000000".into(),
            "".into(),
            "ses".into(),
            0_i64.into(),
            1_i64.into(),
            "".into(),
            2_i64.into(),
            if n % 100 == 0 { 0_i64 } else { 1 }.into(),
            second(n).into(),
            never().into(),
            never().into(),
            2_i64.into(),
            "".into(),
        ]
    })
    .await;
    insert(records, "INSERT INTO reminders (id, invitation_id, kind, send_state) VALUES", 4, MANY, |n| {
        let invitation = (1 + n / 2) * 65_536 + n % 2;
        vec![(invitation + (MANY << 16)).into(), invitation.into(), 1_i64.into(), 2_i64.into()]
    })
    .await;
    insert(records, "INSERT INTO waiting_reminders (invitation_id, batch_id, due_at) VALUES", 3, MANY, |n| {
        vec![((1 + n / 2) * 65_536 + n % 2).into(), (1 + n / 2).into(), second(n).into()]
    })
    .await;
    let head = "INSERT INTO skips (run_id, batch_id, user_id, reason, contacts, contact_ids, skipped_at) VALUES";
    insert(records, head, 7, MANY, |n| {
        vec![
            (1 + n / 30).into(),
            (1 + n).into(),
            (1 + n).into(),
            "opted_out".into(),
            1_i64.into(),
            "1".into(),
            never().into(),
        ]
    })
    .await;
    let head = "INSERT INTO feedback (invitation_id, letter, batch_id, claim, kind, happened_at, claimed_at, recorded_at, \
                code, provider_id) VALUES";
    insert(records, head, 10, 2 * MANY, |n| {
        vec![
            ((1 + n / 2) * 65_536 + n % 2).into(),
            0_i64.into(),
            (1 + n / 2).into(),
            0_i64.into(),
            1_i64.into(),
            never().into(),
            never().into(),
            never().into(),
            "".into(),
            "".into(),
        ]
    })
    .await;
    insert(records, "INSERT INTO queue_messages (queue, body, sent_at, visible_at, dead) VALUES", 5, MANY, |n| {
        let dead = if n % 500 == 0 { 1_i64 } else { 0 };
        vec!["invitations".into(), "{}".into(), never().into(), never().into(), dead.into()]
    })
    .await;
    insert(records, "INSERT INTO outbox (run_id, kind, body, state, error) VALUES", 5, MANY, |n| {
        let state = if n % 500 == 0 { "due" } else { "sent" };
        vec![(1 + n / 2).into(), "report".into(), "{}".into(), state.into(), "".into()]
    })
    .await;
    let head = "INSERT INTO monitored_teams (run_id, position, team, name, variables) VALUES";
    insert(records, head, 5, MANY, |n| {
        vec![(1 + n / 30).into(), (1 + n % 30).into(), format!("team {}", n % 30).into(), "".into(), "{}".into()]
    })
    .await;
    insert(records, "INSERT INTO measurements (run_id, position, measured) VALUES", 3, MANY, |n| {
        vec![(1 + n / 30).into(), (1 + n % 30).into(), "1".into()]
    })
    .await;
    let head = "INSERT INTO verdicts (run_id, position, hackathon, criterion, team, judged_at, status, score, reason, \
                metrics, reported) VALUES";
    insert(records, head, 11, MANY, |n| {
        vec![
            (1 + n / 30).into(),
            (1 + n % 30).into(),
            "7".into(),
            if n / 30 % 2 == 0 { "BUDGET_TRACKING" } else { "JUDGE_SCORE" }.into(),
            format!("team {}", n % 30).into(),
            never().into(),
            "PASSED".into(),
            5_i64.into(),
            "".into(),
            "{}".into(),
            if n % 100 == 0 { "kept" } else { "sent" }.into(),
        ]
    })
    .await;
    insert(records, "INSERT INTO conditional_answers (url_hash, etag, facts, answered_at) VALUES", 4, MANY, |n| {
        let at = never() + chrono::TimeDelta::minutes(n);
        vec![format!("hash {n}").into(), "W/\"1\"".into(), "{}".into(), at.into()]
    })
    .await;
    let head = "INSERT INTO cost_days (hackathon, team, day, provider, currency, micros) VALUES";
    insert(records, head, 6, MANY, |n| {
        vec![
            (n % 3 + 6).to_string().into(),
            format!("team {}", n / 3 % 50).into(),
            (20_261_101 + n / 150).into(),
            "AWS".into(),
            "EUR".into(),
            1_000_000_i64.into(),
        ]
    })
    .await;
}

async fn insert(
    records: &Records,
    head: &'static str,
    columns: usize,
    rows: i64,
    row: impl Fn(i64) -> Vec<Value<'static>> + Send + Sync + Copy + 'static,
) {
    records
        .transaction(move |tx| {
            async move {
                let values: Vec<Value<'_>> = (0..rows).flat_map(row).collect();
                tx.insert_rows(head, columns, "", &values).await
            }
            .boxed()
        })
        .await
        .expect("insertable");
}
