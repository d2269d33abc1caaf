//! Figures of several runs, as one table.

use crate::samples::Samples;

/// Figures by what they are of, in the order in which they came first.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    what: String,
    decimals: usize,
    values: Samples,
}

impl Table {
    /// Adds a run's figure, which is shown with this many decimals.
    pub(crate) fn add(&mut self, what: &str, decimals: usize, value: f64) {
        if let Some(row) = self.0.iter_mut().find(|row| row.what == what) {
            row.values.add(value);
            return;
        }
        self.0.push(Row {
            what: what.to_owned(),
            decimals,
            values: [value].into_iter().collect(),
        });
    }

    /// Prints the median of each figure, and the figures themselves.
    pub(crate) fn print(&self) {
        println!(
            "| what | median | runs |
| --- | --- | --- |"
        );
        for Row {
            what,
            decimals,
            values,
        } in &self.0
        {
            let runs: Vec<_> = values
                .values()
                .iter()
                .map(|value| format!("{value:.decimals$}"))
                .collect();
            println!(
                "| {what} | {:.decimals$} | {} |",
                values.median(),
                runs.join(", ")
            );
        }
    }
}
