//! The hot and the periodic queries find what they ask for by an index: none reads a whole table that grows.

mod crowd;
mod queries;

use std::collections::BTreeSet;

use futures_util::FutureExt;
use shared::records::{Dialect, Records, Result, Row, dialect::with_list};
use tests::{ask::execute, databases::TestDatabase};

use queries::{QUERIES, Query, WAITING_BY_TIME, source};

tests::contract!(no_query_reads_a_whole_table, a_plan_that_reads_for_each_batch_what_waits_of_all_is_found_out);

/// The tables that grow with users, contacts and months.
const GROWING: [&str; 18] = [
    "users",
    "contacts",
    "suppressions",
    "runs",
    "batches",
    "cycle_members",
    "invitations",
    "sends",
    "feedback",
    "skips",
    "queue_messages",
    "reminders",
    "waiting_reminders",
    "monitored_teams",
    "measurements",
    "verdicts",
    "conditional_answers",
    "cost_days",
];

/// What a plan does that it should not.
#[derive(Debug)]
struct Complaint {
    query: &'static str,
    #[allow(dead_code, reason = "it is there to be read in a failure")]
    step: String,
}

async fn no_query_reads_a_whole_table(database: &TestDatabase) {
    fill(database).await;
    let mut complaints = Vec::new();
    for query in QUERIES {
        let wrong = wrong_steps(database, query).await;
        complaints.extend(wrong.into_iter().map(|step| Complaint { query: query.text, step }));
    }
    let allowed: BTreeSet<_> = QUERIES.iter().filter(|query| query.may_scan).map(|query| query.text).collect();
    complaints.retain(|complaint| !allowed.contains(complaint.query));
    assert!(complaints.is_empty(), "{complaints:#?}");
}

async fn a_plan_that_reads_for_each_batch_what_waits_of_all_is_found_out(database: &TestDatabase) {
    fill(database).await;
    assert_eq!(wrong_steps(database, &WAITING_BY_TIME).await.len(), 1);
}

async fn fill(database: &TestDatabase) {
    crowd::fill(database).await;
    let analyze = if database.dialect() == Dialect::Sqlite { "ANALYZE" } else { ANALYZE_MYSQL };
    execute(database, analyze, vec![]).await;
}

const ANALYZE_MYSQL: &str = "ANALYZE TABLE users, contacts, suppressions, runs, batches, cycle_members, invitations, \
                             sends, feedback, skips, queue_messages, outbox, reminders, waiting_reminders, \
                             monitored_teams, measurements, verdicts, conditional_answers, cost_days";

/// The steps of a query's plan that read a whole table or a whole index, or by another key than they should.
async fn wrong_steps(records: &Records, query: &'static Query) -> Vec<String> {
    let explain = if records.dialect() == Dialect::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let rows = records
        .read(move |tx| {
            async move {
                // A list stands for a page of ids.
                let text = with_list(query.text, query.listed);
                let values = (query.values)();
                tx.rows(format!("{explain} {text}"), &values).await
            }
            .boxed()
        })
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", query.text));
    let steps = rows.iter().map(|row| match records.dialect() {
        Dialect::Sqlite => sqlite_complaint(row, query.by_primary_key),
        Dialect::MySql => mysql_complaint(row, query.by_primary_key),
    });
    steps.collect::<Result<Vec<_>>>().expect("a plan").into_iter().flatten().collect()
}

fn sqlite_complaint(row: &Row, by_primary_key: Option<&str>) -> Result<Option<String>> {
    let detail = row.text(3)?;
    let scans = detail.starts_with("SCAN") && !detail.contains("CONSTANT ROW");
    let strays = by_primary_key.is_some_and(|table| {
        detail.starts_with(&format!("SEARCH {table} ")) && !detail.contains("USING INTEGER PRIMARY KEY")
    });
    Ok((scans || strays).then_some(detail))
}

fn mysql_complaint(row: &Row, by_primary_key: Option<&str>) -> Result<Option<String>> {
    // A step without a table or a kind of access reads nothing.
    let (Ok(table), Ok(access)) = (row.text(2), row.text(3)) else { return Ok(None) };
    let (key, extra) = (row.text(5).unwrap_or_default(), row.text(9).unwrap_or_default());
    // A range that depends on the row before is chosen while the query runs.
    let whole = matches!(access.as_str(), "ALL" | "index") && !extra.contains("Range checked for each record");
    let strays = by_primary_key == Some(table.as_str()) && key != "PRIMARY";
    Ok((whole || strays).then(|| format!("{access} on {table} by {key:?}: {extra}")))
}

#[test]
fn every_query_here_is_one_of_the_code() {
    for query in QUERIES.iter().filter(|query| !query.assembled) {
        assert!(source().contains(query.text), "no longer in the code: {}", query.text);
    }
    assert!(GROWING.iter().all(|table| QUERIES.iter().any(|query| query.text.contains(table))));
}
