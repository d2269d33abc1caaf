//! Figures of several runs, as one table.

/// Figures by what they are of, in the order in which they came first.
#[derive(Default)]
pub(crate) struct Table(Vec<Row>);

struct Row {
    what: String,
    decimals: usize,
    values: Vec<f64>,
}

impl Table {
    /// Adds a run's figure, which is shown with this many decimals.
    pub(crate) fn add(&mut self, what: &str, decimals: usize, value: f64) {
        if let Some(row) = self.0.iter_mut().find(|row| row.what == what) {
            row.values.push(value);
            return;
        }
        self.0.push(Row {
            what: what.to_owned(),
            decimals,
            values: vec![value],
        });
    }

    /// Prints the median of each figure, and the figures themselves.
    pub(crate) fn print(&mut self) {
        println!("| what | median | runs |\n| --- | --- | --- |");
        for Row {
            what,
            decimals,
            values,
        } in &mut self.0
        {
            let runs: Vec<_> = values.iter().map(|value| format!("{value:.decimals$}")).collect();
            values.sort_by(f64::total_cmp);
            let median = values.get(values.len() / 2).copied().unwrap_or_default();
            println!("| {what} | {median:.decimals$} | {} |", runs.join(", "));
        }
    }
}
