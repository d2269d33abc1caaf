//! What came of each row: progress, the list of what could not be taken over, and the summary.

use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::{Failure, FailureKind};

/// How many rows a step has between two lines of progress, where there is no terminal.
const ROWS_A_LINE: u64 = 10_000;

/// Counts rows and tells people of them. Nothing here ever holds a password or a message.
#[derive(Debug)]
pub(super) struct Report {
    is_terminal: bool,
    steps: Vec<Step>,
    bar: ProgressBar,
}

/// A table's rows.
#[derive(Debug, Default)]
struct Step {
    table: &'static str,
    read: u64,
    skipped: u64,
    incomplete: u64,
    changed: u64,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
            steps: Vec::new(),
            bar: ProgressBar::hidden(),
        }
    }

    /// Begins the step of a table.
    pub(super) fn begin(&mut self, table: &'static str, rows: u64) {
        self.steps.push(Step {
            table,
            ..Step::default()
        });
        self.show(table, rows);
    }

    /// Shows a bar on a terminal, and else a line.
    pub(super) fn show(&mut self, what: &'static str, rows: u64) {
        self.bar.finish_and_clear();
        if self.is_terminal {
            let style = ProgressStyle::with_template("{msg:16} {wide_bar} {human_pos}/{human_len} {eta:>4}");
            self.bar = ProgressBar::new(rows).with_message(what);
            self.bar
                .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        } else {
            self.bar = ProgressBar::hidden();
            self.bar.set_length(rows);
            self.line(&format_args!("{what}: {rows} rows"));
        }
    }

    /// Counts a row that was read.
    pub(super) fn read(&mut self) {
        if let Some(step) = self.steps.last_mut() {
            step.read += 1;
        }
        self.advance();
    }

    /// Moves the bar on.
    pub(super) fn advance(&self) {
        self.bar.inc(1);
        let position = self.bar.position();
        if !self.is_terminal && position.is_multiple_of(ROWS_A_LINE) {
            let rows = self.bar.length().unwrap_or(position);
            self.line(&format_args!("  {position} of {rows}"));
        }
    }

    /// Lists a row that is not taken over.
    pub(super) fn skip(&mut self, key: impl fmt::Display, reason: impl fmt::Display) {
        self.list("skipped", key, reason, |step| &mut step.skipped);
    }

    /// Lists a row of which something is not taken over.
    pub(super) fn incomplete(&mut self, key: impl fmt::Display, reason: impl fmt::Display) {
        self.list("incomplete", key, reason, |step| &mut step.incomplete);
    }

    /// Lists a row that is not taken over as it was, but as it should have been.
    pub(super) fn change(&mut self, key: impl fmt::Display, reason: impl fmt::Display) {
        self.list("changed", key, reason, |step| &mut step.changed);
    }

    fn list(
        &mut self,
        word: &str,
        key: impl fmt::Display,
        reason: impl fmt::Display,
        count: fn(&mut Step) -> &mut u64,
    ) {
        let Some(step) = self.steps.last_mut() else {
            return;
        };
        *count(step) += 1;
        let table = step.table;
        self.line(&format_args!("{word} {table} {key}: {reason}"));
    }

    fn line(&self, text: &fmt::Arguments<'_>) {
        // A closed standard error is no reason to leave rows behind.
        let write = || drop(writeln!(io::stderr(), "{text}"));
        self.bar.suspend(write);
    }

    /// The summary, on standard output.
    pub(super) fn print(&self) -> io::Result<()> {
        self.bar.finish_and_clear();
        let mut output = io::stdout().lock();
        writeln!(
            output,
            "{:<15} {:>9} {:>10} {:>9} {:>11} {:>9}",
            "table", "rows", "taken over", "skipped", "incomplete", "changed"
        )?;
        for step in &self.steps {
            let taken = step.read.saturating_sub(step.skipped);
            writeln!(
                output,
                "{:<15} {:>9} {:>10} {:>9} {:>11} {:>9}",
                step.table, step.read, taken, step.skipped, step.incomplete, step.changed
            )?;
        }
        output.flush()
    }

    /// A failure where rows were left behind.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let left: u64 = self.steps.iter().map(|step| step.skipped + step.incomplete).sum();
        if left == 0 {
            return Ok(());
        }
        let sentence = format!(
            "{left} rows were not taken over as a whole; each is listed above. Correct them in the original \
             database and run the same command again, or leave them behind"
        );
        Err(Failure::new(
            FailureKind::Incomplete,
            anyhow::Error::msg(sentence),
        ))
    }
}
