//! The task of a client: one session after another until it ends.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use chat_core::protocol::{Event, OutgoingMessage, Reply, Request, Welcome};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

use crate::connection::Connection;
use crate::error::Error;
use crate::event::{End, Status};
use crate::limits::Limits;
use crate::options::Acknowledge;
use crate::outgoing::{Outgoing, SentReply};
use crate::positions::Positions;
use crate::reconnect::{Connector, Delays, Loss, judge};
use crate::session::{Finished, Session};

/// What the application asks the client's task to do.
#[derive(Debug)]
pub(crate) enum Command {
    Send {
        message: OutgoingMessage,
        reply: SentReply,
    },
    Request {
        request: Box<Request>,
        reply: oneshot::Sender<Result<Reply, Error>>,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// What the client's task and its application both see.
#[derive(Debug)]
pub(crate) struct Shared {
    positions: Mutex<Positions>,
    /// Wakes the task when the application took a message.
    pub(crate) taken: Notify,
    /// Why the client is over, once it is.
    pub(crate) end: OnceLock<End>,
    pub(crate) welcome: Mutex<Arc<Welcome>>,
}

impl Shared {
    pub(crate) fn new(limits: &Limits, welcome: Arc<Welcome>) -> Self {
        Self {
            positions: Mutex::new(Positions::new(limits.positions, limits.own_messages)),
            taken: Notify::new(),
            end: OnceLock::new(),
            welcome: Mutex::new(welcome),
        }
    }

    pub(crate) fn positions(&self) -> MutexGuard<'_, Positions> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn welcome(&self) -> MutexGuard<'_, Arc<Welcome>> {
        self.welcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn end_as_error(&self) -> Error {
        self.end.get().map_or(Error::Closed, Error::from)
    }
}

/// The client's task and what outlives its connections.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) connector: Connector,
    pub(crate) shared: Arc<Shared>,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) events: mpsc::Sender<Event>,
    /// An event that waits for room in the application's queue; nothing is read until it has it.
    /// It outlives its connection, because it counts as delivered.
    pub(crate) held: Option<Event>,
    pub(crate) status: watch::Sender<Status>,
    pub(crate) outgoing: Outgoing,
    pub(crate) closing: Option<oneshot::Sender<()>>,
}

impl Driver {
    /// Runs until the client ends; then everybody who waits is told why.
    pub(crate) async fn run(mut self, first: Connection) {
        let end = self.run_sessions(first).await;
        let end = self.shared.end.get_or_init(|| end);
        self.outgoing.fail_all(|| Error::from(end));
        if let Some(done) = self.closing.take() {
            // An error here says that `close` was given up.
            let _ = done.send(());
        }
    }

    async fn run_sessions(&mut self, first: Connection) -> End {
        let mut delays = Delays::new(&self.connector.options);
        let mut connection = first;
        loop {
            let start = Instant::now();
            let (_, reader, writer) = connection.into_parts();
            let error = match Session::new(self, reader, writer).run().await {
                Ok(Finished::Closed) => return End::Closed,
                Err(error) => error,
            };
            self.outgoing.connection_lost();
            delays.after_session_since(start);
            let outcome = match judge(&error) {
                Ok(loss) => self.come_back(loss, &mut delays).await,
                Err(end) => Err(end),
            };
            match outcome {
                Ok(next) => connection = next,
                Err(end) => return end,
            }
        }
    }

    /// Tries until there is a session again.
    async fn come_back(&mut self, mut loss: Loss, delays: &mut Delays) -> Result<Connection, End> {
        loop {
            let retry_in = delays.next(loss.retry_after);
            let reason = std::mem::take(&mut loss.reason);
            self.status
                .send_replace(Status::Reconnecting { reason, retry_in });
            self.obey_during(sleep(retry_in)).await?;
            let connector = self.connector.clone();
            match self.obey_during(connector.connect()).await? {
                Ok((connection, welcome)) => {
                    self.connector.remember(&welcome);
                    *self.shared.welcome() = Arc::clone(&welcome);
                    self.status.send_replace(Status::Connected(welcome));
                    return Ok(connection);
                }
                Err(error) => loss = judge(&error)?,
            }
        }
    }

    /// Awaits something while there is no session; messages are queued meanwhile.
    async fn obey_during<T>(&mut self, awaited: impl Future<Output = T>) -> Result<T, End> {
        tokio::pin!(awaited);
        loop {
            let takes_commands = self.takes_commands();
            // Both branches are cancel-safe: the future is kept, and the queue gives an item only
            // when its branch is chosen.
            tokio::select! {
                outcome = &mut awaited => return Ok(outcome),
                command = self.commands.recv(), if takes_commands => match command {
                    Some(command) => self.obey_away(command)?,
                    None => return Err(End::Closed),
                },
            }
        }
    }

    fn obey_away(&mut self, command: Command) -> Result<(), End> {
        match command {
            Command::Send { message, reply } => self.outgoing.add(message, reply),
            Command::Request { reply, .. } => drop(reply.send(Err(Error::Away))),
            Command::Close { done } => {
                self.close(done);
                if self.outgoing.len() == 0 {
                    return Err(End::Closed);
                }
            }
        }
        Ok(())
    }

    /// Whether another message may wait.
    pub(crate) fn takes_commands(&self) -> bool {
        self.outgoing.len() < self.limits().unanswered_sends
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.connector.options.limits
    }

    /// Whether the client has something to acknowledge.
    pub(crate) fn has_due_acks(&self) -> bool {
        self.connector.options.acknowledge == Acknowledge::Taken && self.shared.positions().is_due()
    }

    pub(crate) fn close(&mut self, done: oneshot::Sender<()>) {
        self.closing = Some(done);
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }
}
