//! What is promised of a year, and looked at when it is over.

use futures_util::FutureExt;
use shared::{
    month::Month,
    records::Records,
    run::{Run, State, history},
};

use super::{Year, letterbox::Letterbox};

/// A promise, and how often it was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What was promised.
    pub promise: &'static str,
    /// How often it was broken.
    pub broken: u64,
}

/// More than the cycle has evenings in a year.
const EVENINGS: usize = 400;

/// Looks at what the provider remembers and at what the records say, the one against the other.
pub async fn look(records: &Records, letterbox: &Letterbox, year: Year, forgotten: u64) -> anyhow::Result<Vec<Kept>> {
    let evenings = records.read(|tx| history::newest(tx, Some(monthly_invitations::JOB), EVENINGS).boxed()).await?;
    let open = records.read(|tx| history::open(tx, EVENINGS).boxed()).await?.len() as u64;
    let memory = letterbox.memory();
    let more_than_once = |counts: &mut dyn Iterator<Item = u32>| counts.filter(|count| *count > 1).count() as u64;
    let unlike = (1..=12).filter(|month| {
        let month: Month = format!("{}-{month:02}", year.year).parse().expect("a month");
        let received: u64 =
            memory.invited.iter().filter(|((_, of), _)| *of == month).map(|(_, count)| u64::from(*count)).sum();
        !ledger_of_month_says(&evenings, month, received)
    });
    Ok(vec![
        Kept {
            promise: "nobody is invited twice in a month",
            broken: more_than_once(&mut memory.invited.values().copied()),
        },
        Kept {
            promise: "nobody is reminded twice of one thing",
            broken: more_than_once(&mut memory.reminded.values().copied()),
        },
        Kept {
            promise: "nobody is written to who has left, complained or whose address is gone",
            broken: memory.to_stopped,
        },
        Kept { promise: "nobody is reminded who has answered", broken: memory.after_answers },
        Kept { promise: "nobody is forgotten", broken: forgotten },
        Kept {
            promise: "every month's ledger balances, and says what the provider received",
            broken: unlike.count() as u64,
        },
        Kept { promise: "every run is closed", broken: open },
    ])
}

fn ledger_of_month_says(evenings: &[Run], month: Month, received: u64) -> bool {
    let of_month: Vec<_> = evenings.iter().filter(|run| run.key.starts_with(&shared::cycle::period(month))).collect();
    let ledgers = of_month.iter().map(|run| run.closing_ledger().filter(|_| run.state == State::Completed));
    let mut sent = 0;
    for ledger in ledgers {
        let Some(ledger) = ledger.filter(|ledger| ledger.is_balanced()) else { return false };
        sent += ledger.sent;
    }
    sent == received
}
