//! The report as one page: no scripts, nothing from elsewhere, readable in light, in dark and on paper.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::{
    AsOf, Report, chart,
    ledger_html::{bars, equation, skipped},
    verdict, words,
    words::count,
};
use crate::{cleaned, hackathon::Criterion, page, run::doubt::WhenInDoubt};

const STYLE: &str = include_str!("page.css");

pub(super) fn page(report: &Report, zone: Option<Tz>) -> Markup {
    let run = &report.run;
    let title = format!("{} {}: {}", run.job, run.key, run.state);
    let body = html! {
        main {
            (head(report, zone))
            @if run.job == cleaned::JOB {
                (cleaned(report))
            } @else if Criterion::of_job(&run.job).is_some() {
                (ledger(report))
                (verdicts(report))
            } @else {
                (ledger(report))
                (rate(report))
                (failures(report))
                (in_doubt(report))
            }
            (facts(report, zone))
        }
        footer { "Almanac run report, version " (report.version) ". " (as_of(report)) }
    };
    page::page(&title, STYLE, None, &body)
}

fn head(report: &Report, zone: Option<Tz>) -> Markup {
    let run = &report.run;
    let verdict = verdict::of(report);
    html! {
        header {
            p.kind { "Almanac run report" }
            h1 { (run.job) " " span.key { (run.key) } }
            p.note {
                "Run " (run.id) ", scheduled for "
                (zone.map_or_else(|| words::utc(run.scheduled_at), |zone| words::local(run.scheduled_at, zone)))
                @if let Some(duration) = run.duration_ms { ", took " (words::span(duration)) } "."
            }
            section class={ "verdict " (verdict.tone.class()) } aria-label="Verdict" {
                span.sign aria-hidden="true" { (verdict.tone.sign()) }
                div { h2 { (verdict.headline) } p { (verdict.detail) } }
            }
        }
    }
}

fn ledger(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Ledger" }
            (equation(report))
            h3 { "Skipped, by reason" }
            (skipped(&report.ledger))
        }
    }
}

fn cleaned(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Cleaned up" }
            @if report.cleaned.is_empty() { p.empty { "There was nothing to do." } } @else {
                table {
                    thead { tr { th scope="col" { "What" } th.number scope="col" { "Rows" } } }
                    tbody {
                        @for (what, rows) in &report.cleaned {
                            tr { td { (what.replace('_', " ")) } td.number { (count(*rows)) } }
                        }
                    }
                }
            }
        }
    }
}

fn verdicts(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Teams" }
            @if report.verdicts.is_empty() { p.empty { "No team was judged." } } @else {
                table {
                    thead { tr {
                        th scope="col" { "Team" }
                        th scope="col" { "Status" }
                        th.number scope="col" { "Score" }
                        th scope="col" { "Why" }
                        th scope="col" { "The Hub" }
                    } }
                    tbody {
                        @for verdict in &report.verdicts {
                            tr {
                                td { (verdict.team) }
                                td { (verdict.status) }
                                td.number { @if let Some(score) = verdict.score { (score) } @else { "–" } }
                                td { (verdict.reason) }
                                td { (verdict.reported) @if !verdict.error.is_empty() { ": " (verdict.error) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn rate(report: &Report) -> Markup {
    html! { section { h2 { "Rate" } (chart::chart(report)) } }
}

fn failures(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Failures" }
            @if report.failures.is_empty() && report.parked_batches.is_empty() {
                p.empty { "Nothing failed." }
            }
            @if !report.failures.is_empty() { (bars("Cause", "failed", &report.failures, report.ledger.planned)) }
            @if !report.parked_batches.is_empty() { (parked_batches(report)) }
        }
    }
}

fn parked_batches(report: &Report) -> Markup {
    let all = report.batches.get("parked").copied().unwrap_or(0);
    let listed = report.parked_batches.len() as u64;
    html! {
        h3 { "Parked batches" }
        p.note {
            "Given up after their last try: what they had not sent has failed. "
            @if all > listed { "The first " (count(listed)) " of " (count(all)) "." }
        }
        table {
            thead { tr {
                th.number scope="col" { "Batch" }
                th.number scope="col" { "Planned" }
                th.number scope="col" { "Failed tries" }
                th scope="col" { "Cause" }
            } }
            tbody {
                @for batch in &report.parked_batches {
                    tr {
                        td.number { (batch.batch) }
                        td.number { (count(batch.planned)) }
                        td.number { (count(batch.tries)) }
                        td { (batch.cause) }
                    }
                }
            }
        }
    }
}

fn in_doubt(report: &Report) -> Markup {
    let doubt = &report.in_doubt;
    html! {
        section {
            h2 { "In doubt" }
            p.note {
                "In doubt is what was handed to a provider without a reply that says what became of it. It may have \
                 arrived or not. "
                @match doubt.policy {
                    WhenInDoubt::NeverAgain => {
                        "By this run's policy it is never sent again, because nobody should be written to twice."
                    }
                    WhenInDoubt::OnceMore => {
                        "By this run's policy it was sent once more; what is listed had no result then either."
                    }
                }
            }
            @if doubt.causes.is_empty() && doubt.letters.is_empty() {
                p.empty { "Nothing is in doubt." }
            }
            @if !doubt.causes.is_empty() { (bars("Cause", "doubt", &doubt.causes, report.ledger.planned)) }
            @if !doubt.letters.is_empty() { (letters_in_doubt(report)) }
        }
    }
}

fn letters_in_doubt(report: &Report) -> Markup {
    let doubt = &report.in_doubt;
    let listed = count(doubt.letters.len() as u64);
    html! {
        h3 { "Letters in doubt" }
        @if doubt.more { p.note { "The first " (listed) ". The records have the rest." } }
        div.box tabindex="0" role="region" aria-label="Letters in doubt" {
            ul.ids { @for letter in &doubt.letters { li { (letter) } } }
        }
    }
}

fn facts(report: &Report, zone: Option<Tz>) -> Markup {
    let run = &report.run;
    let time = |moment: DateTime<Utc>| {
        html! {
            time datetime=(moment.to_rfc3339()) {
                (words::utc(moment))
                @if let Some(zone) = zone { br; span.local { (words::local(moment, zone)) } }
            }
        }
    };
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        section {
            h2 { "Run" }
            @if let Some(zone) = zone { p.note { "Times are in UTC, and below that in " (zone.name()) "." } }
            dl.facts {
                (fact("Scheduled", time(run.scheduled_at)))
                (fact("Opened", time(run.started_at)))
                (fact("Closed", run.finished_at.map_or_else(|| html! { "not yet" }, time)))
                (fact("Job", html! { (run.job) }))
                (fact("Run", html! { (run.id) }))
                (fact("Key", html! { (run.key) }))
                (fact("Fired by", html! { (run.trigger) }))
                @if let Some(trace) = &run.trace { (fact("Trace", html! { (trace) })) }
                (fact("State", html! { (run.state) }))
                (fact("Plan", html! { (if run.plan_complete { "complete" } else { "not complete" }) }))
                (fact("Duration", html! { (run.duration_ms.map_or_else(|| "not over yet".to_owned(), words::span)) }))
                (fact("Average rate", html! {
                    @match report.rate.average_per_second {
                        Some(average) => { (words::rate(average)) " letters per second" }
                        None => "nothing to measure",
                    }
                }))
                (fact("Calls to a provider", html! { (count(report.calls)) }))
                (fact("Batches", batches(report)))
                (fact("Peak memory", html! {
                    @match run.peak_memory_bytes {
                        Some(bytes) => { (words::bytes(bytes)) ", of the process that closed the run" }
                        None => "not known",
                    }
                }))
                @if !run.error.is_empty() { (fact("Error", html! { (run.error) })) }
            }
        }
    }
}

fn batches(report: &Report) -> Markup {
    html! {
        @if report.batches.is_empty() { "none" }
        @for (at, (state, number)) in report.batches.iter().enumerate() {
            @if at > 0 { ", " }
            (count(*number)) " " (state)
        }
    }
}

fn as_of(report: &Report) -> &'static str {
    match report.ledger.as_of {
        AsOf::Closing => {
            "The ledger is that of the run's closing; causes, rates and lists are from the making of this report, and so \
             show evidence that came later."
        }
        AsOf::Now => {
            "Everything is counted as of the making of this report, because the run has no closing ledger yet."
        }
    }
}
