//! The line editor, on the main thread.

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use anyhow::Context as _;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};
use tokio::sync::mpsc;

use super::commands::COMMANDS;
use super::screen::{Printer, Screen};
use crate::cli::failure::Failure;
use crate::cli::token_file::{create_private_directory, directory};

const HISTORY_ENTRIES: usize = 1_000;
/// How long the editor waits for what a line does before it offers the next prompt.
const LINE_TIME: Duration = Duration::from_millis(500);

/// A line on its way from the editor.
#[derive(Debug)]
pub(super) struct EnteredLine {
    pub(super) text: String,
    /// Told once what the line does is done, so that the next prompt shows it.
    pub(super) done: SyncSender<()>,
}

/// The editor with its history.
pub(super) struct LineEditor {
    editor: Editor<Names, DefaultHistory>,
    history: Option<PathBuf>,
    screen: Screen,
}

impl LineEditor {
    pub(super) fn new(screen: Screen) -> Result<(Self, Printer), Failure> {
        let config = Config::builder()
            .max_history_size(HISTORY_ENTRIES)
            .context("cannot set up the line editor")?
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_config(config).context("cannot set up the line editor")?;
        editor.set_helper(Some(Names(screen.clone())));
        let history = history_path();
        if let Some(path) = &history {
            // The first time there is none.
            drop(editor.load_history(path));
        }
        let printer = match editor.create_external_printer() {
            Ok(printer) => Printer::above_line(printer),
            Err(_) => Printer::to_stdout(),
        };
        Ok((
            Self {
                editor,
                history,
                screen,
            },
            printer,
        ))
    }

    /// Reads lines until the input ends or nobody takes them.
    pub(super) fn run(mut self, lines: &mpsc::Sender<EnteredLine>) {
        loop {
            let prompt = self.screen.shown().prompt.clone();
            match self.editor.readline(&prompt) {
                Ok(text) => {
                    let (done, waiting) = sync_channel(1);
                    if lines.blocking_send(EnteredLine { text, done }).is_err() {
                        break;
                    }
                    // Too late is fine: then the next prompt shows it.
                    let _ = waiting.recv_timeout(LINE_TIME);
                    if lines.is_closed() {
                        break;
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(_) => break,
            }
        }
        self.save_history();
    }

    fn save_history(&mut self) {
        if let Some(path) = &self.history
            && let Some(parent) = path.parent()
            && create_private_directory(parent).is_ok()
        {
            // A history that cannot be kept is no reason to fail at the end.
            drop(self.editor.save_history(path));
        }
    }
}

fn history_path() -> Option<PathBuf> {
    Some(directory("XDG_STATE_HOME", ".local/state")?.join("history"))
}

/// Completes /commands, @friends and #groups.
struct Names(Screen);

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let typed = line.get(..position).unwrap_or_default();
        Ok(complete(typed, &self.0.shown().names))
    }
}

fn complete(typed: &str, names: &[String]) -> (usize, Vec<String>) {
    if typed.starts_with('/') && !typed.contains(char::is_whitespace) {
        let commands = COMMANDS.iter().map(|(command, ..)| *command);
        return (
            0,
            commands
                .filter(|command| command.starts_with(typed))
                .map(|command| format!("{command} "))
                .collect(),
        );
    }
    // A name may hold spaces, so it starts at the last sign of one.
    let Some(start) = typed.rfind(['@', '#']) else {
        return (typed.len(), Vec::new());
    };
    let begun = typed.get(start..).unwrap_or_default().to_lowercase();
    let fitting = names
        .iter()
        .filter(|name| name.to_lowercase().starts_with(&begun));
    (start, fitting.cloned().collect())
}

impl Hinter for Names {
    type Hint = String;
}
impl Highlighter for Names {}
impl Validator for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_names_are_completed() {
        let names = ["@Anna Bell", "@bob", "#rust"].map(str::to_owned);
        assert_eq!(complete("/fr", &names), (0, vec!["/friends ".to_owned()]));
        assert_eq!(complete("/to @an", &names), (4, vec!["@Anna Bell".to_owned()]));
        assert_eq!(complete("/to #", &names), (4, vec!["#rust".to_owned()]));
        assert_eq!(complete("hello", &names), (5, vec![]));
    }
}
