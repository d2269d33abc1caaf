//! The end: the first signal drains, the second ends at once.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use anyhow::Context as _;
use chat_core::Chat;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::failure::Failure;
use crate::tasks::Tasks;

/// What the last connections get, once everything is drained, to close their sockets.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// The signals that end the server.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes the signals over from the system, which would end the process at once.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one. Cancel safe.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Serves until a signal comes, then drains: `drain` ends what it is handed, which is `serving`.
pub(crate) async fn serve_until_signal<S: Future<Output = io::Result<()>>>(
    mut signals: Signals,
    chat: &Chat,
    tasks: &mut Tasks,
    serving: S,
    drain: impl AsyncFnOnce(Pin<Box<S>>),
) -> Result<(), Failure> {
    let mut serving = Box::pin(serving);
    // Cancel safe: `serving` is only borrowed and goes on below.
    let signal = tokio::select! {
        ended = &mut serving => return Ok(ended.context("cannot accept connections any more; start again")?),
        signal = signals.next() => signal,
        () = chat.failed() => return Err(part_failed()),
        task = tasks.failed() => {
            tracing::error!(task, "a task of the server has failed");
            return Err(part_failed());
        }
    };
    tracing::info!(signal, "draining; a second signal ends at once");
    // Cancel safe: everything that a second signal cuts short ends with the process.
    tokio::select! {
        () = drain(serving).instrument(tracing::info_span!("drain")) => Ok(()),
        signal = signals.next() => {
            Err(anyhow::anyhow!("ended at once by a second signal, {signal}, before everything was drained").into())
        }
    }
}

fn part_failed() -> Failure {
    anyhow::anyhow!("a part of the server has failed; see the log, and start it again").into()
}

/// Tells every connection to leave, spread over a time; what was accepted is answered first. `serving` admits none any
/// more, and ends with the last of them.
pub(crate) async fn drain(chat: &Chat, spread: Duration, serving: impl Future<Output = io::Result<()>>) {
    let drained = CancellationToken::new();
    let connections = async {
        tokio::pin!(serving);
        // Cancel safe: `serving` is only borrowed.
        tokio::select! {
            _ = &mut serving => {}
            () = drained.cancelled() => {
                if timeout(LAST_MOMENT, serving).await.is_err() {
                    tracing::warn!("connections that did not close in time were cut off");
                }
            }
        }
    };
    let goodbyes = async {
        chat.drain(spread).await;
        drained.cancel();
    };
    tokio::join!(connections, goodbyes);
}
