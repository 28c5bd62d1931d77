//! The function's own binary, as Lambda runs it.

use std::{sync::Arc, time::Duration};

use futures_util::FutureExt;
use serde_json::{Value, json};
use shared::{
    process::Holder,
    sqs::{Deadline, RecordHandler as _},
};
use tests::{
    ask::{execute, number, texts},
    attempts::{ask_for, let_leases_end, range},
    cycle::{as_sent, ledger_of_completed, plan, worker},
    databases::TestDatabase,
    lambda_host::{Answer, LambdaHost},
    people::add_user_with_contacts,
    runs::{add_planned_batch, batch_state, firing, open_run},
    scripted_mailer::ScriptedMailer,
};
use tokio::sync::watch;

const FUNCTION: &str = "dead-letters";
const EVENT: &str = include_str!("../../../events/dead-letters.json");
const CAUSES: &str = "SELECT cause FROM dead_letters ORDER BY id";

async fn start(database: &TestDatabase) -> LambdaHost {
    let settings = [("DATABASE_URL", database.url())];
    LambdaHost::start(FUNCTION, env!("CARGO_BIN_EXE_dead-letters"), settings).await.expect("the binary starts")
}

/// Hands the function an event; gives the messages that are to come again.
async fn failed(function: &mut LambdaHost, event: Value) -> Vec<String> {
    let Answer::Response(answer) = function.invoke(event).await else { panic!("{}", function.output()) };
    let failures = answer["batchItemFailures"].as_array().expect("a list");
    failures.iter().map(|item| item["itemIdentifier"].as_str().expect("an id").to_owned()).collect()
}

fn event() -> Value {
    serde_json::from_str(EVENT).expect("an event")
}

/// The event with its first letter alone, for another batch.
fn letter_of(run: i64, batch: i64) -> Value {
    let mut event = event();
    event["Records"].as_array_mut().expect("records").truncate(1);
    event["Records"][0]["messageId"] = format!("letter-{batch}").into();
    event["Records"][0]["body"] = json!({"run": run, "batch": batch}).to_string().into();
    event
}

async fn records_once(database: TestDatabase) {
    let mut function = start(&database).await;
    for _ in 0..2 {
        assert!(failed(&mut function, event()).await.is_empty());
    }
    let causes = texts(&database, CAUSES, vec![]).await;
    let why = "AccessDeniedException: the execution role may not invoke the function";
    assert_eq!(causes, ["there is no batch 1", why], "however often a letter is handed over");
    let targets = texts(&database, "SELECT target FROM dead_letters ORDER BY id", vec![]).await;
    assert_eq!(targets, ["invitation-worker", "almanac-monthly-invitations"]);
    let said = "SELECT kind FROM outbox ORDER BY id";
    assert_eq!(texts(&database, said, vec![]).await, ["alert", "alerts-triggered"].repeat(2), "once a cause");
}

#[tokio::test]
async fn every_letter_is_recorded_once_with_its_cause_on_sqlite() {
    records_once(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn every_letter_is_recorded_once_with_its_cause_on_mysql() {
    records_once(TestDatabase::mysql().await).await;
}

async fn parks(database: TestDatabase) {
    add_user_with_contacts(&database, 4).await;
    let (run, messages) = plan(&database, firing(), 10).await;
    let batch = messages[0].batch;
    let worker = worker(&database, &[&Arc::new(ScriptedMailer::new("scripted", 50))]).await;
    worker.handle(&as_sent(messages[0]), Deadline::within(Duration::ZERO)).await.expect("prepared");
    ask_for(&database, &range(batch, 0, 0, 1), &Holder::unwatched()).await;

    let mut function = start(&database).await;
    assert_eq!(failed(&mut function, letter_of(run, batch)).await.len(), 1, "a call is under way: it comes again");
    assert_eq!(number(&database, "SELECT COUNT(*) FROM dead_letters", vec![]).await, 0);
    let_leases_end(&database).await;
    assert!(failed(&mut function, letter_of(run, batch)).await.is_empty());
    assert_eq!(batch_state(&database, batch).await, "parked");
    let ledger = ledger_of_completed(&database, run).await;
    assert_eq!((ledger.failed, ledger.in_doubt), (2, 2), "its run can close");
}

#[tokio::test]
async fn a_batch_s_letter_parks_it_once_no_call_is_under_way_and_its_run_closes_on_sqlite() {
    parks(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn a_batch_s_letter_parks_it_once_no_call_is_under_way_and_its_run_closes_on_mysql() {
    parks(TestDatabase::mysql().await).await;
}

async fn knows_a_failure_from_a_wait(database: TestDatabase) {
    for _ in 0..2 {
        add_user_with_contacts(&database, 2).await;
    }
    let (run, messages) = plan(&database, firing(), 1).await;
    let worker = worker(&database, &[&Arc::new(ScriptedMailer::new("scripted", 50))]).await;
    for &message in &messages {
        assert!(worker.failed(&as_sent(message), "the provider was away").await.expect("noted"));
    }
    // This one goes on with a fresh message, and whoever has that is killed time and again.
    worker.handle(&as_sent(messages[0]), Deadline::within(Duration::ZERO)).await.expect("prepared and handed back");

    let mut function = start(&database).await;
    for message in messages {
        assert!(failed(&mut function, letter_of(run, message.batch)).await.is_empty());
    }
    let causes = ["no worker finished it, time and again", "the provider was away"];
    assert_eq!(texts(&database, CAUSES, vec![]).await, causes);
    assert_eq!(texts(&database, "SELECT cause FROM batches ORDER BY id", vec![]).await, causes);
}

#[tokio::test]
async fn a_batch_s_letter_says_why_its_last_try_failed_and_not_what_it_waited_for_on_sqlite() {
    knows_a_failure_from_a_wait(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn a_batch_s_letter_says_why_its_last_try_failed_and_not_what_it_waited_for_on_mysql() {
    knows_a_failure_from_a_wait(TestDatabase::mysql().await).await;
}

async fn knows_a_page(database: TestDatabase) {
    let (open, closed) = (open_run(&database).await.id, open_run(&database).await.id);
    execute(&database, "UPDATE runs SET job = 'git-monitor'", vec![]).await;
    execute(&database, "UPDATE runs SET state = 'completed' WHERE id = ?", vec![closed.into()]).await;
    let mut function = start(&database).await;
    for run in [open, closed, 77] {
        let mut event = letter_of(run, 0);
        event["Records"][0]["messageId"] = format!("page-of-{run}").into();
        event["Records"][0]["body"] = json!({"run": run, "after": 256}).to_string().into();
        event["Records"][0]["eventSourceARN"] =
            "arn:aws:sqs:eu-west-3:123456789012:almanac-monitor-pages-dead-letters".into();
        assert!(failed(&mut function, event).await.is_empty());
    }
    let causes = [
        "no worker finished it, time and again",
        "its run is completed: the letter is one too many",
        "there is no run 77",
    ];
    assert_eq!(texts(&database, CAUSES, vec![]).await, causes);
    let said = "SELECT CONCAT(target, ' ', kind, ' ', run_id) FROM dead_letters ORDER BY id";
    let expected = [format!("git-monitor page {open}"), format!("git-monitor page {closed}"), " page 77".to_owned()];
    assert_eq!(texts(&database, said, vec![]).await, expected);
    let alerts = texts(&database, "SELECT cause FROM alerts WHERE state = 'raised' ORDER BY subject", vec![]).await;
    assert_eq!(alerts, ["page-dead-letter"; 2], "what is settled is no news");
    assert_eq!(number(&database, "SELECT COUNT(*) FROM runs WHERE state = 'open'", vec![]).await, 1);
}

#[tokio::test]
async fn a_page_s_letter_is_recorded_for_its_run_s_job_and_leaves_the_run_alone_on_sqlite() {
    knows_a_page(TestDatabase::sqlite().await).await;
}

#[tokio::test]
async fn a_page_s_letter_is_recorded_for_its_run_s_job_and_leaves_the_run_alone_on_mysql() {
    knows_a_page(TestDatabase::mysql().await).await;
}

/// MySQL's alone: SQLite has one writer, so nothing comes between two of its statements.
#[tokio::test]
async fn a_batch_that_a_worker_finishes_meanwhile_is_not_recorded_as_lost_on_mysql() {
    let database = TestDatabase::mysql().await;
    let run = open_run(&database).await.id;
    let batch = add_planned_batch(&database, run, 1).await;
    let mut function = start(&database).await;

    // The worker's last transaction, which ends only when the letter waits for it.
    let (records, looker) = (database.records().clone(), database.records().clone());
    let (begun, mut begins) = watch::channel(false);
    let finishing = tokio::spawn(async move {
        let finishing = records.transaction(move |tx| {
            let (looker, begun) = (looker.clone(), begun.clone());
            async move {
                let sql = "UPDATE batches SET state = 'done' WHERE id = ?";
                tx.execute(sql, &[batch.into()]).await?;
                begun.send_replace(true);
                while number(&looker, WAITING_FOR_THE_BATCH, vec![]).await == 0 {}
                Ok(())
            }
            .boxed()
        });
        finishing.await
    });
    begins.wait_for(|begun| *begun).await.expect("it begins");
    assert!(failed(&mut function, letter_of(run, batch)).await.is_empty());
    finishing.await.expect("no panic").expect("finished");
    assert_eq!(texts(&database, CAUSES, vec![]).await, ["its batch is done: the letter is one too many"]);
    let told = number(&database, "SELECT COUNT(*) FROM alerts WHERE cause = 'batch-dead-letter'", vec![]).await;
    assert_eq!(told, 0, "nobody is told");
}

/// Statements of this database that want a batch for themselves. A look that has just ended may still be there.
const WAITING_FOR_THE_BATCH: &str = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() \
    AND info LIKE '%FROM batches WHERE id = %FOR UPDATE%' AND info NOT LIKE '%processlist%'";
