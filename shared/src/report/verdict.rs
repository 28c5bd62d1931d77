//! The verdict on a run, in words.

use super::{Report, words::count};

/// How a verdict is to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is well.
    Good,
    /// The books are right, and a person should look.
    Attention,
    /// Something is wrong.
    Bad,
    /// Nothing can be said yet, or a person wanted it so.
    Neutral,
}

impl Tone {
    /// The class that colours it.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Attention => "attention",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }

    /// A sign beside the colour, for those who do not see it.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Attention => "!",
            Self::Bad => "✕",
            Self::Neutral => "…",
        }
    }
}

/// A verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) tone: Tone,
    pub(super) headline: &'static str,
    pub(super) detail: String,
}

pub(super) fn of(report: &Report) -> Verdict {
    let ledger = &report.ledger;
    let verdict = |tone, headline, detail| Verdict { tone, headline, detail };
    match report.run.state.as_str() {
        "open" => verdict(Tone::Neutral, "Still open", progress(report)),
        _ if !ledger.balanced => verdict(Tone::Bad, "Failed: the ledger does not balance", imbalance(report)),
        "cancelled" => verdict(Tone::Neutral, "Cancelled by a person, and balanced", outcomes(report)),
        "failed" => {
            verdict(Tone::Bad, "Failed", format!("{} {}", report.run.error, outcomes(report)).trim().to_owned())
        }
        _ if !report.cleaned.is_empty() => {
            let rows = report.cleaned.values().sum();
            verdict(Tone::Good, "Completed", format!("{} rows were dealt with.", count(rows)))
        }
        _ if ledger.planned == 0 => verdict(Tone::Good, "Completed: there was nothing to do", outcomes(report)),
        _ => {
            let (tone, headline) = match (ledger.failed, ledger.in_doubt) {
                (0, 0) => (Tone::Good, "Completed and balanced"),
                (_, 0) => (Tone::Attention, "Completed and balanced, with failures"),
                (0, _) => (Tone::Attention, "Completed and balanced, with some in doubt"),
                (..) => (Tone::Attention, "Completed and balanced, with failures and some in doubt"),
            };
            verdict(tone, headline, outcomes(report))
        }
    }
}

fn outcomes(report: &Report) -> String {
    let ledger = &report.ledger;
    if ledger.planned == 0 {
        return "Nothing was planned, so nothing was sent.".to_owned();
    }
    let lost = match (ledger.failed, ledger.in_doubt) {
        (0, 0) => "None failed, and none is in doubt.".to_owned(),
        (failed, 0) => format!("{} failed; none is in doubt.", count(failed)),
        (0, doubt) => format!("None failed; {} in doubt.", are(doubt)),
        (failed, doubt) => format!("{} failed, and {} in doubt.", count(failed), are(doubt)),
    };
    format!("Each of the {} planned has exactly one outcome. {lost}", count(ledger.planned))
}

fn are(number: u64) -> String {
    if number == 1 { "1 is".to_owned() } else { format!("{} are", count(number)) }
}

fn imbalance(report: &Report) -> String {
    let (planned, off) = (count(report.ledger.planned), count(report.ledger.unaccounted.unsigned_abs()));
    if report.ledger.unaccounted > 0 {
        format!("{off} of {planned} planned have no outcome: something was lost.")
    } else {
        format!("There are {off} more outcomes than the {planned} planned: something was counted twice.")
    }
}

fn progress(report: &Report) -> String {
    let ledger = &report.ledger;
    let planned = match (report.run.plan_complete, ledger.planned) {
        (false, 0) => return "Nothing is planned yet.".to_owned(),
        (true, 0) => return "Nothing was planned; the run is about to be closed.".to_owned(),
        (false, planned) => format!("{} planned so far (the planner goes on)", count(planned)),
        (true, planned) => format!("{} planned", count(planned)),
    };
    let to_do = count(u64::try_from(ledger.unaccounted).unwrap_or(0));
    format!("Of {planned}, {} have an outcome and {to_do} are still to do. Counted live.", count(ledger.accounted))
}
