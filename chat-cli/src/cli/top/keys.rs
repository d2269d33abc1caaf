//! The keys that are pressed.

use std::io;
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Within this the reader sees that nobody wants keys any more.
const POLL: Duration = Duration::from_millis(50);
/// Keys that wait to be taken.
const WAITING: usize = 16;

/// What the user did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Quit,
    Key(char),
    /// The terminal has another size, or it must be drawn again for another reason.
    Redraw,
}

/// Reads the terminal from a thread of its own.
#[derive(Debug)]
pub(super) struct Keys {
    inputs: mpsc::Receiver<io::Result<Input>>,
    reader: JoinHandle<()>,
}

impl Keys {
    pub(super) fn start() -> Self {
        let (sender, inputs) = mpsc::channel(WAITING);
        let reader = tokio::task::spawn_blocking(move || {
            while !sender.is_closed() {
                let input = match read() {
                    Ok(None) => continue,
                    Ok(Some(input)) => Ok(input),
                    Err(error) => Err(error),
                };
                let is_last = input.is_err();
                if sender.blocking_send(input).is_err() || is_last {
                    break;
                }
            }
        });
        Self { inputs, reader }
    }

    /// The next one. A terminal that is gone quits. Cancel-safe.
    pub(super) async fn next(&mut self) -> io::Result<Input> {
        self.inputs.recv().await.unwrap_or(Ok(Input::Quit))
    }

    /// Ends the thread, so that it takes nothing that is typed for others.
    pub(super) async fn stop(mut self) {
        self.inputs.close();
        while self.inputs.recv().await.is_some() {}
        // A reader that panicked reads no more either.
        self.reader.await.ok();
    }
}

fn read() -> io::Result<Option<Input>> {
    if !event::poll(POLL)? {
        return Ok(None);
    }
    Ok(match event::read()? {
        Event::Key(key) if key.kind != KeyEventKind::Release => meaning(key),
        Event::Resize(..) | Event::FocusGained => Some(Input::Redraw),
        _ => None,
    })
}

fn meaning(key: KeyEvent) -> Option<Input> {
    match key.code {
        KeyCode::Esc | KeyCode::Char('q') => Some(Input::Quit),
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Input::Quit),
        KeyCode::Char('l') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Input::Redraw),
        KeyCode::Char(key) => Some(Input::Key(key)),
        _ => None,
    }
}
