//! Databases of a test's own: a SQLite file, and one on a MySQL or MariaDB server. Each is gone when the test ends,
//! however it ends.

use std::{ops::Deref, time::Duration};

use shared::{
    config::{Database, DatabaseKind, Kind},
    random,
    records::{ConnectOptions, Records},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection, Executor, MySqlConnection, Row, mysql::MySqlConnectOptions,
};
use tempfile::TempDir;

/// Where the server is, unless `ALMANAC_TEST_MYSQL` says otherwise.
const SERVER: &str = "mysql://root@127.0.0.1:3306";

/// Enough connections for every test that does things at once.
const OPTIONS: ConnectOptions = ConnectOptions { connections: 8, patience: Duration::from_secs(30) };

/// A migrated database of one test's own; it is used as its [`Records`].
#[derive(Debug)]
pub struct TestDatabase {
    records: Records,
    place: Place,
}

/// Opens the database of that URL, which the caller keeps, with an up-to-date schema.
pub async fn open(url: &str) -> Records {
    let database = DatabaseKind.parse(url).expect("it names a database");
    let records = Records::connect(&database, OPTIONS).await.expect("the database is there");
    records.migrate().await.expect("migrations");
    records
}

/// Where a test's database is. Dropping it removes the database.
#[derive(Debug)]
enum Place {
    Folder(TempDir),
    Server(OnServer),
}

impl TestDatabase {
    /// A SQLite file in a folder of its own.
    pub async fn sqlite() -> Self {
        Self::migrated(Place::Folder(tempfile::tempdir().expect("a temporary folder"))).await
    }

    /// A database on the server.
    pub async fn mysql() -> Self {
        Self::migrated(Place::Server(OnServer::create().await)).await
    }

    /// A SQLite file without any table yet.
    pub async fn empty_sqlite() -> Self {
        Self::open(Place::Folder(tempfile::tempdir().expect("a temporary folder"))).await
    }

    /// A database on the server without any table yet.
    pub async fn empty_mysql() -> Self {
        Self::open(Place::Server(OnServer::create().await)).await
    }

    async fn migrated(place: Place) -> Self {
        let database = Self::open(place).await;
        database.records.migrate().await.expect("migrations");
        database
    }

    async fn open(place: Place) -> Self {
        let records = Records::connect(&place.database(), OPTIONS).await.expect("the database is there");
        Self { records, place }
    }

    /// The records.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// What `DATABASE_URL` says of it.
    pub fn url(&self) -> String {
        self.place.url()
    }

    /// A user that this database has for itself, with a password; `None` where the database is a file.
    pub async fn login(&self) -> Option<Login> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Server(server) => Some(server.login().await),
        }
    }

    /// A handle of its own on the same database, as another process has it.
    pub async fn another_handle(&self) -> Records {
        Records::connect(&self.place.database(), OPTIONS).await.expect("the database is there")
    }
}

impl Deref for TestDatabase {
    type Target = Records;

    fn deref(&self) -> &Records {
        &self.records
    }
}

impl Place {
    fn database(&self) -> Database {
        DatabaseKind.parse(&self.url()).expect("it names a database")
    }

    fn url(&self) -> String {
        match self {
            Self::Folder(folder) => format!("sqlite:{}", folder.path().join("almanac.db").display()),
            Self::Server(server) => server.url(),
        }
    }
}

/// A user of a test's database, who goes with it.
#[derive(Debug)]
pub struct Login {
    /// Where the server is.
    pub host: String,
    /// And at which port.
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user's name.
    pub username: String,
    /// A password with letters that an URL would have to write in another way.
    pub password: String,
}

/// A database on the server.
#[derive(Debug)]
struct OnServer {
    name: String,
}

impl OnServer {
    async fn create() -> Self {
        let name = format!("almanac_test_{}", random::token());
        let mut connection = MySqlConnection::connect(&server())
            .await
            .expect("a MySQL or MariaDB server is at ALMANAC_TEST_MYSQL; ./test starts one where there is none");
        let sql = format!("CREATE DATABASE {name}");
        connection.execute(AssertSqlSafe(sql)).await.expect("the right to make databases");
        Self { name }
    }

    fn url(&self) -> String {
        format!("{}/{}", server(), self.name)
    }

    async fn login(&self) -> Login {
        let server: MySqlConnectOptions = server().parse().expect("it names a server");
        let login = Login {
            host: server.get_host().to_owned(),
            port: server.get_port(),
            database: self.name.clone(),
            username: self.user(),
            password: format!("{}@:/?#%", random::token()),
        };
        let Login { username, password, database, .. } = &login;
        let mut connection = server.connect().await.expect("the server is there");
        for sql in [
            format!("CREATE USER {username}@'%' IDENTIFIED BY '{password}'"),
            format!("GRANT ALL ON {database}.* TO {username}@'%'"),
        ] {
            connection.execute(AssertSqlSafe(sql)).await.expect("the right to make users");
        }
        login
    }

    /// MySQL takes names of at most 32 letters for users.
    fn user(&self) -> String {
        self.name.chars().take(32).collect()
    }

    /// Ends whatever is still connected, so that no open transaction of a failed test keeps its tables.
    async fn remove(&self) -> sqlx::Result<()> {
        let mut connection = MySqlConnection::connect(&server()).await?;
        let others = sqlx::query("SELECT CAST(id AS SIGNED) FROM information_schema.processlist WHERE db = ?")
            .bind(&self.name)
            .fetch_all(&mut connection)
            .await?;
        for other in others {
            let id: i64 = other.try_get(0)?;
            // It may have gone by itself.
            connection.execute(AssertSqlSafe(format!("KILL {id}"))).await.ok();
        }
        connection.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {}", self.name))).await?;
        connection.execute(AssertSqlSafe(format!("DROP USER IF EXISTS {}@'%'", self.user()))).await?;
        connection.close().await
    }
}

impl Drop for OnServer {
    fn drop(&mut self) {
        // A thread of its own, because the test's runtime is busy dropping this.
        std::thread::scope(|scope| {
            let removal = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("a runtime").block_on(self.remove())
            });
            if !matches!(removal.join(), Ok(Ok(()))) {
                eprintln!("the database {} could not be removed", self.name);
            }
        });
    }
}

fn server() -> String {
    let server = std::env::var("ALMANAC_TEST_MYSQL").unwrap_or_else(|_| SERVER.to_owned());
    server.trim_end_matches('/').to_owned()
}

/// Makes tests of promises that hold on every database: `contract!(promise_a, promise_b)` for functions
/// `async fn promise_a(database: &TestDatabase)`.
///
/// `contract!(on one thread: …)` runs them where tokio's clock can be paused.
#[macro_export]
macro_rules! contract {
    (on one thread: $($promise:ident),+ $(,)?) => {
        $crate::contract!(@modules "current_thread"; $($promise),+);
    };
    ($($promise:ident),+ $(,)?) => {
        $crate::contract!(@modules "multi_thread"; $($promise),+);
    };
    (@modules $flavor:tt; $($promise:ident),+) => {
        mod on_sqlite {
            $(
                #[tokio::test(flavor = $flavor)]
                async fn $promise() {
                    let database = $crate::databases::TestDatabase::sqlite().await;
                    // Boxed: some promises are too deep a future for the compiler in one piece.
                    Box::pin(super::$promise(&database)).await;
                }
            )+
        }

        mod on_mysql {
            $(
                #[tokio::test(flavor = $flavor)]
                async fn $promise() {
                    let database = $crate::databases::TestDatabase::mysql().await;
                    // Boxed: some promises are too deep a future for the compiler in one piece.
                    Box::pin(super::$promise(&database)).await;
                }
            )+
        }
    };
}
