//! DEPLOYED_SOLUTION: whether a team's server answers as the plan of probes expects.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use shared::hackathon::{Criterion, Measure, Team, Verdict};

use crate::{Answered, Measured, Prober, Rule, Rules, Tally, Unprobed, endpoint::VARIABLE, reason};

/// Probes teams' servers, and judges what they answered.
pub struct Deployed {
    /// What asks them.
    pub prober: Prober,
    /// What they are asked, and how that is judged.
    pub rules: Rules,
}

#[async_trait]
impl Measure for Deployed {
    type Measured = Measured;

    fn criterion(&self) -> Criterion {
        Criterion::DeployedSolution
    }

    fn variables(&self) -> &'static [&'static str] {
        &[VARIABLE]
    }

    async fn measure(&self, team: &Team) -> Measured {
        match team.variable(VARIABLE) {
            Some(address) => self.prober.measure(address, &self.rules.probes).await,
            None => Measured::Unprobed(Unprobed::Missing),
        }
    }

    fn judge(&self, measured: &[Measured], _: DateTime<Utc>) -> Vec<Verdict> {
        let nobody = nobody_was_reached(measured);
        let verdict = |measured: &Measured| match measured.was_reached() {
            Some(_) if nobody => Verdict::unknown(NOBODY_REACHED),
            _ => self.rules.rule.verdict(measured),
        };
        measured.iter().map(verdict).collect()
    }
}

/// How many teams' servers must be silent together for the fault to be looked for on this side.
const SILENT_TEAMS: usize = 5;

/// What is said of teams then.
const NOBODY_REACHED: &str = "no team's server was reached: most likely the monitor's own network is away";

/// Whether teams were to be reached, and none was: that says nothing of any of them.
fn nobody_was_reached(measured: &[Measured]) -> bool {
    let reached = || measured.iter().filter_map(Measured::was_reached);
    reached().count() >= SILENT_TEAMS && !reached().any(|reached| reached)
}

impl Rule {
    /// The verdict on a team.
    pub fn verdict(&self, measured: &Measured) -> Verdict {
        match measured {
            Measured::Unprobed(unprobed) => not_probed(*unprobed),
            Measured::Probed { https, probes } => {
                let tally = Tally::of(probes, *https);
                let verdict = if self.passes(&tally) { Verdict::passed } else { Verdict::failed };
                verdict(self.score(&tally), reason::of_probes(&tally, probes), metrics(&tally, probes))
            }
        }
    }
}

/// Nothing is known of a team whose address is not there or leads nowhere. One that names an address which is not the
/// public's has deployed nothing that anybody else could reach.
fn not_probed(unprobed: Unprobed) -> Verdict {
    let reason = unprobed.reason();
    match unprobed {
        Unprobed::Missing | Unprobed::Unreadable | Unprobed::Unresolved => Verdict::no_data(reason),
        Unprobed::Scheme | Unprobed::UserInfo | Unprobed::Port | Unprobed::Address(_) => {
            Verdict::failed(0, reason, json!({}))
        }
    }
}

fn metrics(tally: &Tally, probes: &[Answered]) -> Value {
    let failed = |probe: &Answered| Some(json!({"probe": probe.probe, "got": reason::failure(probe.got)?}));
    json!({
        "probes": tally.probes,
        "as_expected": tally.expected,
        "critical": tally.critical,
        "critical_as_expected": tally.critical_expected,
        "mean_ms": tally.mean_ms().map(|ms| (ms * 10.0).round() / 10.0),
        "https": tally.https,
        "failed": probes.iter().filter_map(failed).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use shared::hackathon::Status;

    use super::*;
    use crate::{Fault, Got, Reserved};

    #[test]
    fn a_team_is_judged_by_its_critical_probes_and_the_hub_is_told_which_failed() {
        let probe = |probe: &str, critical, got, micros| Answered { probe: probe.to_owned(), critical, got, micros };
        let probes = vec![
            probe("GET /api/events", true, Got::Expected(200), 12_340),
            probe("GET /api/bookings", false, Got::OtherStatus(500), 1_000),
            probe("POST /api/bookings", false, Got::Fault(Fault::TimedOut), 10_000_000),
        ];
        let verdict = Rules::built_in().rule.verdict(&Measured::Probed { https: true, probes });
        assert_eq!(
            verdict,
            Verdict::passed(
                20 + 30 + 10 + 5,
                "1 of 3 probes answered as expected, 1 of 1 critical; 1 status 500, 1 timed out",
                json!({"probes": 3, "as_expected": 1, "critical": 1, "critical_as_expected": 1, "mean_ms": 12.3,
                       "https": true, "failed": [{"probe": "GET /api/bookings", "got": "status 500"},
                                                 {"probe": "POST /api/bookings", "got": "timed out"}]}),
            )
        );
    }

    #[test]
    fn where_no_team_is_reached_nothing_is_said_of_any_and_where_one_is_each_is_judged() {
        let silent = || Measured::Probed {
            https: false,
            probes: vec![Answered {
                probe: "GET /".to_owned(),
                critical: true,
                got: Got::Fault(Fault::TimedOut),
                micros: 7,
            }],
        };
        let unresolved = || Measured::Unprobed(Unprobed::Unresolved);
        let refused = Measured::Probed {
            https: false,
            probes: vec![Answered {
                probe: "GET /".to_owned(),
                critical: true,
                got: Got::Fault(Fault::ConnectionRefused),
                micros: 7,
            }],
        };
        let of = |measured: &[Measured]| nobody_was_reached(measured);
        let four = [silent(), unresolved(), silent(), unresolved()];
        assert!(!of(&four) && !of(&[]), "a few may all be down");
        let five = [&four[..], &[unresolved()]].concat();
        assert!(of(&five));
        assert!(of(&[&five[..], &[Measured::Unprobed(Unprobed::Missing)]].concat()), "who has no address says nothing");
        assert!(!of(&[&five[..], &[refused]].concat()), "who refuses was reached");
    }

    #[test]
    fn an_address_that_is_not_there_is_no_data_and_one_that_is_refused_has_failed() {
        let rule = Rules::built_in().rule;
        for (unprobed, status, score) in [
            (Unprobed::Missing, Status::NoData, None),
            (Unprobed::Unreadable, Status::NoData, None),
            (Unprobed::Unresolved, Status::NoData, None),
            (Unprobed::Scheme, Status::Failed, Some(0)),
            (Unprobed::UserInfo, Status::Failed, Some(0)),
            (Unprobed::Port, Status::Failed, Some(0)),
            (Unprobed::Address(Reserved::Loopback), Status::Failed, Some(0)),
        ] {
            let verdict = rule.verdict(&Measured::Unprobed(unprobed));
            assert_eq!((verdict.status, verdict.score), (status, score), "{unprobed:?}");
        }
    }

    #[test]
    fn what_is_measured_is_read_back_from_the_records_as_it_was() {
        let got = [Got::Expected(200), Got::OtherStatus(500), Got::OtherBody(200), Got::Fault(Fault::NotHttp)];
        let probes =
            got.map(|got| Answered { probe: "GET /".to_owned(), critical: true, got, micros: 7 }).into_iter().collect();
        for measured in [
            Measured::Probed { https: true, probes },
            Measured::Unprobed(Unprobed::Missing),
            Measured::Unprobed(Unprobed::Address(Reserved::Private)),
        ] {
            let kept = serde_json::to_string(&measured).expect("JSON");
            assert_eq!(serde_json::from_str::<Measured>(&kept).expect("it is read"), measured, "{kept}");
        }
    }
}
