//! What operators ask of a running `almanac serve`: whether it is well, and how its monitors fare.

use std::{collections::BTreeMap, sync::Arc};

use chrono::{SecondsFormat, Utc};
use futures_util::FutureExt;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::{Value, json};
use shared::{
    config::MonitorSettings,
    hackathon::{
        Criterion,
        board::Board,
        health::{self, Condition, Health},
        metrics,
    },
    records::{Records, Result, never},
};
use tokio::net::TcpListener;

use super::http;

const JSON: &str = "application/json";

/// Answers for ever: `/health`, `/health/live`, `/health/ready`, `/metrics`, and `/board` where there is a hackathon.
pub(super) async fn answer(listener: TcpListener, records: Records, settings: MonitorSettings) {
    let enabled: Arc<[Criterion]> = settings.enabled.into();
    let hackathon: Option<Arc<str>> = settings.hub.map(|hub| hub.hackathon.into());
    http::answer(listener, move |request: Request<Incoming>, _| {
        let (records, enabled, hackathon) = (records.clone(), enabled.clone(), hackathon.clone());
        async move {
            if request.method() != Method::GET {
                return page(
                    StatusCode::METHOD_NOT_ALLOWED,
                    JSON,
                    json!({"error": "only GET is answered"}).to_string(),
                );
            }
            match request.uri().path() {
                "/health/live" => page(StatusCode::OK, JSON, json!({"status": "live"}).to_string()),
                "/health/ready" => ready(&records).await,
                "/health" => with_health(&records, |all| overview(&all, &enabled)).await,
                "/metrics" => {
                    with_health(&records, |all| page(StatusCode::OK, metrics::CONTENT_TYPE, metrics::text(&all))).await
                }
                "/board" => match hackathon {
                    Some(hackathon) => board(&records, &hackathon).await,
                    None => nothing(),
                },
                _ => nothing(),
            }
        }
    })
    .await;
}

async fn health_of_all(records: &Records) -> Result<BTreeMap<String, Health>> {
    records.read(|tx| health::all(tx).boxed()).await
}

/// Without records nothing can be done, so nothing is well.
async fn with_health(
    records: &Records,
    answered: impl FnOnce(BTreeMap<String, Health>) -> Response<Full<Bytes>>,
) -> Response<Full<Bytes>> {
    match health_of_all(records).await {
        Ok(all) => answered(all),
        Err(error) => away(&error),
    }
}

async fn ready(records: &Records) -> Response<Full<Bytes>> {
    with_health(records, |_| page(StatusCode::OK, JSON, json!({"status": "ready"}).to_string())).await
}

fn nothing() -> Response<Full<Bytes>> {
    page(StatusCode::NOT_FOUND, JSON, json!({"error": "there is no such page"}).to_string())
}

async fn board(records: &Records, hackathon: &str) -> Response<Full<Bytes>> {
    match Board::read(records, hackathon, Utc::now()).await {
        Ok(board) => page(StatusCode::OK, "text/html; charset=utf-8", board.page()),
        Err(error) => away(&error),
    }
}

fn away(error: &shared::records::RecordsError) -> Response<Full<Bytes>> {
    tracing::warn!(%error, "asked how it is, without records");
    let body = json!({"status": Condition::Unhealthy.as_str(), "fault": "the records cannot be read"});
    page(StatusCode::SERVICE_UNAVAILABLE, JSON, body.to_string())
}

/// The worst of the monitors that are switched on is how all are.
fn overview(all: &BTreeMap<String, Health>, enabled: &[Criterion]) -> Response<Full<Bytes>> {
    let conditions = enabled.iter().filter_map(|criterion| all.get(criterion.job())).map(Health::condition);
    let worst = conditions.max().unwrap_or(Condition::Healthy);
    let jobs: BTreeMap<&str, Value> =
        enabled.iter().map(|criterion| (criterion.job(), described(all.get(criterion.job())))).collect();
    let status = if worst == Condition::Unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    page(status, JSON, json!({"status": worst.as_str(), "jobs": jobs}).to_string())
}

fn described(health: Option<&Health>) -> Value {
    let Some(health) = health.filter(|health| health.last_at != never()) else {
        return json!({"status": Condition::Healthy.as_str(), "executions": 0});
    };
    let mut described = json!({
        "status": health.condition().as_str(),
        "executions": health.succeeded + health.failed,
        "failures": health.failed,
        "failures_in_row": health.failed_in_row,
        "last_at": health.last_at.to_rfc3339_opts(SecondsFormat::Secs, true),
    });
    if !health.last_fault.is_empty() {
        described["last_fault"] = health.last_fault.as_str().into();
    }
    described
}

fn page(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, kind).header(CACHE_CONTROL, "no-store");
    response.body(Full::from(body)).expect("its headers are well formed")
}
