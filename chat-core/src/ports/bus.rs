//! The port for hints between nodes.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::BackendError;
use crate::types::{ConversationId, Device, GroupId, NodeId, Seq, SessionId, UserId};

/// Whom a notice is for. A node listens to the topics of its users and of their groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// All sessions of a user.
    User(UserId),
    /// All sessions of all members of a group.
    Group(GroupId),
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::Group(group) => write!(f, "group:{group}"),
        }
    }
}

/// A hint: something happened that the sessions of a topic want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is for.
    pub topic: Topic,
    /// Where it comes from; a node is not told its own, which it has passed on already.
    pub origin: NodeId,
    /// What happened.
    pub kind: NoticeKind,
}

/// What a [`Notice`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// A conversation now ends at `seq`.
    Message {
        /// Which conversation.
        conversation: ConversationId,
        /// Its new last message.
        seq: Seq,
        /// The session on the node of origin that wrote it, which is not told of its own message.
        session: Option<SessionId>,
        /// The `message` event as it goes to clients: one line of JSON without its line end.
        frame: Bytes,
    },
    /// An event for clients that is not a message: one line of JSON without its line end.
    Event {
        /// The event as it goes to clients.
        frame: Bytes,
    },
    /// A session of a device began: sessions of the same device with a lower number end.
    DeviceOpened {
        /// Which device of the topic's user.
        device: Device,
        /// The number of the session that began.
        epoch: u64,
    },
    /// The topic's user joined or left a group; their sessions look up which.
    MembershipChanged {
        /// Which group.
        group: GroupId,
    },
    /// The application ends the sessions of the topic's user (of one device, where it is named).
    Expelled {
        /// Only this device.
        device: Option<Device>,
    },
}

/// What a subscription yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BusItem {
    /// A notice on a subscribed topic.
    Notice(Notice),
    /// Something may have been missed on any of the subscribed topics.
    Gap,
}

/// Carries notices between nodes. It may lose anything at any moment, and then says so if it can.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Bus: fmt::Debug + Send + Sync + 'static {
    /// Passes notices on to the nodes that listen to their topics, in the order given for each topic.
    ///
    /// A failure means that some may not arrive. Never waits for receivers.
    async fn publish(&self, notices: &[Notice]) -> Result<(), BackendError>;

    /// Whether surely no node but `node` has a subscription, so that nobody would get what it publishes. It may then
    /// save itself the trouble. `false`, where nothing else is said: a bus mostly cannot know. Answers at once.
    fn is_alone(&self, node: &NodeId) -> bool {
        let _ = node;
        false
    }

    /// Opens the subscription of `node`, without any topic yet, that buffers at most `capacity` items.
    ///
    /// Beyond that, items are dropped and a [`BusItem::Gap`] takes their place. Notices that come from
    /// `node` itself are left out.
    async fn subscribe(
        &self,
        node: &NodeId,
        capacity: usize,
    ) -> Result<Box<dyn BusSubscription>, BackendError>;
}

/// A node's subscription to a [`Bus`]; dropping it ends it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait BusSubscription: fmt::Debug + Send + Sync + 'static {
    /// Adds topics; when it answers, everything published from then on is yielded or covered by a
    /// gap. Safe to repeat: a topic counts once. While the bus is away it is remembered, an error
    /// is answered, and the topic is added as soon as that is possible, followed by a gap.
    async fn add(&self, topics: &[Topic]) -> Result<(), BackendError>;

    /// Removes topics. Safe to repeat. A notice under way may still be yielded.
    async fn remove(&self, topics: &[Topic]) -> Result<(), BackendError>;

    /// Waits for the next items, and answers those that are there, in their order, at most `limit`
    /// (which is 1 at the least); none when the bus is closed for good.
    ///
    /// While nothing can be received it yields a gap at least every second, and one more when
    /// receiving works again. Cancel safe: a dropped wait loses nothing. One caller at a time.
    async fn next(&self, limit: usize) -> Vec<BusItem>;
}
