//! Adding and rewriting many rows of a table at once.

use shared::records::{Dialect, Result, Tx, Value};

/// The statements that read, add and rewrite rows of a table.
#[derive(Debug)]
pub(super) struct Table {
    /// How many columns there are beside the id.
    pub(super) columns: usize,
    /// Selects the id and then the columns; the condition follows.
    pub(super) select: &'static str,
    pub(super) insert: &'static str,
    pub(super) insert_with_id: &'static str,
    pub(super) rewrite_mysql: &'static str,
    pub(super) rewrite_sqlite: &'static str,
}

/// A [`Table`] from its name and its columns.
macro_rules! table {
    ($table:literal: $first:literal $(, $column:literal)* $(,)?) => {
        Table {
            columns: [$first $(, $column)*].len(),
            select: concat!("SELECT id, ", $first $(, ", ", $column)*, " FROM ", $table),
            insert: concat!("INSERT INTO ", $table, " (", $first $(, ", ", $column)*, ") VALUES"),
            insert_with_id: concat!("INSERT INTO ", $table, " (id, ", $first $(, ", ", $column)*, ") VALUES"),
            rewrite_mysql: concat!(
                "ON DUPLICATE KEY UPDATE ", $first, " = VALUES(", $first, ")"
                $(, ", ", $column, " = VALUES(", $column, ")")*
            ),
            rewrite_sqlite: concat!(
                "ON CONFLICT DO UPDATE SET ", $first, " = excluded.", $first
                $(, ", ", $column, " = excluded.", $column)*
            ),
        }
    };
}
pub(super) use table;

impl Table {
    /// Adds rows of the columns' values. The database chooses ids, which grow in the order of the rows.
    pub(super) async fn add(&self, tx: &mut Tx, values: &[Value<'_>]) -> Result<()> {
        tx.insert_rows(self.insert, self.columns, "", values).await
    }

    /// Rewrites rows that are there: of each the id and then the columns' values. The id is given, so that the
    /// database neither chooses one nor uses one up.
    pub(super) async fn rewrite(&self, tx: &mut Tx, values: &[Value<'_>]) -> Result<()> {
        let tail = match tx.dialect() {
            Dialect::MySql => self.rewrite_mysql,
            Dialect::Sqlite => self.rewrite_sqlite,
        };
        tx.insert_rows(self.insert_with_id, self.columns + 1, tail, values).await
    }
}
