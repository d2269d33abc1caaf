//! The ports: what the domain asks of the world around it.
//!
//! A port is a small object-safe trait. The domain holds each as `Arc<dyn …>`; [`memory`](crate::memory)
//! has a complete implementation of every one, adapters bring the others, and the
//! contract suite (feature `contract`) tells whether an implementation is right.
//!
//! Rules that hold for every port:
//! - **Outcomes are values.** `Err(BackendError)` means only that the backend failed, and its kind
//!   says whether the call was done, was not, or may have been.
//! - **What must be atomic is one method.** Callers never compose two calls and hope.
//! - **Batches from the start**, answered in the order asked unless a method says otherwise.
//! - **Dropping a call's future** leaves the call done or not done, as with
//!   [`BackendErrorKind::Unknown`](crate::BackendErrorKind), and never half done.
//! - **Ids are unique over the whole store**; times that a port compares with each other come from
//!   one clock.

mod bus;
mod devices;
mod friends;
mod groups;
mod log;
mod messages;
mod presence;
mod registry;
mod tokens;
mod users;

use std::sync::Arc;

pub use self::bus::{Bus, BusItem, BusSubscription, Notice, NoticeKind, Topic};
pub use self::devices::{CursorAdvance, DeviceSession, DeviceStore, Position, SessionStart};
pub use self::friends::{AddFriend, FriendStore, RemoveFriend};
pub use self::groups::{CreateGroup, GroupStore, JoinGroup, LeaveGroup, NewGroup};
pub use self::log::{EventLog, Level, LogRecord, LogStatus};
pub use self::messages::{Appended, ConversationHead, MessageRange, MessageStore, NewMessage, SendPolicy};
pub use self::presence::Presence;
pub use self::registry::{Announcement, Peer, Registry};
pub use self::tokens::{StoredToken, TokenStore};
pub use self::users::{Contacts, CreateUser, Credentials, NewUser, UserSelector, UserStore};

#[cfg(feature = "mock")]
pub use self::{
    bus::{MockBus, MockBusSubscription},
    devices::MockDeviceStore,
    friends::MockFriendStore,
    groups::MockGroupStore,
    log::MockEventLog,
    messages::MockMessageStore,
    presence::MockPresence,
    registry::{MockAnnouncement, MockRegistry},
    tokens::MockTokenStore,
    users::MockUserStore,
};

use crate::clock::Clock;

/// The six store ports of one store.
#[derive(Clone, Debug)]
pub struct Stores {
    /// Accounts.
    pub users: Arc<dyn UserStore>,
    /// Friendships.
    pub friends: Arc<dyn FriendStore>,
    /// Groups and their members.
    pub groups: Arc<dyn GroupStore>,
    /// Messages and conversations.
    pub messages: Arc<dyn MessageStore>,
    /// Devices and their cursors.
    pub devices: Arc<dyn DeviceStore>,
    /// Session tokens.
    pub tokens: Arc<dyn TokenStore>,
}

impl Stores {
    /// All six ports of one object that implements them all.
    pub fn of<S>(store: Arc<S>) -> Self
    where
        S: UserStore + FriendStore + GroupStore + MessageStore + DeviceStore + TokenStore,
    {
        Self {
            users: Arc::clone(&store) as _,
            friends: Arc::clone(&store) as _,
            groups: Arc::clone(&store) as _,
            messages: Arc::clone(&store) as _,
            devices: Arc::clone(&store) as _,
            tokens: store,
        }
    }
}

/// Everything that a node stands on.
#[derive(Clone, Debug)]
pub struct Backends {
    /// The truth.
    pub stores: Stores,
    /// Hints between nodes.
    pub bus: Arc<dyn Bus>,
    /// Who is online, on which node.
    pub presence: Arc<dyn Presence>,
    /// What the nodes do, for operators.
    pub log: Arc<dyn EventLog>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}
