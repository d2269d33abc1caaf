//! A client that stays: it comes back after a loss, and no message is lost or doubled by it.

use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

use chat_core::protocol::{Event, OutgoingMessage, Reply, Request, Sent, Welcome};
use chat_core::types::{ConversationId, MessageId, Seq};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::driver::{Command, Driver, Shared};
use crate::error::Error;
use crate::event::{ClientEvent, Status};
use crate::options::{Acknowledge, ClientOptions};
use crate::outgoing::Outgoing;
use crate::reconnect::Connector;
use crate::transport::{Dial, TcpDialer};

/// A logged-in user on one device.
///
/// - **Reconnects** after a loss, with back-off and jitter, by token and with the same device.
/// - **Sends once:** every message has an id, and those without an answer are sent again.
/// - **Delivers once:** each message of a conversation comes once, whatever is repeated.
/// - **Acknowledges** what the application took (see [`Acknowledge`]).
/// - **Bounded:** while nobody takes events it reads no further, and then no answers come either;
///   so take events, also where only sends matter.
///
/// Requests are methods of [`ClientHandle`], to which a client dereferences. Dropping the client
/// ends its task and its connection at once; [`close`](Self::close) waits for answers first.
///
/// ```no_run
/// use chat_client::{Client, ClientEvent, ClientOptions, Credentials};
/// use chat_core::protocol::{Event, OutgoingMessage, Recipient};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let credentials = Credentials::password("echo", "correct horse")?;
/// let mut client = Client::connect(ClientOptions::new("127.0.0.1:6000", credentials)).await?;
/// loop {
///     if let ClientEvent::Server(Event::Message(message)) = client.next_event().await? {
///         let to = Recipient::User(message.from.id);
///         client.send(OutgoingMessage::text(to, message.body.as_str())?).await?;
///     }
/// }
/// # }
/// ```
pub struct Client {
    handle: ClientHandle,
    events: mpsc::Receiver<Event>,
    status: watch::Receiver<Status>,
    /// The message that the application has in its hands.
    in_hand: Option<(ConversationId, Seq)>,
    task: JoinSet<()>,
}

impl Client {
    /// Connects over TCP and logs in.
    ///
    /// # Errors
    /// [`Error::Unreachable`] or [`Error::Refused`], without trying again: only a client that was
    /// connected once reconnects.
    pub async fn connect(options: ClientOptions) -> Result<Self, Error> {
        let dialer = Arc::new(TcpDialer::new(options.server.clone()));
        Self::connect_by(dialer, options).await
    }

    /// Connects by any means and logs in.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_by(dialer: Arc<dyn Dial>, options: ClientOptions) -> Result<Self, Error> {
        let mut connector = Connector::new(options, dialer);
        let (connection, welcome) = connector.connect().await?;
        connector.remember(&welcome);

        let limits = connector.options.limits.clone();
        let acknowledge = connector.options.acknowledge;
        let (commands, command_queue) = mpsc::channel(limits.unanswered_sends.max(1));
        let (event_sender, events) = mpsc::channel(limits.events.max(1));
        let (status_sender, status) = watch::channel(Status::Connected(Arc::clone(&welcome)));
        let shared = Arc::new(Shared::new(&limits, welcome));
        let driver = Driver {
            connector,
            shared: Arc::clone(&shared),
            commands: command_queue,
            events: event_sender,
            held: None,
            status: status_sender,
            outgoing: Outgoing::default(),
            closing: None,
        };
        let mut task = JoinSet::new();
        task.spawn(driver.run(connection));
        Ok(Self {
            handle: ClientHandle {
                commands,
                shared,
                acknowledge,
                close_timeout: limits.close_timeout,
            },
            events,
            status,
            in_hand: None,
            task,
        })
    }

    /// Waits for the next event. Asking for it says that the one before is done with; under
    /// [`Acknowledge::Taken`] it is acknowledged then.
    ///
    /// Cancelling loses nothing.
    ///
    /// # Errors
    /// Once the client is over, and from then on each time: [`Error::Goodbye`] where the server
    /// ended it (the device logged in elsewhere, or was expelled), [`Error::Refused`] where the
    /// login is not taken any more, [`Error::Closed`].
    pub async fn next_event(&mut self) -> Result<ClientEvent, Error> {
        self.put_down();
        // Both branches are cancel-safe: the queue gives an item, and the status counts as seen,
        // only when their branch is chosen.
        tokio::select! {
            biased;
            event = self.events.recv() => self.hand_out(event),
            Ok(()) = self.status.changed() => {
                let status = self.status.borrow_and_update().clone();
                Ok(ClientEvent::from(status))
            }
            // The status is gone with the task; what it left in the queue is still to be taken.
            else => {
                let event = self.events.recv().await;
                self.hand_out(event)
            }
        }
    }

    /// A handle for other tasks. It works for as long as the client lives.
    pub fn handle(&self) -> ClientHandle {
        self.handle.clone()
    }

    /// Acknowledges what was taken, waits until all that was sent is answered, and ends the session.
    ///
    /// # Errors
    /// [`Error::TimedOut`] where the answers take too long; then it ends without them.
    pub async fn close(mut self) -> Result<(), Error> {
        self.put_down();
        let limit = self.handle.close_timeout;
        let (done, closed) = oneshot::channel();
        let closing = async {
            if self.handle.commands.send(Command::Close { done }).await.is_ok() {
                // An error here says that the task is over, which is what is waited for.
                drop(closed.await);
            }
            while self.task.join_next().await.is_some() {}
        };
        timeout(limit, closing).await.map_err(|_| Error::TimedOut(limit))
    }

    fn hand_out(&mut self, event: Option<Event>) -> Result<ClientEvent, Error> {
        let event = event.ok_or_else(|| self.handle.shared.end_as_error())?;
        if let Event::Message(message) = &event {
            self.in_hand = Some((message.conversation, message.seq));
        }
        Ok(ClientEvent::Server(event))
    }

    fn put_down(&mut self) {
        if let Some((conversation, seq)) = self.in_hand.take()
            && self.handle.acknowledge == Acknowledge::Taken
        {
            self.handle.shared.positions().take(conversation, seq);
            self.handle.shared.taken.notify_one();
        }
    }
}

impl Deref for Client {
    type Target = ClientHandle;

    fn deref(&self) -> &ClientHandle {
        &self.handle
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Makes the requests of a [`Client`]; can be cloned and shared.
#[derive(Clone)]
pub struct ClientHandle {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
    acknowledge: Acknowledge,
    close_timeout: std::time::Duration,
}

impl ClientHandle {
    /// What the last login answered.
    pub fn welcome(&self) -> Arc<Welcome> {
        Arc::clone(&self.shared.welcome())
    }

    /// Sends a message and waits until it is stored.
    ///
    /// It gets an id where it has none, and is sent again with that id after a lost connection and
    /// after `rate_limited` and `unavailable` (as often as [`Limits`](crate::Limits) say, after the
    /// time the server asks for), so that it is stored once. Sends are written in the order in which
    /// this is called, but one that was refused for a while goes out after its successors.
    /// Dropping the future gives up: the message may have been stored or not.
    ///
    /// # Errors
    /// [`Error::Refused`]; or why the client is over, see [`Client::next_event`].
    pub async fn send(&self, message: OutgoingMessage) -> Result<Sent, Error> {
        let message = with_id(message)?;
        let (reply, answer) = oneshot::channel();
        self.command(Command::Send { message, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(self.shared.end_as_error()))
    }

    /// Queues a message like [`send`](Self::send), without waiting; the future waits for the answer.
    ///
    /// # Errors
    /// [`Error::QueueFull`] where too many messages wait already.
    pub fn queue(
        &self,
        message: OutgoingMessage,
    ) -> Result<impl Future<Output = Result<Sent, Error>> + Send + 'static, Error> {
        let message = with_id(message)?;
        let (reply, answer) = oneshot::channel();
        let command = Command::Send { message, reply };
        self.commands.try_send(command).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Error::QueueFull {
                limit: self.commands.max_capacity(),
            },
            mpsc::error::TrySendError::Closed(_) => self.shared.end_as_error(),
        })?;
        let shared = Arc::clone(&self.shared);
        Ok(async move { answer.await.unwrap_or_else(|_| Err(shared.end_as_error())) })
    }

    /// Makes any request and waits for its reply. It is not repeated after a lost connection.
    ///
    /// # Errors
    /// [`Error::Refused`] for an error reply; [`Error::Away`] while there is no connection;
    /// [`Error::ConnectionLost`] where it was lost before the reply, so that nobody knows whether
    /// it was done; or why the client is over, see [`Client::next_event`].
    pub async fn request(&self, request: Request) -> Result<Reply, Error> {
        let (reply, answer) = oneshot::channel();
        let request = Box::new(request);
        self.command(Command::Request { request, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(self.shared.end_as_error()))
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| self.shared.end_as_error())
    }

    crate::requests::typed_requests!(&Self);
}

impl fmt::Debug for ClientHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHandle")
            .field("end", &self.shared.end.get())
            .finish_non_exhaustive()
    }
}

fn with_id(mut message: OutgoingMessage) -> Result<OutgoingMessage, Error> {
    if message.id.is_none() {
        message.id = Some(MessageId::random().map_err(Error::Randomness)?);
    }
    Ok(message)
}
