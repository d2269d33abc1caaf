//! The typed requests, which a connection and a client have in common.

use chat_core::protocol::{ConversationView, MemberView, MessageView};
use chat_core::types::ConversationId;

/// A page of a conversation's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Its messages by ascending seq.
    pub messages: Vec<MessageView>,
    /// Whether there are older ones.
    pub more: bool,
}

/// A page of the overview of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationPage {
    /// Newest first.
    pub conversations: Vec<ConversationView>,
    /// Whether there are more.
    pub more: bool,
}

/// A page of a group's members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// By ascending id.
    pub members: Vec<MemberView>,
    /// Whether there are members with higher ids.
    pub more: bool,
}

/// Defines one method for each request on a type that has
/// `async fn request(self, Request) -> Result<Reply, Error>`.
macro_rules! typed_requests {
    ($receiver:ty) => {
        crate::requests::typed_requests! { @define $receiver;
            /// Makes an account.
            register(register: chat_core::protocol::Register) -> chat_core::types::User,
                Register(register) => Registered { user } => user;
            /// Proves who one is and begins a session.
            login(login: chat_core::protocol::Login) -> Box<chat_core::protocol::Welcome>,
                Login(login) => Welcome(welcome) => welcome;
            /// Ends the session; the connection stays open.
            logout() -> (), Logout => LoggedOut => ();
            /// Acknowledges all messages of a conversation up to one.
            ack(ack: chat_core::protocol::Ack) -> (), Ack(ack) => Acked => ();
            /// Reads older messages.
            history(history: chat_core::protocol::History) -> crate::requests::HistoryPage,
                History(history) => History { conversation, messages, more } =>
                crate::requests::HistoryPage { conversation, messages, more };
            /// The overview of one's conversations.
            conversations(page: chat_core::protocol::Conversations) -> crate::requests::ConversationPage,
                Conversations(page) => Conversations { conversations, more } =>
                crate::requests::ConversationPage { conversations, more };
            /// Befriends a user.
            add_friend(user: chat_core::protocol::UserSelector) -> chat_core::protocol::UserView,
                AddFriend(chat_core::protocol::AddFriend(user)) => FriendAdded { user } => user;
            /// Ends a friendship.
            remove_friend(user: chat_core::types::UserId) -> chat_core::types::User,
                RemoveFriend(chat_core::protocol::RemoveFriend { user }) => FriendRemoved { user } => user;
            /// One's friends.
            friends() -> Vec<chat_core::protocol::UserView>, Friends => Friends { friends } => friends;
            /// Makes a group.
            create_group(group: chat_core::protocol::CreateGroup) -> chat_core::protocol::GroupView,
                CreateGroup(group) => GroupCreated { group } => group;
            /// Becomes a member of a group.
            join_group(group: chat_core::types::GroupId) -> chat_core::protocol::GroupView,
                JoinGroup(chat_core::protocol::GroupRequest { group }) => GroupJoined { group } => group;
            /// Is a member no more.
            leave_group(group: chat_core::types::GroupId) -> chat_core::types::GroupId,
                LeaveGroup(chat_core::protocol::GroupRequest { group }) => GroupLeft { group } => group;
            /// One's groups.
            groups() -> Vec<chat_core::protocol::GroupView>, Groups => Groups { groups } => groups;
            /// A group's members.
            members(page: chat_core::protocol::Members) -> crate::requests::MemberPage,
                Members(page) => Members { members, more } => crate::requests::MemberPage { members, more };
            /// Finds a user by name.
            find_user(name: chat_core::types::UserName) -> chat_core::protocol::UserView,
                FindUser(chat_core::protocol::FindUser { name }) => UserFound { user } => user;
            /// Asks for a sign of life; answers with the server's time.
            ping() -> chat_core::Timestamp, Ping => Pong { at } => at;
        }
    };
    (@define $receiver:ty; $(
        $(#[$doc:meta])* $method:ident($($argument:ident: $type:ty)?) -> $answer:ty,
        $request:ident $(($content:expr))? => $reply:ident $(($inner:ident))? $({ $($field:ident),+ })? => $value:expr;
    )+) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        #[doc = concat!(
            "[`Error::Refused`](crate::Error::Refused) where the server refuses; ",
            "otherwise as [`request`](Self::request)."
        )]
        pub async fn $method(self: $receiver $(, $argument: $type)?) -> Result<$answer, crate::Error> {
            let request = chat_core::protocol::Request::$request $(($content))?;
            match self.request(request).await? {
                chat_core::protocol::Reply::$reply $(($inner))? $({ $($field),+ })? => Ok($value),
                other => Err(crate::Error::unexpected(&other)),
            }
        }
    )+};
}
pub(crate) use typed_requests;
