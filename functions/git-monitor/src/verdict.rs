//! CODE_REPO: points for commits since the hackathon's start, and for recent ones.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use shared::hackathon::{Status, Verdict};

use crate::{
    facts::{Activity, Facts, Measured, minute},
    rules::Rules,
};

impl Rules {
    /// What they say of a team, at that moment.
    pub fn verdict(&self, measured: &Measured, at: DateTime<Utc>) -> Verdict {
        match measured {
            // The Hub goes on showing what it was told last.
            Measured::Unknown(why) if why.is_passing() => Verdict::unknown(why.reason()),
            Measured::Unknown(why) => Verdict::no_data(why.reason()),
            Measured::Known(facts) => {
                let (status, points) = self.points(&facts.activity, at);
                let reason = self.reason(facts, at);
                Verdict { status, score: Some(points), reason, metrics: metrics(facts) }
            }
        }
    }

    /// Passed: enough commits, the last of them recent. Else `min(99, min(80, 10 + 14 x commits) + 10 if recent)`, with
    /// the organisers' numbers.
    fn points(&self, activity: &Activity, at: DateTime<Utc>) -> (Status, u32) {
        let (commits, recent) = (u32::try_from(activity.commits).unwrap_or(u32::MAX), self.is_recent(activity, at));
        if commits >= self.passed_commits && recent {
            return (Status::Passed, self.passed_points);
        }
        let for_commits = self.base_points.saturating_add(self.points_per_commit.saturating_mul(commits));
        let for_recent = if recent { self.points_for_recent } else { 0 };
        let points = for_commits.min(self.most_points_for_commits).saturating_add(for_recent);
        (Status::Failed, points.min(self.most_points_unpassed))
    }

    /// Whether the last commit is no further away than it may be. One from long after the run is none: a clock that is
    /// wrong, or was set, makes nothing recent.
    fn is_recent(&self, activity: &Activity, at: DateTime<Utc>) -> bool {
        let within = TimeDelta::hours(self.recent_hours.into());
        activity.last_commit_at.is_some_and(|last| (at - last).abs() <= within)
    }

    fn reason(&self, facts: &Facts, at: DateTime<Utc>) -> String {
        let Activity { commits, more, .. } = facts.activity;
        let said = match (commits, more) {
            (0, _) => "no commits since the start".to_owned(),
            (1, false) => "1 commit since the start".to_owned(),
            (_, false) => format!("{commits} commits since the start"),
            (_, true) => format!("at least {commits} commits since the start"),
        };
        let hours = self.recent_hours;
        let last = match (commits, self.is_recent(&facts.activity, at)) {
            (0, _) => String::new(),
            (_, true) => format!(", the last within {hours} hours"),
            (_, false) => format!(", the last not within {hours} hours"),
        };
        let outdated = facts.outdated.map_or_else(String::new, |outdated| {
            format!("; as of {}, because {}", minute(outdated.as_of), outdated.why.reason())
        });
        format!("{said}{last}{outdated}")
    }
}

fn metrics(facts: &Facts) -> Value {
    let time = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut metrics = json!({
        "commits": facts.activity.commits,
        "moreCommits": facts.activity.more,
        "lastCommitAt": facts.activity.last_commit_at.map(time),
        "authors": facts.activity.authors,
        "stars": facts.about.stars,
        "forks": facts.about.forks,
        "defaultBranch": facts.about.default_branch,
        "createdAt": time(facts.about.created_at),
        "updatedAt": time(facts.about.updated_at),
    });
    if let Some(outdated) = facts.outdated {
        metrics["asOf"] = time(outdated.as_of).into();
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{About, Outdated, Why};

    const RUN: &str = "2026-11-08T09:15:00Z";

    fn at(moment: &str) -> DateTime<Utc> {
        moment.parse().expect("a moment")
    }

    fn facts(commits: u64, last: &str) -> Facts {
        let about = About {
            stars: 5,
            forks: 3,
            default_branch: "main".to_owned(),
            created_at: at("2026-11-01T00:00:00Z"),
            updated_at: at("2026-11-08T00:00:00Z"),
        };
        let last_commit_at = (!last.is_empty()).then(|| at(last));
        Facts { about, activity: Activity { commits, more: false, last_commit_at, authors: 1 }, outdated: None }
    }

    fn judged(rules: Rules, commits: u64, last: &str) -> (Status, Option<u32>) {
        let verdict = rules.verdict(&Measured::Known(facts(commits, last)), at(RUN));
        (verdict.status, verdict.score)
    }

    /// Worked by hand: min(99, min(80, 10 + 14 x commits) + 10 if recent), or 100.
    #[test]
    fn the_points_are_those_of_the_table() {
        let (just, over) = ("2026-11-07T09:15:00Z", "2026-11-07T09:14:59Z");
        for (commits, last, status, points) in [
            (0, "", Status::Failed, 10),
            (1, just, Status::Failed, 34),
            (1, over, Status::Failed, 24),
            (2, just, Status::Passed, 100),
            (2, over, Status::Failed, 38),
            (3, over, Status::Failed, 52),
            (4, over, Status::Failed, 66),
            (5, over, Status::Failed, 80),
            (6, over, Status::Failed, 80),
            (5_000, over, Status::Failed, 80),
            (u64::MAX, over, Status::Failed, 80),
            (5_000, RUN, Status::Passed, 100),
            (2, "2026-11-09T09:15:00Z", Status::Passed, 100),
            (2, "2026-11-09T09:15:01Z", Status::Failed, 38),
        ] {
            assert_eq!(judged(Rules::built_in(), commits, last), (status, Some(points)), "{commits} commits, {last}");
        }
    }

    #[test]
    fn who_does_not_pass_never_reaches_the_points_of_who_does() {
        let rules = Rules { most_points_for_commits: 95, passed_commits: 50, ..Rules::built_in() };
        assert_eq!(judged(rules, 5, RUN), (Status::Failed, Some(90)), "80 + 10");
        assert_eq!(judged(rules, 49, RUN), (Status::Failed, Some(99)), "95 + 10, cut");
        assert_eq!(judged(rules, 50, RUN), (Status::Passed, Some(100)));
    }

    #[test]
    fn the_reason_says_what_was_counted_and_from_when_it_is() {
        let said = |facts: Facts| Rules::built_in().verdict(&Measured::Known(facts), at(RUN)).reason;
        assert_eq!(said(facts(0, "")), "no commits since the start");
        assert_eq!(said(facts(1, RUN)), "1 commit since the start, the last within 24 hours");
        let mut many = facts(5_000, "2026-11-01T00:00:00Z");
        many.activity.more = true;
        let counted = "at least 5000 commits since the start, the last not within 24 hours";
        assert_eq!(said(many.clone()), counted);
        many.outdated =
            Some(Outdated { as_of: at("2026-11-08T08:45:00Z"), why: Why::Limited(at("2026-11-08T10:00:00Z")) });
        let outdated =
            "; as of 2026-11-08 08:45 UTC, because GitHub's rate limit is used up until 2026-11-08 10:00 UTC";
        assert_eq!(said(many.clone()), format!("{counted}{outdated}"));
        let verdict = Rules::built_in().verdict(&Measured::Known(many), at(RUN));
        assert_eq!(verdict.metrics["asOf"], "2026-11-08T08:45:00Z");
    }

    #[test]
    fn what_says_nothing_of_the_repository_is_no_verdict_on_it() {
        let status = |why| Rules::built_in().verdict(&Measured::Unknown(why), at(RUN)).status;
        for why in [Why::Limited(at(RUN)), Why::NoEntry, Why::Away, Why::Garbled] {
            assert_eq!(status(why), Status::Unknown, "{why:?}");
        }
        for why in [Why::NotSet, Why::Unreadable, Why::NotSeen, Why::Withheld(451)] {
            assert_eq!(status(why), Status::NoData, "{why:?}");
        }
    }

    #[test]
    fn every_reason_fits_where_it_is_kept() {
        let hosts = [crate::place::Host::Gist, crate::place::Host::Azure, crate::place::Host::Other];
        let all = hosts.map(Why::Elsewhere).into_iter().chain([
            Why::NotSet,
            Why::Unreadable,
            Why::NotSeen,
            Why::Withheld(403),
            Why::Limited(at(RUN)),
            Why::NoEntry,
            Why::Away,
            Why::Garbled,
        ]);
        for why in all {
            let mut known = facts(5_000, RUN);
            known.outdated = Some(Outdated { as_of: at(RUN), why });
            for measured in [Measured::Known(known), Measured::Unknown(why)] {
                let reason = Rules::built_in().verdict(&measured, at(RUN)).reason;
                assert!(reason.chars().count() <= 255, "{reason}");
            }
        }
    }
}
