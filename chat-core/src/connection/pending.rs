//! Replies in the order of their requests, though some are known before others.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::asked::Asked;
use crate::error::Error;
use crate::protocol::{Reference, Reply};
use crate::session::{NumberedOutcome, Opened, SessionHandle, outcome};

/// A request that waits for its reply.
pub(super) enum Pending {
    /// The reply is known.
    Known(Reply),
    /// A send of this number that is on its way into the store.
    Send(u64),
    /// Any other request, not begun before it is the first in line: requests take effect in the
    /// order sent.
    Call(BoxFuture<'static, Answered>),
}

/// What came of a request that is no plain send.
pub(super) enum Answered {
    /// A reply.
    Reply(Reply),
    /// A login succeeded.
    LoggedIn(Box<Opened>),
    /// A logout succeeded.
    LoggedOut,
    /// A failure.
    Failed(Error),
}

impl From<Result<Reply, Error>> for Answered {
    fn from(result: Result<Reply, Error>) -> Self {
        result.map_or_else(Self::Failed, Self::Reply)
    }
}

/// The requests of a connection that wait for their replies.
#[derive(Default)]
pub(super) struct PendingReplies {
    /// Nothing was asked where the host application began the session.
    queue: VecDeque<(Option<Reference>, Option<Asked>, Pending)>,
    /// Whether anything but sends and known replies waits.
    calls: usize,
    /// How many sends there were.
    sends: u64,
    /// What came of sends whose turn has not come.
    outcomes: VecDeque<NumberedOutcome>,
}

impl PendingReplies {
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether a request waits that those after it have to wait for.
    pub(super) const fn blocks(&self) -> bool {
        self.calls > 0
    }

    pub(super) fn push(&mut self, reference: Option<Reference>, asked: Option<Asked>, pending: Pending) {
        self.calls += usize::from(matches!(pending, Pending::Call(_)));
        self.queue.push_back((reference, asked, pending));
    }

    /// What the outcome of the next send is to be named by.
    pub(super) const fn number_of_next_send(&mut self) -> u64 {
        self.sends += 1;
        self.sends
    }

    /// Takes what came of the session's sends since the last time.
    pub(super) fn take_outcomes(&mut self, session: &SessionHandle) {
        let outcomes = session.shared().take_outcomes();
        if self.outcomes.is_empty() {
            self.outcomes = outcomes.into();
        } else {
            self.outcomes.extend(outcomes);
        }
    }

    /// The next reply in order, when it is known. Dropping the caller between polls loses nothing.
    ///
    /// Sends are answered from what [`take_outcomes`](Self::take_outcomes) took: the session wakes its task for them.
    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        session: Option<&SessionHandle>,
    ) -> Poll<(Option<Reference>, Option<Asked>, Answered)> {
        let Some((_, _, first)) = self.queue.front_mut() else {
            return Poll::Pending;
        };
        let answered = match first {
            Pending::Known(_) => None,
            Pending::Send(number) => {
                let place = self.outcomes.iter().position(|(other, _)| other == number);
                let taken = place.and_then(|place| self.outcomes.remove(place));
                let (Some((_, result)), Some(session)) = (taken, session) else {
                    return Poll::Pending;
                };
                Some(Answered::from(outcome(session.node(), result).map(Reply::Sent)))
            }
            Pending::Call(call) => {
                let Poll::Ready(answered) = call.poll_unpin(cx) else {
                    return Poll::Pending;
                };
                self.calls -= 1;
                Some(answered)
            }
        };
        let Some((reference, asked, pending)) = self.queue.pop_front() else {
            return Poll::Pending;
        };
        if self.queue.is_empty() {
            // An idle connection keeps no buffer.
            self.queue = VecDeque::new();
            self.outcomes = VecDeque::new();
        }
        let answered = match (answered, pending) {
            (Some(answered), _) => answered,
            (None, Pending::Known(reply)) => Answered::Reply(reply),
            (None, _) => return Poll::Pending,
        };
        Poll::Ready((reference, asked, answered))
    }
}
