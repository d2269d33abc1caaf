//! Messages that wait for their answer, across connections.

use std::collections::BTreeMap;
use std::time::Duration;

use chat_core::protocol::{OutgoingMessage, Sent};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Error;

/// Who waits for the answer to a message.
pub(crate) type SentReply = oneshot::Sender<Result<Sent, Error>>;

/// A message's place in the order in which the application sent.
pub(crate) type Place = u64;

/// All messages that were not answered yet, in the order in which the application sent them.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    messages: BTreeMap<Place, Waiting>,
    next_place: Place,
}

#[derive(Debug)]
struct Waiting {
    message: OutgoingMessage,
    reply: SentReply,
    state: State,
    retries: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// To be written as soon as there is room.
    Ready,
    /// To be written again, not before this moment.
    Later(Instant),
    /// Written to the present connection.
    Written,
}

impl Outgoing {
    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Adds a message at the end.
    pub(crate) fn add(&mut self, message: OutgoingMessage, reply: SentReply) {
        self.messages.insert(
            self.next_place,
            Waiting {
                message,
                reply,
                state: State::Ready,
                retries: 0,
            },
        );
        self.next_place += 1;
    }

    /// Takes the next message to write. Messages whose sender waits no more are forgotten.
    pub(crate) fn next_to_write(&mut self, now: Instant) -> Option<(Place, OutgoingMessage)> {
        self.messages
            .retain(|_, waiting| waiting.state == State::Written || !waiting.reply.is_closed());
        let (&place, waiting) = self
            .messages
            .iter_mut()
            .find(|(_, waiting)| match waiting.state {
                State::Ready => true,
                State::Later(due) => due <= now,
                State::Written => false,
            })?;
        waiting.state = State::Written;
        Some((place, waiting.message.clone()))
    }

    /// When the next message that waits for its time is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.messages
            .values()
            .filter_map(|waiting| match waiting.state {
                State::Later(due) => Some(due),
                State::Ready | State::Written => None,
            })
            .min()
    }

    /// Gives a message its answer.
    pub(crate) fn finish(&mut self, place: Place, answer: Result<Sent, Error>) {
        if let Some(waiting) = self.messages.remove(&place) {
            // An error here says that nobody waits for the answer any more.
            drop(waiting.reply.send(answer));
        }
    }

    /// Has a message written again after a while; `false` where that was done `most` times.
    pub(crate) fn retry(&mut self, place: Place, now: Instant, delay: Duration, most: u32) -> bool {
        let Some(waiting) = self.messages.get_mut(&place) else {
            return true;
        };
        if waiting.retries >= most {
            return false;
        }
        waiting.retries += 1;
        waiting.state = State::Later(now + delay);
        true
    }

    /// Has all messages that were written to a lost connection written to the next one.
    pub(crate) fn connection_lost(&mut self) {
        for waiting in self.messages.values_mut() {
            if waiting.state == State::Written {
                waiting.state = State::Ready;
            }
        }
    }

    /// Tells everybody who waits why no answer will come.
    pub(crate) fn fail_all(&mut self, error: impl Fn() -> Error) {
        for (_, waiting) in std::mem::take(&mut self.messages) {
            drop(waiting.reply.send(Err(error())));
        }
    }
}
