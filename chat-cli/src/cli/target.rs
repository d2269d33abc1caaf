//! How people name users, groups and conversations.

use std::str::FromStr;

use chat_core::types::{ConversationId, GroupId, GroupName, InvalidValue, UserId, UserName};

/// A user: `@name`, `name` or an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UserTarget {
    Id(UserId),
    Name(UserName),
}

impl FromStr for UserTarget {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if let Some(name) = text.strip_prefix('@') {
            return UserName::parse(name).map(Self::Name);
        }
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => UserName::parse(text).map(Self::Name),
        }
    }
}

/// A group: `#name`, `#id`, `name` or an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupTarget {
    Id(GroupId),
    Name(GroupName),
}

impl FromStr for GroupTarget {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        let text = text.strip_prefix('#').unwrap_or(text);
        if let Some(id) = text.strip_prefix("g:").and_then(|id| id.parse().ok()) {
            return Ok(Self::Id(id));
        }
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => GroupName::parse(text).map(Self::Name),
        }
    }
}

/// Whom a message is for, or which conversation is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    User(UserTarget),
    Group(GroupTarget),
    Conversation(ConversationId),
}

impl FromStr for Target {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        if text.starts_with('#') {
            return text.parse().map(Self::Group);
        }
        match ConversationId::parse(text) {
            Ok(conversation) => Ok(Self::Conversation(conversation)),
            Err(_) => text.parse().map(Self::User),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_told_apart_by_their_first_character() {
        let user = |name| Target::User(UserTarget::Name(UserName::parse(name).unwrap()));
        for (text, expected) in [
            ("@bob", user("bob")),
            ("bob", user("bob")),
            ("@7", user("7")),
            ("7", Target::User(UserTarget::Id(UserId::new(7).unwrap()))),
            ("#7", Target::Group(GroupTarget::Id(GroupId::new(7).unwrap()))),
            (
                "#rust",
                Target::Group(GroupTarget::Name(GroupName::parse("rust").unwrap())),
            ),
            ("g:7", Target::Conversation("g:7".parse().unwrap())),
            ("d:1:2", Target::Conversation("d:1:2".parse().unwrap())),
        ] {
            assert_eq!(text.parse::<Target>().unwrap(), expected, "{text}");
        }
        for bad in ["", "@", "#", "@a\u{1b}"] {
            assert!(bad.parse::<Target>().is_err(), "{bad:?}");
        }
    }
}
