//! A real small web application, probed over http and https.

use std::{
    convert::Infallible,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
};

use deployment_monitor::{Measured, SystemResolver};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use shared::hackathon::{Status, Verdict};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    authority::Authority,
    support::{HERE, plan, prober_by, rules},
};

/// What it keeps.
#[derive(Debug, Default)]
struct Shop {
    /// The seat of each booking that there is.
    bookings: Mutex<Vec<Option<u64>>>,
    /// Whether its events cannot be read.
    without_events: bool,
}

impl Shop {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut bookings = self.bookings.lock().unwrap_or_else(PoisonError::into_inner);
        let booking = asked["booking_id"].as_u64().and_then(|id| usize::try_from(id).ok()?.checked_sub(1));
        let booking = booking.filter(|booking| *booking < bookings.len());
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/shop/api/events") if self.without_events => said(500, json!({"error": "no database"})),
            (&Method::GET, "/shop/api/events") => said(200, json!([{"id": 1, "title": "Premiere"}])),
            (&Method::POST, "/shop/api/bookings") => {
                bookings.push(None);
                said(201, json!({"id": bookings.len()}))
            }
            (&Method::GET, "/shop/api/bookings") => said(200, json!(bookings.len())),
            (&Method::PATCH, "/shop/api/bookings/initiatePayment") if booking.is_some() => said(302, json!({})),
            (&Method::PATCH, "/shop/api/bookings/cancel" | "/shop/api/bookings/initiatePayment") => {
                said(404, json!({}))
            }
            (&Method::GET, "/shop/api/seats") => said(200, json!([{"id": 1}, {"id": 2}])),
            (&Method::PATCH, "/shop/api/seats/select") => match (booking, asked["seat_id"].as_u64()) {
                (None, _) | (_, None) => said(400, json!({})),
                (_, seat) if bookings.contains(&seat) => said(419, json!({})),
                (Some(booking), seat) => {
                    bookings[booking] = seat;
                    said(200, json!({}))
                }
            },
            (&Method::PATCH, "/shop/api/seats/release") => said(200, json!({})),
            (&Method::POST, "/shop/api/payments/notifications") => said(200, json!({})),
            (&Method::GET, "/shop/api/payments/success" | "/shop/api/payments/fail") => said(404, json!({})),
            (&Method::GET, "/shop/api/analytics") => said(401, json!({})),
            _ => said(501, json!({"error": "there is no such thing"})),
        }
    }
}

fn said(status: u16, body: Value) -> Response<Full<Bytes>> {
    let answer = Response::builder().status(status).header("content-type", "application/json");
    answer.body(Full::from(body.to_string())).expect("a status and a header")
}

/// A running shop; it stops when it is dropped.
struct Running {
    port: u16,
    accepting: JoinHandle<()>,
}

impl Running {
    async fn start(shop: Shop, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("it listens").port();
        let shop = Arc::new(shop);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (shop, tls) = (Arc::clone(&shop), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, shop).await,
                        // A client that does not trust it goes away, which is no news here.
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, shop).await;
                            }
                        }
                    }
                });
            }
        });
        Self { port, accepting }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve<S>(stream: S, shop: Arc<Shop>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request| {
        let shop = Arc::clone(&shop);
        async move { Ok::<_, Infallible>(shop.answer(request).await) }
    });
    // A client that goes away ends its connection with an error, which is no news here.
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn verdict(settings: &[(&str, &str)], address: &str) -> (Measured, Verdict) {
    let measured = prober_by(&[settings, &[HERE]].concat(), Arc::new(SystemResolver)).measure(address, &plan()).await;
    let verdict = rules().rule.verdict(&measured);
    (measured, verdict)
}

/// The points of the fastest tier, which a busy machine may miss: how fast it was is in the metrics.
fn speed_points(verdict: &Verdict) -> u32 {
    let mean = verdict.metrics["mean_ms"].as_f64().expect("it answered");
    let tiers = rules().rule.speed;
    tiers.iter().find(|tier| mean < f64::from(tier.below_ms)).map_or(0, |tier| tier.points)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_answers_as_it_should_passes_over_http_and_over_https_with_five_points_more() {
    let (authority, another) = (Authority::new(), Authority::new());
    let plain = Running::start(Shop::default(), None).await;
    let (_, verdict_plain) = verdict(&[], &format!("http://localhost:{}/shop", plain.port)).await;
    assert_eq!(
        (verdict_plain.status, verdict_plain.score),
        (Status::Passed, Some(90 + speed_points(&verdict_plain))),
        "{verdict_plain:?}"
    );
    assert_eq!(verdict_plain.reason, "12 of 12 probes answered as expected, 1 of 1 critical");

    let secure = Running::start(Shop::default(), Some(authority.server("localhost"))).await;
    let address = format!("https://localhost:{}/shop/", secure.port);
    let (_, verdict_secure) = verdict(&[("PROBE_CA_FILE", authority.file())], &address).await;
    assert_eq!(
        (verdict_secure.status, verdict_secure.score),
        (Status::Passed, Some(95 + speed_points(&verdict_secure))),
        "{verdict_secure:?}"
    );
    for settings in [&[][..], &[("PROBE_CA_FILE", another.file())]] {
        let (_, untrusted) = verdict(settings, &address).await;
        assert_eq!((untrusted.status, untrusted.score), (Status::Failed, Some(0)));
        assert!(untrusted.reason.ends_with("; 12 certificate not trusted"), "{}", untrusted.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_critical_probe_fails_does_not_pass_and_has_points_for_the_rest() {
    let shop = Running::start(Shop { without_events: true, ..Shop::default() }, None).await;
    let (_, verdict) = verdict(&[], &format!("http://127.0.0.1:{}/shop", shop.port)).await;
    assert_eq!((verdict.status, verdict.score), (Status::Failed, Some(55 + speed_points(&verdict))), "{verdict:?}");
    assert_eq!(verdict.reason, "11 of 12 probes answered as expected, 0 of 1 critical; 1 status 500");
    assert_eq!(verdict.metrics["failed"], json!([{"probe": "GET /api/events", "got": "status 500"}]));
}
