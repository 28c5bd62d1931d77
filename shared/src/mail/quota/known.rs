//! What is known of the quota, in the records for all workers: what the provider last said, and how much of the pace the
//! letters of the last days leave. It is looked up anew once in some minutes, by whoever finds it old first.

use std::time::Duration;

use super::{
    account::Account,
    reputation::{LINES, Measured, Verdict},
};
use crate::{
    alerts::{self, Alert, Severity},
    records::{Result, Row, Tx},
};

/// How old it may be before somebody looks it up anew.
const FRESH: Duration = Duration::from_mins(5);

/// The job that finds out.
const JOB: &str = "invitation-worker";

/// The provider takes nothing from this account.
const PAUSED: &str = "account-paused";

/// What is known of the quota.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Known {
    /// The provider's pace, in letters a second; 0 while it has never said one.
    pub(super) per_second: f64,
    /// The provider's quota of a day; `None` for none.
    pub(super) per_day: Option<u64>,
    /// For each line, how much of the pace it leaves, in hundredths.
    pub(super) percent_left: [u32; LINES.len()],
}

/// What is known, and whether it may be gone by. A first look at nothing finds nothing, which is old.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Look {
    pub(super) known: Known,
    pub(super) is_fresh: bool,
}

const SELECT: &str = "SELECT per_second, per_day, bounces_leave, complaints_leave, \
    CASE WHEN answered = 1 AND asked_at > {now+?} THEN 1 ELSE 0 END FROM send_quota WHERE name = ?";

/// Reads what is known.
pub(super) async fn look(tx: &mut Tx, name: &str) -> Result<Look> {
    let row = tx.row(SELECT, &[before(FRESH).into(), name.into()]).await?;
    row.as_ref().map_or(Ok(Look::default()), read)
}

/// Takes the turn to look it up, where it is old: whoever comes next finds it fresh, and goes by what was known before.
/// Where nothing was known before, everybody looks.
pub(super) async fn take_turn(tx: &mut Tx, name: &str) -> Result<Look> {
    tx.execute("INSERT INTO send_quota (name) VALUES (?) {or ignore name}", &[name.into()]).await?;
    let row = tx.row([SELECT, " {for update}"].concat(), &[before(FRESH).into(), name.into()]).await?;
    let look = row.as_ref().map_or(Ok(Look::default()), read)?;
    if !look.is_fresh {
        tx.execute("UPDATE send_quota SET asked_at = {now} WHERE name = ?", &[name.into()]).await?;
    }
    Ok(look)
}

/// Keeps what was found out, and says by alerts what stops sending. Where the provider said nothing, its last word stays.
pub(super) async fn keep(tx: &mut Tx, name: &str, account: Option<Account>, measured: &Measured) -> Result<Known> {
    if let Some(account) = account {
        let per_day = account.per_day.map_or(-1, |letters| i64::try_from(letters).unwrap_or(i64::MAX));
        let sql = "UPDATE send_quota SET per_second = ?, per_day = ? WHERE name = ?";
        tx.execute(sql, &[account.per_second.into(), per_day.into(), name.into()]).await?;
        let message = "the provider takes no letters from this account".to_owned();
        say(tx, !account.may_send, PAUSED, message, None).await?;
    }
    let verdicts = measured.verdicts();
    for (line, Verdict { rate, percent_left }) in verdicts {
        let message = format!("sending has stopped: {:.2} % of the last days' letters {}", rate * 100.0, line.what);
        say(tx, percent_left == 0, line.cause, message, Some((rate, line.stop()))).await?;
    }
    let left = verdicts.map(|(_, verdict)| verdict.percent_left);
    let sql = "UPDATE send_quota SET bounces_leave = ?, complaints_leave = ?, answered = 1 WHERE name = ?";
    tx.execute(sql, &[left[0].into(), left[1].into(), name.into()]).await?;
    Ok(look(tx, name).await?.known)
}

async fn say(tx: &mut Tx, is_met: bool, cause: &str, message: String, values: Option<(f64, f64)>) -> Result<()> {
    if !is_met {
        return alerts::clear(tx, JOB, cause, "").await.map(drop);
    }
    let (value, threshold) = values.unzip();
    let alert = Alert { job: JOB, cause, subject: "", severity: Severity::High, message, run: None, value, threshold };
    alerts::raise(tx, &alert).await.map(drop)
}

fn read(row: &Row) -> Result<Look> {
    let known = Known {
        per_second: row.float(0)?,
        per_day: u64::try_from(row.int(1)?).ok(),
        percent_left: [row.small(2)?, row.small(3)?],
    };
    Ok(Look { known, is_fresh: row.truth(4)? })
}

/// That long ago, in microseconds.
fn before(time: Duration) -> i64 {
    -i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
