//! Firings against a walk over every minute of weeks in which clocks change.

use std::{collections::HashSet, sync::LazyLock};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use proptest::{prelude::*, sample::select};

use super::{
    super::{AffectedFirings, Kind, Schedule, clock_changes},
    moment,
    oracle::{MadeUp, made_up},
};

/// Zones, and the first days of weeks with a clock change in them: by an hour, by half an hour, at midnight, and out of
/// season, around Ramadan; and one zone that knows none.
const WEEKS: [(Tz, &str); 11] = [
    (chrono_tz::Europe::Paris, "2027-03-25"),
    (chrono_tz::Europe::Paris, "2027-10-28"),
    (chrono_tz::America::New_York, "2027-03-11"),
    (chrono_tz::America::New_York, "2027-11-04"),
    (chrono_tz::Australia::Lord_Howe, "2027-04-01"),
    (chrono_tz::Australia::Lord_Howe, "2027-09-30"),
    (chrono_tz::America::Santiago, "2027-04-01"),
    (chrono_tz::America::Santiago, "2027-09-02"),
    (chrono_tz::Africa::Casablanca, "2027-02-04"),
    (chrono_tz::Africa::Casablanca, "2027-03-11"),
    (chrono_tz::Asia::Kolkata, "2027-03-25"),
];

/// A week of minutes: each moment, what clocks show then, and whether they show it for the first time.
#[derive(Debug)]
struct Week {
    zone: Tz,
    minutes: Vec<Minute>,
}

#[derive(Debug)]
struct Minute {
    at: DateTime<Utc>,
    shown: NaiveDateTime,
    first: bool,
}

static WALKED: LazyLock<Vec<Week>> =
    LazyLock::new(|| WEEKS.iter().map(|&(zone, day)| Week::walk(zone, moment(&format!("{day}T00:00:00Z")))).collect());

impl Week {
    fn walk(zone: Tz, start: DateTime<Utc>) -> Self {
        let mut seen = HashSet::new();
        let minutes = (0..7 * 24 * 60).map(|minute| {
            let at = start + TimeDelta::minutes(minute);
            let shown = at.with_timezone(&zone).naive_local();
            Minute { at, shown, first: seen.insert(shown) }
        });
        Self { zone, minutes: minutes.collect() }
    }

    fn start(&self) -> DateTime<Utc> {
        self.minutes[0].at
    }

    fn end(&self) -> DateTime<Utc> {
        self.start() + TimeDelta::days(7)
    }

    /// What fires after a moment: each minute whose time is the expression's and was not shown before.
    fn firings_after(&self, made_up: &MadeUp, after: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let minutes = self.minutes.iter().filter(|minute| minute.at > after);
        minutes.filter(|minute| minute.first && made_up.takes(minute.shown)).map(|minute| minute.at).collect()
    }

    /// The expression's times that clocks show again.
    fn repeated(&self, made_up: &MadeUp) -> Vec<NaiveDateTime> {
        let again = self.minutes.iter().filter(|minute| !minute.first && made_up.takes(minute.shown));
        again.map(|minute| minute.shown).collect()
    }

    /// The expression's times that clocks leave out.
    fn skipped(&self, made_up: &MadeUp) -> Vec<NaiveDateTime> {
        let shown = self.minutes.windows(2).map(|pair| (pair[0].shown, pair[1].shown));
        let left_out = shown.flat_map(|(one, next)| {
            let times =
                std::iter::successors(Some(one + TimeDelta::minutes(1)), |time| Some(*time + TimeDelta::minutes(1)));
            times.take_while(move |time| *time < next)
        });
        left_out.filter(|time| made_up.takes(*time)).collect()
    }
}

#[test]
fn every_week_has_its_clock_change_and_kolkata_s_has_none() {
    for week in WALKED.iter() {
        let changes = clock_changes(week.zone, week.start(), week.end()).count();
        assert_eq!(changes, usize::from(week.zone != chrono_tz::Asia::Kolkata), "{} from {}", week.zone, week.start());
    }
}

proptest! {
    #[test]
    fn a_schedule_fires_at_the_minutes_that_a_walk_over_all_of_them_finds(
        made_up in made_up(), week in select((0..WEEKS.len()).collect::<Vec<_>>()), seconds in 0..7 * 24 * 3600_i64,
    ) {
        let week = &WALKED[week];
        let schedule = Schedule { expression: made_up.text().parse()?, zone: week.zone };
        for after in [week.start() - TimeDelta::seconds(1), week.start() + TimeDelta::seconds(seconds)] {
            let firings: Vec<_> = schedule.firings_after(after).take_while(|firing| *firing < week.end()).collect();
            prop_assert_eq!(firings, week.firings_after(&made_up, after), "{} after {}", made_up.text(), after);
        }
    }

    #[test]
    fn what_a_clock_change_affects_is_what_the_walk_misses_or_meets_again(
        made_up in made_up(), week in select((0..WEEKS.len()).collect::<Vec<_>>()),
    ) {
        let week = &WALKED[week];
        let schedule = Schedule { expression: made_up.text().parse()?, zone: week.zone };
        let of = |kind: Kind| -> Vec<NaiveDateTime> {
            let affected = schedule.affected_firings(week.start(), week.end());
            affected.filter(|AffectedFirings { change, .. }| change.kind() == kind).flat_map(|affected| affected.times).collect()
        };
        prop_assert_eq!(of(Kind::Gap), week.skipped(&made_up), "{}", made_up.text());
        prop_assert_eq!(of(Kind::Overlap), week.repeated(&made_up), "{}", made_up.text());
    }
}
