//! Which database holds the records.

use std::fmt;
use std::path::PathBuf;

use sqlx::mysql::MySqlConnectOptions;

use super::super::mask::masked;
use super::{Kind, Wrong};

/// Which database holds the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A SQLite file, made when it is not there.
    Sqlite(PathBuf),
    /// A MySQL or MariaDB server.
    MySql(MySqlUrl),
}

impl std::str::FromStr for Database {
    type Err = Wrong;

    fn from_str(text: &str) -> Result<Self, Wrong> {
        DatabaseKind.parse(text)
    }
}

/// A `mysql://` URL that names a database. `Debug` and `Display` mask its password.
#[derive(Clone, PartialEq, Eq)]
pub struct MySqlUrl(String);

impl MySqlUrl {
    /// The URL with its password, for connecting and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MySqlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for MySqlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MySqlUrl({self})")
    }
}

/// Reads a [`Database`].
#[derive(Debug)]
pub struct DatabaseKind;

impl Kind for DatabaseKind {
    type Value = Database;

    fn parse(&self, text: &str) -> Result<Database, Wrong> {
        if text.chars().any(char::is_control) {
            return Err(Wrong::unsaid("it holds a control character"));
        }
        match text.split_once(':') {
            Some(("sqlite", rest)) => sqlite(rest.strip_prefix("//").unwrap_or(rest)),
            // Without the slashes the URL parser would take the rest, password and all, for a path.
            Some(("mysql" | "mariadb", rest)) if rest.starts_with("//") => mysql(text),
            Some(_) | None => Err(Wrong::unsaid("it begins with neither sqlite: nor mysql://")),
        }
    }

    fn expected(&self) -> String {
        "sqlite:PATH or mysql://USER:PASSWORD@HOST:PORT/DATABASE".to_owned()
    }
}

fn sqlite(path: &str) -> Result<Database, Wrong> {
    match path {
        "" => Err(Wrong::unsaid("the path is missing")),
        // A database in memory would belong to one connection of the pool.
        ":memory:" => Err(Wrong::unsaid("a database in memory cannot be shared by connections")),
        _ if path.contains('?') => Err(Wrong::unsaid("a SQLite path takes no options")),
        _ => Ok(Database::Sqlite(PathBuf::from(path))),
    }
}

fn mysql(url: &str) -> Result<Database, Wrong> {
    // The parser's own error may repeat parts of the URL, so it is not passed on.
    let options: MySqlConnectOptions = url.parse().map_err(|_| Wrong::unsaid("it is not a well-formed URL"))?;
    match options.get_database() {
        Some(name) if !name.is_empty() => Ok(Database::MySql(MySqlUrl(url.to_owned()))),
        Some(_) | None => Err(Wrong::unsaid("it names no database")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Database, DatabaseKind, Kind};

    #[test]
    fn a_file_and_a_server_are_told_apart() {
        assert_eq!(DatabaseKind.parse("sqlite:a/b.db"), Ok(Database::Sqlite(PathBuf::from("a/b.db"))));
        assert_eq!(DatabaseKind.parse("sqlite:///a/b.db"), Ok(Database::Sqlite(PathBuf::from("/a/b.db"))));
        assert!(matches!(DatabaseKind.parse("mysql://app:pw@db:3306/almanac"), Ok(Database::MySql(_))));
    }

    #[test]
    fn what_would_connect_to_nothing_is_refused() {
        for text in [
            "almanac.db",
            "sqlite:",
            "sqlite::memory:",
            "postgres://db/x",
            "mysql://db:x/y",
            "mysql://db",
            "mysql:db/x",
        ] {
            assert!(DatabaseKind.parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn neither_debug_nor_display_nor_an_error_shows_the_password() {
        let database = DatabaseKind.parse("mysql://app:hunter2@db/almanac").expect("well formed");
        assert!(!format!("{database:?}").contains("hunter2"));
        let Database::MySql(url) = database else { panic!("a server") };
        assert_eq!(url.to_string(), "mysql://app:****@db/almanac");
        assert!(url.expose().contains("hunter2"));
        let wrong = DatabaseKind.parse("mysql://app:hunter2@db:port/almanac").expect_err("no such port");
        assert!(!wrong.said_of("mysql://app:hunter2@db:port/almanac", false).contains("hunter2"));
    }
}
