//! What was said and is old: what the outbox has delivered, and the news that stay on one machine. Both are the history from
//! which others take their metrics.

use shared::records::{Result, Row, Tx, dialect::with_list};

use crate::{Parameters, progress::Page};

/// How many rows one page deletes.
const ROWS: usize = 1_000;

/// Forgets what the outbox delivered long enough ago. That an open run has begun, it must remember.
pub(crate) async fn forget_delivered(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let sql = "SELECT id FROM outbox WHERE id > ? AND state = 'sent' AND not_before < {now+?} \
               AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = outbox.run_id AND runs.state = 'open') \
               ORDER BY id LIMIT ?";
    // By the clock that it was delivered by.
    let micros = -parameters.history().num_microseconds().unwrap_or(i64::MAX);
    let found = tx.rows(sql, &[after.into(), micros.into(), ROWS.into()]).await?;
    delete(tx, "DELETE FROM outbox WHERE id IN (?..)", "delivered_items_deleted", &found).await
}

/// Forgets news of long ago.
pub(crate) async fn forget_news(tx: &mut Tx, after: i64, parameters: Parameters) -> Result<Page> {
    let sql = "SELECT id FROM news WHERE id > ? AND happened_at < ? ORDER BY id LIMIT ?";
    let before = parameters.before(parameters.history());
    let found = tx.rows(sql, &[after.into(), before.into(), ROWS.into()]).await?;
    delete(tx, "DELETE FROM news WHERE id IN (?..)", "news_deleted", &found).await
}

async fn delete(tx: &mut Tx, sql: &'static str, what: &'static str, found: &[Row]) -> Result<Page> {
    let ids: Vec<i64> = found.iter().map(|row| row.int(0)).collect::<Result<_>>()?;
    let Some(&last) = ids.last() else { return Ok(Page::default()) };
    let values: Vec<_> = ids.iter().map(|&id| id.into()).collect();
    let deleted = tx.execute(with_list(sql, ids.len()), &values).await?;
    Ok(Page { next: Some(last), done: vec![(what, deleted)] })
}
