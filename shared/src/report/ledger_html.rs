//! The ledger as an equation, a bar and tables.

use maud::{Markup, html};

use super::{
    Cause, LedgerFacts, Report,
    words::{count, share},
};

/// One part of what was planned.
struct Part {
    class: &'static str,
    label: &'static str,
    number: u64,
}

/// The parts, in the order in which the equation adds them up.
fn parts(report: &Report) -> Vec<Part> {
    let ledger = &report.ledger;
    let mut parts = vec![
        Part { class: "sent", label: "sent", number: ledger.sent },
        Part { class: "skipped", label: "skipped", number: ledger.skipped_total },
        Part { class: "failed", label: "failed", number: ledger.failed },
        Part { class: "doubt", label: "in doubt", number: ledger.in_doubt },
    ];
    if let Ok(number @ 1..) = u64::try_from(ledger.unaccounted) {
        let open = report.run.state == "open";
        parts.push(Part { class: "rest", label: if open { "still to do" } else { "without outcome" }, number });
    }
    parts
}

/// Planned = sent + skipped + failed + in doubt.
pub(super) fn equation(report: &Report) -> Markup {
    let parts = parts(report);
    let planned = report.ledger.planned;
    // More outcomes than planned: no part can be added that would make both sides equal.
    let equals = if report.ledger.unaccounted < 0 { "≠" } else { "=" };
    html! {
        div.equation {
            div.term.planned { span.value { (count(planned)) } span.label { "planned" } span.share { "by the planner" } }
            @for (at, part) in parts.iter().enumerate() {
                span.operator { (if at == 0 { equals } else { "+" }) }
                div class={ "term " (part.class) } {
                    span.value { (count(part.number)) }
                    span.label { (part.label) }
                    span.share { (share(part.number, planned)) }
                }
            }
        }
        @if planned > 0 {
            div.stack aria-hidden="true" {
                @for part in parts.iter().filter(|part| part.number > 0) {
                    div class=(part.class) style={ "flex-grow:" (part.number) } {}
                }
            }
        }
    }
}

/// What was skipped, by reason, the most frequent first.
pub(super) fn skipped(ledger: &LedgerFacts) -> Markup {
    if ledger.skipped.is_empty() {
        return html! { p.empty { "Nothing was skipped." } };
    }
    let mut reasons: Vec<_> = ledger
        .skipped
        .iter()
        .map(|(reason, number)| Cause { cause: reason.replace('_', " "), letters: *number })
        .collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.letters));
    bars("Reason", "skipped", &reasons, ledger.planned)
}

/// Causes with their counts, their share of `whole` and a bar each, all to the scale of the largest.
pub(super) fn bars(heading: &str, class: &str, causes: &[Cause], whole: u64) -> Markup {
    let largest = causes.iter().map(|cause| cause.letters).max().unwrap_or(1).max(1);
    html! {
        table.bars {
            thead { tr {
                th scope="col" { (heading) }
                th.number scope="col" { "Count" }
                th.number scope="col" { "Of planned" }
                th.drawn aria-hidden="true" {}
            } }
            tbody {
                @for cause in causes {
                    @let percent = format!("{:.2}", cause.letters as f64 / largest as f64 * 100.0);
                    tr {
                        td { (cause.cause) }
                        td.number { (count(cause.letters)) }
                        td.number { (share(cause.letters, whole)) }
                        td.drawn aria-hidden="true" { div class={ "bar " (class) } style={ "width:" (percent) "%" } {} }
                    }
                }
            }
        }
    }
}
