//! The names of the users and groups that were seen.

use std::collections::BTreeMap;

use chat_core::protocol::{Event, GroupView, Recipient, Reply, UserView, Welcome};
use chat_core::types::{ConversationId, GroupId, GroupName, User, UserId, UserName};

/// Strangers' names that are remembered beside those of friends.
const STRANGERS: usize = 10_000;

/// Whose id has which name.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) me: User,
    pub(crate) friends: BTreeMap<UserId, UserName>,
    pub(crate) groups: BTreeMap<GroupId, GroupName>,
    strangers: BTreeMap<UserId, UserName>,
}

impl Directory {
    pub(crate) fn new(welcome: &Welcome) -> Self {
        let mut directory = Self {
            me: welcome.user.clone(),
            friends: BTreeMap::new(),
            groups: BTreeMap::new(),
            strangers: BTreeMap::new(),
        };
        directory.learn_friends(&welcome.friends);
        directory.learn_groups(&welcome.groups);
        directory
    }

    /// Learns from a reply.
    pub(crate) fn learn_reply(&mut self, reply: &Reply) {
        match reply {
            Reply::FriendAdded { user } => drop(self.friends.insert(user.id, user.name.clone())),
            Reply::FriendRemoved { user } => drop(self.friends.remove(&user.id)),
            Reply::Friends { friends } => self.learn_friends(friends),
            Reply::GroupCreated { group } | Reply::GroupJoined { group } => {
                self.groups.insert(group.id, group.name.clone());
            }
            Reply::GroupLeft { group } => drop(self.groups.remove(group)),
            Reply::Groups { groups } => self.learn_groups(groups),
            Reply::UserFound { user } => self.learn_stranger(user.id, &user.name),
            Reply::Conversations { conversations, .. } => {
                for conversation in conversations {
                    let from = &conversation.last_message.from;
                    self.learn_stranger(from.id, &from.name);
                }
            }
            _ => {}
        }
    }

    /// Learns from an event.
    pub(crate) fn learn_event(&mut self, event: &Event) {
        match event {
            Event::Message(message) => self.learn_stranger(message.from.id, &message.from.name),
            Event::FriendAdded { user } => drop(self.friends.insert(user.id, user.name.clone())),
            Event::FriendRemoved { user } => drop(self.friends.remove(&user.id)),
            _ => {}
        }
    }

    /// A known user's id by name.
    pub(crate) fn user_named(&self, name: &UserName) -> Option<UserId> {
        let key = name.key();
        let known = self.friends.iter().chain(&self.strangers);
        let me = std::iter::once((&self.me.id, &self.me.name));
        me.chain(known)
            .find(|(_, known)| known.key() == key)
            .map(|(&id, _)| id)
    }

    /// The id of one of the user's groups by name.
    pub(crate) fn group_named(&self, name: &GroupName) -> Option<GroupId> {
        let key = name.key();
        self.groups
            .iter()
            .find(|(_, known)| known.key() == key)
            .map(|(&id, _)| id)
    }

    /// What people call a conversation: `@bob`, `#rust`.
    pub(crate) fn title(&self, conversation: ConversationId) -> String {
        if let Some(group) = conversation.as_group() {
            return match self.groups.get(&group) {
                Some(name) => format!("#{name}"),
                None => format!("#{group}"),
            };
        }
        let Some(other) = conversation.other(self.me.id) else {
            return conversation.to_string();
        };
        if other == self.me.id {
            return format!("@{} (notes)", self.me.name);
        }
        match self.friends.get(&other).or_else(|| self.strangers.get(&other)) {
            Some(name) => format!("@{name}"),
            None => format!("user {other}"),
        }
    }

    /// Whom a message must be sent to for a conversation.
    pub(crate) fn recipient(&self, conversation: ConversationId) -> Option<Recipient> {
        let group = conversation.as_group().map(Recipient::Group);
        group.or_else(|| conversation.other(self.me.id).map(Recipient::User))
    }

    fn learn_friends(&mut self, friends: &[UserView]) {
        self.friends = friends
            .iter()
            .map(|friend| (friend.id, friend.name.clone()))
            .collect();
    }

    fn learn_groups(&mut self, groups: &[GroupView]) {
        self.groups = groups
            .iter()
            .map(|group| (group.id, group.name.clone()))
            .collect();
    }

    fn learn_stranger(&mut self, id: UserId, name: &UserName) {
        if self.strangers.len() >= STRANGERS {
            self.strangers.pop_first();
        }
        self.strangers.insert(id, name.clone());
    }
}
