//! The words in which MySQL and SQLite differ.
//!
//! | token | MySQL and MariaDB | SQLite |
//! |---|---|---|
//! | `{now}` | the server's clock | the machine's clock |
//! | `{now+?}` | the same, plus a bound number of microseconds | |
//! | `{or ignore COLUMN}` | a duplicate row changes nothing | |
//! | `{for update}` | locks what is read | nothing: a writer is alone |
//! | `{for update of free}` | the same, and leaves out what others have locked | nothing |
//! | `{previous}` | how many rows the statement before this one changed | |
//!
//! Moments are `DATETIME(6)` in MySQL and whole microseconds since 1970 in SQLite, both UTC.

use std::borrow::Cow;

/// Which SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL 8, Aurora MySQL, MariaDB 10.11 and later.
    MySql,
    /// SQLite 3.42 and later.
    Sqlite,
}

impl Dialect {
    /// `sql` with its tokens spelt out. `offset` moves the lease clock, in microseconds.
    pub(super) fn expand(self, sql: Cow<'static, str>, offset: i64) -> Cow<'static, str> {
        if !sql.contains('{') {
            return sql;
        }
        let mut expanded = String::with_capacity(sql.len() + 64);
        let mut rest = sql.as_ref();
        while let Some((before, after)) = rest.split_once('{') {
            expanded.push_str(before);
            let (token, after) = after.split_once('}').expect("queries are constants, and tests run them all");
            self.spell(token, offset, &mut expanded);
            rest = after;
        }
        expanded.push_str(rest);
        Cow::Owned(expanded)
    }

    fn spell(self, token: &str, offset: i64, sql: &mut String) {
        let words = match (self, token) {
            (Self::MySql, "now") if offset == 0 => "UTC_TIMESTAMP(6)".to_owned(),
            (Self::MySql, "now") => format!("TIMESTAMPADD(MICROSECOND, {offset}, UTC_TIMESTAMP(6))"),
            (Self::MySql, "now+?") => format!("TIMESTAMPADD(MICROSECOND, ? + {offset}, UTC_TIMESTAMP(6))"),
            (Self::Sqlite, "now") => format!("(CAST(unixepoch('subsec') * 1000000 AS INTEGER) + {offset})"),
            (Self::Sqlite, "now+?") => format!("(CAST(unixepoch('subsec') * 1000000 AS INTEGER) + {offset} + ?)"),
            (Self::MySql, "previous") => "ROW_COUNT()".to_owned(),
            (Self::Sqlite, "previous") => "changes()".to_owned(),
            (Self::MySql, "for update") => "FOR UPDATE".to_owned(),
            (Self::MySql, "for update of free") => "FOR UPDATE SKIP LOCKED".to_owned(),
            (Self::Sqlite, "for update" | "for update of free") => String::new(),
            (dialect, token) => match (dialect, token.strip_prefix("or ignore ")) {
                (Self::MySql, Some(column)) => format!("ON DUPLICATE KEY UPDATE {column} = {column}"),
                (Self::Sqlite, Some(_)) => "ON CONFLICT DO NOTHING".to_owned(),
                (_, None) => unreachable!("no such token: {token}"),
            },
        };
        sql.push_str(&words);
    }
}

/// The placeholders of one row: `(?,?,?)`.
fn placeholders(columns: usize, into: &mut String) {
    into.push('(');
    for column in 0..columns {
        into.push_str(if column == 0 { "?" } else { ",?" });
    }
    into.push(')');
}

/// The text that inserts `rows` rows of `columns` values: `head (?,?),(?,?) tail`.
pub(super) fn insert_text(head: &str, rows: usize, columns: usize, tail: &str) -> String {
    let mut sql = String::with_capacity(head.len() + rows * (2 * columns + 2) + tail.len());
    sql.push_str(head);
    for row in 0..rows {
        sql.push_str(if row == 0 { " " } else { "," });
        placeholders(columns, &mut sql);
    }
    sql.push(' ');
    sql.push_str(tail);
    sql
}

/// `sql` with its one `(?..)` spelt out for `count` values.
pub fn with_list(sql: &'static str, count: usize) -> String {
    let mut list = String::with_capacity(2 * count + 1);
    placeholders(count, &mut list);
    sql.replacen("(?..)", &list, 1)
}
