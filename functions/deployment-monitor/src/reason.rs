//! Why a team has its verdict, in a sentence. None of them repeats the team's address.

use std::collections::BTreeMap;

use crate::{Answered, Got, Tally, Unprobed, endpoint::VARIABLE};

/// How many kinds of failures are told.
const KINDS: usize = 4;

impl Unprobed {
    /// Why the team was not probed.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Missing => format!("{VARIABLE} is not set"),
            Self::Unreadable => format!("{VARIABLE} is no http or https URL, or is masked"),
            Self::Unresolved => format!("the name in {VARIABLE} leads to no address"),
            Self::Scheme => format!("{VARIABLE} is refused: only http and https are probed"),
            Self::UserInfo => format!("{VARIABLE} is refused: it holds the name or password of a user"),
            Self::Port => format!("{VARIABLE} is refused: nothing can be at port 0"),
            Self::Address(reserved) => format!(
                "{VARIABLE} is refused: it leads to an address {}, and only public ones are probed",
                reserved.as_str()
            ),
        }
    }
}

/// How many probes were answered as expected, and what came of the others.
pub(crate) fn of_probes(tally: &Tally, probes: &[Answered]) -> String {
    let Tally { probes: all, expected, critical, critical_expected, .. } = tally;
    let head = format!("{expected} of {all} probes answered as expected, {critical_expected} of {critical} critical");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for kind in probes.iter().filter_map(|probe| failure(probe.got)) {
        *counts.entry(kind).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    // The most frequent first; of equals the first by its name.
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut kinds: Vec<String> = counts.iter().take(KINDS).map(|(kind, count)| format!("{count} {kind}")).collect();
    let others: usize = counts.iter().skip(KINDS).map(|(_, count)| count).sum();
    if others > 0 {
        kinds.push(format!("{others} otherwise"));
    }
    if kinds.is_empty() { head } else { format!("{head}; {}", kinds.join(", ")) }
}

/// What became of a probe that was not answered as expected.
pub(crate) fn failure(got: Got) -> Option<String> {
    match got {
        Got::Expected(_) => None,
        Got::OtherStatus(status) => Some(format!("status {status}")),
        Got::OtherBody(status) => Some(format!("another body with status {status}")),
        Got::Fault(fault) => Some(fault.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn reason(got: &[Got]) -> String {
        let probes: Vec<Answered> = got
            .iter()
            .map(|got| Answered { probe: "GET /".to_owned(), critical: true, got: *got, micros: 1 })
            .collect();
        of_probes(&Tally::of(&probes, false), &probes)
    }

    #[test]
    fn a_reason_counts_what_came_the_most_frequent_failures_first() {
        let (right, fault) = (Got::Expected(200), Got::Fault);
        assert_eq!(reason(&[right, right]), "2 of 2 probes answered as expected, 2 of 2 critical");
        assert_eq!(
            reason(&[Got::OtherStatus(404), fault(Fault::TimedOut), right, fault(Fault::TimedOut)]),
            "1 of 4 probes answered as expected, 1 of 4 critical; 2 timed out, 1 status 404"
        );
        let many: Vec<Got> = (500..=599).map(Got::OtherBody).collect();
        let said = reason(&many);
        assert!(said.ends_with(", 96 otherwise") && said.chars().count() <= 255, "{said}");
    }

    #[test]
    fn every_reason_fits_its_column() {
        use crate::Reserved::*;
        let addresses = [
            Metadata,
            Unspecified,
            Loopback,
            Private,
            LinkLocal,
            Shared,
            Protocol,
            Documentation,
            Benchmarking,
            Multicast,
            Tunnel,
            Future,
        ];
        let others = [Unprobed::Missing, Unprobed::Unreadable, Unprobed::Unresolved, Unprobed::Scheme];
        let others = others.into_iter().chain([Unprobed::UserInfo, Unprobed::Port]);
        for unprobed in others.chain(addresses.map(Unprobed::Address)) {
            assert!(unprobed.reason().chars().count() <= 255, "{unprobed:?}");
        }
        let said = Unprobed::Address(Private).reason();
        assert_eq!(
            said,
            "ENDPOINT_URL is refused: it leads to an address of a private network, and only public ones are probed"
        );
    }
}
