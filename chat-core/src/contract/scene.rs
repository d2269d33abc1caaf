//! Users, groups and messages to play cases with.

use super::check::{Failure, Verdict, equal};
use super::runner::Scene;
use crate::clock::Timestamp;
use crate::ports::{
    AddFriend, Appended, CreateGroup, CreateUser, CursorAdvance, JoinGroup, NewGroup, NewMessage, NewUser,
    Position, SendPolicy, Stores,
};
use crate::types::{
    ConversationId, Description, Device, GroupId, GroupMembership, MessageId, MessageIdOrigin, Seq, User,
    UserId, UserName,
};

/// More than any case needs.
pub(super) const PLENTY: usize = 10_000;

/// A moment that lies `millis` after the cases' first.
pub(super) const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + millis)
}

pub(super) fn seq(number: u64) -> Seq {
    Seq::ZERO.advanced_by(number)
}

pub(super) fn device(name: &str) -> Result<Device, Failure> {
    Ok(Device::parse(name)?)
}

/// An id that no store gives out in these cases.
pub(super) const UNKNOWN_ID: u64 = 9_000_000_000_000_001;

pub(super) fn unknown_user() -> Result<UserId, Failure> {
    Ok(UserId::new(UNKNOWN_ID)?)
}

pub(super) fn unknown_group() -> Result<GroupId, Failure> {
    Ok(GroupId::new(UNKNOWN_ID)?)
}

pub(super) fn new_user(name: &str) -> Result<NewUser, Failure> {
    Ok(NewUser {
        id: None,
        name: UserName::parse(name)?,
        password: None,
    })
}

/// A user who comes from elsewhere with this id.
pub(super) fn given_user(id: u64, name: &str) -> Result<NewUser, Failure> {
    Ok(NewUser {
        id: Some(UserId::new(id)?),
        ..new_user(name)?
    })
}

pub(super) fn new_group(name: &str, creator: UserId) -> Result<NewGroup, Failure> {
    Ok(NewGroup {
        id: None,
        name: name.parse()?,
        description: Description::default(),
        creator,
    })
}

/// A group that comes from elsewhere with this id.
pub(super) fn given_group(id: u64, name: &str, creator: UserId) -> Result<NewGroup, Failure> {
    Ok(NewGroup {
        id: Some(GroupId::new(id)?),
        ..new_group(name, creator)?
    })
}

/// A message that anyone may send; its time follows from its id, so that two ids differ in both.
pub(super) fn message(conversation: ConversationId, sender: UserId, id: &str) -> Result<NewMessage, Failure> {
    let millis = id.bytes().map(u64::from).sum();
    Ok(NewMessage {
        conversation,
        sender,
        id: MessageId::parse(id)?,
        id_origin: MessageIdOrigin::Client,
        body: format!("body of {id}").parse()?,
        data: None,
        at: at(millis),
        policy: SendPolicy::Anyone,
    })
}

/// Numbered messages of one sender.
pub(super) fn messages(
    conversation: ConversationId,
    sender: UserId,
    ids: impl IntoIterator<Item = u64>,
) -> Result<Vec<NewMessage>, Failure> {
    let numbered = |id| message(conversation, sender, &format!("m-{id}"));
    ids.into_iter().map(numbered).collect()
}

pub(super) fn stored(numbers: impl IntoIterator<Item = u64>) -> Vec<Appended> {
    let stored = |number| Appended::Stored { seq: seq(number) };
    numbers.into_iter().map(stored).collect()
}

impl Scene<Stores> {
    pub(super) async fn user(&self, name: &str) -> Result<User, Failure> {
        match self.users.create_user(&new_user(name)?).await? {
            CreateUser::Created(user) => Ok(user),
            CreateUser::NameTaken(_) | CreateUser::IdTaken(_) => {
                Err(Failure::new(format_args!("{name} exists already")))
            }
        }
    }

    /// The ids of `count` new users.
    pub(super) async fn user_ids(&self, count: usize) -> Result<Vec<UserId>, Failure> {
        let mut ids = Vec::with_capacity(count);
        for number in 0..count {
            ids.push(self.user(&format!("user {number}")).await?.id);
        }
        Ok(ids)
    }

    /// Two new users and the conversation that they may have.
    pub(super) async fn two_users(&self) -> Result<(UserId, UserId, ConversationId), Failure> {
        let (one, other) = (self.user("alice").await?.id, self.user("bob").await?.id);
        Ok((one, other, ConversationId::direct(one, other)))
    }

    pub(super) async fn group(&self, name: &str, creator: UserId) -> Result<GroupId, Failure> {
        match self
            .groups
            .create_group(&new_group(name, creator)?, PLENTY)
            .await?
        {
            CreateGroup::Created(made) => Ok(made.group.id),
            other => Err(Failure::new(format_args!("group {name}: {other:?}"))),
        }
    }

    pub(super) async fn join(&self, group: GroupId, user: UserId) -> Result<GroupMembership, Failure> {
        match self.groups.join_group(group, user, PLENTY, PLENTY).await? {
            JoinGroup::Joined(membership) => Ok(membership),
            other => Err(Failure::new(format_args!("joining {group}: {other:?}"))),
        }
    }

    pub(super) async fn befriend(&self, one: UserId, other: UserId) -> Verdict {
        let added = self.friends.add_friend(one, other, PLENTY).await?;
        equal("making friends", added, AddFriend::Added)
    }

    /// Stores messages numbered from `first` to `last`, which must get these numbers.
    pub(super) async fn fill(
        &self,
        conversation: ConversationId,
        sender: UserId,
        first: u64,
        last: u64,
    ) -> Verdict {
        let batch = messages(conversation, sender, first..=last)?;
        let appended = self.messages.append(&batch).await?;
        equal("filling the conversation", appended, stored(first..=last))
    }

    /// Begins a session of a device and answers its number.
    pub(super) async fn open(&self, user: UserId, name: &str, millis: u64) -> Result<u64, Failure> {
        let device = device(name)?;
        let opened = self.devices.open_device(user, &device, at(millis), PLENTY);
        Ok(opened.await?.epoch)
    }

    pub(super) async fn ack(
        &self,
        user: UserId,
        name: &str,
        conversation: ConversationId,
        number: u64,
    ) -> Verdict {
        let ack = CursorAdvance {
            user,
            device: device(name)?,
            conversation,
            seq: seq(number),
        };
        Ok(self.devices.advance_cursors(&[ack]).await?)
    }

    pub(super) async fn position(
        &self,
        user: UserId,
        name: &str,
        conversation: ConversationId,
    ) -> Result<Option<Position>, Failure> {
        let device = device(name)?;
        Ok(self.devices.position(user, &device, conversation).await?)
    }

    /// Fails unless a device has acknowledged up to this number.
    pub(super) async fn expect_acked(
        &self,
        user: UserId,
        name: &str,
        conversation: ConversationId,
        number: u64,
    ) -> Verdict {
        let position = self.position(user, name, conversation).await?;
        let acked = position.map(|position| position.acked_seq);
        equal(&format!("where {name} stands"), acked, Some(seq(number)))
    }
}
