//! How many points what is worth, as data: `infra/rules/git-monitor.json`, or a file in its place.

use serde::Deserialize;

/// The rules that are built in.
pub(crate) const BUILT_IN: &str = include_str!("../../../infra/rules/git-monitor.json");

/// The rules of CODE_REPO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who passes has at least so many commits, the last of them recent.
    pub passed_commits: u32,
    /// The points of who passes.
    pub passed_points: u32,
    /// A commit is recent within so many hours of a run's scheduled time.
    pub recent_hours: u32,
    /// Of who does not pass: the points for a repository that can be seen,
    pub base_points: u32,
    /// for each commit beside these,
    pub points_per_commit: u32,
    /// at most for both,
    pub most_points_for_commits: u32,
    /// beside these for a recent commit,
    pub points_for_recent: u32,
    /// and at most for all.
    pub most_points_unpassed: u32,
}

impl Rules {
    /// The rules that are built in.
    pub fn built_in() -> Self {
        serde_json::from_str(BUILT_IN).expect("a test reads it too")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_the_organisers() {
        let organisers = Rules {
            passed_commits: 2,
            passed_points: 100,
            recent_hours: 24,
            base_points: 10,
            points_per_commit: 14,
            most_points_for_commits: 80,
            points_for_recent: 10,
            most_points_unpassed: 99,
        };
        assert_eq!(Rules::built_in(), organisers);
    }
}
