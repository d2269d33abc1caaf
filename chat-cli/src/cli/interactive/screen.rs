//! What the editor and the conversation share: the prompt, the names to complete, the printer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::ExternalPrinter;

use crate::cli::output::print_line;

/// What the line editor shows and offers. The conversation's task sets it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) prompt: String,
    /// `@bob`, `#rust`.
    pub(super) names: Vec<String>,
}

/// The shared state.
#[derive(Clone, Debug, Default)]
pub(super) struct Screen(Arc<Mutex<Shown>>);

impl Screen {
    pub(super) fn shown(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints above the line that is being edited, or simply prints where there is no terminal.
pub(super) struct Printer(Option<Box<dyn ExternalPrinter + Send>>);

impl Printer {
    pub(super) const fn to_stdout() -> Self {
        Self(None)
    }

    pub(super) fn above_line(printer: impl ExternalPrinter + Send + 'static) -> Self {
        Self(Some(Box::new(printer)))
    }

    pub(super) fn print(&mut self, text: &str) {
        // Whoever closed the terminal or the pipe does not read; the editor sees it and ends.
        match &mut self.0 {
            Some(printer) => drop(printer.print(format!("{text}\n"))),
            None => drop(print_line(text)),
        }
    }
}
