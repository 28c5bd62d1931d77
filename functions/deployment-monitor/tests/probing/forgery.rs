//! Server-side request forgery: a team's address never makes the monitor connect to what is not public.

use std::{net::Ipv4Addr, sync::Arc};

use deployment_monitor::{Got, Measured, Reserved, SystemResolver, Unprobed};
use serde_json::json;
use shared::hackathon::Status;

use crate::{
    server::Server,
    support::{Names, Trap, got, is_right, plan, plan_of, prober, prober_by, rules},
};

/// What is public in these tests: a server on this machine, beside one that is not.
const ALLOWED: (&str, &str) = ("PROBE_ALLOWED_NETWORKS", "127.0.0.2/32");

/// A server that may be probed, and at the same port of another address a trap.
async fn server_and_trap() -> (Server, Trap) {
    loop {
        let trap = Trap::set();
        if let Ok(server) = Server::start_at(Ipv4Addr::new(127, 0, 0, 2).into(), trap.port(), None).await {
            return (server, trap);
        }
    }
}

#[tokio::test]
async fn every_address_that_is_not_public_is_refused_in_every_spelling_and_nothing_is_connected_to() {
    use Reserved::*;
    let trap = Trap::set();
    let port = trap.port();
    let on_ipv6 = Trap::set_at((std::net::Ipv6Addr::LOCALHOST, port).into());
    let prober = prober(&[]);
    for (host, named) in [
        // As they are.
        ("127.0.0.1", Loopback),
        ("127.8.9.1", Loopback),
        ("0.0.0.0", Unspecified),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.31.255.254", Private),
        ("192.168.1.1", Private),
        ("100.64.0.1", Shared),
        ("169.254.1.1", LinkLocal),
        ("198.18.0.1", Benchmarking),
        ("192.0.0.1", Protocol),
        ("192.0.2.1", Documentation),
        ("198.51.100.1", Documentation),
        ("203.0.113.1", Documentation),
        ("224.0.0.1", Multicast),
        ("240.0.0.1", Future),
        ("255.255.255.255", Future),
        // Clouds' metadata.
        ("169.254.169.254", Metadata),
        ("[fd00:ec2::254]", Metadata),
        ("[::ffff:169.254.169.254]", Metadata),
        ("2852039166", Metadata),
        ("0xa9fea9fe", Metadata),
        ("169.254.43518", Metadata),
        // Decimal, octal, hexadecimal, short, full-width.
        ("2130706433", Loopback),
        ("017700000001", Loopback),
        ("0x7f000001", Loopback),
        ("0177.0.0.1", Loopback),
        ("0x7f.0.0.1", Loopback),
        ("127.1", Loopback),
        ("127.0.0.1.", Loopback),
        ("0", Unspecified),
        ("①②⑦.⓪.⓪.①", Loopback),
        // IPv6, and IPv4 within it.
        ("[::]", Unspecified),
        ("[::1]", Loopback),
        ("[::ffff:127.0.0.1]", Loopback),
        ("[::ffff:7f00:1]", Loopback),
        ("[::ffff:10.0.0.1]", Private),
        ("[::127.0.0.1]", Tunnel),
        ("[64:ff9b::127.0.0.1]", Loopback),
        ("[64:ff9b::a9fe:a9fe]", Metadata),
        ("[2002:7f00:1::]", Tunnel),
        ("[2001:0:7f00:1::]", Tunnel),
        ("[fc00::1]", Private),
        ("[fe80::1]", LinkLocal),
        ("[fec0::1]", Private),
        ("[ff02::1]", Multicast),
        ("[2001:db8::1]", Documentation),
        // By a name of the system's own.
        ("localhost", Loopback),
        ("LOCALHOST", Loopback),
    ] {
        for scheme in ["http", "https"] {
            let measured = prober.measure(&format!("{scheme}://{host}:{port}/x"), &plan()).await;
            assert_eq!(measured, Measured::Unprobed(Unprobed::Address(named)), "{scheme}://{host}");
            let verdict = rules().rule.verdict(&measured);
            assert_eq!((verdict.status, verdict.score), (Status::Failed, Some(0)));
            assert!(!verdict.reason.contains(host), "{}", verdict.reason);
        }
    }
    for (address, why) in [
        (format!("http://user:pass@127.0.0.1:{port}"), Unprobed::UserInfo),
        (format!("http://127.0.0.1:{port}@example.org"), Unprobed::UserInfo),
        (format!("gopher://127.0.0.1:{port}/_x"), Unprobed::Scheme),
        ("file:///proc/self/environ".to_owned(), Unprobed::Scheme),
        ("http://127.0.0.1:0".to_owned(), Unprobed::Port),
    ] {
        assert_eq!(prober.measure(&address, &plan()).await, Measured::Unprobed(why), "{address}");
    }
    assert!(!trap.was_touched());
    assert!(!on_ipv6.is_ok_and(|trap| trap.was_touched()));
}

#[tokio::test]
async fn a_name_that_leads_to_addresses_which_are_not_public_is_refused() {
    let trap = Trap::set();
    for (addresses, named) in [
        (&["127.0.0.1"][..], Reserved::Loopback),
        (&["::1"], Reserved::Loopback),
        (&["::ffff:127.0.0.1"], Reserved::Loopback),
        (&["64:ff9b::7f00:1"], Reserved::Loopback),
        (&["169.254.169.254"], Reserved::Metadata),
        (&["10.0.0.1", "fd00::1", "192.168.0.1"], Reserved::Private),
        (&["0.0.0.0", "127.0.0.1"], Reserved::Loopback),
    ] {
        let prober = prober_by(&[ALLOWED], Names::of("team.test", &[addresses]));
        let measured = prober.measure(&format!("http://team.test:{}", trap.port()), &plan()).await;
        assert_eq!(measured, Measured::Unprobed(Unprobed::Address(named)), "{addresses:?}");
    }
    assert!(!trap.was_touched());
}

#[tokio::test]
async fn of_a_names_addresses_only_those_are_connected_to_that_may_be() {
    let (server, trap) = server_and_trap().await;
    for addresses in [
        &["127.0.0.1", "127.0.0.2"][..],
        &["127.0.0.2", "127.0.0.1"],
        &["::1", "::ffff:127.0.0.1", "::ffff:127.0.0.2", "10.0.0.1"],
    ] {
        let prober = prober_by(&[ALLOWED], Names::of("team.test", &[addresses]));
        let measured = prober.measure(&format!("http://team.test:{}", server.port()), &plan()).await;
        assert!(is_right(&measured), "{addresses:?}: {measured:?}");
    }
    assert!(!trap.was_touched());
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_gets_no_byte_through() {
    let (server, trap) = server_and_trap().await;
    let names = Names::of("rebinding.test", &[&["127.0.0.2"], &["127.0.0.1"]]);
    let prober = prober_by(&[ALLOWED], Arc::clone(&names) as _);
    let address = format!("http://rebinding.test:{}", server.port());
    let measured = prober.measure(&address, &plan()).await;
    assert!(is_right(&measured), "{measured:?}");
    assert_eq!((server.heads().len(), names.asked()), (12, 1), "twelve connections after one look at the name");
    assert!(!trap.was_touched());

    let measured = prober.measure(&address, &plan()).await;
    assert_eq!(measured, Measured::Unprobed(Unprobed::Address(Reserved::Loopback)));
    assert_eq!((server.heads().len(), names.asked()), (12, 2));
    assert!(!trap.was_touched());
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let target = Trap::set();
    let location = format!("http://127.0.0.1:{}/", target.port());
    let server = Redirecting::start(&location).await;
    let plan = plan_of(json!([
        {"method": "GET", "path": "/301", "statuses": [301]},
        {"method": "GET", "path": "/302", "statuses": [302]},
        {"method": "POST", "path": "/303", "statuses": [303], "body": {}},
        {"method": "GET", "path": "/307", "statuses": [200]},
        {"method": "GET", "path": "/308", "statuses": [200]},
    ]));
    let prober = prober_by(&[ALLOWED], Arc::new(SystemResolver));
    let measured = prober.measure(&format!("http://127.0.0.2:{}", server.port), &plan).await;
    let [moved, found, other] = [301, 302, 303].map(Got::Expected);
    assert_eq!(got(&measured), [moved, found, other, Got::OtherStatus(307), Got::OtherStatus(308)]);
    assert!(!target.was_touched());
}

/// A server that answers `/301` by a 301 to some place, and so on.
struct Redirecting {
    port: u16,
    accepting: tokio::task::JoinHandle<()>,
}

impl Redirecting {
    async fn start(location: &str) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let location: Arc<str> = location.into();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let location = Arc::clone(&location);
                let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                    let status: u16 = request.uri().path().trim_start_matches('/').parse().unwrap_or(404);
                    let answer = hyper::Response::builder().status(status).header("location", &*location);
                    std::future::ready(answer.body(http_body_util::Empty::<hyper::body::Bytes>::new()))
                });
                let connection = hyper::server::conn::http1::Builder::new();
                tokio::spawn(connection.serve_connection(hyper_util::rt::TokioIo::new(stream), service));
            }
        });
        Self { port, accepting }
    }
}

impl Drop for Redirecting {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
