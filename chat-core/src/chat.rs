//! The object that an application makes: one node of the chat.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::chat_builder::ChatBuilder;
use crate::connection::Connection;
use crate::error::{Error, ErrorCode, GoodbyeCode};
use crate::hooks::UserLogin;
use crate::host::Host;
use crate::limits::Limits;
use crate::meters::catalogue::GOODBYES;
use crate::node::{self, Node, Tasks};
use crate::operation::{NodeRole, Readiness};
use crate::ports::{Backends, Level};
use crate::protocol::{AckMode, Goodbye, Login};
use crate::session::{self, LoginMethod, Opened, Session};
use crate::types::{Device, NodeId, Password, User, UserId, UserName};

/// One node of the chat: what an application embeds.
///
/// Cheap to clone. Its tasks run on the tokio runtime on which it was started, until
/// [`shutdown`](Self::shutdown), or until the last clone and everything made from it are dropped.
///
/// ```
/// use chat_core::protocol::{Event, Login, OutgoingMessage, Recipient};
/// use chat_core::types::{Password, UserName};
/// use chat_core::{Chat, memory};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let chat = Chat::builder(memory::backends()).start();
/// let password = Password::parse("correct horse")?;
/// let alice = chat.register(UserName::parse("alice")?, &password).await?;
/// let bob = chat.register(UserName::parse("bob")?, &password).await?;
///
/// let alice = chat.login(Login::password(alice.name, password.clone())).await?;
/// let mut bob = chat.login(Login::password(bob.name, password)).await?;
/// let to = Recipient::User(bob.user().id);
/// let sent = alice.send(OutgoingMessage::text(to, "hello")?).await?;
/// assert_eq!(sent.seq.get(), 1);
///
/// while let Some(event) = bob.next_event().await {
///     if let Event::Message(message) = event {
///         assert_eq!(message.body.as_str(), "hello");
///         break;
///     }
/// }
/// chat.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Chat {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    node: Arc<Node>,
    tasks: Tasks,
    /// Whether its end is recorded.
    stopped: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.tasks.cancel(&self.node);
    }
}

/// How a session of an already authenticated user begins.
#[derive(Clone, Debug, Default)]
pub struct SessionOptions {
    /// Which of the user's devices it is.
    pub device: Device,
    /// Who acknowledges what is delivered.
    pub ack: AckMode,
}

impl Chat {
    pub(crate) fn of(node: Arc<Node>, tasks: Tasks) -> Self {
        Self {
            inner: Arc::new(Inner {
                node,
                tasks,
                stopped: AtomicBool::new(false),
            }),
        }
    }

    /// Begins to set up a node on its backends.
    pub fn builder(backends: Backends) -> ChatBuilder {
        ChatBuilder::new(backends)
    }

    /// The node's name.
    pub fn node(&self) -> &NodeId {
        &self.node_ref().id
    }

    /// The node's bounds.
    pub fn limits(&self) -> &Limits {
        &self.node_ref().limits
    }

    /// How many connections are open.
    pub fn connection_count(&self) -> usize {
        self.node_ref().connections.count()
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.node_ref().hub.session_count()
    }

    /// Whether the store answered the last call made to it.
    pub fn is_store_available(&self) -> bool {
        self.node_ref().store.is_available()
    }

    /// How many messages wait to be stored.
    pub fn waiting_messages(&self) -> usize {
        self.node_ref().writer.waiting()
    }

    /// Whether clients should be sent to this node, and why not.
    pub fn readiness(&self) -> Readiness {
        self.node_ref().readiness()
    }

    /// Writes a record of the host's own into the node's part of the event log, and repeats it as a
    /// `tracing` event under [`RECORD_TARGET`](crate::RECORD_TARGET), but for those called `traced`.
    ///
    /// Never waits. Fields must hold no password, token, message text or name.
    pub fn record(&self, level: Level, event: &str, fields: serde_json::Map<String, serde_json::Value>) {
        self.node_ref().journal.record_all(level, event, fields);
    }

    // ---- frames ----

    /// Admits a connection of a transport, from an address where it has one.
    ///
    /// # Errors
    /// The `goodbye` to write before closing: there are too many connections, the node is draining,
    /// or it is a [backend](NodeRole::Backend).
    pub fn accept(&self, address: Option<IpAddr>) -> Result<Connection, Goodbye> {
        let node = self.node_ref();
        let admitted = match node.role {
            NodeRole::Clients => node.connections.admit(address, &node.limits),
            // Clients are better off elsewhere, as on a node that shuts down.
            NodeRole::Backend => Err(Goodbye::new(
                GoodbyeCode::ServerDraining,
                Some(node.limits.retry_after),
            )),
        };
        let control = admitted.inspect_err(|goodbye| {
            GOODBYES.count(&[goodbye.code.as_str()]).increment(1);
        })?;
        node.meters.connections_accepted.increment(1);
        Ok(Connection::new(Arc::clone(node), control))
    }

    /// Admits a connection of a user whom the application has authenticated itself. Its first frame
    /// is a `welcome` without `token`.
    ///
    /// # Errors
    /// `not_found` for a user who does not exist, `unavailable` where the store cannot be reached
    /// or the node admits no connection.
    pub async fn accept_as(
        &self,
        user: UserId,
        options: SessionOptions,
        address: Option<IpAddr>,
    ) -> Result<Connection, Error> {
        let mut connection = self.accept(address).map_err(|goodbye| {
            let retry_after = self.limits().retry_after;
            Error::new(ErrorCode::Unavailable, goodbye.message).retry_after(retry_after)
        })?;
        let opened = self.open(user, options.device, address).await?;
        connection.begin(opened, options.ack);
        Ok(connection)
    }

    // ---- typed calls: all of them are `unavailable` on a backend ----

    /// Makes an account.
    ///
    /// # Errors
    /// `name_taken`, `rate_limited` where too many passwords wait to be hashed, `unavailable` where
    /// the store cannot be reached.
    pub async fn register(&self, name: UserName, password: &Password) -> Result<User, Error> {
        session::register(self.for_clients()?, None, name, password).await
    }

    /// Finds the user of a name, or makes one without a password, for an application that
    /// authenticates its users itself.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn ensure_user(&self, name: UserName) -> Result<User, Error> {
        session::ensure_user(self.for_clients()?, name).await
    }

    /// Logs a user in.
    ///
    /// # Errors
    /// `invalid_credentials`, `rate_limited` after too many failures, `unavailable` where the store
    /// cannot be reached.
    pub async fn login(&self, login: Login) -> Result<Session, Error> {
        let ack = login.ack;
        let opened = session::login(self.for_clients()?, None, login).await?;
        Ok(Session::new(opened, ack))
    }

    /// Begins a session of a user whom the application has authenticated itself.
    ///
    /// # Errors
    /// `not_found` for a user who does not exist, `unavailable` where the store cannot be reached.
    pub async fn session(&self, user: UserId, options: SessionOptions) -> Result<Session, Error> {
        Ok(Session::new(
            self.open(user, options.device, None).await?,
            options.ack,
        ))
    }

    /// What the application itself does among its users.
    pub fn host(&self) -> Host {
        Host::of(self.clone())
    }

    async fn open(&self, user: UserId, device: Device, address: Option<IpAddr>) -> Result<Opened, Error> {
        session::count_host_login(self.find_and_open(user, device, address).await)
    }

    async fn find_and_open(
        &self,
        user: UserId,
        device: Device,
        address: Option<IpAddr>,
    ) -> Result<Opened, Error> {
        let node = self.for_clients()?;
        let found = node.store.read(node.backends.stores.users.users(&[user])).await?;
        let user = found
            .into_iter()
            .next()
            .ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no such user"))?;
        let login = UserLogin {
            user,
            device,
            method: LoginMethod::Host,
            address,
        };
        session::ask_before_login(node, &login).await?;
        session::open(node, login, None).await
    }

    // ---- the end ----

    /// Waits until a task of the node has failed because of a defect, which is logged. The node is
    /// then to be shut down, and its process best started anew. Cancel safe.
    pub async fn failed(&self) {
        self.node_ref().failed.cancelled().await;
    }

    /// Says goodbye to all connections, spread over a time, and admits no further one. Sends that
    /// were accepted are answered first. Answers when all connections are gone, or were told to
    /// close at once because `Limits::close_timeout` had passed.
    pub async fn drain(&self, spread: Duration) {
        let node = self.node_ref();
        if node.connections.begin_draining() {
            let fields = [("connections", node.connections.count().into())];
            node.journal.record(Level::Info, "node_draining", fields);
            node::record_status(node);
        }
        node.connections.drain(spread, &node.limits).await;
    }

    /// Stops the node: what was accepted is stored, acknowledgements are written, presence is given
    /// back, all tasks end. Connections are drained first, without spreading. Safe to repeat.
    ///
    /// Bounded by the time-outs of the backends.
    pub async fn shutdown(&self) {
        self.drain(Duration::ZERO).await;
        let Inner { node, tasks, .. } = &*self.inner;
        tasks.stop(node).await;
        if !self.inner.stopped.swap(true, Ordering::AcqRel) {
            let fields = [("uptime_ms", node::millis(node.status.uptime()))];
            node.journal.record(Level::Info, "node_stopped", fields);
        }
        if let Err(error) = node.backends.log.flush(node.limits.bus_timeout).await {
            tracing::warn!(
                error = crate::error::chain(&error),
                "the event log did not take everything"
            );
        }
    }

    fn node_ref(&self) -> &Arc<Node> {
        &self.inner.node
    }

    /// The node, where it is there for users.
    pub(crate) fn for_clients(&self) -> Result<&Arc<Node>, Error> {
        let node = self.node_ref();
        match node.role {
            NodeRole::Clients => Ok(node),
            NodeRole::Backend => Err(Error::new(
                ErrorCode::Unavailable,
                "this node is a backend of others, and serves no users",
            )),
        }
    }
}
