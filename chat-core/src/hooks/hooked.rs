//! The requests that have hooks.

use std::fmt;

/// A type of request that has hooks before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HookedRequest {
    /// Making an account.
    Register,
    /// Beginning a session, also one of a user whom the application has authenticated itself.
    Login,
    /// Sending a message.
    Send,
    /// Befriending a user.
    AddFriend,
    /// Making a group.
    CreateGroup,
    /// Becoming a member of a group.
    JoinGroup,
}

impl HookedRequest {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Register,
        Self::Login,
        Self::Send,
        Self::AddFriend,
        Self::CreateGroup,
        Self::JoinGroup,
    ];

    /// Their spellings, in the same order.
    pub(crate) const SPELLINGS: &'static [&'static str] = &[
        Self::Register.as_str(),
        Self::Login.as_str(),
        Self::Send.as_str(),
        Self::AddFriend.as_str(),
        Self::CreateGroup.as_str(),
        Self::JoinGroup.as_str(),
    ];

    /// The `type` of the request in the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Login => "login",
            Self::Send => "send",
            Self::AddFriend => "add_friend",
            Self::CreateGroup => "create_group",
            Self::JoinGroup => "join_group",
        }
    }
}

impl fmt::Display for HookedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::RequestType;

    #[test]
    fn each_has_its_place_and_is_spelled_as_in_the_protocol() {
        for (place, request) in HookedRequest::ALL.iter().enumerate() {
            assert_eq!(*request as usize, place);
            assert_eq!(HookedRequest::SPELLINGS[place], request.as_str());
            assert!(RequestType::SPELLINGS.contains(&request.as_str()), "{request}");
        }
        assert_eq!(HookedRequest::SPELLINGS.len(), HookedRequest::ALL.len());
    }
}
