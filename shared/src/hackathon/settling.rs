//! When a change of status is told: at once, unless it has changed to and fro, and then once it has settled.

use super::{Status, store::Reported};

/// What becomes of a verdict of that status, given what was said of the team before, the latest first, and how many runs in
/// a row must say the same of a team whose status changes to and fro.
///
/// A status that was told last may be told again, with its new score. Another is told at once where the runs before, as many
/// as must agree, all said one thing; else when as many in a row, this one among them, have said it.
pub(super) fn reported(status: Status, before: &[(Status, Reported)], runs: usize) -> Reported {
    if status == Status::Unknown {
        return Reported::Withheld;
    }
    let told = before.iter().find(|(_, reported)| *reported != Reported::Settling).map(|(status, _)| *status);
    let said = |runs: usize| before.iter().take(runs).map(|(status, _)| *status);
    let steady = said(runs).all(|one| Some(one) == said(1).next());
    let settled = said(runs.saturating_sub(1)).filter(|one| *one == status).count() + 1 >= runs;
    match told {
        Some(told) if told != status && !steady && !settled => Reported::Settling,
        _ => Reported::Waiting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of each of these verdicts in turn: `P`, `F`, `N` and `U`; told in capitals, held back in small letters.
    fn told(statuses: &str, runs: usize) -> String {
        let mut before: Vec<(Status, Reported)> = Vec::new();
        let mut told = String::new();
        for letter in statuses.chars() {
            let status = match letter {
                'P' => Status::Passed,
                'F' => Status::Failed,
                'N' => Status::NoData,
                _ => Status::Unknown,
            };
            let reported = reported(status, &before, runs);
            told.push(if reported == Reported::Waiting { letter } else { letter.to_ascii_lowercase() });
            if reported != Reported::Withheld {
                before.insert(0, (status, if reported == Reported::Waiting { Reported::Sent } else { reported }));
            }
        }
        told
    }

    #[test]
    fn a_first_change_is_told_at_once_and_one_to_and_fro_when_it_has_settled() {
        for (statuses, told_of_three) in [
            ("PPPP", "PPPP"),
            ("NPPP", "NPPP"),
            ("PPPF", "PPPF"),
            ("PPPFPFPF", "PPPFpFpF"),
            ("PPPFPPP", "PPPFppP"),
            ("PPPFPPPF", "PPPFppPF"),
            ("PPPFNPN", "PPPFnpn"),
            ("PPPUUFUU", "PPPuuFuu"),
            ("PPPFPUPP", "PPPFpupP"),
        ] {
            assert_eq!(told(statuses, 3), told_of_three);
        }
        assert_eq!(told("PFPFNP", 1), "PFPFNP", "one run is enough");
    }
}
