//! The client of GitHub: what is counted, what is tried again, and where nobody goes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use git_monitor::{
    facts::{Activity, Why},
    github::{Entry, GitHub, Manners},
};
use shared::clock::Clock;
use tests::github_fake::{Behaviour, GitHubFake, TOKEN};

use super::support::{self, MANNERS, commits, half_hour, repository, start, token};

/// A token that GitHub does not know.
const ANOTHER: &str = "ghp_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

fn client(fake: &GitHubFake, entry: Entry) -> GitHub {
    support::client(fake, entry, MANNERS, &Clock::standing_at(half_hour(0)))
}

async fn fake(commits: &[(DateTime<Utc>, u64)]) -> GitHubFake {
    let fake = GitHubFake::start().await;
    fake.has("octo/api", commits);
    fake
}

async fn activity(fake: &GitHubFake, github: &GitHub) -> Result<Activity, Why> {
    let activity = github.activity(&repository("octo/api"), start(), None).await;
    assert_eq!(fake.faults(), Vec::<String>::new());
    activity.map(|known| known.facts)
}

#[tokio::test]
async fn commits_of_every_page_count_and_those_before_the_start_do_not() {
    let latest = half_hour(0);
    // The three of page 2 and after: one at the start to the second, one before it.
    let mut all = commits(99, latest);
    all.extend([(latest - TimeDelta::hours(2), 8), (start(), 0), (start() - TimeDelta::seconds(1), 9)]);
    let fake = fake(&all).await;
    let counted = activity(&fake, &client(&fake, token(TOKEN))).await.expect("an answer");
    let expected = Activity { commits: 101, more: false, last_commit_at: Some(latest), authors: 3 };
    assert_eq!(counted, expected);
    assert_eq!(fake.calls().len(), 2);
}

#[tokio::test]
async fn no_more_than_fifty_pages_are_counted() {
    let many: Vec<_> = (0..5_001).map(|n| (half_hour(0) - TimeDelta::seconds(n), 7)).collect();
    let fake = fake(&many).await;
    let github = client(&fake, token(TOKEN));
    let counted = activity(&fake, &github).await.expect("an answer");
    assert_eq!((counted.commits, counted.more, fake.new_calls().len()), (5_000, true, 50));
    let fake = self::fake(&many[..5_000]).await;
    let counted = activity(&fake, &client(&fake, token(TOKEN))).await.expect("an answer");
    assert_eq!((counted.commits, counted.more), (5_000, false));
}

#[tokio::test]
async fn failures_for_the_moment_and_short_limits_are_tried_again() {
    for faults in [
        [Behaviour::Fail(500), Behaviour::Drop],
        [Behaviour::Fail(503), Behaviour::TooThick(0)],
        [Behaviour::TooThick(0), Behaviour::Fail(408)],
    ] {
        let fake = fake(&commits(1, half_hour(0))).await;
        fake.does(move |call, _| faults.get(call).copied().unwrap_or(Behaviour::Answer));
        let counted = activity(&fake, &client(&fake, token(TOKEN))).await.expect("the third try");
        assert_eq!((counted.commits, fake.calls().len()), (1, 3), "{faults:?}");
    }
}

#[tokio::test]
async fn what_is_refused_or_is_no_answer_is_said_and_not_tried_again() {
    let (now, manners) = (half_hour(0), Manners { timeout: Duration::from_millis(100), retries: 0, ..MANNERS });
    for (behaviour, why) in [
        (Behaviour::Fail(404), Why::NotSeen),
        (Behaviour::Fail(410), Why::NotSeen),
        (Behaviour::Fail(403), Why::Withheld(403)),
        (Behaviour::Fail(451), Why::Withheld(451)),
        (Behaviour::Fail(401), Why::NoEntry),
        (Behaviour::Fail(422), Why::Garbled),
        (Behaviour::Fail(429), Why::Limited(now + TimeDelta::seconds(60))),
        (Behaviour::TooThick(90), Why::Limited(now + TimeDelta::seconds(90))),
        (Behaviour::Garbage, Why::Garbled),
        (Behaviour::LeadAway, Why::Garbled),
        (Behaviour::MoveAway, Why::Garbled),
        (Behaviour::Fail(502), Why::Away),
        (Behaviour::Hang, Why::Away),
    ] {
        let fake = fake(&commits(1, now)).await;
        fake.does(move |_, _| behaviour);
        let github = support::client(&fake, token(TOKEN), manners, &Clock::standing_at(now));
        assert_eq!(activity(&fake, &github).await, Err(why), "{behaviour:?}");
        assert_eq!(fake.calls().len(), 1, "{behaviour:?}");
    }
    let fake = fake(&commits(1, now)).await;
    fake.does(|_, _| Behaviour::Endless);
    let github = support::client(&fake, token(TOKEN), Manners { retries: 0, ..MANNERS }, &Clock::standing_at(now));
    assert_eq!(activity(&fake, &github).await, Err(Why::Away), "more than is read");
}

#[tokio::test]
async fn a_limit_that_lasts_is_said_without_another_request() {
    let fake = fake(&commits(1, half_hour(0))).await;
    let github = client(&fake, token(TOKEN));
    fake.does(|_, _| Behaviour::TooThick(90));
    let limited = Err(Why::Limited(half_hour(0) + TimeDelta::seconds(90)));
    assert_eq!(activity(&fake, &github).await, limited);
    fake.does(|_, _| Behaviour::Answer);
    assert_eq!(activity(&fake, &github).await, limited);
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn without_a_token_only_what_is_public_is_seen() {
    let fake = fake(&commits(1, half_hour(0))).await;
    fake.has_private("octo/private", &commits(1, half_hour(0)));
    let (private, nobody) = (repository("octo/private"), client(&fake, Entry::Nobody));
    assert_eq!(activity(&fake, &nobody).await.expect("it is public").commits, 1);
    assert_eq!(nobody.about(&private, None).await, Err(Why::NotSeen));
    let about = client(&fake, token(TOKEN)).about(&private, None).await.expect("the token shows it");
    assert_eq!((about.facts.stars, about.facts.forks, &*about.facts.default_branch), (42, 7, "main"));
}

#[tokio::test]
async fn no_token_is_shown_by_anything() {
    let fake = fake(&commits(1, half_hour(0))).await;
    let unknown = client(&fake, token(ANOTHER));
    let refused = activity(&fake, &unknown).await;
    assert_eq!(refused, Err(Why::NoEntry));
    assert!(!format!("{unknown:?} {refused:?}").contains("zzzz"));
}
