//! Which kind of request a frame holds, for metrics, spans and the event log.

use super::request::Request;
use crate::spelled::spelled;

spelled!(
    /// The type of a request, spelled as on the wire.
    RequestType {
        /// `register`.
        Register = "register",
        /// `login`.
        Login = "login",
        /// `logout`.
        Logout = "logout",
        /// `send`.
        Send = "send",
        /// `ack`.
        Ack = "ack",
        /// `history`.
        History = "history",
        /// `conversations`.
        Conversations = "conversations",
        /// `add_friend`.
        AddFriend = "add_friend",
        /// `remove_friend`.
        RemoveFriend = "remove_friend",
        /// `friends`.
        Friends = "friends",
        /// `create_group`.
        CreateGroup = "create_group",
        /// `join_group`.
        JoinGroup = "join_group",
        /// `leave_group`.
        LeaveGroup = "leave_group",
        /// `groups`.
        Groups = "groups",
        /// `members`.
        Members = "members",
        /// `find_user`.
        FindUser = "find_user",
        /// `ping`.
        Ping = "ping",
        /// A frame that is no request.
        Invalid = "invalid",
    }
);

impl From<&Request> for RequestType {
    fn from(request: &Request) -> Self {
        match request {
            Request::Register(_) => Self::Register,
            Request::Login(_) => Self::Login,
            Request::Logout => Self::Logout,
            Request::Send(_) => Self::Send,
            Request::Ack(_) => Self::Ack,
            Request::History(_) => Self::History,
            Request::Conversations(_) => Self::Conversations,
            Request::AddFriend(_) => Self::AddFriend,
            Request::RemoveFriend(_) => Self::RemoveFriend,
            Request::Friends => Self::Friends,
            Request::CreateGroup(_) => Self::CreateGroup,
            Request::JoinGroup(_) => Self::JoinGroup,
            Request::LeaveGroup(_) => Self::LeaveGroup,
            Request::Groups => Self::Groups,
            Request::Members(_) => Self::Members,
            Request::FindUser(_) => Self::FindUser,
            Request::Ping => Self::Ping,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ClientFrame;

    #[test]
    fn a_request_is_of_the_type_that_its_frame_names() {
        for kind in RequestType::SPELLINGS.iter().filter(|kind| **kind != "invalid") {
            let fields = match *kind {
                "register" => r#","name":"alice","password":"correct horse""#,
                "login" => r#","name":"alice","password":"correct horse""#,
                "send" => r#","to":{"user":2},"body":"hello""#,
                "ack" => r#","conversation":"d:1:2","seq":1"#,
                "history" => r#","conversation":"d:1:2""#,
                "remove_friend" => r#","user":2"#,
                "add_friend" | "create_group" | "find_user" => r#","name":"band""#,
                "join_group" | "leave_group" | "members" => r#","group":1"#,
                _ => "",
            };
            let frame = format!(r#"{{"type":"{kind}"{fields}}}"#);
            let decoded = ClientFrame::decode(frame.as_bytes());
            let request = decoded
                .unwrap_or_else(|bad| panic!("{kind}: {}", bad.message))
                .request;
            assert_eq!(RequestType::from(&request).as_str(), *kind);
        }
    }
}
