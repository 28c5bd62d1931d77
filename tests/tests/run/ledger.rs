//! The ledger counts what a plain count counts.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use shared::run::ledger::{self, Ledger};
use tests::{
    ask::execute,
    databases::TestDatabase,
    runs::{add_open_batch, add_planned_batch, open_run},
};

tests::contract!(whatever_the_outcomes_the_ledger_counts_each_once, the_outcomes_of_other_runs_do_not_count);

/// Numbers that look random and are the same for the same seed: xorshift.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 % u64::from(bound)).expect("below the bound")
    }
}

const REASONS: [&str; 3] = ["opted_out", "over_limit", "gone"];

/// Adds a batch with random outcomes to the run, and to the plain count.
async fn add_random_batch(database: &TestDatabase, run: i64, random: &mut Seeded, plain: &mut Ledger) {
    let size = random.below(12);
    plain.planned += u64::from(size);
    let mut skip = |reason: &str, count: u64| *plain.skipped.entry(reason.to_owned()).or_default() += count;
    match random.below(4) {
        0 => {
            let batch = add_planned_batch(database, run, size).await;
            let (state, failed) = [("parked", true), ("cancelled", false)][random.below(2) as usize];
            execute(database, "UPDATE batches SET state = ? WHERE id = ?", vec![state.into(), batch.into()]).await;
            if failed { plain.failed += u64::from(size) } else { skip("cancelled", size.into()) }
        }
        _ => {
            let batch = add_open_batch(database, run, size).await;
            for position in 0..i64::from(size) {
                let id = batch * 65_536 + position;
                let state = [2_i64, 2, 2, 3, 4, 5, -1, -1][random.below(8) as usize];
                if state >= 0 {
                    let sql = "UPDATE invitations SET send_state = ? WHERE id = ?";
                    execute(database, sql, vec![state.into(), id.into()]).await;
                } else {
                    execute(database, "DELETE FROM invitations WHERE id = ?", vec![id.into()]).await;
                    let reason = REASONS[random.below(3) as usize];
                    let sql = "INSERT INTO skips (run_id, batch_id, user_id, reason, contacts, contact_ids, skipped_at) \
                               VALUES (?, ?, ?, ?, 1, '', {now})";
                    execute(database, sql, vec![run.into(), batch.into(), position.into(), reason.into()]).await;
                    skip(reason, 1);
                }
                match state {
                    2 => plain.sent += 1,
                    3 => plain.failed += 1,
                    4 => plain.in_doubt += 1,
                    5 => skip("cancelled", 1),
                    _ => {}
                }
            }
            let state = ["done", "parked", "cancelled"][random.below(3) as usize];
            execute(database, "UPDATE batches SET state = ? WHERE id = ?", vec![state.into(), batch.into()]).await;
        }
    }
    plain.skipped.retain(|_, count| *count > 0);
}

async fn counted(database: &TestDatabase, run: i64, planned: u64) -> Ledger {
    let mut ledger =
        database.read(move |tx| async move { ledger::count(tx, run, planned).await }.boxed()).await.expect("counted");
    ledger.skipped.retain(|_, count| *count > 0);
    ledger
}

async fn whatever_the_outcomes_the_ledger_counts_each_once(database: &TestDatabase) {
    for seed in [1, 42, 202_611, 0xDEAD_BEEF] {
        let mut random = Seeded(seed);
        let run = open_run(database).await.id;
        let mut plain = Ledger::default();
        for _ in 0..8 {
            add_random_batch(database, run, &mut random, &mut plain).await;
        }
        assert_eq!(counted(database, run, plain.planned).await, plain, "seed {seed}");
        assert!(plain.is_balanced(), "seed {seed}");
    }
}

async fn the_outcomes_of_other_runs_do_not_count(database: &TestDatabase) {
    let (run, other) = (open_run(database).await.id, open_run(database).await.id);
    for owner in [run, other, run, other] {
        let batch = add_open_batch(database, owner, 3).await;
        let sql = "UPDATE invitations SET send_state = 2 WHERE id BETWEEN ? AND ?";
        execute(database, sql, vec![(batch * 65_536).into(), (batch * 65_536 + 65_535).into()]).await;
    }
    let expected = Ledger { planned: 6, sent: 6, skipped: BTreeMap::new(), ..Ledger::default() };
    assert_eq!(counted(database, run, 6).await, expected);
}
