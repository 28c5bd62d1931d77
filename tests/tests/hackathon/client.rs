//! The client of the Hub: what is tried again, and what is not.

use shared::{
    config::{ApiKeyKind, BaseUrlKind, Kind as _},
    credential::Credential,
    hackathon::hub::{Hub, HubError, Manners},
};
use std::time::Duration;
use tests::hub_fake::{Behaviour, HACKATHON, HubFake, KEY};

/// A key that the Hub does not know.
const ANOTHER: &str = "sk_ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

fn client(hub: &HubFake, key: &str, retries: u32) -> Hub {
    patient(hub, key, retries, Duration::from_secs(30))
}

fn patient(hub: &HubFake, key: &str, retries: u32, timeout: Duration) -> Hub {
    let base = BaseUrlKind.parse(&hub.url()).expect("an address");
    let key = Credential::Setting(ApiKeyKind.parse(key).expect("a key"));
    let manners = Manners { timeout, retries, per_minute: 60, first_wait: Duration::from_millis(1) };
    Hub::new(base, key, manners).expect("certificates")
}

async fn hub() -> HubFake {
    HubFake::start([("amber", &[("MONEY_SPEND", "1")][..])]).await
}

#[tokio::test]
async fn failures_for_the_moment_are_tried_again() {
    let hub = hub().await;
    let faults = [Behaviour::Fail(500), Behaviour::AskToWait(0), Behaviour::DoAndDrop];
    hub.does(move |call, _| faults.get(call).copied().unwrap_or(Behaviour::Answer));
    let teams = client(&hub, KEY, 3).roster(HACKATHON, &["MONEY_SPEND"]).await.expect("the fourth try");
    assert_eq!(teams.len(), 1);
    assert_eq!(hub.calls().len(), 5, "four tries of the first call, one of the second");
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again_and_no_error_shows_the_key() {
    let hub = hub().await;
    for status in [400, 403, 404, 418] {
        hub.does(move |_, _| Behaviour::Fail(status));
        let error = client(&hub, KEY, 3).roster(HACKATHON, &[]).await.expect_err("refused");
        assert!(matches!(error, HubError::Refused { status: said, .. } if said == status), "{error}");
    }
    hub.does(|_, _| Behaviour::Answer);
    let unknown = client(&hub, ANOTHER, 3);
    let error = unknown.roster(HACKATHON, &[]).await.expect_err("no such key");
    assert_eq!(error.to_string(), "the Hub refused its teams: 401");
    assert!(!format!("{unknown:?} {error:?}").contains("ffff"));
    assert_eq!(hub.calls().len(), 5);
}

#[tokio::test]
async fn after_four_failures_in_a_row_the_hub_is_left_alone() {
    let hub = hub().await;
    hub.does(|_, _| Behaviour::Fail(503));
    let client = client(&hub, KEY, 3);
    assert!(matches!(client.roster(HACKATHON, &[]).await, Err(HubError::Away { .. })));
    assert!(matches!(client.roster(HACKATHON, &[]).await, Err(HubError::LeftAlone)));
    assert_eq!(hub.calls().len(), 4);
}

#[tokio::test]
async fn a_hub_that_hangs_is_given_up_after_its_time() {
    let hub = hub().await;
    hub.does(|_, _| Behaviour::Hang);
    let impatient = patient(&hub, KEY, 0, Duration::from_millis(100));
    let error = impatient.roster(HACKATHON, &[]).await.expect_err("no reply");
    assert_eq!(error.to_string(), "the Hub is away: its teams: no reply within 100 ms");
}

#[tokio::test]
async fn an_answer_that_is_not_as_agreed_is_told_without_its_words() {
    let hub = hub().await;
    hub.does(|_, _| Behaviour::Garbage);
    let error = client(&hub, KEY, 3).roster(HACKATHON, &[]).await.expect_err("garbage").to_string();
    assert!(error.starts_with("the Hub's answer to its teams is not as agreed: "), "{error}");
    assert_eq!(hub.calls().len(), 1);
}
