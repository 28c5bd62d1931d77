//! What providers have billed, as bars by day and a table by team.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use maud::{Markup, html};

use crate::{
    hackathon::costs::{Costs, DayCosts, Micros},
    report::{count, round_step},
};

/// The picture, in its own units; the page scales it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 48.0;

/// The most charts: one of each currency.
const MOST_CHARTS: usize = 3;

/// The most days of a chart, the last ones.
const MOST_DAYS: u64 = 92;

/// The most providers that have a colour of their own, unless they are all.
const MOST_COLOURED: usize = 5;

/// The most labelled days.
const MOST_LABELS: usize = 10;

/// How much of a day's room its bar takes, and how wide it is at most.
const BAR: f64 = 0.7;
const WIDEST: f64 = 48.0;

/// The section of a board.
pub(super) fn section(costs: &Costs) -> Markup {
    let mut by_currency: Vec<(&str, Vec<&DayCosts>)> = Vec::new();
    for cost in &costs.days {
        match by_currency.last_mut() {
            Some((currency, days)) if *currency == cost.currency => days.push(cost),
            _ => by_currency.push((&cost.currency, vec![cost])),
        }
    }
    // Amounts of different currencies have no order, so those that are most used go first.
    by_currency.sort_by_key(|(_, days)| std::cmp::Reverse(days.len()));
    let undrawn = by_currency.len().saturating_sub(MOST_CHARTS);
    html! {
        section.costs {
            h2 { "Costs" }
            p.note {
                "What providers have billed, by day of UTC, as imported last. Currencies are not added together."
                @if undrawn > 0 { " " (undrawn) " more of them " (if undrawn == 1 { "is" } else { "are" }) " in the table alone." }
            }
            @for (currency, days) in by_currency.iter().take(MOST_CHARTS) { (Chart::of(currency, days).shown()) }
            h3 { "By team" }
            (teams(costs))
        }
    }
}

fn teams(costs: &Costs) -> Markup {
    let currencies: BTreeSet<&str> = costs.teams.iter().map(|cost| &*cost.currency).collect();
    let mut by_team: BTreeMap<&str, BTreeMap<&str, Micros>> = BTreeMap::new();
    for cost in &costs.teams {
        by_team.entry(&cost.team).or_default().insert(&cost.currency, cost.amount);
    }
    html! {
        div.scroll { table.amounts {
            thead { tr {
                th scope="col" { "Team" }
                @for currency in &currencies { th.number scope="col" { (currency) } }
            } }
            tbody { @for (team, amounts) in &by_team { tr {
                th scope="row" { (team) }
                @for currency in &currencies {
                    td.number { @if let Some(amount) = amounts.get(currency) { (amount.rounded()) } @else { span.empty { "–" } } }
                }
            } } }
        } }
    }
}

/// A provider, or several of them as one.
struct Series {
    name: String,
    amounts: BTreeMap<NaiveDate, Micros>,
}

struct Chart<'a> {
    currency: &'a str,
    days: Vec<NaiveDate>,
    /// How many days before these are left out.
    earlier: usize,
    /// Those that billed most first.
    series: Vec<Series>,
}

/// Where amounts are drawn, in the currency's units.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// A scale with room for both, and for nothing.
    fn between(low: f64, high: f64) -> Self {
        let (low, high) = (low.min(0.0), if low < 0.0 { high.max(0.0) } else { high.max(1e-6) });
        let step = round_step((high - low) / 4.0);
        Self { low: step * (low / step).floor(), high: step * (high / step).ceil(), step }
    }

    fn y(&self, amount: f64) -> f64 {
        HEIGHT - BOTTOM - (amount - self.low) / (self.high - self.low) * (HEIGHT - BOTTOM - TOP)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (first, last) = ((self.low / self.step).round() as i64, (self.high / self.step).round() as i64);
        let step = self.step;
        (first..=last).map(move |tick| tick as f64 * step)
    }

    fn label(&self, amount: f64) -> String {
        let sign = if amount < 0.0 { "−" } else { "" };
        if self.step >= 1.0 {
            return format!("{sign}{}", count(amount.abs().round() as u64));
        }
        let places = (-self.step.log10().floor()) as usize;
        format!("{sign}{:.places$}", amount.abs())
    }
}

impl<'a> Chart<'a> {
    /// A chart of a currency's costs; there is at least one.
    fn of(currency: &'a str, costs: &[&DayCosts]) -> Self {
        let billed: BTreeSet<NaiveDate> = costs.iter().map(|cost| cost.day).collect();
        let (first, last) = (billed.first().copied().unwrap_or_default(), billed.last().copied().unwrap_or_default());
        let from = last.checked_sub_days(Days::new(MOST_DAYS - 1)).unwrap_or(first).max(first);
        let drawn = costs.iter().filter(|cost| cost.day >= from);
        let mut providers: BTreeMap<&str, BTreeMap<NaiveDate, Micros>> = BTreeMap::new();
        for cost in drawn {
            *providers.entry(&cost.provider).or_default().entry(cost.day).or_default() += cost.amount;
        }
        let mut series: Vec<Series> =
            providers.into_iter().map(|(name, amounts)| Series { name: name.to_owned(), amounts }).collect();
        series.sort_by_key(|series| {
            std::cmp::Reverse(series.amounts.values().map(|amount| amount.0.unsigned_abs()).sum::<u128>())
        });
        if series.len() > MOST_COLOURED + 1 {
            let others = series.split_off(MOST_COLOURED);
            let mut together = Series { name: format!("{} others", others.len()), amounts: BTreeMap::new() };
            for (day, amount) in others.into_iter().flat_map(|other| other.amounts) {
                *together.amounts.entry(day).or_default() += amount;
            }
            series.push(together);
        }
        let days = from.iter_days().take_while(|day| *day <= last).collect();
        Self { currency, days, earlier: billed.range(..from).count(), series }
    }

    fn shown(&self) -> Markup {
        let id = |part: &str| format!("costs-{}-{part}", self.currency);
        let sentence = self.sentence();
        html! {
            h3 { (self.currency) " by day" }
            p.note { (sentence) }
            ul.legend { @for (number, series) in self.series.iter().enumerate() {
                li { span class={ "swatch series-" (number) } {} (series.name) }
            } }
            div.scroll {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby={ (id("title")) " " (id("desc")) } {
                    title id=(id("title")) { "Costs in " (self.currency) " by day and provider" }
                    desc id=(id("desc")) { (sentence) }
                    (self.picture())
                }
            }
            (self.table())
        }
    }

    fn sentence(&self) -> String {
        let mut total = Micros::default();
        self.series.iter().flat_map(|series| series.amounts.values()).for_each(|amount| total += *amount);
        let (first, last) =
            (self.days.first().copied().unwrap_or_default(), self.days.last().copied().unwrap_or_default());
        let span = if first == last { format!("on {first}") } else { format!("from {first} to {last}") };
        let earlier = match self.earlier {
            0 => String::new(),
            1 => " One day before is not drawn.".to_owned(),
            earlier => format!(" {earlier} days before are not drawn."),
        };
        format!("{} {} {span}.{earlier}", total.rounded(), self.currency)
    }

    fn picture(&self) -> Markup {
        let stacks: Vec<Stack> = self.days.iter().map(|day| Stack::of(&self.series, *day)).collect();
        let low = stacks.iter().map(|stack| stack.low).fold(0.0, f64::min);
        let high = stacks.iter().map(|stack| stack.high).fold(0.0, f64::max);
        let scale = Scale::between(low, high);
        let room = (WIDTH - LEFT - RIGHT) / self.days.len() as f64;
        let width = (BAR * room).min(WIDEST);
        let middle = |day: usize| LEFT + (day as f64 + 0.5) * room;
        let labelled = self.days.len().div_ceil(MOST_LABELS);
        let (floor, centre) = (HEIGHT - BOTTOM, f64::midpoint(TOP, HEIGHT - BOTTOM));
        html! {
            @for amount in scale.ticks() {
                @let y = format!("{:.1}", scale.y(amount));
                line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
                text.tick x=(LEFT - 8.0) y=(y) dy="0.35em" text-anchor="end" { (scale.label(amount)) }
            }
            text.axis x="14" y=(centre) text-anchor="middle" transform={ "rotate(-90 14 " (centre) ")" } { (self.currency) }
            @for (number, (day, stack)) in self.days.iter().zip(&stacks).enumerate() {
                @for part in &stack.parts {
                    @let (top, bottom) = (scale.y(part.to), scale.y(part.from));
                    rect class={ "series-" (part.series) } x=(format!("{:.1}", middle(number) - width / 2.0)) y=(format!("{top:.2}"))
                        width=(format!("{width:.1}")) height=(format!("{:.2}", bottom - top))
                    { title { (day) ", " (self.series[part.series].name) ": " (part.amount.rounded()) " " (self.currency) } }
                }
                @if number % labelled == 0 {
                    text.tick x=(format!("{:.1}", middle(number))) y=(floor + 20.0) text-anchor="middle" { (day.format("%-d %b")) }
                }
            }
            @let y = format!("{:.1}", scale.y(0.0));
            line.base x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text.axis x=(f64::midpoint(LEFT, WIDTH - RIGHT)) y=(HEIGHT - 8.0) text-anchor="middle" { "day (UTC)" }
        }
    }

    fn table(&self) -> Markup {
        let billed = self.days.iter().filter(|day| self.series.iter().any(|series| series.amounts.contains_key(day)));
        html! {
            details {
                summary { "The same as a table" }
                div.box tabindex="0" role="region" aria-label={ "Costs in " (self.currency) " by day and provider" } {
                    table.amounts {
                        thead { tr {
                            th scope="col" { "Day" }
                            @for series in &self.series { th.number scope="col" { (series.name) } }
                        } }
                        tbody { @for day in billed { tr {
                            th scope="row" { (day) }
                            @for series in &self.series {
                                td.number { @if let Some(amount) = series.amounts.get(day) { (amount.rounded()) } @else { span.empty { "–" } } }
                            }
                        } } }
                    }
                }
            }
        }
    }
}

/// A day's bar: what was charged upwards, what was credited downwards.
struct Stack {
    parts: Vec<Part>,
    low: f64,
    high: f64,
}

struct Part {
    series: usize,
    amount: Micros,
    from: f64,
    to: f64,
}

impl Stack {
    fn of(series: &[Series], day: NaiveDate) -> Self {
        let mut stack = Self { parts: Vec::new(), low: 0.0, high: 0.0 };
        for (number, one) in series.iter().enumerate() {
            let Some(&amount) = one.amounts.get(&day) else { continue };
            let units = amount.0 as f64 / 1e6;
            let (from, to) =
                if units < 0.0 { (stack.low + units, stack.low) } else { (stack.high, stack.high + units) };
            (stack.low, stack.high) = (stack.low.min(from), stack.high.max(to));
            stack.parts.push(Part { series: number, amount, from, to });
        }
        stack
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hackathon::costs::TeamCosts;
    use proptest::prelude::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 1).expect("a day") + Days::new(number.into())
    }

    fn cost(currency: &str, number: u32, provider: &str, micros: i128) -> DayCosts {
        let (currency, provider) = (currency.to_owned(), provider.to_owned());
        DayCosts { currency, day: day(number), provider, amount: Micros(micros) }
    }

    fn of_team(team: &str, currency: &str, micros: i128) -> TeamCosts {
        TeamCosts { team: team.to_owned(), currency: currency.to_owned(), amount: Micros(micros) }
    }

    #[test]
    fn costs_are_bars_by_day_and_provider_and_a_table_by_team_each_currency_by_itself() {
        let costs = Costs {
            teams: vec![
                of_team("amber", "EUR", 1_234_500_000),
                of_team("amber", "USD", 12_000_000),
                of_team("blue<b>", "EUR", -3_250_001),
            ],
            days: vec![
                cost("EUR", 0, "AWS", 700_000_000),
                cost("EUR", 0, "Google Cloud", 300_500_000),
                cost("EUR", 2, "AWS", -3_250_001),
                cost("EUR", 2, "Google <Cloud>", 234_000_000),
                cost("USD", 1, "AWS", 12_000_000),
            ],
        };
        insta::assert_snapshot!(section(&costs).into_string().replace("><", ">\n<"));
    }

    #[test]
    fn at_most_three_currencies_six_colours_and_ninety_two_days_are_drawn() {
        let days = ["CHF", "DKK", "EUR", "USD"].into_iter().flat_map(|currency| {
            let many = if currency == "DKK" { 1 } else { 2 };
            (0..9).flat_map(move |provider| (0..many).map(move |n| cost(currency, 120 * n, &format!("p{provider}"), 1)))
        });
        let costs = Costs { teams: vec![of_team("amber", "EUR", 1)], days: days.collect() };
        let page = section(&costs).into_string();
        assert_eq!(page.matches("<svg").count(), 3);
        assert!(!page.contains("DKK by day") && page.contains("1 more of them is in the table alone"), "{page}");
        assert_eq!(page.matches("<span class=\"swatch").count(), 3 * 6);
        assert!(page.contains("4 others") && page.contains("One day before is not drawn."), "{page}");
        assert!(!page.contains("series-6"));
    }

    #[test]
    fn ticks_are_round_and_hold_the_smallest_amounts_and_the_largest() {
        let labels = |low, high| {
            let scale = Scale::between(low, high);
            scale.ticks().map(|tick| scale.label(tick)).collect::<Vec<_>>()
        };
        assert_eq!(labels(0.0, 1_900.0), ["0", "500", "1,000", "1,500", "2,000"]);
        assert_eq!(labels(-0.3, 0.9), ["−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(-7.0, 0.0), ["−8", "−6", "−4", "−2", "0"]);
        assert_eq!(labels(0.0, 0.0).len(), 2);
    }

    proptest! {
        #[test]
        fn every_bar_lies_inside_the_axes(amounts in proptest::collection::vec(-1e12..1e12_f64, 1..12)) {
            let series: Vec<Series> = amounts.iter().map(|amount| Series {
                name: String::new(),
                amounts: BTreeMap::from([(day(0), Micros((amount * 1e6) as i128))]),
            }).collect();
            let stack = Stack::of(&series, day(0));
            let scale = Scale::between(stack.low, stack.high);
            for part in &stack.parts {
                let (top, bottom) = (scale.y(part.to), scale.y(part.from));
                prop_assert!(TOP - 1e-6 <= top && top <= bottom && bottom <= HEIGHT - BOTTOM + 1e-6, "{top} {bottom}");
            }
        }
    }
}
