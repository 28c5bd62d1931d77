//! Feedback comes in any order, more than once, before, between and after the reply and the lease's end: what it leaves
//! is always the same.

use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use shared::{
    claims::{Abandoned, Claim},
    feedback::{Feedback, Kind},
    process::Holder,
    records::Records,
};
use tests::{
    ask::{all, execute},
    attempts::{abandon, accepted, ask_for, outcome, range, refused_for_good, settle, unknown},
    databases::TestDatabase,
    people::add_user_with_contacts,
    provider_feedback::{said, take},
    runs::{add_open_batch, open_run},
};

tests::contract!(feedback_in_every_order_leaves_one_state);

/// How many histories are tried, each in so many orders.
const HISTORIES: usize = 12;
const ORDERS: usize = 5;

/// Two letters to one address, which two users know.
const LETTERS: u32 = 2;

/// One thing that happens to them.
#[derive(Debug, Clone)]
enum Happening {
    /// A provider says something of a letter, so many seconds later and in this code.
    Said { kind: Kind, letter: u32, seconds: i64, code: &'static str },
    /// The call's own reply is recorded.
    Reply(Reply),
    /// The claim is given up.
    GivenUp,
}

#[derive(Debug, Clone, Copy)]
enum Reply {
    Accepted,
    Refused,
    Unknown,
}

fn history() -> impl Strategy<Value = Vec<Happening>> {
    let said = (select(&Kind::ALL), 0..LETTERS, 1..60_i64, select(&["", "5.1.1", "General"]))
        .prop_map(|(kind, letter, seconds, code)| Happening::Said { kind, letter, seconds, code });
    let reply = select(&[Reply::Accepted, Reply::Refused, Reply::Unknown]).prop_map(Happening::Reply);
    (vec(said, 1..9), proptest::option::of(reply), proptest::option::of(Just(Happening::GivenUp)))
        .prop_map(|(said, reply, given_up)| said.into_iter().chain(reply).chain(given_up).collect())
}

/// The same happenings in an order of their own, some of what was said twice.
fn shuffled(history: &[Happening]) -> impl Strategy<Value = Vec<Happening>> {
    let said: Vec<_> = history.iter().filter(|one| matches!(one, Happening::Said { .. })).cloned().collect();
    let again = proptest::sample::subsequence(said.clone(), 0..=said.len());
    let history = history.to_vec();
    again.prop_flat_map(move |again| Just([history.clone(), again].concat()).prop_shuffle())
}

/// What is left in the end, without what belongs to one playing of it.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    letters: Vec<(i64, i64, i64, i64)>,
    contacts: Vec<(String, String, i64, i64, i64, String, i64)>,
    suppressed: Vec<(String, i64)>,
    said: Vec<(i64, i64, i64, String)>,
}

async fn feedback_in_every_order_leaves_one_state(database: &TestDatabase) {
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    let mut tried = 0;
    for _ in 0..HISTORIES {
        let history = history().new_tree(&mut runner).expect("a history").current();
        let first = play(database, &history, tried).await;
        assert_eq!(states(&first), expected(&history), "{history:?}");
        for _ in 0..ORDERS {
            tried += 1;
            let order = shuffled(&history).new_tree(&mut runner).expect("an order").current();
            assert_eq!(play(database, &order, tried).await, first, "{order:?}");
        }
        tried += 1;
    }
}

async fn play(records: &Records, order: &[Happening], number: usize) -> Left {
    let address = format!("ada{number}@example.org");
    let mut people = Vec::new();
    for _ in 0..LETTERS {
        let (user, contacts) = add_user_with_contacts(records, 1).await;
        people.push((user, contacts[0]));
        let sql = "UPDATE contacts SET email = ? WHERE user_id = ?";
        execute(records, sql, vec![address.clone().into(), user.into()]).await;
    }
    let run = open_run(records).await.id;
    let batch = add_open_batch(records, run, LETTERS).await;
    for (letter, (user, contact)) in (0..).zip(&people) {
        let sql = "UPDATE invitations SET user_id = ?, contact_id = ?, to_email = ? WHERE id = ?";
        let id: i64 = batch * 65_536 + letter;
        execute(records, sql, vec![(*user).into(), (*contact).into(), address.clone().into(), id.into()]).await;
    }
    let (claim, holder) = (range(batch, 0, 0, LETTERS - 1), Holder::unwatched());
    ask_for(records, &claim, &holder).await;
    for happening in order {
        happen(records, &claim, &holder, happening).await;
    }
    left(records, batch, &address).await
}

async fn happen(records: &Records, claim: &Claim, holder: &Holder, happening: &Happening) {
    match happening {
        Happening::Said { kind, letter, seconds, code } => {
            let said = Feedback { code: (*code).to_owned(), ..said(*kind, claim, *letter, *seconds) };
            take(records, said).await;
        }
        Happening::Reply(reply) => {
            let answer = || match reply {
                Reply::Accepted => accepted(),
                Reply::Refused => refused_for_good(),
                Reply::Unknown => unknown(),
            };
            settle(records, claim, outcome((0..LETTERS).map(|letter| (letter, answer())))).await;
        }
        Happening::GivenUp => drop(abandon(records, Abandoned::HeldBy(vec![holder.token().to_owned()])).await),
    }
}

async fn left(records: &Records, batch: i64, address: &str) -> Left {
    let range = || vec![(batch * 65_536).into(), (batch * 65_536 + 65_535).into()];
    let letters = "SELECT send_state, status, sent_at, opened_at FROM invitations WHERE id BETWEEN ? AND ? ORDER BY id";
    let contacts = "SELECT status, email_status, bounce_count, last_bounce_at, opted_out, opt_out_reason, opted_out_at \
                    FROM contacts WHERE email = ? ORDER BY id";
    let said = "SELECT invitation_id % 65536, kind, happened_at, code FROM feedback \
                WHERE invitation_id BETWEEN ? AND ? ORDER BY invitation_id, kind";
    let micros = |row: &shared::records::Row, column| row.time(column).map(|time| time.timestamp_micros());
    Left {
        letters: all(records, letters, range(), |row| Ok((row.int(0)?, row.int(1)?, micros(row, 2)?, micros(row, 3)?)))
            .await,
        contacts: all(records, contacts, vec![address.to_owned().into()], |row| {
            let (times, opted_out) = ((micros(row, 3)?, micros(row, 6)?), row.int(4)?);
            Ok((row.text(0)?, row.text(1)?, row.int(2)?, times.0, opted_out, row.text(5)?, times.1))
        })
        .await,
        suppressed: all(
            records,
            "SELECT reason, suppressed_at FROM suppressions WHERE email = ?",
            vec![address.to_owned().into()],
            |row| Ok((row.text(0)?, micros(row, 1)?)),
        )
        .await,
        said: all(records, said, range(), |row| Ok((row.int(0)?, row.int(1)?, micros(row, 2)?, row.text(3)?))).await,
    }
}

fn states(left: &Left) -> Vec<(i64, i64)> {
    left.letters.iter().map(|(state, status, ..)| (*state, *status)).collect()
}

/// Send state and status of each letter, by rules as plain as they can be said.
fn expected(history: &[Happening]) -> Vec<(i64, i64)> {
    let reply = history.iter().find_map(|one| if let Happening::Reply(reply) = one { Some(*reply) } else { None });
    let given_up = history.iter().any(|one| matches!(one, Happening::GivenUp));
    let of_letter = |letter: u32| {
        let kinds: Vec<Kind> = history
            .iter()
            .filter_map(|one| match one {
                Happening::Said { kind, letter: of, .. } if *of == letter => Some(*kind),
                _ => None,
            })
            .collect();
        let any = |wanted: &[Kind]| kinds.iter().any(|kind| wanted.contains(kind));
        let rejected = any(&[Kind::Rejected, Kind::Unrenderable]);
        let went_out = kinds.iter().any(|kind| !matches!(kind, Kind::Sent | Kind::Rejected | Kind::Unrenderable));
        let state = match (went_out, rejected, kinds.is_empty(), reply, given_up) {
            (true, ..) => 2,
            (false, true, ..) => 3,
            (false, false, false, ..) => 2,
            (.., Some(Reply::Accepted), _) => 2,
            (.., Some(Reply::Refused), _) => 3,
            (.., Some(Reply::Unknown), _) | (.., None, true) => 4,
            (.., None, false) => 0,
        };
        let accepted = matches!(reply, Some(Reply::Accepted));
        let status = if any(&[Kind::Opened, Kind::Clicked]) {
            2
        } else if rejected || any(&[Kind::BouncedForGood]) {
            6
        } else {
            i64::from(!kinds.is_empty() || accepted)
        };
        (state, status)
    };
    (0..LETTERS).map(of_letter).collect()
}

#[tokio::test]
async fn histories_are_as_different_as_they_are_meant_to_be() {
    let mut runner = TestRunner::deterministic();
    let histories: Vec<_> = (0..200).map(|_| history().new_tree(&mut runner).expect("a history").current()).collect();
    let share = |test: fn(&Happening) -> bool| histories.iter().filter(|one| one.iter().any(test)).count();
    assert!((50..190).contains(&share(|one| matches!(one, Happening::Reply(_)))));
    assert!((50..190).contains(&share(|one| matches!(one, Happening::GivenUp))));
    assert!((20..190).contains(&share(|one| matches!(one, Happening::Said { kind: Kind::Complained, .. }))));
}
