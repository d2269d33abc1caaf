//! Everything that the database holds, for a comparison.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::Database;

/// The shape of a database, and the rows of all its tables.
#[derive(Debug)]
pub(super) struct Tables {
    /// Databases, accounts, and the columns of the tables and views of this one.
    shape: BTreeSet<String>,
    rows: BTreeMap<String, BTreeSet<String>>,
}

impl Tables {
    pub(super) fn read(database: &Database) -> Self {
        let shape = [
            "SELECT CONCAT('database ', SCHEMA_NAME) FROM information_schema.SCHEMATA",
            "SELECT CONCAT('account ', User, '@', Host) FROM mysql.user",
            "SELECT CONCAT_WS(' ', TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, COLUMN_DEFAULT) \
               FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE()",
            "SELECT CONCAT_WS(' ', TABLE_NAME, VIEW_DEFINITION) \
               FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()",
        ];
        let shape = shape.into_iter().flat_map(|query| database.rows(query)).collect();
        let tables = database.rows(
            "SELECT TABLE_NAME FROM information_schema.TABLES \
              WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
        );
        let mut rows = BTreeMap::new();
        for table in tables {
            let columns = database.rows(&format!(
                "SELECT CONCAT('COALESCE(HEX(`', COLUMN_NAME, '`), \\'NULL\\')') \
                   FROM information_schema.COLUMNS \
                  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = '{table}' ORDER BY ORDINAL_POSITION"
            ));
            let all = format!("SELECT CONCAT_WS(' ', {}) FROM `{table}`", columns.join(", "));
            rows.insert(table, database.rows(&all).into_iter().collect());
        }
        Self { shape, rows }
    }

    /// How many rows each table has more than before.
    ///
    /// # Panics
    /// Where the shape is another, or a row is gone or changed.
    pub(super) fn added_since(&self, before: &Self) -> BTreeMap<&str, usize> {
        assert_eq!(self.shape, before.shape);
        let tables = self.rows.iter().zip(&before.rows);
        let added = tables.map(|((table, rows), (_, rows_before))| {
            let gone: Vec<_> = rows_before.difference(rows).collect();
            assert!(gone.is_empty(), "{table} lacks {gone:?}");
            (table.as_str(), rows.len() - rows_before.len())
        });
        added.collect()
    }
}

/// How many rows were added to which table.
#[derive(Clone, Debug, Default)]
pub(super) struct Additions(BTreeMap<&'static str, usize>);

impl Additions {
    /// Counts one row more for each of these tables.
    pub(super) fn count(&mut self, tables: &[&'static str]) {
        for table in tables {
            *self.0.entry(table).or_default() += 1;
        }
    }

    pub(super) fn add(&mut self, others: &Self) {
        for (table, count) in &others.0 {
            *self.0.entry(table).or_default() += count;
        }
    }

    pub(super) fn of(&self, table: &str) -> usize {
        self.0.get(table).copied().unwrap_or_default()
    }

    /// The tables that are counted have exactly so many rows more.
    pub(super) fn are(&self, found: &BTreeMap<&str, usize>) {
        let found = found.iter().filter(|(table, _)| self.0.contains_key(*table));
        let found: BTreeMap<&str, usize> = found.map(|(&table, &count)| (table, count)).collect();
        assert_eq!(self.0, found);
    }
}
