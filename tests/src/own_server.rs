//! A MariaDB server of a test's own, which can be killed and started again.

use std::{
    env,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use sqlx::{Connection as _, Executor as _, MySqlConnection};
use tempfile::TempDir;

use crate::conditions::pause;

/// A server with its own data folder on a port of its own.
#[derive(Debug)]
pub struct OwnServer {
    folder: TempDir,
    program: PathBuf,
    port: u16,
    process: Child,
}

impl OwnServer {
    /// Installs a server into a temporary folder and starts it; `None`, with the reason, where MariaDB is not there.
    pub async fn start() -> Option<Self> {
        let (Some(program), Some(installer)) = (find("mariadbd"), find("mariadb-install-db")) else {
            println!("SKIPPED: mariadbd and mariadb-install-db are not installed here (Debian: mariadb-server)");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        install(&installer, folder.path());
        let port =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("a port").port();
        let process = launch(&program, folder.path(), port);
        let mut server = Self { folder, program, port, process };
        server.wait_until_it_answers().await;
        Some(server)
    }

    /// The URL of a new database on it.
    pub async fn new_database(&self) -> String {
        let url = format!("mysql://root@{}", self.address());
        let mut operator = MySqlConnection::connect(&url).await.expect("the server answers");
        operator.execute("CREATE DATABASE almanac").await.expect("the operator may");
        format!("{url}/almanac")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Kills it in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.process.kill().expect("a process of ours");
        self.process.wait().expect("a process of ours");
    }

    /// Starts it again after a kill.
    pub async fn start_again(&mut self) {
        self.process = launch(&self.program, self.folder.path(), self.port);
        self.wait_until_it_answers().await;
    }

    async fn wait_until_it_answers(&mut self) {
        let url = format!("mysql://root@{}", self.address());
        while MySqlConnection::connect(&url).await.is_err() {
            let ended = self.process.try_wait().expect("a process of ours");
            assert_eq!(ended, None, "the server ended: its log is in {}", self.folder.path().display());
            pause().await;
        }
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        // It may have been killed already.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A program on the path, or where only administrators look.
fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let administrators = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    env::split_paths(&path).chain(administrators).map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn install(installer: &Path, folder: &Path) {
    let installed = Command::new(installer)
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(as_whom())
        .arg(data(folder))
        .arg(temporary(folder))
        .output()
        .expect("the installer starts");
    assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
}

/// What is committed outlives the process, so the disk need not be waited for: it is the server that is killed here.
fn launch(program: &Path, folder: &Path, port: u16) -> Child {
    let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
    Command::new(program)
        .arg("--no-defaults")
        .args(as_whom())
        .arg(data(folder))
        .args(["--bind-address=127.0.0.1", &format!("--port={port}"), "--skip-log-bin"])
        .arg(format!("--socket={}", folder.join("socket").display()))
        .arg(format!("--pid-file={}", folder.join("pid").display()))
        .arg(temporary(folder))
        .arg("--innodb-flush-log-at-trx-commit=2")
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("the server starts")
}

fn data(folder: &Path) -> String {
    format!("--datadir={}", folder.join("data").display())
}

/// A folder of its own for temporary tables: a server that starts deletes those there are, also another's.
fn temporary(folder: &Path) -> String {
    format!("--tmpdir={}", folder.display())
}

/// The server refuses to run as root unless it is told to.
fn as_whom() -> Option<&'static str> {
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    root.then_some("--user=root")
}
