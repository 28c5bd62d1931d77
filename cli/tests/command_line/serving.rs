//! `almanac serve`: schedules are kept, what is opened is worked on, and links are answered.

use std::{net::SocketAddr, sync::Arc};

use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, StatusCode, body::Bytes};
use hyper_util::rt::TokioIo;
use shared::{
    links::LinkKeys,
    records::Records,
    run::{
        control::{self, Control},
        job::Job as _,
    },
};
use tests::{
    ask::{execute, number, texts},
    databases::TestDatabase,
    hub_fake::{self, Behaviour, HubFake},
    people::add_user_with_contacts,
    queues::ScriptedQueue,
    runs::{firing, planner},
};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{machine::Machine, process::Running, until};

/// Cleans up in the night; the other schedule is switched off.
const TEMPLATE: &str = "
Parameters:
  ScheduleZone: {Type: String, Default: UTC}
Resources:
  CleanupFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {Binary: cleanup}
    Properties:
      Events:
        Nightly:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: cron(0 2 * * ? *)
            ScheduleExpressionTimezone: !Ref ScheduleZone
  RemindersFunction:
    Type: AWS::Serverless::Function
    Metadata:
      BuildProperties: {Binary: reminders}
    Properties:
      Events:
        Hourly:
          Type: ScheduleV2
          Properties:
            ScheduleExpression: cron(0 * * * ? *)
            State: DISABLED
";

struct House {
    machine: Machine,
    database: TestDatabase,
}

impl House {
    fn on(database: TestDatabase) -> Self {
        let machine = Machine::with_records(database.url()).set("EMAIL_TRANSPORTS", "null:");
        std::fs::write(machine.folder().join("template.yaml"), TEMPLATE).expect("a file");
        Self { machine, database }
    }

    fn serve(&self, further: &[&str]) -> Running {
        self.machine.start(&[&["serve", "--template", "template.yaml"], further].concat())
    }

    async fn closed(&self, job: &'static str) -> i64 {
        let sql = "SELECT COUNT(*) FROM runs WHERE state = 'completed' AND job = ?";
        number(&self.database, sql, vec![job.into()]).await
    }
}

/// Ends it, as a service manager does.
async fn stop(serving: Running) {
    serving.terminate();
    let ending = serving.end().await;
    assert_eq!(ending.code, 0, "{ending:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_in_which_nobody_served_are_made_up_for_by_one_on_sqlite() {
    nights_are_made_up_for(TestDatabase::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nights_in_which_nobody_served_are_made_up_for_by_one_on_mysql() {
    nights_are_made_up_for(TestDatabase::mysql().await).await;
}

async fn nights_are_made_up_for(database: TestDatabase) {
    let house = House::on(database);
    for job in ["cleanup", "reminders"] {
        let sql = "INSERT INTO schedules (job, kept_since) VALUES (?, ?)";
        let days_ago = chrono::Utc::now() - chrono::TimeDelta::days(5);
        execute(&house.database, sql, vec![job.into(), days_ago.into()]).await;
    }
    for _ in 0..2 {
        let address = free_address().await;
        let serving = house.serve(&["--listen", &address.to_string()]);
        until("it serves", async || TcpStream::connect(address).await.is_ok()).await;
        until("a night is made up for", async || house.closed("cleanup").await > 0).await;
        stop(serving).await;
    }
    let triggers = texts(&house.database, "SELECT trigger_kind FROM runs", vec![]).await;
    assert_eq!(triggers, ["schedule"], "one for five nights, and none of what is switched off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_somebody_opened_is_worked_to_its_end() {
    let house = House::on(TestDatabase::sqlite().await);
    add_user_with_contacts(&house.database, 3).await;
    let planner = planner(&house.database, Arc::new(ScriptedQueue::taking_all()), 4);
    let run = planner.open(firing()).await.expect("opened").run().id;
    // A run that goes on after a pause has its planner started at once.
    for wish in [Control::Pause, Control::Run] {
        control::set(&house.database, run, wish).await.expect("noted");
    }
    let serving = house.serve(&[]);
    until("the run is closed", async || house.closed("monthly-invitations").await == 1).await;
    assert_eq!(house.closed("cleanup").await, 0, "it is kept from now on, and nothing was missed");
    stop(serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsubscribe_link_is_answered_and_in_no_log() {
    let house = House::on(TestDatabase::sqlite().await);
    let (_, contacts) = add_user_with_contacts(&house.database, 2).await;
    let link = LinkKeys::of(&house.database).await.expect("keys").unsubscribe_link("", contacts[0]);
    let address = free_address().await;
    let serving = house.serve(&["--listen", &address.to_string()]);
    until("it listens", async || TcpStream::connect(address).await.is_ok()).await;
    let (status, page) = ask(address, "GET", &link).await;
    assert!(status == StatusCode::OK && page.contains("<form method=\"post\""), "{status} {page}");
    assert_eq!(opted_out(&house.database).await, 0, "a GET only shows a page");
    assert_eq!(ask(address, "POST", &link).await.0, StatusCode::OK);
    assert_eq!(opted_out(&house.database).await, 1);
    assert_eq!(ask(address, "GET", "/unsubscribe/1.AAAA").await.0, StatusCode::NOT_FOUND);
    serving.terminate();
    let ending = serving.end().await;
    assert!(ending.code == 0 && !ending.err.contains(link.trim_start_matches('/')), "{ending:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_how_monitors_fare_and_how_teams_stand() {
    let hub = HubFake::start([("amber", &[("MONEY_SPEND", "3")][..])]).await;
    let settings = hub_fake::settings(&hub);
    let mut house = House::on(TestDatabase::sqlite().await);
    house.machine = settings.into_iter().fold(house.machine, |machine, (name, value)| machine.set(name, value));
    let run = async |at: &str| {
        let ending = house.machine.run(&["run", "cost-tracking", "--at", at]).await;
        assert_eq!(ending.code, 0, "{ending:?}");
    };
    run("2026-11-08T10:00").await;
    let address = free_address().await;
    let serving = house.serve(&["--admin", &address.to_string()]);
    until("it listens", async || TcpStream::connect(address).await.is_ok()).await;
    assert_eq!(ask(address, "GET", "/health/live").await, (StatusCode::OK, r#"{"status":"live"}"#.to_owned()));
    assert_eq!(ask(address, "GET", "/health/ready").await, (StatusCode::OK, r#"{"status":"ready"}"#.to_owned()));
    let (status, health) = ask(address, "GET", "/health").await;
    assert!(status == StatusCode::OK && health.contains(r#""status":"healthy""#), "{status} {health}");
    let (status, board) = ask(address, "GET", "/board").await;
    assert!(status == StatusCode::OK && board.contains("amber") && board.contains("BUDGET TRACKING"), "{status}");

    hub.does(|_, _| Behaviour::Fail(503));
    for at in ["2026-11-08T10:15", "2026-11-08T10:30", "2026-11-08T10:45"] {
        run(at).await;
    }
    let (status, health) = ask(address, "GET", "/health").await;
    let health: serde_json::Value = serde_json::from_str(&health).expect("JSON");
    let of_costs = &health["jobs"]["cost-tracking"];
    assert_eq!((status, &health["status"]), (StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!("unhealthy")));
    assert_eq!([&of_costs["executions"], &of_costs["failures_in_row"]], [4, 3]);
    let (status, metrics) = ask(address, "GET", "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    for line in [
        r#"job_executions_total{job="cost-tracking",status="success"} 1"#,
        r#"job_executions_total{job="cost-tracking",status="failure"} 3"#,
        r#"job_duration_seconds_count{job="cost-tracking"} 4"#,
        r#"teams_processed_total{job="cost-tracking"} 4"#,
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
    assert_eq!(ask(address, "POST", "/health").await.0, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(ask(address, "GET", "/").await.0, StatusCode::NOT_FOUND);
    stop(serving).await;
}

async fn opted_out(records: &Records) -> i64 {
    number(records, "SELECT COUNT(*) FROM contacts WHERE opted_out = 1", vec![]).await
}

/// An address where nobody listens.
async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

async fn ask(address: SocketAddr, method: &str, path: &str) -> (StatusCode, String) {
    let stream = TcpStream::connect(address).await.expect("it listens");
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    let connection = tokio::spawn(connection);
    let request = Request::builder().method(method).uri(path).header("host", "localhost");
    let request = request.body(Empty::<Bytes>::new()).expect("a request");
    let answer = sender.send_request(request).await.expect("an answer");
    let status = answer.status();
    let body = answer.into_body().collect().await.expect("a page").to_bytes();
    drop(sender);
    connection.await.expect("no panic").ok();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}
