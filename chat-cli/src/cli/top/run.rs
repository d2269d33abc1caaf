//! `chat top`, from arguments to the screen.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::time::Duration;

use chat_core::ports::LogRecord;
use chat_core::{Clock, SystemClock, Timestamp};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::args::TopArguments;
use super::columns::Column;
use super::keys::{Input, Keys};
use super::nodes::Nodes;
use super::once::{self, Form};
use super::screen::Screen;
use super::table::Sorting;
use crate::cli::Failure;
use crate::cli::args::GlobalArguments;
use crate::cli::logs::{Extent, Follow, Merge, open};

/// How often the screen is drawn.
const DRAW_EVERY: Duration = Duration::from_secs(1);
/// Records taken before keys are looked for.
const AT_ONCE: usize = 1_024;

/// Shows the nodes, until the user quits, or once.
pub(crate) async fn run(global: &GlobalArguments, arguments: TopArguments) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let since = arguments.since.seen_at(clock.now());
    let is_once = arguments.once || global.json || !io::stdout().is_terminal();
    let extent = Extent {
        since: Some(since),
        until: None,
        follow: if is_once { Follow::No } else { Follow::Yes },
        window: arguments.from.window,
    };
    let mut top = Top {
        merge: open(&arguments.from, extent, Arc::clone(&clock)).await?,
        nodes: Nodes::default(),
        since,
        clock,
        is_caught_up: false,
    };
    if !is_once {
        return top.watch().await;
    }
    let form = if global.json { Form::Json } else { Form::Table };
    loop {
        match top.take()? {
            Taken::All if top.merge.has_ended() => break,
            Taken::All => top.merge.wait().await?,
            Taken::Some => {}
        }
    }
    match once::write(&top.nodes, top.clock.now(), form) {
        // Whoever reads no further has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

struct Top {
    merge: Merge,
    nodes: Nodes,
    since: Timestamp,
    clock: Arc<dyn Clock>,
    is_caught_up: bool,
}

/// How much of what is there was taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    All,
    Some,
}

impl Top {
    /// Takes what the nodes tell, a bounded number of records at once.
    fn take(&mut self) -> Result<Taken, Failure> {
        for _ in 0..AT_ONCE {
            let Some(entry) = self.merge.take()? else {
                return Ok(Taken::All);
            };
            self.learn(entry.record);
        }
        Ok(Taken::Some)
    }

    fn learn(&mut self, record: LogRecord) {
        if record.at < self.since {
            return;
        }
        // What was there before tells by its own time how long ago it was, what comes now by its coming: clocks differ.
        let now = self.clock.now();
        let seen = if self.is_caught_up {
            now
        } else {
            record.at.min(now)
        };
        self.nodes.take(record, seen);
    }

    /// Whether everything that was there at the start has been learnt just now.
    fn catches_up(&mut self) -> bool {
        if self.is_caught_up || !self.merge.is_caught_up() {
            return false;
        }
        while let Some(entry) = self.merge.take_early() {
            self.learn(entry.record);
        }
        self.is_caught_up = true;
        true
    }

    async fn watch(&mut self) -> Result<(), Failure> {
        let mut signals = [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        let mut screen = Screen::open().map_err(|error| {
            let why = anyhow::Error::new(error);
            why.context("cannot draw on this terminal; print the table with --once")
        })?;
        let mut keys = Keys::start();
        let outcome = self.draw_all(&mut screen, &mut keys, &mut signals).await;
        keys.stop().await;
        outcome
    }

    async fn draw_all(
        &mut self,
        screen: &mut Screen,
        keys: &mut Keys,
        [terminate, hang_up]: &mut [Signal; 2],
    ) -> Result<(), Failure> {
        let mut sorting = Sorting::of(Column::Node);
        // What is known is drawn when all of it is read or, where that takes long, after a while.
        let mut ticks = interval_at(Instant::now() + DRAW_EVERY, DRAW_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let taken = self.take()?;
            if self.catches_up() {
                ticks.reset_immediately();
            }
            let has_ended = self.merge.has_ended();
            let more = async {
                match taken {
                    Taken::Some => Ok(()),
                    Taken::All if has_ended => std::future::pending().await,
                    Taken::All => self.merge.wait().await,
                }
            };
            // Each branch is cancel-safe: keys, ticks, signals and records wait for the next round.
            tokio::select! {
                biased;
                _ = terminate.recv() => return Ok(()),
                _ = hang_up.recv() => return Ok(()),
                input = keys.next() => {
                    match input? {
                        Input::Quit => return Ok(()),
                        Input::Redraw => screen.forget()?,
                        Input::Key(key) => match Column::of_key(key) {
                            Some(column) => sorting = sorting.chosen(column),
                            None => continue,
                        },
                    }
                    screen.draw(&self.nodes, sorting, self.clock.now())?;
                }
                _ = ticks.tick() => screen.draw(&self.nodes, sorting, self.clock.now())?,
                waited = more => waited?,
            }
        }
    }
}
