//! Writes what is shown to standard output.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Stdout, Write};

use super::entry::Entry;
use super::wording;
use crate::cli::text::Colour;

/// Holes that are kept beside the last records, at least.
const MOST_HOLES: usize = 100;

/// How a record is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// For people.
    Lines(Colour),
    /// As it is.
    Json,
    /// As it is, but harmless for a terminal.
    HarmlessJson,
}

/// Lines on their way to standard output.
#[derive(Debug)]
pub(super) struct Output {
    form: Form,
    writer: BufWriter<Stdout>,
    /// The last lines, as long as not even the last record is known.
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    /// So many at most.
    records: usize,
    /// So many of the lines are records.
    held: usize,
    lines: VecDeque<Line>,
}

#[derive(Debug)]
enum Line {
    Record(Entry),
    Hole { node: String, missing: u64 },
}

impl Output {
    /// An output that shows everything or, until [`release`](Self::release), keeps the last `limit` records.
    pub(super) fn new(form: Form, limit: Option<usize>) -> Self {
        Self {
            form,
            writer: BufWriter::new(io::stdout()),
            last: limit.map(|records| Last {
                records,
                held: 0,
                lines: VecDeque::new(),
            }),
        }
    }

    /// Shows a record.
    pub(super) fn record(&mut self, entry: Entry) -> io::Result<()> {
        self.show(Line::Record(entry))
    }

    /// Shows people that records are missing.
    pub(super) fn hole(&mut self, node: &str, missing: u64) -> io::Result<()> {
        match self.form {
            Form::Lines(_) => self.show(Line::Hole {
                node: node.to_owned(),
                missing,
            }),
            Form::Json | Form::HarmlessJson => Ok(()),
        }
    }

    /// Writes the last records that were kept, and everything from now on.
    pub(super) fn release(&mut self) -> io::Result<()> {
        let kept = self.last.take().map(|last| last.lines).unwrap_or_default();
        for line in &kept {
            self.write(line)?;
        }
        self.writer.flush()
    }

    /// Hands everything written to the operating system.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    fn show(&mut self, line: Line) -> io::Result<()> {
        match &mut self.last {
            Some(last) => last.keep(line),
            None => self.write(&line)?,
        }
        Ok(())
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        match (line, self.form) {
            (Line::Record(entry), Form::Lines(colour)) => {
                writeln!(self.writer, "{}", wording::line(&entry.record, colour))
            }
            (Line::Record(entry), Form::Json) => writeln!(self.writer, "{}", entry.json()),
            (Line::Record(entry), Form::HarmlessJson) => writeln!(self.writer, "{}", entry.harmless_json()),
            (Line::Hole { node, missing }, Form::Lines(colour)) => {
                writeln!(self.writer, "{}", wording::hole(node, *missing, colour))
            }
            (Line::Hole { .. }, Form::Json | Form::HarmlessJson) => Ok(()),
        }
    }
}

impl Last {
    fn keep(&mut self, line: Line) {
        self.held += usize::from(line.is_record());
        self.lines.push_back(line);
        while self.held > self.records || self.lines.len() - self.held > self.records + MOST_HOLES {
            let Some(line) = self.lines.pop_front() else { break };
            self.held -= usize::from(line.is_record());
        }
    }
}

impl Line {
    const fn is_record(&self) -> bool {
        matches!(self, Self::Record(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::logs::testing::entry;

    #[test]
    fn the_last_records_are_kept_with_the_holes_between_them() {
        let mut last = Last {
            records: 2,
            held: 0,
            lines: VecDeque::new(),
        };
        let hole = |missing| Line::Hole {
            node: "n1".to_owned(),
            missing,
        };
        for number in 1..=4 {
            last.keep(hole(number));
            last.keep(Line::Record(entry("n1", number, number)));
        }
        let shown: Vec<_> = last
            .lines
            .iter()
            .map(|line| match line {
                Line::Record(entry) => (true, entry.record.number),
                Line::Hole { missing, .. } => (false, *missing),
            })
            .collect();
        assert_eq!(shown, [(false, 3), (true, 3), (false, 4), (true, 4)]);
        for missing in 0..1_000 {
            last.keep(hole(missing));
        }
        assert!(last.lines.len() <= 2 * (last.records + MOST_HOLES));
    }
}
