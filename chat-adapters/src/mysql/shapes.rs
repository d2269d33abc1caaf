//! Statements for many rows, in few fixed shapes.
//!
//! A statement is prepared for a power of two of rows, and a batch is padded by its last row. So the
//! server prepares a statement a few times a connection, whatever sizes batches have.

use sqlx::AssertSqlSafe;

/// Rows that one statement takes at most.
pub(super) const ROWS: usize = 512;

/// A statement that has a part for each row.
///
/// Rows are looked for by `(a, b) IN ((?, ?), …)`: MariaDB takes eight times as long over as many `OR`s.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) head: &'static str,
    pub(super) row: &'static str,
    pub(super) between: &'static str,
    pub(super) tail: &'static str,
}

impl Shape {
    /// The statement for a number of rows. Values are parameters, so the text is safe.
    pub(super) fn sql(&self, rows: usize) -> AssertSqlSafe<String> {
        let parts = vec![self.row; rows].join(self.between);
        AssertSqlSafe([self.head, &parts, self.tail].concat())
    }
}

/// Cuts items into chunks for one statement each.
pub(super) fn chunks<T>(items: &[T]) -> impl Iterator<Item = Chunk<'_, T>> {
    items.chunks(ROWS).map(|items| Chunk { items })
}

/// Items for one statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'i, T> {
    items: &'i [T],
}

impl<'i, T> Chunk<'i, T> {
    /// How many rows the statement has.
    pub(super) const fn rows(&self) -> usize {
        self.items.len().next_power_of_two()
    }

    /// How many items there are.
    pub(super) const fn len(&self) -> usize {
        self.items.len()
    }

    /// The items, and the last one again until all rows are filled.
    pub(super) fn padded(&self) -> impl Iterator<Item = &'i T> + use<'i, T> {
        let missing = self.rows() - self.items.len();
        let padding = self.items.last().into_iter().cycle().take(missing);
        self.items.iter().chain(padding)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_cut_and_padded_to_powers_of_two() {
        let items: Vec<usize> = (0..ROWS + 5).collect();
        let chunks: Vec<Vec<usize>> = chunks(&items)
            .map(|chunk| chunk.padded().copied().collect())
            .collect();
        assert_eq!(chunks[0], items[..ROWS]);
        assert_eq!(chunks[1], [512, 513, 514, 515, 516, 516, 516, 516]);
        assert_eq!(chunks.len(), 2);
    }

    #[test]
    fn a_statement_repeats_the_part_of_a_row() {
        let shape = Shape {
            head: "SELECT 1 IN (",
            row: "?",
            between: ", ",
            tail: ")",
        };
        assert_eq!(shape.sql(4).0, "SELECT 1 IN (?, ?, ?, ?)");
    }
}
