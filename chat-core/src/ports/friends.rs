//! The port for friendships.

use async_trait::async_trait;

use crate::error::BackendError;
use crate::types::{User, UserId};

/// What came of adding a friend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddFriend {
    /// The two are friends from now on.
    Added,
    /// They were already.
    AlreadyFriends,
    /// One of the two users does not exist.
    NoSuchUser,
    /// One of the two has as many friends as allowed.
    TooMany,
}

/// What came of removing a friend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoveFriend {
    /// The two are friends no more.
    Removed,
    /// They were not.
    WereNotFriends,
}

/// Friendships, which are mutual.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait FriendStore: std::fmt::Debug + Send + Sync + 'static {
    /// Makes two users friends of each other, where both have fewer than `limit` friends.
    ///
    /// Atomic: both directions or none. Safe to repeat. A user may befriend themselves; that is
    /// one friendship. `AlreadyFriends` is answered before `TooMany`.
    async fn add_friend(&self, user: UserId, friend: UserId, limit: usize)
    -> Result<AddFriend, BackendError>;

    /// Ends a friendship, both directions at once. Safe to repeat.
    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError>;

    /// A user's friends by ascending id; empty for an unknown user.
    ///
    /// Not paged, because `add_friend` bounds it.
    async fn friends(&self, user: UserId) -> Result<Vec<User>, BackendError>;
}
