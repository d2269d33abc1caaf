//! Messages and conversations in memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryStore;
use super::message_rows::MessageRows;
use super::store::{GroupRow, State, UserRow};
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::ports::{Appended, ConversationHead, MessageRange, MessageStore, NewMessage, SendPolicy};
use crate::types::{ConversationId, Device, GroupId, Message, Seq, User, UserId};

/// A conversation's messages.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    messages: MessageRows,
}

impl Conversation {
    pub(super) fn last_seq(&self) -> Seq {
        Seq::ZERO.advanced_by(self.messages.len() as u64)
    }

    /// Stores a message, unless its id is stored already or its sender may not.
    fn append(&mut self, new: &NewMessage, permitted: impl FnOnce() -> Result<User, Appended>) -> Appended {
        let place = match self.messages.find(new.sender, &new.id) {
            Ok(Message { seq, at, .. }) => return Appended::Duplicate { seq: *seq, at: *at },
            Err(vacant) => vacant,
        };
        let from = match permitted() {
            Ok(from) => from,
            Err(refused) => return refused,
        };
        let seq = self.last_seq().next();
        let message = Message {
            conversation: new.conversation,
            seq,
            from,
            id: new.id.clone(),
            id_origin: new.id_origin,
            body: new.body.clone(),
            data: new.data.clone(),
            at: new.at,
        };
        self.messages.push(place, message);
        Appended::Stored { seq }
    }
}

#[async_trait]
impl MessageStore for MemoryStore {
    async fn append(&self, batch: &[NewMessage]) -> Result<Vec<Appended>, BackendError> {
        let now = self.clock().now();
        let mut state = self.state();
        Ok(batch.iter().map(|new| state.append(new, now)).collect())
    }

    async fn read_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        let range = MessageRange {
            conversation,
            after,
            limit,
        };
        Ok(self.state().range(range).cloned().collect())
    }

    async fn read_ranges(&self, ranges: &[MessageRange]) -> Result<Vec<Message>, BackendError> {
        let state = self.state();
        let messages = ranges.iter().flat_map(|range| state.range(*range));
        Ok(messages.cloned().collect())
    }

    async fn read_before(
        &self,
        conversation: ConversationId,
        before: Option<Seq>,
        limit: usize,
    ) -> Result<Vec<Message>, BackendError> {
        let state = self.state();
        let Some(all) = state.conversations.get(&conversation) else {
            return Ok(Vec::new());
        };
        let end = before.map_or(usize::MAX, |before| index(before).saturating_sub(1));
        let end = end.min(all.messages.len());
        let page = all.messages.between(end.saturating_sub(limit), end);
        Ok(page.cloned().collect())
    }

    async fn heads(
        &self,
        user: UserId,
        device: &Device,
        limit: usize,
    ) -> Result<Vec<ConversationHead>, BackendError> {
        let state = self.state();
        let mut newest: Vec<&Message> = state
            .conversations_of(user, None)
            .filter_map(|id| state.conversations.get(&id)?.messages.last())
            .collect();
        newest.sort_unstable_by_key(|last| Reverse((last.at, last.conversation)));
        newest.truncate(limit);
        let heads = newest.into_iter().filter_map(|last| {
            let position = state.position(user, device, last.conversation)?;
            Some(ConversationHead {
                position,
                last_message: last.clone(),
            })
        });
        Ok(heads.collect())
    }

    async fn changed_conversations(
        &self,
        window: Duration,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, Seq)>, BackendError> {
        let start = self.clock().now().before(window);
        let state = self.state();
        let changed = state.conversation_changes.since(start, after.as_ref(), limit);
        Ok(changed.into_iter().map(|id| (id, state.last_seq(id))).collect())
    }
}

impl State {
    fn append(&mut self, new: &NewMessage, now: Timestamp) -> Appended {
        let permitted = || permitted_sender(&self.users, &self.groups, new);
        let appended = match self.conversations.get_mut(&new.conversation) {
            Some(conversation) => conversation.append(new, permitted),
            None => match permitted() {
                Ok(from) => {
                    let conversation = self.conversations.entry(new.conversation).or_default();
                    conversation.append(new, || Ok(from))
                }
                Err(refused) => refused,
            },
        };
        if let Appended::Stored { seq } = appended {
            if seq == Seq::ZERO.next() {
                self.begin_direct(new.conversation);
            }
            self.conversation_changes.touch(new.conversation, now);
        }
        appended
    }

    pub(super) fn range(&self, range: MessageRange) -> impl Iterator<Item = &Message> {
        let start = index(range.after);
        let conversation = self.conversations.get(&range.conversation);
        conversation
            .into_iter()
            .flat_map(move |all| all.messages.between(start, start.saturating_add(range.limit)))
    }

    /// Lets the two users of a direct conversation take part in it.
    fn begin_direct(&mut self, id: ConversationId) {
        let Some((low, high)) = id.users() else {
            return;
        };
        for user in [low, high] {
            if let Some(row) = self.user_mut(user) {
                row.direct.insert(id);
            }
        }
    }

    /// The conversations that a user takes part in, ascending, those after `after`.
    pub(super) fn conversations_of(
        &self,
        user: UserId,
        after: Option<ConversationId>,
    ) -> impl Iterator<Item = ConversationId> {
        // Direct conversations sort before those of groups.
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let group_start = after
            .and_then(ConversationId::as_group)
            .map_or(Bound::Unbounded, Bound::Excluded);
        self.user(user).into_iter().flat_map(move |row| {
            let direct = row.direct.range((start, Bound::Unbounded)).copied();
            let groups = row.groups.range((group_start, Bound::Unbounded));
            direct.chain(groups.copied().map(ConversationId::group))
        })
    }
}

/// The sender, where they may write this message; else what they are answered.
fn permitted_sender(
    users: &BTreeMap<UserId, UserRow>,
    groups: &BTreeMap<GroupId, GroupRow>,
    new: &NewMessage,
) -> Result<User, Appended> {
    let sender = users.get(&new.sender).ok_or(Appended::NotFound)?;
    if let Some(group) = new.conversation.as_group() {
        let group = groups.get(&group).ok_or(Appended::NotFound)?;
        if new.policy != SendPolicy::System && !group.members.contains_key(&new.sender) {
            return Err(Appended::NotMember);
        }
    } else {
        let other = new.conversation.other(new.sender).ok_or(Appended::NotMember)?;
        users.get(&other).ok_or(Appended::NotFound)?;
        let free = new.policy != SendPolicy::Friends || other == new.sender;
        if !free && !sender.friends.contains(&other) {
            return Err(Appended::NotFriends);
        }
    }
    Ok(sender.user.clone())
}

/// How many messages there are up to `seq`.
fn index(seq: Seq) -> usize {
    usize::try_from(seq.get()).unwrap_or(usize::MAX)
}
