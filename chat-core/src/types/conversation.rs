//! The id of a conversation, which a client can compute by itself.

use std::fmt;
use std::str::FromStr;

use arrayvec::ArrayString;
use serde::{Serialize, Serializer};

use super::{GroupId, InvalidValue, UserId, deserialize_from_str};

const EXPECTED: &str = "a conversation id such as `d:1:2` (the lower user id first) or `g:1`";

/// The bytes of the longest spelling: `d:`, two ids of 16 digits, and what stands between them.
const LONGEST: usize = 35;

/// A conversation: two users (`d:LOW:HIGH`, the lower id first) or a group (`g:GROUP`).
///
/// `d:7:7` are a user's notes to themselves. Only the canonical spelling parses, so one
/// conversation has one id.
///
/// ```
/// use chat_core::types::{ConversationId, UserId};
///
/// let id: ConversationId = "d:1:2".parse()?;
/// assert_eq!(id, ConversationId::direct(UserId::new(2)?, UserId::new(1)?));
/// assert_eq!(id.to_string(), "d:1:2");
/// assert!("d:2:1".parse::<ConversationId>().is_err());
/// # Ok::<(), chat_core::types::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationId(Kind);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Direct { low: UserId, high: UserId },
    Group(GroupId),
}

impl ConversationId {
    /// The conversation of two users, in either order.
    pub fn direct(one: UserId, other: UserId) -> Self {
        Self(Kind::Direct {
            low: one.min(other),
            high: one.max(other),
        })
    }

    /// The conversation of a group.
    pub const fn group(group: GroupId) -> Self {
        Self(Kind::Group(group))
    }

    /// The two users of a direct conversation, the lower id first; `None` for a group.
    pub const fn users(self) -> Option<(UserId, UserId)> {
        match self.0 {
            Kind::Direct { low, high } => Some((low, high)),
            Kind::Group(_) => None,
        }
    }

    /// The group of a group conversation; `None` for a direct one.
    pub const fn as_group(self) -> Option<GroupId> {
        match self.0 {
            Kind::Direct { .. } => None,
            Kind::Group(group) => Some(group),
        }
    }

    /// The other user of a direct conversation (oneself, for notes to oneself), where `user` is in it.
    pub fn other(self, user: UserId) -> Option<UserId> {
        let (low, high) = self.users()?;
        match user {
            _ if user == low => Some(high),
            _ if user == high => Some(low),
            _ => None,
        }
    }

    /// Checks and reads the canonical form.
    ///
    /// # Errors
    /// [`InvalidValue`] for anything but the canonical form.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::parse_canonical(text).ok_or(InvalidValue::new(EXPECTED))
    }

    fn parse_canonical(text: &str) -> Option<Self> {
        if let Some(group) = text.strip_prefix("g:") {
            return Some(Self::group(group.parse().ok()?));
        }
        let (low, high) = text.strip_prefix("d:")?.split_once(':')?;
        let (low, high) = (low.parse().ok()?, high.parse().ok()?);
        (low <= high).then_some(Self(Kind::Direct { low, high }))
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Direct { low, high } => write!(f, "d:{low}:{high}"),
            Kind::Group(group) => write!(f, "g:{group}"),
        }
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConversationId {
    type Err = InvalidValue;
    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(text)
    }
}

/// Each reply to a `send` and each message names its conversation, so that the detour by `fmt` shows.
impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let (mut first, mut second) = (itoa::Buffer::new(), itoa::Buffer::new());
        let mut text = ArrayString::<LONGEST>::new();
        let parts = match self.0 {
            Kind::Direct { low, high } => ["d:", first.format(low.get()), ":", second.format(high.get())],
            Kind::Group(group) => ["g:", first.format(group.get()), "", ""],
        };
        for part in parts {
            text.try_push_str(part).map_err(serde::ser::Error::custom)?;
        }
        output.serialize_str(&text)
    }
}

deserialize_from_str!(ConversationId, EXPECTED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_parses() {
        for good in [
            "d:1:2",
            "d:7:7",
            "d:9007199254740990:9007199254740991",
            "g:1",
            "g:9007199254740991",
        ] {
            let id = ConversationId::parse(good).unwrap();
            assert_eq!(id.to_string(), good);
            assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{good}\""));
        }
        for bad in [
            "", "d:2:1", "d:0:1", "d:1", "d:1:2:3", "g:", "g:0", "g:01", "x:1", "g:-1", "d:+1:2",
        ] {
            assert!(ConversationId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_other_user_is_found_only_by_those_in_it() {
        let [one, two, three] = [1, 2, 3].map(|id| UserId::new(id).unwrap());
        let id = ConversationId::direct(two, one);
        assert_eq!(
            (id.other(one), id.other(two), id.other(three)),
            (Some(two), Some(one), None)
        );
        assert_eq!(ConversationId::direct(one, one).other(one), Some(one));
    }
}
