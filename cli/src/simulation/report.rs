//! The year's report: one page that needs nothing but a browser.

use chrono::{Datelike as _, NaiveDate};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use shared::report::count;

use super::{Simulated, letterbox::Day};

const WIDTH: f64 = 1_100.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 60.0;
const BOTTOM: f64 = 24.0;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2330;--paper:#fff;--line:#d5d9e2;--a:#2f6fb2;--b:#e2932b;--c:#3f9a63;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--ink:#e7eaf2;--paper:#14171e;--line:#3a4152;--a:#77aee6;--b:#f0b260;--c:#7fcf9d;--bad:#ff8a80}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1140px;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;border-bottom:1px solid var(--line);text-align:left}\
.number{text-align:right;font-variant-numeric:tabular-nums}.broken{color:var(--bad);font-weight:600}\
svg{width:100%;height:auto}svg text{fill:var(--ink);font-size:12px}.grid{stroke:var(--line)}\
.a{fill:var(--a)}.b{fill:var(--b)}.c{fill:none;stroke:var(--c);stroke-width:1.5}.key{display:inline-block;width:.8em;height:.8em;margin:0 .4em 0 1em}";

/// The page.
pub fn page(simulated: &Simulated) -> String {
    let year = simulated.year;
    let title = format!("The year {}, simulated", year.year);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                p {
                    (count(year.users.into())) " users with " (year.contacts_per_user) " contacts each, "
                    (count(simulated.runs)) " runs by schedule in " (year.zone.name()) ", seed " (year.seed) ". "
                    "The machine was off " (simulated.off.len()) " times; "
                    (simulated.approved) " runs that came too late waited for a person's approval."
                }
                h2 { "What was promised" }
                (promises(simulated))
                h2 { "Letters and answers, by day" }
                (chart(simulated))
                h2 { "By month" }
                (months(simulated))
                h2 { "When the machine was off" }
                ul { @for (from, to) in &simulated.off { li { (from.format("%Y-%m-%d %H:%M")) " to " (to.format("%Y-%m-%d %H:%M")) } } }
            }
        }
    }
    .into_string()
}

fn promises(simulated: &Simulated) -> Markup {
    html! {
        table {
            tr { th { "promise" } th { "broken" } }
            @for kept in &simulated.promises {
                tr {
                    td { (kept.promise) }
                    @if kept.broken == 0 { td { "never" } } @else { td.broken { (count(kept.broken)) " times" } }
                }
            }
        }
    }
}

fn months(simulated: &Simulated) -> Markup {
    let mut months = [Day::default(); 12];
    for (date, day) in simulated.days.iter().filter(|(date, _)| date.year() == simulated.year.year) {
        months[date.month0() as usize].add(day);
    }
    let mut all = Day::default();
    months.iter().for_each(|month| all.add(month));
    let row = |name: String, day: &Day| {
        html! {
            tr {
                td { (name) }
                @for number in [day.invitations, day.reminders, day.answers, day.bounces, day.leaving] {
                    td.number { (count(number)) }
                }
            }
        }
    };
    html! {
        table {
            tr { th { "month" } @for name in ["invitations", "reminders", "answers", "came back", "left"] { th.number { (name) } } }
            @for (number, month) in (1..).zip(&months) { (row(format!("{}-{number:02}", simulated.year.year), month)) }
            (row("together".to_owned(), &all))
        }
    }
}

/// Bars for what was sent on a day, a line for the answers that came. The axis is logarithmic: one evening of a month
/// holds most of its letters.
fn chart(simulated: &Simulated) -> Markup {
    let (first, year) = (NaiveDate::from_ymd_opt(simulated.year.year, 1, 1), simulated.year.year);
    let first = first.expect("every year has a first of January");
    let days = (NaiveDate::from_ymd_opt(year, 12, 31).expect("and a last of December") - first).num_days() + 1;
    let top = simulated.days.values().map(|day| day.invitations + day.reminders).max().unwrap_or(1).max(10);
    #[expect(clippy::cast_precision_loss, reason = "days and letters are small")]
    let x = |day: i64| LEFT + (WIDTH - LEFT) * day as f64 / days as f64;
    #[expect(clippy::cast_precision_loss, reason = "letters are few enough")]
    let y = |letters: u64| {
        let share = ((letters + 1) as f64).log10() / ((top + 1) as f64).log10();
        (HEIGHT - BOTTOM) * (1.0 - share)
    };
    let on = |day: i64| simulated.days.get(&(first + chrono::TimeDelta::days(day))).copied().unwrap_or_default();
    let width = x(1) - x(0);
    let answers: String =
        (0..days).map(|day| format!("{:.1},{:.1} ", x(day) + width / 2.0, y(on(day).answers))).collect();
    let ticks = (1..=7).map(|power| 10_u64.pow(power)).take_while(|tick| *tick <= top);
    html! {
        p {
            span.key style="background:var(--a)" {} "invitations"
            span.key style="background:var(--b)" {} "reminders"
            span.key style="background:var(--c)" {} "answers"
        }
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label="Letters and answers by day" {
            @for tick in ticks {
                line.grid x1=(LEFT) x2=(WIDTH) y1=(y(tick)) y2=(y(tick)) {}
                text x=(LEFT - 6.0) y=(y(tick) + 4.0) text-anchor="end" { (count(tick)) }
            }
            @for day in 0..days {
                @let of = on(day);
                @if of.invitations + of.reminders > 0 {
                    @let (low, middle, high) = (y(0), y(of.reminders), y(of.reminders + of.invitations));
                    rect.b x=(x(day)) width=(width) y=(middle) height=(low - middle) {}
                    rect.a x=(x(day)) width=(width) y=(high) height=(middle - high) {}
                }
            }
            polyline.c points=(answers) {}
            @for month in 1..=12_u32 {
                @let begins = NaiveDate::from_ymd_opt(year, month, 1).map_or(0, |date| (date - first).num_days());
                line.grid x1=(x(begins)) x2=(x(begins)) y1="0" y2=(HEIGHT - BOTTOM) {}
                text x=(x(begins) + 4.0) y=(HEIGHT - 8.0) { (format!("{year}-{month:02}")) }
            }
        }
    }
}

impl Day {
    fn add(&mut self, other: &Self) {
        self.invitations += other.invitations;
        self.reminders += other.reminders;
        self.answers += other.answers;
        self.bounces += other.bounces;
        self.leaving += other.leaving;
    }
}
