//! A transaction happens whole or not at all, and harms no other.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use shared::records::{Records, RecordsError, Result};
use tests::{
    ask::{execute, insert, number, numbers},
    databases::TestDatabase,
};
use tokio::sync::Barrier;

tests::contract!(
    a_failing_transaction_leaves_nothing,
    of_many_transactions_at_once_exactly_the_failing_ones_leave_nothing,
    a_statement_that_fails_takes_its_transaction_with_it_and_no_other,
    a_panicking_transaction_leaves_nothing_and_harms_no_other,
    a_transaction_whose_caller_went_away_happens_whole_or_not_at_all,
    the_writers_of_two_handles_lose_no_update,
    transactions_that_take_two_rows_in_opposite_order_all_succeed,
    a_reader_does_not_see_what_is_not_committed,
    closed_records_refuse_instead_of_hanging,
);

const INSERT: &str = "INSERT INTO outbox (run_id, kind, body, error) VALUES (?, '', '', '')";
const FOUND: &str = "SELECT run_id FROM outbox ORDER BY run_id";

/// Writes two rows of that number and ends as `end` says.
async fn write_two(records: &Records, number: i64, end: fn(i64) -> Result<()>) -> Result<()> {
    records
        .transaction(move |tx| {
            async move {
                tx.execute(INSERT, &[number.into()]).await?;
                tokio::task::yield_now().await;
                tx.execute(INSERT, &[number.into()]).await?;
                end(number)
            }
            .boxed()
        })
        .await
}

fn well(_: i64) -> Result<()> {
    Ok(())
}

fn fenced_every_third(number: i64) -> Result<()> {
    if number % 3 == 0 { Err(RecordsError::Fenced) } else { Ok(()) }
}

fn panics_every_third(number: i64) -> Result<()> {
    assert!(number % 3 != 0, "as the test wants");
    Ok(())
}

async fn a_failing_transaction_leaves_nothing(database: &TestDatabase) {
    let failed = write_two(database, 3, fenced_every_third).await;
    assert!(matches!(failed, Err(RecordsError::Fenced)), "its own error comes back");
    assert_eq!(numbers(database, FOUND, vec![]).await, [0_i64; 0]);
}

async fn of_many_transactions_at_once_exactly_the_failing_ones_leave_nothing(database: &TestDatabase) {
    let all = join_all((0..50).map(|number| write_two(database, number, fenced_every_third))).await;
    for (number, outcome) in (0..).zip(all) {
        assert_eq!(outcome.is_ok(), number % 3 != 0, "{number}: {outcome:?}");
    }
    let expected: Vec<i64> = (0..50).filter(|number| number % 3 != 0).flat_map(|number| [number; 2]).collect();
    assert_eq!(numbers(database, FOUND, vec![]).await, expected);
}

async fn a_statement_that_fails_takes_its_transaction_with_it_and_no_other(database: &TestDatabase) {
    let duplicate = |number: i64| {
        database.transaction(move |tx| {
            async move {
                tx.execute(INSERT, &[number.into()]).await?;
                let sql = "INSERT INTO suppressions (email, reason, suppressed_at) VALUES ('a@example.org', '', {now})";
                tx.execute(sql, &[]).await
            }
            .boxed()
        })
    };
    let outcomes = join_all((0..20).map(duplicate)).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let refused = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(refused.clone().all(RecordsError::is_duplicate), "{:?}", refused.collect::<Vec<_>>());
    assert_eq!(numbers(database, FOUND, vec![]).await.len(), 1);
}

async fn a_panicking_transaction_leaves_nothing_and_harms_no_other(database: &TestDatabase) {
    let start = Arc::new(Barrier::new(30));
    let tasks = (0..30).map(|number| {
        let (records, start) = (database.records().clone(), start.clone());
        tokio::spawn(async move {
            start.wait().await;
            write_two(&records, number, panics_every_third).await
        })
    });
    for (number, outcome) in (0..).zip(join_all(tasks).await) {
        let succeeded = matches!(outcome, Ok(Ok(())));
        assert_eq!(succeeded, number % 3 != 0, "{number}");
    }
    // Whoever uses the same connections next must not bring the panicked work back.
    join_all((100..130).map(|number| write_two(database, number, well))).await;
    let expected: Vec<i64> =
        (0..30).filter(|number| number % 3 != 0).chain(100..130).flat_map(|number| [number; 2]).collect();
    assert_eq!(numbers(database, FOUND, vec![]).await, expected);
}

async fn a_transaction_whose_caller_went_away_happens_whole_or_not_at_all(database: &TestDatabase) {
    for number in 0..20_i64 {
        let half_way = Arc::new(Barrier::new(2));
        let (records, reached) = (database.records().clone(), half_way.clone());
        let task = tokio::spawn(async move {
            let once = Arc::new(AtomicU32::new(0));
            records
                .transaction(move |tx| {
                    let (reached, once) = (reached.clone(), once.clone());
                    async move {
                        tx.execute(INSERT, &[number.into()]).await?;
                        if once.fetch_add(1, Ordering::Relaxed) == 0 {
                            reached.wait().await;
                        }
                        tokio::task::yield_now().await;
                        tx.execute(INSERT, &[number.into()]).await
                    }
                    .boxed()
                })
                .await
        });
        half_way.wait().await;
        task.abort();
        task.await.err();
    }
    join_all((100..120).map(|number| write_two(database, number, well))).await;
    let halves = "SELECT COUNT(*) FROM (SELECT run_id FROM outbox GROUP BY run_id HAVING COUNT(*) <> 2) AS halves";
    assert_eq!(number(database, halves, vec![]).await, 0);
    assert_eq!(number(database, "SELECT COUNT(*) FROM outbox WHERE run_id >= 100", vec![]).await, 40);
}

async fn the_writers_of_two_handles_lose_no_update(database: &TestDatabase) {
    let counter = insert(database, INSERT, vec![0_i64.into()]).await;
    let handles = [database.records().clone(), database.another_handle().await];
    let count_up = |records: Records| async move {
        records
            .transaction(move |tx| {
                async move {
                    let sql = "SELECT run_id FROM outbox WHERE id = ? {for update}";
                    let row = tx.row(sql, &[counter.into()]).await?.expect("the counter");
                    let next = row.int(0)? + 1;
                    tx.execute("UPDATE outbox SET run_id = ? WHERE id = ?", &[next.into(), counter.into()]).await
                }
                .boxed()
            })
            .await
    };
    let updates = (0..60).map(|number| count_up(handles[number % 2].clone()));
    for update in join_all(updates).await {
        assert_eq!(update.expect("waited for, not refused"), 1);
    }
    assert_eq!(number(database, "SELECT run_id FROM outbox", vec![]).await, 60);
    handles[1].close().await;
}

async fn transactions_that_take_two_rows_in_opposite_order_all_succeed(database: &TestDatabase) {
    let rows = [insert(database, INSERT, vec![0_i64.into()]).await, insert(database, INSERT, vec![0_i64.into()]).await];
    let runs = Arc::new(AtomicU32::new(0));
    let both = |order: [i64; 2]| {
        let (records, runs) = (database.records().clone(), runs.clone());
        async move {
            let take = records.transaction(move |tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                async move {
                    for id in order {
                        tx.execute("UPDATE outbox SET run_id = run_id + 1 WHERE id = ?", &[id.into()]).await?;
                        tokio::task::yield_now().await;
                    }
                    Ok(())
                }
                .boxed()
            });
            take.await
        }
    };
    for _ in 0..30 {
        let forth = join_all((0..4).map(|_| both(rows)));
        let back = join_all((0..4).map(|_| both([rows[1], rows[0]])));
        let (forth, back) = tokio::join!(forth, back);
        for outcome in forth.into_iter().chain(back) {
            outcome.expect("a deadlock is not the caller's affair");
        }
    }
    assert_eq!(numbers(database, FOUND, vec![]).await, [240, 240]);
    assert!(runs.load(Ordering::Relaxed) >= 240);
}

async fn a_reader_does_not_see_what_is_not_committed(database: &TestDatabase) {
    let reader = database.records().clone();
    let seen = database
        .transaction(move |tx| {
            let reader = reader.clone();
            async move {
                tx.execute(INSERT, &[1_i64.into()]).await?;
                Ok(numbers(&reader, FOUND, vec![]).await)
            }
            .boxed()
        })
        .await;
    assert_eq!(seen.expect("readers wait for no writer"), [0_i64; 0]);
    assert_eq!(numbers(database, FOUND, vec![]).await, [1]);
}

async fn closed_records_refuse_instead_of_hanging(database: &TestDatabase) {
    let records = database.another_handle().await;
    execute(&records, "UPDATE outbox SET tries = 0", vec![]).await;
    records.close().await;
    let late = tokio::time::timeout(Duration::from_secs(60), write_two(&records, 1, well)).await;
    assert!(late.expect("an answer").is_err());
    assert_eq!(numbers(database, FOUND, vec![]).await, [0_i64; 0]);
}
