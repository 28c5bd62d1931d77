//! What came of every letter: what Almanac says, held against what the provider remembers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt::Write as _,
};

use futures_util::FutureExt as _;
use shared::{invitation::SendState, records::Row, run::history};
use tests::{
    ask,
    gate::{Moment, Step},
    provider_feedback::recipients_of,
};

use crate::{
    fleet::Fleet,
    hearsay::{Feedback, Hearsay},
    world::World,
};

/// The most letters that one call, and so one claim, takes along.
const LETTERS_OF_A_CLAIM: usize = 50;

/// What was counted in one run.
#[derive(Debug)]
pub struct Count {
    pub feedback: Feedback,
    /// Workers that were killed, by the step.
    pub kills: BTreeMap<&'static str, usize>,
    pub planned: usize,
    pub skipped: usize,
    /// Failed, and the provider has not got it.
    pub failed: usize,
    /// Different letters that the provider took.
    pub delivered: usize,
    /// Those that the provider's word took out of doubt.
    pub settled: usize,
    /// Those that its silence took out of doubt, and that were sent then.
    pub not_taken: usize,
    /// In doubt after that, and listed.
    pub in_doubt: usize,
    /// Those of them that the provider took.
    pub in_doubt_and_taken: usize,
    /// Planned, and neither skipped, failed, delivered nor listed in doubt.
    pub lost: i64,
    /// Letters beyond the first to somebody.
    pub duplicated: usize,
    /// Failed by the records, and the provider has taken it.
    pub wrongly_failed: usize,
    /// In doubt by the records, and on no list.
    pub unlisted: usize,
    /// The most letters that the end of one worker put in doubt.
    pub most_in_doubt_by_one: usize,
}

impl Count {
    /// Counts all that was planned.
    pub async fn of(world: &World, fleet: &Fleet, hearsay: &Hearsay, not_taken: usize, feedback: Feedback) -> Self {
        let planned = size(ask::number(&world.records, PLANNED, vec![]).await);
        let mut listed = BTreeSet::new();
        for run in ask::numbers(&world.records, "SELECT id FROM runs", vec![]).await {
            let most = usize::MAX >> 1;
            let read = world.records.read(move |tx| history::letters_in(tx, run, SendState::InDoubt, most).boxed());
            listed.extend(read.await.expect("readable"));
        }
        let (mut of_state, mut taken_of_state) = (BTreeMap::new(), BTreeMap::new());
        let mut unlisted = 0;
        let read = |row: &Row| Ok((row.int(0)?, row.int(1)?));
        for (id, state) in ask::all(&world.records, "SELECT id, send_state FROM invitations", vec![], read).await {
            *of_state.entry(state).or_insert(0) += 1;
            let is_taken = world.ses.tally().count_of(&id.to_string()) > 0;
            *taken_of_state.entry(state).or_insert(0) += usize::from(is_taken);
            unlisted += usize::from(state == IN_DOUBT && !listed.contains(&id.to_string()));
        }
        let of = |counts: &BTreeMap<i64, usize>, state: i64| counts.get(&state).copied().unwrap_or_default();
        let skipped = ask::number(&world.records, SKIPPED, vec![]).await;
        let (in_doubt, in_doubt_and_taken) = (of(&of_state, IN_DOUBT), of(&taken_of_state, IN_DOUBT));
        let wrongly_failed = of(&taken_of_state, FAILED) + of(&taken_of_state, NOT_TAKEN);
        let (skipped, failed) = (size(skipped), of(&of_state, FAILED) + of(&of_state, NOT_TAKEN) - wrongly_failed);
        let mut letters: HashMap<String, usize> = HashMap::new();
        for recipient in world.ses.taken(0).iter().flat_map(recipients_of) {
            *letters.entry(recipient).or_default() += 1;
        }
        let delivered = letters.len();
        let accounted = skipped + failed + delivered + (in_doubt - in_doubt_and_taken);
        Self {
            feedback,
            kills: fleet.kills(),
            planned,
            skipped,
            failed,
            delivered,
            settled: hearsay.settled(),
            not_taken,
            in_doubt,
            in_doubt_and_taken,
            lost: i64::try_from(planned).expect("small") - i64::try_from(accounted).expect("small"),
            duplicated: letters.values().map(|letters| letters - 1).sum(),
            wrongly_failed,
            unlisted,
            most_in_doubt_by_one: size(ask::number(&world.records, BY_ONE, vec![]).await),
        }
    }

    /// Holds the count against what is promised.
    pub fn check(&self) {
        assert_eq!((self.lost, self.duplicated), (0, 0), "lost and duplicated: {self:?}");
        assert_eq!((self.wrongly_failed, self.unlisted), (0, 0), "wrongly failed and unlisted: {self:?}");
        assert!(self.most_in_doubt_by_one <= LETTERS_OF_A_CLAIM, "more than one claim: {self:?}");
        match self.feedback {
            Feedback::Works => assert_eq!(self.in_doubt, 0, "still in doubt: {self:?}"),
            Feedback::Lost => assert_eq!((self.settled, self.not_taken), (0, 0), "{self:?}"),
        }
        let missed = STEPS.iter().find(|(step, _)| !self.kills.contains_key(step));
        assert_eq!(missed, None, "a step at which nobody was killed: {self:?}");
    }
}

const FAILED: i64 = 3;
const IN_DOUBT: i64 = 4;
const NOT_TAKEN: i64 = 6;
/// Of the run and of the quiet evenings around it; a redrive plans nobody.
const PLANNED: &str =
    "SELECT CAST(SUM(planned) AS SIGNED) FROM runs WHERE parent_id = 0 AND job = 'monthly-invitations'";
const SKIPPED: &str = "SELECT CAST(COALESCE(SUM(contacts), 0) AS SIGNED) FROM skips";

/// A worker is a holder of its own, and its claims without a result are what its end left.
const BY_ONE: &str = "SELECT CAST(COALESCE(MAX(one.letters), 0) AS SIGNED) FROM \
                      (SELECT SUM(letters) AS letters FROM sends WHERE state = 2 GROUP BY holder) one";

/// What the table calls the moments of a kill.
const STEPS: [(&str, Moment); 6] = [
    ("before claim", Moment::Step(Step::BeforeClaim)),
    ("after claim", Moment::Step(Step::AfterClaim)),
    ("after the call", Moment::Step(Step::AfterCall)),
    ("before the result", Moment::Step(Step::BeforeResult)),
    ("between batch and close", Moment::Step(Step::BeforeClose)),
    ("at random", Moment::Any),
];

/// What the table calls a moment.
pub fn name(moment: Moment) -> &'static str {
    STEPS.iter().find(|(_, of)| *of == moment).map_or("", |(name, _)| name)
}

/// Counts as a table of Markdown.
pub fn table<'c>(counts: impl IntoIterator<Item = &'c Count>) -> String {
    let mut table = String::from(
        "| feedback | kills | planned | skipped | failed | delivered | lost | duplicated | settled by a word | by silence, and sent | in doubt | of them delivered |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut kills: BTreeMap<&str, usize> = BTreeMap::new();
    for count in counts {
        let feedback = match count.feedback {
            Feedback::Works => "late, twice, in any order",
            Feedback::Lost => "never",
        };
        let all: usize = count.kills.values().sum();
        let Count { planned, skipped, failed, delivered, lost, duplicated, .. } = count;
        let Count { settled, not_taken, in_doubt, in_doubt_and_taken, .. } = count;
        writeln!(
            table,
            "| {feedback} | {all} | {planned} | {skipped} | {failed} | {delivered} | {lost} | {duplicated} | {settled} | \
             {not_taken} | {in_doubt} | {in_doubt_and_taken} |"
        )
        .expect("writing into a String cannot fail");
        for (step, number) in &count.kills {
            *kills.entry(step).or_default() += number;
        }
    }
    let by_step = STEPS.map(|(step, _)| format!("{} {step}", kills.get(step).copied().unwrap_or_default()));
    writeln!(table, "\nkilled: {}", by_step.join(", ")).expect("writing into a String cannot fail");
    table
}

fn size(number: impl TryInto<usize>) -> usize {
    number.try_into().unwrap_or_else(|_| panic!("a count of a test"))
}
