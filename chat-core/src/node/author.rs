//! Who sent a message, and the way back for its outcome.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::wakes::Wakes;
use super::writer::SendResult;
use crate::ports::NewMessage;
use crate::session::SessionShared;
use crate::types::Seq;

/// The session that a message comes from, and how it learns what came of it. Dropped before that, which
/// happens only where the writer fails, it says that there will be no outcome.
#[derive(Debug)]
pub(crate) struct Author {
    session: Arc<SessionShared>,
    reply: ReplyTo,
}

/// Who waits for the outcome of a send.
#[derive(Debug)]
pub(crate) enum ReplyTo {
    /// A call of the application's.
    Caller(oneshot::Sender<SendResult>),
    /// The connection of the session, which has numbered its sends. Many outcomes wake it once.
    Connection(u64),
    /// Nobody any more.
    Nobody,
}

impl Author {
    pub(crate) const fn new(session: Arc<SessionShared>, reply: ReplyTo) -> Self {
        Self { session, reply }
    }

    pub(crate) fn session(&self) -> &Arc<SessionShared> {
        &self.session
    }

    /// Lets a call wait for the outcome in place of whoever did.
    pub(crate) fn redirect(&mut self) -> oneshot::Receiver<SendResult> {
        let (reply, outcome) = oneshot::channel();
        self.reply = ReplyTo::Caller(reply);
        outcome
    }

    /// Forgets the send: the writer did not take it, which its session tells whoever asked.
    pub(crate) fn abandon(mut self, message: &NewMessage) {
        self.reply = ReplyTo::Nobody;
        if self
            .session
            .send_ends(message.conversation, &message.id, None, None)
        {
            self.session.wake();
        }
    }

    /// Settles the send: `own` is the number under which it was stored on behalf of this session.
    pub(crate) fn settle(
        mut self,
        message: &NewMessage,
        own: Option<Seq>,
        result: SendResult,
        wakes: &mut Wakes,
    ) {
        let numbered = match std::mem::replace(&mut self.reply, ReplyTo::Nobody) {
            ReplyTo::Connection(number) => Some((number, Some(result))),
            ReplyTo::Caller(reply) => {
                // A caller who is gone needs no answer.
                let _ = reply.send(result);
                None
            }
            ReplyTo::Nobody => None,
        };
        if self
            .session
            .send_ends(message.conversation, &message.id, own, numbered)
        {
            wakes.add(&self.session);
        }
    }
}

impl Drop for Author {
    fn drop(&mut self) {
        if let ReplyTo::Connection(number) = self.reply {
            self.session.gives_no_outcome(number);
        }
    }
}
