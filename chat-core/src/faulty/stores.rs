//! The store ports, failing on command.

use std::time::Duration;

use async_trait::async_trait;

use super::Faulty;
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{
    AddFriend, Appended, ConversationHead, CreateGroup, CreateUser, Credentials, CursorAdvance,
    DeviceSession, DeviceStore, FriendStore, GroupStore, JoinGroup, LeaveGroup, MessageRange, MessageStore,
    NewGroup, NewMessage, NewUser, Position, RemoveFriend, SessionStart, StoredToken, TokenStore,
    UserSelector, UserStore,
};
use crate::types::{
    ConversationId, Device, Group, GroupId, GroupMembership, Member, Message, Seq, TokenHash, User, UserId,
};

#[async_trait]
impl<P: UserStore + ?Sized> UserStore for Faulty<P> {
    async fn create_user(&self, user: &NewUser) -> Result<CreateUser, BackendError> {
        self.call("create_user", self.inner.create_user(user)).await
    }

    async fn credentials(&self, user: &UserSelector) -> Result<Option<Credentials>, BackendError> {
        self.call("credentials", self.inner.credentials(user)).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, BackendError> {
        self.call("users", self.inner.users(ids)).await
    }

    async fn set_states(&self, users: &[UserId], online: bool) -> Result<(), BackendError> {
        self.call("set_states", self.inner.set_states(users, online))
            .await
    }

    async fn online_states(&self, after: Option<UserId>, limit: usize) -> Result<Vec<UserId>, BackendError> {
        self.call("online_states", self.inner.online_states(after, limit))
            .await
    }
}

#[async_trait]
impl<P: FriendStore + ?Sized> FriendStore for Faulty<P> {
    async fn add_friend(
        &self,
        user: UserId,
        friend: UserId,
        limit: usize,
    ) -> Result<AddFriend, BackendError> {
        self.call("add_friend", self.inner.add_friend(user, friend, limit))
            .await
    }

    async fn remove_friend(&self, user: UserId, friend: UserId) -> Result<RemoveFriend, BackendError> {
        self.call("remove_friend", self.inner.remove_friend(user, friend))
            .await
    }

    async fn friends(&self, user: UserId) -> Result<Vec<User>, BackendError> {
        self.call("friends", self.inner.friends(user)).await
    }
}

#[async_trait]
impl<P: GroupStore + ?Sized> GroupStore for Faulty<P> {
    async fn create_group(&self, group: &NewGroup, limit: usize) -> Result<CreateGroup, BackendError> {
        self.call("create_group", self.inner.create_group(group, limit))
            .await
    }

    async fn join_group(
        &self,
        group: GroupId,
        user: UserId,
        groups_limit: usize,
        members_limit: usize,
    ) -> Result<JoinGroup, BackendError> {
        self.call(
            "join_group",
            self.inner.join_group(group, user, groups_limit, members_limit),
        )
        .await
    }

    async fn leave_group(&self, group: GroupId, user: UserId) -> Result<LeaveGroup, BackendError> {
        self.call("leave_group", self.inner.leave_group(group, user))
            .await
    }

    async fn group(&self, group: GroupId) -> Result<Option<Group>, BackendError> {
        self.call("group", self.inner.group(group)).await
    }

    async fn membership(
        &self,
        group: GroupId,
        user: UserId,
    ) -> Result<Option<GroupMembership>, BackendError> {
        self.call("membership", self.inner.membership(group, user)).await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<GroupMembership>, BackendError> {
        self.call("memberships", self.inner.memberships(user)).await
    }

    async fn members(
        &self,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, BackendError> {
        self.call("members", self.inner.members(group, after, limit))
            .await
    }

    async fn changed_memberships(
        &self,
        window: Duration,
        after: Option<(GroupId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(GroupId, UserId)>, BackendError> {
        self.call(
            "changed_memberships",
            self.inner.changed_memberships(window, after, limit),
        )
        .await
    }
}

#[async_trait]
impl<P: MessageStore + ?Sized> MessageStore for Faulty<P> {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        self.call("append", self.inner.append(batch)).await
    }

    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        self.call("read_after", self.inner.read_after(conversation, after, limit))
            .await
    }

    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError> {
        self.call("read_ranges", self.inner.read_ranges(ranges)).await
    }

    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        self.call("read_before", self.inner.read_before(conversation, before, limit))
            .await
    }

    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError> {
        self.call("heads", self.inner.heads(user, device, limit)).await
    }

    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
        self.call(
            "changed_conversations",
            self.inner.changed_conversations(window, after, limit),
        )
        .await
    }
}

#[async_trait]
impl<P: DeviceStore + ?Sized> DeviceStore for Faulty<P> {
    async fn open_device(
        &self,
        user: UserId,
        device: &Device,
        at: Timestamp,
        devices_limit: usize,
    ) -> Result<DeviceSession, BackendError> {
        self.call(
            "open_device",
            self.inner.open_device(user, device, at, devices_limit),
        )
        .await
    }

    async fn opened_devices(
        &self,
        window: Duration,
        after: Option<(UserId, Device)>,
        limit: usize,
    ) -> Result<Vec<(UserId, Device, u64)>, BackendError> {
        self.call("opened_devices", self.inner.opened_devices(window, after, limit))
            .await
    }

    async fn session_start(
        &self,
        user: UserId,
        device: &Device,
        positions_limit: usize,
        messages_limit: usize,
    ) -> Result<SessionStart, BackendError> {
        let start = self
            .inner
            .session_start(user, device, positions_limit, messages_limit);
        self.call("session_start", start).await
    }

    async fn positions(
        &self,
        user: UserId,
        device: &Device,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Position>, BackendError> {
        self.call("positions", self.inner.positions(user, device, after, limit))
            .await
    }

    async fn position(
        &self,
        user: UserId,
        device: &Device,
        conversation: ConversationId,
    ) -> Result<Option<Position>, BackendError> {
        self.call("position", self.inner.position(user, device, conversation))
            .await
    }

    async fn advance_cursors(&self, batch: &[CursorAdvance]) -> Result<(), BackendError> {
        self.call("advance_cursors", self.inner.advance_cursors(batch))
            .await
    }
}

#[async_trait]
impl<P: TokenStore + ?Sized> TokenStore for Faulty<P> {
    async fn put_token(
        &self,
        user: UserId,
        token: TokenHash,
        expires_at: Timestamp,
        keep: usize,
    ) -> Result<(), BackendError> {
        self.call("put_token", self.inner.put_token(user, token, expires_at, keep))
            .await
    }

    async fn token(&self, token: TokenHash, now: Timestamp) -> Result<Option<StoredToken>, BackendError> {
        self.call("token", self.inner.token(token, now)).await
    }

    async fn revoke_token(&self, token: TokenHash) -> Result<(), BackendError> {
        self.call("revoke_token", self.inner.revoke_token(token)).await
    }

    async fn revoke_tokens(&self, user: UserId) -> Result<(), BackendError> {
        self.call("revoke_tokens", self.inner.revoke_tokens(user)).await
    }

    async fn purge_tokens(&self, now: Timestamp, limit: usize) -> Result<usize, BackendError> {
        self.call("purge_tokens", self.inner.purge_tokens(now, limit))
            .await
    }
}
