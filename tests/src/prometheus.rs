//! A real Prometheus that has seen load tests, and what stands before it as Grafana does.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, StatusCode, body::Incoming, header::AUTHORIZATION};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{
    conditions,
    http::{self, DropConnection},
};

/// How often it looks at what it is shown, in milliseconds.
const EVERY_MS: u32 = 200;

/// A running Prometheus; it stops, and what it knew goes, when it is dropped.
#[derive(Debug)]
pub struct PrometheusServer {
    address: SocketAddr,
    seen: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<()>>,
    server: Child,
    _folder: TempDir,
}

impl PrometheusServer {
    /// A Prometheus that reads metrics, as text, from a page that is made for each look at it, counted from 0. It has looked
    /// three times when this returns.
    ///
    /// # Panics
    /// Where there is no program `prometheus`, nor one that `ALMANAC_TEST_PROMETHEUS` names.
    pub async fn start(page: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        let (seen, page) = (Arc::new(AtomicUsize::new(0)), Arc::new(page));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let exporter = listener.local_addr().expect("it listens");
        let looks = seen.clone();
        let show = move |_: Request<Incoming>| {
            let (looks, page) = (looks.clone(), page.clone());
            async move { Ok(Response::new(Full::from(page(looks.fetch_add(1, Ordering::SeqCst))))) }
        };
        let exporting = tokio::spawn(http::serve(listener, show));

        let config = format!(
            "scrape_configs:\n- job_name: k6\n  honor_labels: true\n  scrape_interval: {EVERY_MS}ms\n  \
             scrape_timeout: {EVERY_MS}ms\n  static_configs:\n  - targets: ['{exporter}']\n"
        );
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut started = Self::run(folder, &config).await;
        (started.seen, started.tasks) = (seen, vec![exporting]);
        started.has_looked(3).await;
        started
    }

    /// A Prometheus that remembers this and looks at nothing: samples with their moments, as OpenMetrics writes them.
    ///
    /// # Panics
    /// Where there is no program `prometheus` with its `promtool`, as for [`PrometheusServer::start`].
    pub async fn that_remembers(history: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("history.om");
        std::fs::write(&file, history).expect("writable");
        let made = Command::new(program().with_file_name("promtool"))
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &data(&folder)])
            .output()
            .expect("promtool, which comes with prometheus");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let started = Self::run(folder, "").await;
        started.has_looked(0).await;
        started
    }

    /// Runs the program with its files in that folder.
    async fn run(folder: TempDir, config: &str) -> Self {
        let config_file = folder.path().join("prometheus.yml");
        std::fs::write(&config_file, config).expect("writable");
        let address = free_address().await;
        let server = Command::new(program())
            .arg(format!("--config.file={}", config_file.display()))
            .arg(format!("--storage.tsdb.path={}", data(&folder).display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a program prometheus, or one that ALMANAC_TEST_PROMETHEUS names: apt-get install prometheus");
        Self { address, seen: Arc::default(), tasks: Vec::new(), server, _folder: folder }
    }

    /// Its address, such as `http://127.0.0.1:9090`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts a Grafana before it with a data source of this UID, as a URL spells it, that lets in whoever has this token: gives its address.
    pub async fn behind_grafana(&mut self, source: &str, token: &str) -> String {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let grafana = listener.local_addr().expect("it listens");
        let (prefix, entry) = (format!("/api/datasources/proxy/uid/{source}"), format!("Bearer {token}"));
        let behind = self.url();
        let pass_on = move |request: Request<Incoming>| {
            let (prefix, entry, behind) = (prefix.clone(), entry.clone(), behind.clone());
            async move { through_grafana(request, &prefix, &entry, &behind).await }
        };
        self.tasks.push(tokio::spawn(http::serve(listener, pass_on)));
        format!("http://{grafana}")
    }

    /// Waits until it has looked so often, and answers.
    async fn has_looked(&self, times: usize) {
        conditions::until("Prometheus looks at what it is shown", async || {
            self.seen.load(Ordering::SeqCst) >= times && TcpStream::connect(self.address).await.is_ok()
        })
        .await;
    }
}

impl Drop for PrometheusServer {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // One that is gone already needs no more.
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

async fn through_grafana(
    request: Request<Incoming>,
    prefix: &str,
    entry: &str,
    behind: &str,
) -> Result<Response<Full<hyper::body::Bytes>>, DropConnection> {
    let empty = |status| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        Ok(response)
    };
    if request.headers().get(AUTHORIZATION).and_then(|entry| entry.to_str().ok()) != Some(entry) {
        return empty(StatusCode::UNAUTHORIZED);
    }
    let (mut head, body) = request.into_parts();
    let asked = head.uri.path_and_query().map_or("", |path| path.as_str());
    let Some(path) = asked.strip_prefix(prefix) else { return empty(StatusCode::NOT_FOUND) };
    head.uri = format!("{behind}{path}").parse().map_err(|_| DropConnection)?;
    let client = Client::builder(TokioExecutor::new()).build_http::<Incoming>();
    let answer = client.request(Request::from_parts(head, body)).await.map_err(|_| DropConnection)?;
    let (mut head, body) = answer.into_parts();
    head.headers.clear();
    Ok(Response::from_parts(head, Full::from(body.collect().await?.to_bytes())))
}

fn program() -> PathBuf {
    std::env::var_os("ALMANAC_TEST_PROMETHEUS").map_or_else(|| "prometheus".into(), PathBuf::from)
}

/// Where it keeps what it knows.
fn data(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

/// A port that nobody listens on.
async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    listener.local_addr().expect("it listens")
}
