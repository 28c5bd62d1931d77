//! The letters that were recorded, for people.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::records::{Result, Row, Tx};

/// A recorded letter, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Its number.
    pub id: i64,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The queue that it lay in.
    pub queue: String,
    /// What it was for: `batch`, `page`, `firing`, `feedback`, `unreadable`.
    pub kind: String,
    /// The function that it was for.
    pub target: String,
    /// The run that it belonged to; 0 for none.
    pub run: i64,
    /// The batch that it stood for; 0 for none.
    pub batch: i64,
    /// Why it came to nothing.
    pub cause: String,
}

/// What a letter says, as it was received. Feedback holds addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Content {
    /// The message.
    pub body: String,
    /// What stood beside it, as JSON.
    pub attributes: String,
}

const COLUMNS: &str = "SELECT id, recorded_at, queue, kind, target, run_id, batch_id, cause";

fn read(row: &Row) -> Result<Recorded> {
    Ok(Recorded {
        id: row.int(0)?,
        recorded_at: row.time(1)?,
        queue: row.text(2)?,
        kind: row.text(3)?,
        target: row.text(4)?,
        run: row.int(5)?,
        batch: row.int(6)?,
        cause: row.text(7)?,
    })
}

/// The newest letters, newest first.
pub async fn newest(tx: &mut Tx, most: usize) -> Result<Vec<Recorded>> {
    let rows = tx.rows(format!("{COLUMNS} FROM dead_letters ORDER BY id DESC LIMIT ?"), &[most.into()]).await?;
    rows.iter().map(read).collect()
}

/// One letter, with what it says.
pub async fn find(tx: &mut Tx, id: i64) -> Result<Option<(Recorded, Content)>> {
    let row = tx.row(format!("{COLUMNS}, body, attributes FROM dead_letters WHERE id = ?"), &[id.into()]).await?;
    let letter = |row: Row| Ok((read(&row)?, Content { body: row.text(8)?, attributes: row.text(9)? }));
    row.map(letter).transpose()
}
