//! A year in a few minutes: the jobs, their schedules, the worker and the keeper as they are, on records of their own, with
//! a clock that jumps from firing to firing, a provider that remembers every letter, and people who do what people do.

pub mod fate;
pub mod letterbox;
mod people;
pub mod promises;
pub mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use chrono_tz::Tz;
use futures_util::FutureExt;
use shared::{
    clock::Clock,
    objects::Objects,
    records::{Records, Tx},
    run::{Run, control, history},
    schedule::WallTime,
};
use tokio::sync::watch;

use crate::{
    engine::{Agenda, Engine, Watch},
    people::bench::{self, Bench, Letters},
    stop::Stop,
};

use self::{
    letterbox::{Day, Letterbox},
    promises::Kept,
};

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Year {
    /// Which year.
    pub year: i32,
    /// How many users there are at its end; a tenth of them joins in its course.
    pub users: u32,
    /// How many contacts each has.
    pub contacts_per_user: u32,
    /// From which everything is drawn that people do.
    pub seed: u64,
    /// The zone of its schedules.
    pub zone: Tz,
}

/// What came of it.
#[derive(Debug)]
pub struct Simulated {
    /// What was simulated.
    pub year: Year,
    /// What happened, by day.
    pub days: BTreeMap<NaiveDate, Day>,
    /// What was promised, and whether it was kept.
    pub promises: Vec<Kept>,
    /// How many runs there were.
    pub runs: u64,
    /// How many of them waited for a person's approval, and got it.
    pub approved: u64,
    /// From when to when the machine was off, by local clocks.
    pub off: Vec<(NaiveDateTime, NaiveDateTime)>,
}

/// The hour of the day at which a person looks whether something waits for approval.
const OFFICE_HOUR: u32 = 9;

/// The most runs that are open at once; a machine that was off opens one for each job and month.
const OPEN_RUNS: usize = 100;

/// When the machine is off, as month, day and hour: over the evening of a cycle, over three nights, in a morning.
const OFF: [[(u32, u32, u32); 2]; 3] = [[(4, 5, 15), (4, 6, 8)], [(7, 10, 1), (7, 13, 12)], [(9, 20, 0), (9, 20, 6)]];

/// A year under way.
pub struct Simulation<'e> {
    year: Year,
    engine: &'e Engine,
    agenda: &'e Agenda,
    letterbox: Arc<Letterbox>,
    clock: Clock,
    stop: Stop,
    /// Contacts that were there before the month began.
    contacts: Vec<i64>,
    forgotten: u64,
    approved: u64,
}

impl<'e> Simulation<'e> {
    /// A year that is about to begin, on an engine whose worker sends through the letterbox.
    pub fn new(
        year: Year,
        engine: &'e Engine,
        agenda: &'e Agenda,
        letterbox: Arc<Letterbox>,
        clock: Clock,
        stop: Stop,
    ) -> Self {
        Self { year, engine, agenda, letterbox, clock, stop, contacts: Vec::new(), forgotten: 0, approved: 0 }
    }

    /// Simulates the year, telling `month` of each that is over.
    pub async fn run(mut self, mut month: impl FnMut(u32)) -> anyhow::Result<Simulated> {
        let begin = beginning(self.year.year, self.year.zone)?;
        let end = beginning(self.year.year + 1, self.year.zone)?;
        let off = self.off()?;
        // From now on firings are kept: nothing was missed before.
        self.fire_until(begin).await?;
        let mut of_month = 0;
        for moment in self.moments(begin, end, &off) {
            let local = moment.with_timezone(&self.year.zone);
            if local.month() != of_month {
                if of_month > 0 {
                    self.look_back_at_month(of_month);
                    month(of_month);
                }
                of_month = local.month();
                self.let_users_join(of_month).await?;
            }
            self.stop.clone().or(self.live_until(moment)).await??;
        }
        self.look_back_at_month(of_month);
        month(of_month);
        self.conclude(off).await
    }

    /// The moments at which anything is done: whenever a schedule fires and the machine is on, and when it comes on.
    fn moments(
        &self,
        begin: DateTime<Utc>,
        end: DateTime<Utc>,
        off: &[(DateTime<Utc>, DateTime<Utc>)],
    ) -> BTreeSet<DateTime<Utc>> {
        let firings = self.agenda.entries().iter().flat_map(|entry| {
            let after = begin - chrono::TimeDelta::microseconds(1);
            entry.firings_after(after).take_while(|firing| *firing < end).collect::<Vec<_>>()
        });
        let is_on = |moment: &DateTime<Utc>| !off.iter().any(|(from, to)| from <= moment && moment < to);
        firings.filter(is_on).chain(off.iter().map(|(_, to)| *to)).collect()
    }

    fn off(&self) -> anyhow::Result<Vec<(DateTime<Utc>, DateTime<Utc>)>> {
        let moment = |(month, day, hour)| {
            let date = NaiveDate::from_ymd_opt(self.year.year, month, day).context("a day of every year")?;
            WallTime::of(date.and_hms_opt(hour, 30, 0).context("an hour")?, self.year.zone)
                .firing()
                .context("an hour that clocks do not skip")
        };
        OFF.iter().map(|[from, to]| Ok((moment(*from)?, moment(*to)?))).collect()
    }

    /// Lets people act until `moment`, fires what is due then, and works until nothing is left to do.
    async fn live_until(&mut self, moment: DateTime<Utc>) -> anyhow::Result<()> {
        people::act(&self.engine.records, &self.letterbox, moment).await.context("what people do")?;
        self.fire_until(moment).await?;
        for run in self.open_runs().await? {
            if run.waits_for_approval() {
                if moment.with_timezone(&self.year.zone).hour() < OFFICE_HOUR {
                    continue;
                }
                control::approve(&self.engine.records, &self.clock, run.id).await?;
                self.approved += 1;
            }
            self.engine.work_until_closed(&run, &Unseen(self.stop.clone())).await?;
        }
        Ok(())
    }

    async fn fire_until(&self, moment: DateTime<Utc>) -> anyhow::Result<()> {
        let before = self.clock.now();
        self.clock.advance(moment - before);
        let (_go_on, stop) = watch::channel(false);
        for entry in self.agenda.entries() {
            let is_first = before == DateTime::UNIX_EPOCH;
            if is_first || entry.firings_after(before).next().is_some_and(|next| next <= moment) {
                entry.fire_what_is_due(moment, &stop).await?;
            }
        }
        Ok(())
    }

    async fn open_runs(&self) -> anyhow::Result<Vec<Run>> {
        Ok(self.engine.records.read(|tx| history::open(tx, OPEN_RUNS).boxed()).await?)
    }

    /// A tenth of the users joins in the course of the year, as many each month.
    async fn let_users_join(&mut self, month: u32) -> anyhow::Result<()> {
        let Year { users, contacts_per_user, .. } = self.year;
        let there = |month: u32| users - users / 10 * (12 - month) / 11;
        let joining = if month == 1 { there(1) } else { there(month) - there(month - 1) };
        let records = &self.engine.records;
        bench::add(records, Bench { users: joining, contacts_per_user, letters: Letters::Mixed }, |_| {}).await?;
        records.transaction(|tx| give_wishes(tx).boxed()).await?;
        self.contacts = contacts(records).await?;
        Ok(())
    }

    /// Whoever was there before the month began, wants letters, and whose letters arrive, has had an invitation.
    fn look_back_at_month(&mut self, month: u32) {
        let memory = self.letterbox.memory();
        let month = format!("{}-{month:02}", self.year.year).parse().expect("a month");
        let silent = |contact: &&i64| !memory.stopped.contains(contact) && !memory.bounced.contains(contact);
        let forgotten = |contact: &&i64| !memory.invited.contains_key(&(**contact, month));
        self.forgotten += self.contacts.iter().filter(silent).filter(forgotten).count() as u64;
    }

    async fn conclude(self, off: Vec<(DateTime<Utc>, DateTime<Utc>)>) -> anyhow::Result<Simulated> {
        let promises = promises::look(&self.engine.records, &self.letterbox, self.year, self.forgotten).await?;
        let runs = self.engine.records.read(|tx| count_runs(tx).boxed()).await?;
        let local = |moment: DateTime<Utc>| moment.with_timezone(&self.year.zone).naive_local();
        Ok(Simulated {
            year: self.year,
            days: self.letterbox.memory().days.clone(),
            promises,
            runs,
            approved: self.approved,
            off: off.into_iter().map(|(from, to)| (local(from), local(to))).collect(),
        })
    }
}

fn beginning(year: i32, zone: Tz) -> anyhow::Result<DateTime<Utc>> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
    let moment = first.and_then(|first| WallTime::of(first, zone).firing());
    moment.with_context(|| format!("{year} has no beginning in {zone}"))
}

/// A quarter of the users has chosen a later day than the fifth, and some want no reminders, or only one.
async fn give_wishes(tx: &mut Tx) -> shared::records::Result<()> {
    for sql in [
        "UPDATE users SET send_day = 6 + id % 23 WHERE id % 4 = 0",
        "UPDATE users SET first_reminder = 0 WHERE id % 10 = 3",
        "UPDATE users SET second_reminder = 0 WHERE id % 10 IN (3, 7)",
    ] {
        tx.execute(sql, &[]).await?;
    }
    Ok(())
}

async fn contacts(records: &Records) -> anyhow::Result<Vec<i64>> {
    let rows = records.read(|tx| async { tx.rows("SELECT id FROM contacts ORDER BY id", &[]).await }.boxed()).await?;
    Ok(rows.iter().map(|row| row.int(0)).collect::<Result<_, _>>()?)
}

async fn count_runs(tx: &mut Tx) -> shared::records::Result<u64> {
    let row = tx.row("SELECT COUNT(*) FROM runs", &[]).await?;
    row.map_or(Ok(0), |row| row.count(0))
}

/// Looks away, and asks to stop when the process is asked to end.
struct Unseen(Stop);

#[async_trait]
impl Watch for Unseen {
    async fn progress(&self, _: &Records, _: &Run) {}

    async fn stopped(&self) {
        self.0.asked().await;
    }
}

/// Where the reports of some nine thousand runs go, which nobody will read.
#[derive(Debug)]
pub struct Nowhere;

#[async_trait]
impl Objects for Nowhere {
    async fn put(&self, key: &str, _: &str, _: Vec<u8>) -> anyhow::Result<String> {
        Ok(key.to_owned())
    }
}
