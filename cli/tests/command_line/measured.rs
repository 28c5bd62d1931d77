//! The capacity model held against runs of this machine: `cargo test --workspace --test command_line measured -- --ignored
//! --nocapture`.
//!
//! What the machine itself takes of a letter is measured once, without any wait. Everything else is foretold: how batches fall
//! to processes, volleys to a provider's latency, and letters to a quota. It takes a minute of a machine that does nothing
//! else, so it is asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use almanac::{
    capacity::{Pace, Setup, Work, simulate},
    people::bench::{self, Bench, Letters},
};
use shared::records::Dialect;
use tests::{
    databases,
    ses_fake::{Account, Behaviour, SesFake},
};

use crate::support::{
    machine::Machine,
    people::{CONTACTS, CYCLE},
    query,
};

const USERS: u32 = 1_000;
const LETTERS: u64 = 20_000;

/// How far a run may be from what was foretold.
const WITHIN: f64 = 0.2;

/// A run to be foretold.
struct Case {
    /// How many processes work on it, each with four batches at once.
    processes: u64,
    /// How long the provider takes for a call, in milliseconds.
    call_ms: u64,
    /// How many letters a second may go out.
    per_second: Option<u32>,
}

const CASES: [Case; 7] = [
    Case { processes: 1, call_ms: 600, per_second: None },
    Case { processes: 2, call_ms: 600, per_second: None },
    Case { processes: 3, call_ms: 600, per_second: None },
    Case { processes: 1, call_ms: 1_200, per_second: None },
    Case { processes: 1, call_ms: 100, per_second: Some(1_000) },
    Case { processes: 1, call_ms: 100, per_second: Some(2_000) },
    Case { processes: 2, call_ms: 300, per_second: Some(1_500) },
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and wants a machine that does nothing else"]
async fn runs_take_as_long_as_the_model_foretells() {
    let latency = Arc::new(AtomicU64::new(0));
    let script = latency.clone();
    let behave = move |_| match script.load(Relaxed) {
        0 => Behaviour::Accept,
        call_ms => Behaviour::AcceptAfter(Duration::from_millis(call_ms)),
    };
    let ses = SesFake::listen("127.0.0.1:0", behave, false).await.expect("a free port");
    let letter_s = letter_s(&ses).await;
    println!("this machine takes {:.0} µs of a letter", letter_s * 1e6);
    println!("processes  call ms  letters a second  foretold s  measured s      off");
    let mut worst: f64 = 0.0;
    for case in &CASES {
        latency.store(case.call_ms, Relaxed);
        let foretold = foretold(case, letter_s);
        let measured = measured(case, &ses).await;
        let off = foretold / measured - 1.0;
        let pace = case.per_second.map_or_else(|| "any".to_owned(), |pace| pace.to_string());
        let (processes, call_ms) = (case.processes, case.call_ms);
        println!(
            "{processes:>9}  {call_ms:>7}  {pace:>16}  {foretold:>10.2}  {measured:>10.2}  {:>6.1} %",
            100.0 * off
        );
        worst = worst.max(off.abs());
    }
    assert!(worst <= WITHIN, "off by {:.0} %", 100.0 * worst);
}

fn machine(ses: &SesFake) -> Machine {
    Machine::bare().sending(format!("ses+http://{}", ses.address())).set("AWS_REGION", "eu-west-3")
}

/// What a letter takes where nothing is waited for: two benches, of which the second finds everything warm.
async fn letter_s(ses: &SesFake) -> f64 {
    ses.set_account(None);
    let machine = machine(ses);
    let users = USERS.to_string();
    let question = ["bench", "--users", &users, "--json"];
    machine.run(&question).await.json_of(0);
    let figures = machine.run(&question).await.json_of(0);
    figures["wall_s"].as_f64().expect("seconds") / figures["sent"].as_f64().expect("letters")
}

fn foretold(case: &Case, letter_s: f64) -> f64 {
    let quota = case.per_second.map(|pace| Pace { per_second: pace.into(), per_day: None, sent: 0 });
    let mut setup = Setup::here(None, Dialect::Sqlite, quota);
    setup.mapping.at_first *= case.processes;
    setup.mapping.most *= case.processes;
    (setup.database.letter_s, setup.call_s, setup.call_spread) = (letter_s, seconds(case.call_ms), 0.0);
    let outcome = simulate(&setup, Work { letters: LETTERS, letters_per_batch: 50 * u64::from(CONTACTS) });
    seconds(outcome.finished) / 1_000.0
}

/// Runs the cycle with so many processes at once; gives how long it was open.
async fn measured(case: &Case, ses: &SesFake) -> f64 {
    // The account allows twice as much, and a little: of two seconds' letters those of the first may arrive late.
    let per_second = case.per_second.map_or(1_000_000.0, |pace| 2.2 * f64::from(pace));
    ses.set_account(Some(Account { per_second, per_day: -1.0, sent: 0.0, enabled: true }));
    let machine = match case.per_second {
        Some(pace) => machine(ses).set("EMAIL_RATE_LIMIT_PER_SECOND", pace.to_string()),
        None => machine(ses),
    };
    machine.run(&["migrate"]).await;
    let records = databases::open(&format!("sqlite:{}/almanac.db", machine.home().display())).await;
    let people = Bench { users: USERS, contacts_per_user: CONTACTS, letters: Letters::Default };
    bench::add(&records, people, |_| {}).await.expect("people");
    let running: Vec<_> = (0..case.processes).map(|_| machine.start(&CYCLE)).collect();
    for process in running {
        assert_eq!(process.end().await.json_of(0)["sent"], LETTERS);
    }
    assert_eq!(ses.throttled(), 0, "a throttled call holds everybody for a second, which is not foretold");
    seconds(query::number(&records, "SELECT finished_at - started_at FROM runs").await) / 1_000.0
}

/// Thousandths as what they are of.
#[expect(clippy::cast_precision_loss, reason = "a span of minutes")]
fn seconds(thousandths: u64) -> f64 {
    thousandths as f64 / 1_000.0
}
