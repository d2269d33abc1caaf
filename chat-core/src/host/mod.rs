//! What the application does among its users: calls that no client can make.

mod system_user;

use crate::chat::Chat;
use crate::error::{Error, ErrorCode};
use crate::node::Node;
use crate::ports::{NoticeKind, Topic};
use crate::protocol::History;
use crate::session::{self, HistoryPage};
use crate::types::{ConversationId, Device, SessionId, UserId, UserName};

pub use system_user::SystemUser;

/// What the application itself does among its users, without being one of them: see [`Chat::host`].
///
/// It is trusted: no call looks at friendship, at membership or at a rate, so pass nothing on unasked that comes from
/// a user. Cheap to clone, and it keeps the node running as [`Chat`] does. All calls but those that say so are
/// `unavailable` on a [backend](crate::NodeRole::Backend).
///
/// ```
/// use chat_core::protocol::{History, OutgoingMessage, Recipient};
/// use chat_core::types::{ConversationId, UserName};
/// use chat_core::{Chat, SessionOptions, memory};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let chat = Chat::builder(memory::backends()).start();
/// let alice = chat.ensure_user(UserName::parse("alice")?).await?;
/// let session = chat.session(alice.id, SessionOptions::default()).await?;
///
/// let host = chat.host();
/// let shop = host.system_user(UserName::parse("shop")?).await?;
/// let to = Recipient::User(alice.id);
/// shop.send(OutgoingMessage::text(to, "your parcel is on its way")?).await?;
///
/// let conversation = ConversationId::direct(shop.user().id, alice.id);
/// let page = host.history(History::of(conversation)).await?;
/// assert_eq!(page.messages[0].from.name.as_str(), "shop");
///
/// assert_eq!(host.sessions(alice.id).len(), 1);
/// assert_eq!(host.expel(alice.id, None), 1);
/// assert!(session.goodbye().is_some());
/// # drop(session);
/// # chat.shutdown().await;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Host {
    chat: Chat,
}

/// A session as the application sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its number on its node.
    pub id: SessionId,
    /// The user's device that it is on. A device has one session at a time, over all nodes.
    pub device: Device,
}

impl Host {
    pub(crate) const fn of(chat: Chat) -> Self {
        Self { chat }
    }

    // ---- messages ----

    /// Finds the system user of a name, or makes them: an account without a password, so that nobody logs in to it,
    /// which the application writes as.
    ///
    /// An application that [authenticates its users itself](Chat::ensure_user) must give none of them this name,
    /// because their accounts have no password either.
    ///
    /// # Errors
    /// `name_taken` where an account of this name has a password, and so belongs to a person; `unavailable` where the
    /// store cannot be reached.
    pub async fn system_user(&self, name: UserName) -> Result<SystemUser, Error> {
        SystemUser::find(&self.chat, name).await
    }

    /// Reads any conversation back, the newest messages first in reach, each page ascending.
    ///
    /// At most [`History::MAX_LIMIT`] messages are read at once, and fewer where they would not fit into a frame; the
    /// page tells whether there are more.
    ///
    /// # Errors
    /// `not_found` for a conversation of a group or of users who do not exist, `unavailable` where the store cannot be
    /// reached.
    pub async fn history(&self, request: History) -> Result<HistoryPage, Error> {
        let node = self.chat.for_clients()?;
        let request = History {
            limit: request.limit.clamp(1, History::MAX_LIMIT),
            ..request
        };
        check_conversation(node, request.conversation).await?;
        session::history_page(node, &request).await
    }

    // ---- sessions ----

    /// A user's sessions **on this node**, in no order, without those that are ending. At most as many as the user has
    /// devices, which `Limits::devices_per_user` bounds. On a backend there are none.
    ///
    /// No node knows the sessions of others: [`are_online`](Self::are_online) tells whether the user has any on any
    /// node, and [`expel`](Self::expel) reaches all of them.
    pub fn sessions(&self, user: UserId) -> Vec<SessionInfo> {
        let Ok(node) = self.chat.for_clients() else {
            return Vec::new();
        };
        let sessions = node.hub.sessions(Topic::User(user)).into_iter();
        let open = sessions.filter(|session| session.goodbye().is_none());
        open.map(|session| SessionInfo {
            id: session.id,
            device: session.device.clone(),
        })
        .collect()
    }

    /// Ends a user's sessions **on all nodes**, of one device where it is named, and answers how many ended on this
    /// one. Their clients get `goodbye` with the code `expelled`. On a backend it does nothing.
    ///
    /// Other nodes hear of it over the bus, which may lose it while it fails; it is safe to repeat. Users may come back
    /// at once: [`revoke_tokens`](Self::revoke_tokens) before it makes them prove again who they are.
    pub fn expel(&self, user: UserId, device: Option<Device>) -> usize {
        let Ok(node) = self.chat.for_clients() else {
            return 0;
        };
        let ended = node.hub.expel(user, device.as_ref());
        node.tell(Topic::User(user), NoticeKind::Expelled { device });
        ended
    }

    /// Forgets all tokens of a user, on all nodes: none of their devices logs in by one any more. Sessions go on.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn revoke_tokens(&self, user: UserId) -> Result<(), Error> {
        let node = self.chat.for_clients()?;
        let call = node.backends.stores.tokens.revoke_tokens(user);
        node.store.write(call).await
    }

    /// Counts the users who are online, over all nodes.
    ///
    /// # Errors
    /// `unavailable` where presence cannot be reached.
    pub async fn online_count(&self) -> Result<usize, Error> {
        let node = self.chat.for_clients()?;
        let call = node.backends.presence.count(node.backends.clock.now());
        node.presence.read(call).await
    }

    /// Which of these users are online, on any node, in the order asked. Give it some thousand at most at once.
    ///
    /// # Errors
    /// `unavailable` where presence cannot be reached.
    pub async fn are_online(&self, users: &[UserId]) -> Result<Vec<bool>, Error> {
        let node = self.chat.for_clients()?;
        let call = node.backends.presence.online(users, node.backends.clock.now());
        node.presence.read(call).await
    }
}

/// Whether a conversation can have messages.
async fn check_conversation(node: &Node, conversation: ConversationId) -> Result<(), Error> {
    let stores = &node.backends.stores;
    if let Some(group) = conversation.as_group() {
        let group = node.store.read(stores.groups.group(group)).await?;
        return group
            .map(|_| ())
            .ok_or_else(|| not_found("there is no such group"));
    }
    let (low, high) = conversation
        .users()
        .ok_or_else(|| not_found("there is no such conversation"))?;
    let ids = if low == high { vec![low] } else { vec![low, high] };
    let users = node.store.read(stores.users.users(&ids)).await?;
    if users.len() < ids.len() {
        return Err(not_found("there is no such user"));
    }
    Ok(())
}

fn not_found(message: &'static str) -> Error {
    Error::new(ErrorCode::NotFound, message)
}
