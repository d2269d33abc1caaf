//! What a connection does with a request: begins to answer it, or refuses it.

use tokio::time::Instant;

use super::asked::Asked;
use super::calls;
use super::frames::{Connection, State};
use super::pending::{Answered, Pending};
use crate::error::{Error, ErrorCode, GoodbyeCode, chain};
use crate::hooks::HookedRequest;
use crate::node::{Limit, ReplyTo};
use crate::protocol::{Ack, ErrorReply, Goodbye, Login, Reference, Reply, Request};
use crate::session::{SessionHandle, Submitted, enqueue, outcome};

impl Connection {
    /// Counts a frame against the rate of requests.
    pub(super) fn charge(&mut self, now: Instant) -> Result<(), Error> {
        self.guard.request(now).map_err(|wait| {
            self.node.limit_hits.hit(Limit::RequestsPerSecond);
            Error::new(ErrorCode::RateLimited, "too many requests").retry_after(wait)
        })
    }

    /// Begins to answer a request.
    pub(super) fn take(&mut self, request: Request, reference: Option<Reference>, asked: Asked) {
        let address = self.control.address();
        match (&self.state, request) {
            // Where a hook is asked, a send is a call like others, and the next request waits for it.
            (State::LoggedIn { session, .. }, Request::Send(message))
                if self.node.asks_before(HookedRequest::Send).is_none() =>
            {
                let number = self.pending.number_of_next_send();
                match session.submit(message, ReplyTo::Connection(number), asked.began_at()) {
                    Ok(submitted) => {
                        let pending = sending(session, number, submitted);
                        self.pending.push(reference, Some(asked), pending);
                    }
                    Err(error) => self.fail(reference, asked, &error),
                }
            }
            (State::LoggedIn { session, .. }, Request::Ack(Ack { conversation, seq }))
                if session.ack_known(conversation, seq) =>
            {
                if reference.is_some() {
                    self.pending
                        .push(reference, Some(asked), Pending::Known(Reply::Acked));
                } else {
                    asked.answered(&self.node, self.session(), None, Instant::now());
                }
            }
            (State::LoggedIn { session, .. }, request) => {
                let call = asked.trace(calls::logged_in(session.clone(), address, request));
                self.pending.push(reference, Some(asked), Pending::Call(call));
            }
            (State::Anonymous, request) => {
                if let Request::Login(Login { ack, .. }) = &request {
                    self.ack = *ack;
                    self.control.set_logged_in(true);
                }
                let call = asked.trace(calls::anonymous(&self.node, address, request));
                self.pending.push(reference, Some(asked), Pending::Call(call));
            }
        }
    }

    /// Refuses a request.
    pub(super) fn fail(&mut self, reference: Option<Reference>, asked: Asked, error: &Error) {
        let reply = self.error_reply(reference.as_ref(), error);
        self.pending.push(reference, Some(asked), Pending::Known(reply));
    }

    /// The reply of a failure, which may have been one too many.
    pub(super) fn error_reply(&mut self, reference: Option<&Reference>, error: &Error) -> Reply {
        if error.code() == ErrorCode::Internal {
            // By it a client's request is found in the log.
            let reference = reference.map(tracing::field::debug);
            tracing::error!(
                reference,
                error = chain(error),
                "a request failed because of a defect"
            );
        }
        if !self.guard.error() {
            self.node.limit_hits.hit(Limit::ErrorsPerSecond);
            self.close(Goodbye::new(GoodbyeCode::TooManyErrors, None));
        }
        Reply::Error(ErrorReply::from(error))
    }
}

fn sending(session: &SessionHandle, number: u64, submitted: Submitted) -> Pending {
    match submitted {
        Submitted::Pending => Pending::Send(number),
        Submitted::Full(queue, mut submission) => {
            let (session, receiver) = (session.clone(), submission.author.redirect());
            Pending::Call(Box::pin(async move {
                let timeout = session.node().limits.store_timeout;
                match enqueue(session.node(), queue, *submission, timeout).await {
                    Ok(()) => Answered::from(outcome(session.node(), receiver.await.ok()).map(Reply::Sent)),
                    Err(error) => Answered::Failed(error),
                }
            }))
        }
    }
}
