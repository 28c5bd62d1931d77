//! First reminders about which something becomes known late, or at the same time as their second is decided about.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use shared::{clock::Clock, mail::Answer, run::batch::BatchMessage, sqs::Outcome};
use tests::{
    attempts::{accepted, let_leases_end, refused_for_good},
    cycle::{self, handle, ledger_of_completed, worker_with},
    databases::TestDatabase,
    people::add_user_with_contacts,
    reminding::{after, plan, through, worker},
    runs,
    scripted_mailer::ScriptedMailer,
};
use tokio::{sync::Notify, task::JoinHandle};

tests::contract!(
    a_first_and_a_second_that_are_decided_about_at_once_never_both_go_out,
    a_late_yes_before_the_second_was_judged_holds_it_back_from_when_the_first_went_out,
    a_late_no_before_the_second_was_judged_holds_nothing_back,
    a_late_yes_after_the_second_was_judged_leaves_its_wait_as_it_is,
    a_late_no_after_the_second_was_judged_leaves_its_wait_as_it_is,
);

/// How many contacts there are.
const CONTACTS: usize = 3;

fn mailer() -> Arc<ScriptedMailer> {
    Arc::new(ScriptedMailer::new("scripted", CONTACTS))
}

/// A cycle of so many users with [`CONTACTS`] contacts each.
async fn invite(database: &TestDatabase, users: usize) -> i64 {
    let mut last = 0;
    for _ in 0..users {
        (last, _) = add_user_with_contacts(database, CONTACTS).await;
    }
    cycle::through(database, runs::firing(), &mailer()).await;
    last
}

async fn a_first_and_a_second_that_are_decided_about_at_once_never_both_go_out(database: &TestDatabase) {
    for round in 0..5 {
        invite(database, 9).await;
        let (first, of_first) = plan(database, after(3, 0)).await;
        // A first that is four days late to the second may still be sent.
        let (second, of_second) = plan(database, after(7, 0)).await;
        let mailer = mailer();
        let worker = Arc::new(worker(database, &mailer, after(7, 0)).await);
        let tasks = of_second.into_iter().chain(of_first).map(|message| {
            let worker = worker.clone();
            tokio::spawn(async move { handle(&worker, message).await })
        });
        for outcome in join_all(tasks).await {
            assert_eq!(outcome.expect("no panic"), Outcome::Done);
        }
        let mut reminded = mailer.addresses();
        reminded.dedup();
        assert_eq!((mailer.addresses().len(), reminded.len()), (9 * CONTACTS, 9 * CONTACTS), "round {round}");
        let (first, second) = (ledger_of_completed(database, first).await, ledger_of_completed(database, second).await);
        let skipped = [(&first, "superseded"), (&second, "too_soon_after_first")]
            .map(|(ledger, reason)| ledger.skipped.get(reason).copied().unwrap_or(0));
        assert_eq!((first.sent + skipped[0], second.sent + skipped[1]), (first.planned, second.planned));
        cycle::forget_everything(database).await;
    }
}

/// A worker that was taken for dead during its only call, and is about to wake up.
struct Zombie {
    clock: Clock,
    wakes: Arc<Notify>,
    task: JoinHandle<Outcome>,
}

impl Zombie {
    /// Has a worker begin the first reminders at a moment and stand still until its lease has ended. To each contact of the
    /// user the provider will have answered so.
    async fn of(database: &TestDatabase, user: i64, at: DateTime<Utc>, answer: &Answer) -> Self {
        let (_, messages) = plan(database, at).await;
        let (stands, wakes) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (says, waits) = (stands.clone(), wakes.clone());
        let mut mailer = ScriptedMailer::new("scripted", CONTACTS).during(move |_| {
            let (says, waits) = (says.clone(), waits.clone());
            Box::pin(async move {
                says.notify_one();
                waits.notified().await;
            })
        });
        for contact in 0..CONTACTS {
            mailer = mailer.answering(&format!("contact{contact}@of{user}.example"), [answer.clone()]);
        }
        let clock = Clock::standing_at(at);
        let worker = worker_with(database, &[&Arc::new(mailer)], None, clock.clone()).await;
        let message: BatchMessage = messages[0];
        let task = tokio::spawn(async move { handle(&worker, message).await });
        stands.notified().await;
        assert_eq!(let_leases_end(database).await, 1);
        Self { clock, wakes, task }
    }

    /// Has it record its answers at a moment.
    async fn wake(self, at: DateTime<Utc>) {
        self.clock.advance(at - self.clock.now());
        self.wakes.notify_one();
        assert_eq!(self.task.await.expect("no panic"), Outcome::Done);
    }
}

/// Has these hours pass, as days and hours after the invitations, and expects so many second reminders in each.
async fn seconds(database: &TestDatabase, hours: &[(i64, i64, u64)]) {
    let mailer = mailer();
    for &(day, hour, sent) in hours {
        let (_, ledger) = through(database, after(day, hour), &mailer).await;
        assert_eq!(ledger.sent, sent, "day {day}, hour {hour}: {ledger:?}");
    }
}

async fn a_late_yes_before_the_second_was_judged_holds_it_back_from_when_the_first_went_out(database: &TestDatabase) {
    let user = invite(database, 1).await;
    let zombie = Zombie::of(database, user, after(5, 0), &accepted()).await;
    zombie.wake(after(5, 6)).await;
    seconds(database, &[(7, 0, 0), (7, 23, 0), (8, 0, 3), (8, 6, 0)]).await;
}

async fn a_late_no_before_the_second_was_judged_holds_nothing_back(database: &TestDatabase) {
    let user = invite(database, 1).await;
    let zombie = Zombie::of(database, user, after(5, 0), &refused_for_good()).await;
    zombie.wake(after(5, 6)).await;
    seconds(database, &[(6, 23, 0), (7, 0, 3), (8, 6, 0)]).await;
}

async fn a_late_yes_after_the_second_was_judged_leaves_its_wait_as_it_is(database: &TestDatabase) {
    let user = invite(database, 1).await;
    let zombie = Zombie::of(database, user, after(5, 0), &accepted()).await;
    seconds(database, &[(7, 0, 0)]).await;
    zombie.wake(after(7, 12)).await;
    seconds(database, &[(7, 23, 0), (8, 0, 3), (10, 12, 0)]).await;
}

async fn a_late_no_after_the_second_was_judged_leaves_its_wait_as_it_is(database: &TestDatabase) {
    let user = invite(database, 1).await;
    let zombie = Zombie::of(database, user, after(5, 0), &refused_for_good()).await;
    seconds(database, &[(7, 0, 0)]).await;
    zombie.wake(after(7, 12)).await;
    seconds(database, &[(7, 23, 0), (8, 0, 3), (8, 1, 0)]).await;
}
