//! The rate over time, as an SVG picture with its words beside it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use super::{Report, words};

/// The picture, in its own units; the page scales it.
const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 76.0;
/// Room for the words beside the line of the average.
const RIGHT: f64 = 68.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 48.0;

/// Steps between ticks of time, in seconds, and the unit in which each is shown.
const STEPS: [(f64, &str, f64); 21] = [
    (1.0, "seconds", 1.0),
    (2.0, "seconds", 1.0),
    (5.0, "seconds", 1.0),
    (10.0, "seconds", 1.0),
    (20.0, "seconds", 1.0),
    (30.0, "seconds", 1.0),
    (60.0, "minutes", 60.0),
    (120.0, "minutes", 60.0),
    (300.0, "minutes", 60.0),
    (600.0, "minutes", 60.0),
    (1_200.0, "minutes", 60.0),
    (1_800.0, "minutes", 60.0),
    (3_600.0, "hours", 3_600.0),
    (7_200.0, "hours", 3_600.0),
    (14_400.0, "hours", 3_600.0),
    (21_600.0, "hours", 3_600.0),
    (43_200.0, "hours", 3_600.0),
    (86_400.0, "days", 86_400.0),
    (172_800.0, "days", 86_400.0),
    (604_800.0, "days", 86_400.0),
    (2_592_000.0, "days", 86_400.0),
];

/// The most ticks on the axis of time.
const MOST_TICKS: f64 = 11.0;

/// Where things are drawn.
struct Scale {
    /// Seconds since the run was opened, at the left and right edges.
    from: f64,
    to: f64,
    /// Letters per second at the top edge.
    top: f64,
}

impl Scale {
    fn x(&self, seconds: f64) -> f64 {
        LEFT + (seconds - self.from) / (self.to - self.from) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, rate: f64) -> f64 {
        HEIGHT - BOTTOM - rate / self.top * (HEIGHT - BOTTOM - TOP)
    }
}

/// A step of the curve: from when, to when (seconds since the run was opened), letters per second.
type Step = (f64, f64, f64);

/// The chart, or a sentence where nothing was accepted.
pub(super) fn chart(report: &Report) -> Markup {
    let steps = steps(report);
    let Some(peak) = steps.iter().map(|step| step.2).reduce(f64::max) else {
        return html! { p.empty { "No letter was accepted, so there is no rate to draw." } };
    };
    let average = report.rate.average_per_second;
    let top_step = round_step(peak.max(average.unwrap_or(0.0)) / 4.0);
    let scale = Scale {
        from: steps.iter().map(|step| step.0).fold(0.0, f64::min),
        to: steps.iter().map(|step| step.1).fold(0.0, f64::max),
        top: top_step * (peak.max(average.unwrap_or(0.0)) / top_step).ceil(),
    };
    let sentence = sentence(report, peak);
    html! {
        p.note { (sentence) }
        div.scroll {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-labelledby="rate-title rate-desc" {
                title id="rate-title" { "Letters accepted per second, over time" }
                desc id="rate-desc" { (sentence) }
                (rate_axis(&scale, top_step))
                (time_axis(&scale))
                path.area d=(area(&scale, &steps)) {}
                path.curve d=(curve(&scale, &steps)) {}
                @if let Some(average) = average { (average_line(&scale, average)) }
            }
        }
        (table(report))
    }
}

fn sentence(report: &Report, peak: f64) -> String {
    let width = words::width(report.rate.bucket_seconds);
    let mut sentence = format!("At most {} letters a second, measured over {width}", words::rate(peak));
    if let Some(average) = report.rate.average_per_second {
        let whole = if report.run.finished_at.is_some() { "over the whole run" } else { "until now" };
        write!(sentence, "; {} on average {whole}", words::rate(average)).expect("a text takes text");
    }
    sentence.push('.');
    sentence
}

fn steps(report: &Report) -> Vec<Step> {
    let width = report.rate.bucket_seconds as f64;
    let since_start = |moment: DateTime<Utc>| (moment - report.run.started_at).num_milliseconds() as f64 / 1_000.0;
    let step = |bucket: &super::RateBucket| {
        let from = since_start(bucket.from);
        (from, from + width, bucket.letters as f64 / width)
    };
    report.rate.accepted.iter().map(step).collect()
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
pub(crate) fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-6).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

fn curve(scale: &Scale, steps: &[Step]) -> String {
    let mut path = String::new();
    for (from, to, rate) in steps {
        let command = if path.is_empty() { 'M' } else { 'L' };
        let (left, right, y) = (scale.x(*from), scale.x(*to), scale.y(*rate));
        write!(path, "{command}{left:.1} {y:.1}H{right:.1}").expect("a text takes text");
    }
    path
}

fn area(scale: &Scale, steps: &[Step]) -> String {
    let (first, last) = (steps.first().map_or(0.0, |step| step.0), steps.last().map_or(0.0, |step| step.1));
    let (left, right, floor) = (scale.x(first), scale.x(last), scale.y(0.0));
    let top = curve(scale, steps).replacen('M', "L", 1);
    format!("M{left:.1} {floor:.1}{top}L{right:.1} {floor:.1}Z")
}

fn rate_axis(scale: &Scale, step: f64) -> Markup {
    let ticks = (0..).map(|tick| f64::from(tick) * step).take_while(|rate| *rate <= scale.top * 1.001);
    let places = if step >= 1.0 { 0 } else { (-step.log10().floor()) as usize };
    let middle = f64::midpoint(TOP, HEIGHT - BOTTOM);
    html! {
        @for rate in ticks {
            @let y = format!("{:.1}", scale.y(rate));
            line.grid x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text.tick x=(LEFT - 8.0) y=(y) dy="0.35em" text-anchor="end" {
                @if step >= 1.0 { (words::count(rate.round() as u64)) } @else { (format!("{rate:.places$}")) }
            }
        }
        text.axis x="14" y=(middle) text-anchor="middle" transform={ "rotate(-90 14 " (middle) ")" } {
            "letters per second"
        }
    }
}

fn time_axis(scale: &Scale) -> Markup {
    let fits = |(step, ..): &(f64, &str, f64)| (scale.to - scale.from) / step <= MOST_TICKS;
    let (step, unit, in_seconds) = STEPS.into_iter().find(fits).unwrap_or_else(|| {
        let step = round_step((scale.to - scale.from) / MOST_TICKS / 86_400.0) * 86_400.0;
        (step, "days", 86_400.0)
    });
    let first = (scale.from / step).ceil() as i64;
    let ticks = (first..).map(|tick| tick as f64 * step).take_while(|seconds| *seconds <= scale.to);
    let floor = HEIGHT - BOTTOM;
    html! {
        line.base x1=(LEFT) x2=(WIDTH - RIGHT) y1=(floor) y2=(floor) {}
        @for seconds in ticks {
            @let x = format!("{:.1}", scale.x(seconds));
            line.base x1=(x) x2=(x) y1=(floor) y2=(floor + 5.0) {}
            text.tick x=(x) y=(floor + 20.0) text-anchor="middle" { (format!("{:.0}", seconds / in_seconds)) }
        }
        text.axis x=(f64::midpoint(LEFT, WIDTH - RIGHT)) y=(HEIGHT - 8.0) text-anchor="middle" {
            (unit) " since the run was opened"
        }
    }
}

fn average_line(scale: &Scale, average: f64) -> Markup {
    let y = scale.y(average);
    html! {
        line.average x1=(LEFT) x2=(WIDTH - RIGHT) y1=(format!("{y:.1}")) y2=(format!("{y:.1}")) {}
        text.average-label x=(WIDTH - RIGHT + 8.0) y=(format!("{:.1}", y - 3.0)) { "average" }
        text.average-label x=(WIDTH - RIGHT + 8.0) y=(format!("{:.1}", y + 11.0)) { (words::rate(average)) }
    }
}

fn table(report: &Report) -> Markup {
    let width = report.rate.bucket_seconds;
    html! {
        details {
            summary { "The same as a table" }
            div.box tabindex="0" role="region" aria-label="Letters accepted over time" {
                table {
                    thead { tr {
                        th scope="col" { "From (UTC)" }
                        th.number scope="col" { "Letters in " (words::width(width)) }
                        th.number scope="col" { "Per second" }
                    } }
                    tbody {
                        @for bucket in &report.rate.accepted {
                            tr {
                                td { (bucket.from.format("%Y-%m-%d %H:%M:%S")) }
                                td.number { (words::count(bucket.letters)) }
                                td.number { (words::rate(bucket.letters as f64 / width as f64)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_of_the_rate_axis_is_round_and_not_too_small() {
        let steps = [0.3, 1.0, 1.1, 4.9, 19.0, 60.0, 250.0].map(round_step);
        assert_eq!(steps, [0.5, 1.0, 2.0, 5.0, 20.0, 100.0, 500.0]);
    }

    proptest! {
        #[test]
        fn every_point_of_the_curve_lies_inside_the_axes(
            from in -100.0..0.0_f64, width in 0.1..1e6_f64, rates in proptest::collection::vec(0.0..1e6_f64, 1..120),
        ) {
            let top = rates.iter().copied().fold(1.0, f64::max);
            let scale = Scale { from, to: from + width * rates.len() as f64, top };
            for (at, rate) in rates.iter().enumerate() {
                let (x, y) = (scale.x(from + at as f64 * width), scale.y(*rate));
                prop_assert!((LEFT..=WIDTH - RIGHT).contains(&x), "x {}", x);
                prop_assert!((TOP - 1e-6..=HEIGHT - BOTTOM + 1e-6).contains(&y), "y {}", y);
            }
        }
    }
}
