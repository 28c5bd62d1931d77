//! Made-up cron expressions that can say by themselves whether a date and time is theirs, without what is tested.

use chrono::{Datelike as _, Days as Later, NaiveDate, NaiveDateTime, Timelike as _};
use proptest::{prelude::*, sample::select};

/// An item of a field's list.
#[derive(Debug, Clone)]
enum Item {
    All,
    Every(u32),
    One(u32),
    From(u32, u32),
    Span(u32, u32, u32),
}

/// Which days.
#[derive(Debug, Clone)]
enum On {
    DaysOfMonth(Vec<Item>),
    LastDay,
    Nearest(u32),
    DaysOfWeek(Vec<Item>),
    Last(u32),
    Nth(u32, u32),
}

/// A made-up expression.
#[derive(Debug, Clone)]
pub(super) struct MadeUp {
    minutes: Vec<Item>,
    hours: Vec<Item>,
    on: On,
    months: Vec<Item>,
}

impl Item {
    fn text(&self) -> String {
        match self {
            Self::All => "*".to_owned(),
            Self::Every(step) => format!("*/{step}"),
            Self::One(number) => number.to_string(),
            Self::From(first, step) => format!("{first}/{step}"),
            Self::Span(first, last, 1) => format!("{first}-{last}"),
            Self::Span(first, last, step) => format!("{first}-{last}/{step}"),
        }
    }

    fn takes(&self, number: u32, least: u32) -> bool {
        let steps = |first: u32, step: u32| number >= first && (number - first).is_multiple_of(step);
        match *self {
            Self::All => true,
            Self::Every(step) => steps(least, step),
            Self::One(one) => number == one,
            Self::From(first, step) => steps(first, step),
            Self::Span(first, last, step) => steps(first, step) && number <= last,
        }
    }
}

fn list(items: &[Item]) -> String {
    items.iter().map(Item::text).collect::<Vec<_>>().join(",")
}

impl MadeUp {
    /// As it is written.
    pub(super) fn text(&self) -> String {
        let [day_of_month, day_of_week] = match &self.on {
            On::DaysOfMonth(items) => [list(items), "?".to_owned()],
            On::LastDay => ["L".to_owned(), "?".to_owned()],
            On::Nearest(day) => [format!("{day}W"), "?".to_owned()],
            On::DaysOfWeek(items) => ["?".to_owned(), list(items)],
            On::Last(weekday) => ["?".to_owned(), format!("{weekday}L")],
            On::Nth(weekday, nth) => ["?".to_owned(), format!("{weekday}#{nth}")],
        };
        let [minutes, hours, months] = [&self.minutes, &self.hours, &self.months].map(|items| list(items));
        format!("cron({minutes} {hours} {day_of_month} {months} {day_of_week} *)")
    }

    /// The same days, at noon.
    pub(super) fn at_noon(self) -> Self {
        Self { minutes: vec![Item::One(0)], hours: vec![Item::One(12)], ..self }
    }

    /// Whether it is its time when clocks show that.
    pub(super) fn takes(&self, time: NaiveDateTime) -> bool {
        let any = |items: &[Item], number, least| items.iter().any(|item| item.takes(number, least));
        time.second() == 0
            && any(&self.minutes, time.minute(), 0)
            && any(&self.hours, time.hour(), 0)
            && any(&self.months, time.month(), 1)
            && self.on.takes(time.date())
    }
}

impl On {
    fn takes(&self, date: NaiveDate) -> bool {
        let weekday = date.weekday().num_days_from_sunday() + 1;
        match self {
            Self::DaysOfMonth(items) => items.iter().any(|item| item.takes(date.day(), 1)),
            Self::LastDay => (date + Later::new(1)).month() != date.month(),
            Self::Nearest(day) => nearest_by_distance(date, *day) == Some(date),
            Self::DaysOfWeek(items) => items.iter().any(|item| item.takes(weekday, 1)),
            Self::Last(wanted) => weekday == *wanted && (date + Later::new(7)).month() != date.month(),
            Self::Nth(wanted, nth) => {
                let before = (1..=date.day()).filter_map(|day| date.with_day(day));
                let same = before.filter(|earlier| earlier.weekday() == date.weekday()).count();
                weekday == *wanted && u32::try_from(same) == Ok(*nth)
            }
        }
    }
}

/// Of the month's days from Monday to Friday, the one with the least distance from that day, if there is that day.
fn nearest_by_distance(month: NaiveDate, day: u32) -> Option<NaiveDate> {
    let wanted = month.with_day(day)?;
    let days = (1..=31).filter_map(|day| month.with_day(day));
    let working = days.filter(|date| date.weekday().num_days_from_monday() < 5);
    working.min_by_key(|date| (*date - wanted).num_days().abs())
}

fn items(least: u32, most: u32) -> impl Strategy<Value = Vec<Item>> {
    let step = 1..=most;
    let item = prop_oneof![
        3 => Just(Item::All),
        1 => step.clone().prop_map(Item::Every),
        3 => (least..=most).prop_map(Item::One),
        1 => (least..=most, step.clone()).prop_map(|(first, step)| Item::From(first, step)),
        2 => (least..=most, least..=most, prop_oneof![Just(1), step])
            .prop_map(|(one, other, step)| Item::Span(one.min(other), one.max(other), step)),
    ];
    prop::collection::vec(item, 1..3)
}

/// Days of the week take no steps.
fn days_of_week() -> impl Strategy<Value = Vec<Item>> {
    let item = prop_oneof![
        Just(Item::All),
        (1..=7_u32).prop_map(Item::One),
        (1..=7_u32, 1..=7_u32).prop_map(|(one, other)| Item::Span(one.min(other), one.max(other), 1)),
    ];
    prop::collection::vec(item, 1..3)
}

/// Made-up expressions, most of which fire in any week and many in the hours in which clocks change.
pub(super) fn made_up() -> impl Strategy<Value = MadeUp> {
    let hours =
        prop_oneof![items(0, 23), prop::collection::vec(select(vec![0, 1, 2, 3, 23]).prop_map(Item::One), 1..3)];
    let on = prop_oneof![
        4 => items(1, 31).prop_map(On::DaysOfMonth),
        1 => Just(On::LastDay),
        1 => (1..=31_u32).prop_map(On::Nearest),
        4 => days_of_week().prop_map(On::DaysOfWeek),
        1 => (1..=7_u32).prop_map(On::Last),
        1 => (1..=7_u32, 1..=5_u32).prop_map(|(weekday, nth)| On::Nth(weekday, nth)),
    ];
    let months = prop_oneof![3 => Just(vec![Item::All]), 1 => items(1, 12)];
    (items(0, 59), hours, on, months).prop_map(|(minutes, hours, on, months)| MadeUp { minutes, hours, on, months })
}
