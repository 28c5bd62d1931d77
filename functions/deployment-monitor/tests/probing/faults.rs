//! What goes wrong between a probe and its answer is told apart, and bounded.

use std::{io, net::SocketAddr, sync::Arc};

use deployment_monitor::{Fault, Got, Measured, Resolver, Unprobed};
use serde_json::json;
use shared::hackathon::Status;

use crate::{
    authority::Authority,
    server::Server,
    support::{HERE, Names, Trap, got, is_right, plan, plan_of, prober, prober_by, rules},
};

const SHORT: (&str, &str) = ("HTTP_TIMEOUT", "1000");

#[tokio::test(flavor = "multi_thread")]
async fn every_way_of_misbehaving_is_told_apart_and_none_is_waited_for() {
    let server = Server::start().await;
    let prober = prober(&[HERE, SHORT]);
    for (manner, fault) in [
        ("hang", Fault::TimedOut),
        ("stall", Fault::TimedOut),
        ("wait", Fault::TimedOut),
        ("reset", Fault::Reset),
        ("close", Fault::Closed),
        ("half", Fault::Closed),
        ("garbage", Fault::NotHttp),
        ("chunks", Fault::NotHttp),
        ("head", Fault::TooLarge),
        ("long", Fault::TooLarge),
        ("tall", Fault::TooLarge),
        ("body", Fault::TooLarge),
        ("endless", Fault::TooLarge),
    ] {
        let measured = prober.measure(&server.url(manner), &plan()).await;
        assert_eq!(got(&measured), vec![Got::Fault(fault); 12], "{manner}");
        let verdict = rules().rule.verdict(&measured);
        assert_eq!((verdict.status, verdict.score), (Status::Failed, Some(0)));
        let said = format!("0 of 12 probes answered as expected, 0 of 1 critical; 12 {}", fault.as_str());
        assert_eq!(verdict.reason, said);
    }
    let nobody = { Trap::set().port() };
    let measured = prober.measure(&format!("http://127.0.0.1:{nobody}"), &plan()).await;
    assert_eq!(got(&measured), vec![Got::Fault(Fault::ConnectionRefused); 12]);
}

/// Nobody answers it.
struct Silence;

#[async_trait::async_trait]
impl Resolver for Silence {
    async fn addresses(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_name_that_nobody_answers_for_is_not_waited_for() {
    let prober = prober_by(&[HERE, ("HTTP_TIMEOUT", "100")], Arc::new(Silence));
    let measured = prober.measure("http://team.test", &plan()).await;
    assert_eq!(measured, Measured::Unprobed(Unprobed::Unresolved));
}

#[tokio::test]
async fn where_nothing_listens_at_a_names_first_address_the_next_is_tried() {
    let server = Server::start().await;
    let prober = prober_by(&[HERE], Names::of("team.test", &[&["127.0.0.9", "127.0.0.1"]]));
    let measured = prober.measure(&format!("http://team.test:{}", server.port()), &plan()).await;
    assert!(is_right(&measured), "{measured:?}");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_no_data() {
    for address in ["http://nowhere.invalid", "http://nothing.test"] {
        let prober = prober_by(&[HERE, SHORT], Names::of("nothing.test", &[&[]]));
        let measured = prober.measure(address, &plan()).await;
        assert_eq!(measured, Measured::Unprobed(Unprobed::Unresolved), "{address}");
        assert_eq!(rules().rule.verdict(&measured).status, Status::NoData);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_to_be_trusted_is_not_and_what_speaks_no_tls_is_told_apart() {
    let (ours, another) = (Authority::new(), Authority::new());
    let settings = [HERE, SHORT, ("PROBE_CA_FILE", ours.file())];
    let by_name = prober_by(&settings, Names::of("shop.test", &[&["127.0.0.1"]]));
    for (server, fault) in [
        (Server::secure(another.server("shop.test")).await, Fault::Certificate),
        (Server::secure(ours.server("another.test")).await, Fault::Certificate),
        // The address's own certificate is none for the name by which it is asked.
        (Server::secure(ours.server("127.0.0.1")).await, Fault::Certificate),
        (Server::secure(ours.expired_server("shop.test")).await, Fault::Certificate),
        (Server::start().await, Fault::TimedOut),
    ] {
        let measured = by_name.measure(&format!("https://shop.test:{}", server.port()), &plan()[..1]).await;
        assert_eq!(got(&measured), [Got::Fault(fault)]);
    }
    let secure = Server::secure(ours.server("shop.test")).await;
    assert!(is_right(&by_name.measure(&format!("https://shop.test:{}", secure.port()), &plan()).await));
    // http to a port of https: it answers with a TLS alert, or hangs up.
    let measured = by_name.measure(&format!("http://shop.test:{}", secure.port()), &plan()[..1]).await;
    assert!(matches!(got(&measured)[..], [Got::Fault(Fault::NotHttp | Fault::Closed | Fault::Reset)]), "{measured:?}");
}

#[tokio::test]
async fn what_an_answer_holds_is_looked_at_where_the_plan_says_so() {
    let server = Server::start().await;
    let plan = plan_of(json!([
        {"method": "GET", "path": "/api/events", "statuses": [200], "answer": {"text": "\"id\""}},
        {"method": "GET", "path": "/api/events", "statuses": [200], "answer": {"text": "nothing of it"}},
        {"method": "GET", "path": "/api/events", "statuses": [200], "answer": {"field": {"at": "/0/id", "is": "number"}}},
        {"method": "GET", "path": "/api/events", "statuses": [200], "answer": {"field": {"at": "/0/id", "is": "string"}}},
        {"method": "GET", "path": "/api/events", "statuses": [404], "answer": {"text": "id"}},
        {"method": "HEAD", "path": "/api/events", "statuses": [200]},
    ]));
    let measured = prober(&[HERE]).measure(&server.url("shop"), &plan).await;
    let (right, other) = (Got::Expected(200), Got::OtherBody(200));
    assert_eq!(got(&measured), [right, other, right, other, Got::OtherStatus(200), right]);
}

#[tokio::test]
async fn every_probe_is_a_connection_of_its_own_that_carries_nothing_of_another() {
    let server = Server::start().await;
    let settings = [HERE, ("USER_AGENT", "judges/1.0")];
    let measured = prober(&settings).measure(&format!("http://localhost:{}/cookie/", server.port()), &plan()).await;
    assert_eq!(got(&measured)[0], Got::Expected(200));
    let mut heads = server.heads();
    assert_eq!(heads.len(), 12);
    heads.sort();
    let first = heads[0].lines().collect::<Vec<_>>();
    assert_eq!(
        first,
        [
            "GET /cookie/api/analytics?id=1 HTTP/1.1",
            &format!("host: localhost:{}", server.port()),
            "user-agent: judges/1.0",
            "accept: application/json, */*",
            "connection: close",
        ]
    );
    assert!(heads.iter().all(|head| !head.to_ascii_lowercase().contains("cookie:")));
    assert!(heads.iter().any(|head| head.starts_with("POST /cookie/api/bookings HTTP/1.1\r\n")
        && head.contains("content-type: application/json\r\n")
        && head.ends_with("content-length: 14")));
}
