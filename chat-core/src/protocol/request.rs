//! What clients ask.

use serde::{Deserialize, Serialize};

use crate::types::{
    Body, ConversationId, Data, Description, Device, GivenPassword, GroupId, GroupName, InvalidValue,
    MessageId, Password, Seq, Token, UserId, UserName,
};

/// A request, without its `ref`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request {
    /// Make an account.
    Register(Register),
    /// Prove who one is and begin a session.
    Login(Login),
    /// End the session; the connection stays open.
    Logout,
    /// Send a message.
    Send(OutgoingMessage),
    /// Acknowledge all messages of a conversation up to one.
    Ack(Ack),
    /// Read older messages.
    History(History),
    /// The overview of one's conversations.
    Conversations(Conversations),
    /// Befriend a user.
    AddFriend(AddFriend),
    /// End a friendship.
    RemoveFriend(RemoveFriend),
    /// One's friends.
    Friends,
    /// Make a group.
    CreateGroup(CreateGroup),
    /// Become a member of a group.
    JoinGroup(GroupRequest),
    /// Be a member no more.
    LeaveGroup(GroupRequest),
    /// One's groups.
    Groups,
    /// A group's members.
    Members(Members),
    /// Find a user by name.
    FindUser(FindUser),
    /// Ask for a sign of life.
    Ping,
}

/// The fields of `register`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Register {
    /// The name to take.
    pub name: UserName,
    /// The password to set.
    pub password: Password,
}

/// The fields of `login`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "LoginFields", into = "LoginFields")]
pub struct Login {
    /// What proves who one is.
    pub proof: LoginProof,
    /// Which of the user's devices this is.
    pub device: Device,
    /// Who acknowledges what is delivered.
    pub ack: AckMode,
}

impl Login {
    /// A login by name and password, on the default device, acknowledged by the client.
    pub fn password(name: UserName, password: Password) -> Self {
        Self::new(LoginProof::Password {
            user: UserSelector::Name(name),
            password,
        })
    }

    /// A login by token, on the default device, acknowledged by the client.
    pub fn token(token: Token) -> Self {
        Self::new(LoginProof::Token(token))
    }

    fn new(proof: LoginProof) -> Self {
        Self {
            proof,
            device: Device::default(),
            ack: AckMode::default(),
        }
    }

    /// Names the device.
    #[must_use]
    pub fn on(mut self, device: Device) -> Self {
        self.device = device;
        self
    }

    /// Makes the server acknowledge what it has delivered.
    #[must_use]
    pub const fn auto_ack(mut self) -> Self {
        self.ack = AckMode::Auto;
        self
    }
}

/// What proves at a login who one is.
#[derive(Clone, Debug)]
pub enum LoginProof {
    /// A name or id with its password.
    Password {
        /// Who.
        user: UserSelector,
        /// Their password.
        password: Password,
    },
    /// A token that an earlier login gave.
    Token(Token),
}

/// A user named by id or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserSelector {
    /// By id.
    Id(UserId),
    /// By name.
    Name(UserName),
}

/// Who acknowledges what is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckMode {
    /// The client, by `ack`.
    #[default]
    Client,
    /// The server, once a frame has been written to the transport.
    Auto,
}

/// `login` as it looks on the wire, where exactly one of three ways is filled in.
#[derive(Clone, Serialize, Deserialize)]
struct LoginFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<UserName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    password: Option<GivenPassword>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<Token>,
    #[serde(default)]
    device: Option<Device>,
    #[serde(default)]
    ack: Option<AckMode>,
}

impl TryFrom<LoginFields> for Login {
    type Error = &'static str;

    fn try_from(fields: LoginFields) -> Result<Self, Self::Error> {
        let proof = match (fields.token, fields.password, select(fields.id, fields.name)) {
            (Some(token), None, Selected::None) => LoginProof::Token(token),
            (None, Some(password), Selected::One(user)) => LoginProof::Password {
                user,
                password: password.0,
            },
            (Some(_), _, _) => return Err("`token` stands alone, without `name`, `id` and `password`"),
            (None, _, Selected::Both) => return Err("give one of `name` and `id`, not both"),
            (None, None, Selected::One(_)) => return Err("`password` is missing"),
            (None, Some(_), Selected::None) => return Err("`name` or `id` is missing"),
            (None, None, Selected::None) => {
                return Err("`token` is missing, or `name` or `id` with `password`");
            }
        };
        let device = fields.device.unwrap_or_default();
        Ok(Self {
            proof,
            device,
            ack: fields.ack.unwrap_or_default(),
        })
    }
}

impl From<Login> for LoginFields {
    fn from(login: Login) -> Self {
        let mut fields = Self {
            name: None,
            id: None,
            password: None,
            token: None,
            device: Some(login.device),
            ack: Some(login.ack),
        };
        match login.proof {
            LoginProof::Token(token) => fields.token = Some(token),
            LoginProof::Password { user, password } => {
                fields.password = Some(GivenPassword(password));
                match user {
                    UserSelector::Id(id) => fields.id = Some(id),
                    UserSelector::Name(name) => fields.name = Some(name),
                }
            }
        }
        fields
    }
}

enum Selected {
    None,
    One(UserSelector),
    Both,
}

fn select(id: Option<UserId>, name: Option<UserName>) -> Selected {
    match (id, name) {
        (None, None) => Selected::None,
        (Some(id), None) => Selected::One(UserSelector::Id(id)),
        (None, Some(name)) => Selected::One(UserSelector::Name(name)),
        (Some(_), Some(_)) => Selected::Both,
    }
}

/// The fields of `send`: a message on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutgoingMessage {
    /// Whom it is for.
    pub to: Recipient,
    /// Its text.
    pub body: Body,
    /// The client's own id: repeating it stores nothing twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// What it carries for the receiving clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Data>,
}

impl OutgoingMessage {
    /// A message with a text and nothing else.
    ///
    /// # Errors
    /// [`InvalidValue`] where the text is empty or longer than 8,192 bytes.
    pub fn text(to: Recipient, body: &str) -> Result<Self, InvalidValue> {
        Ok(Self {
            to,
            body: Body::parse(body)?,
            id: None,
            data: None,
        })
    }

    /// Sets the client's own id, which makes repeating the message harmless.
    #[must_use]
    pub fn with_id(mut self, id: MessageId) -> Self {
        self.id = Some(id);
        self
    }

    /// Sets what the message carries for the receiving clients.
    #[must_use]
    pub fn with_data(mut self, data: Data) -> Self {
        self.data = Some(data);
        self
    }
}

/// Whom a message is for: on the wire an object with exactly one of `user` and `group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "RecipientFields", into = "RecipientFields")]
pub enum Recipient {
    /// One user, possibly oneself.
    User(UserId),
    /// All members of a group.
    Group(GroupId),
}

impl Recipient {
    /// The conversation that a message of `sender` to this recipient belongs to.
    pub fn conversation(self, sender: UserId) -> ConversationId {
        match self {
            Self::User(user) => ConversationId::direct(sender, user),
            Self::Group(group) => ConversationId::group(group),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct RecipientFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
}

impl TryFrom<RecipientFields> for Recipient {
    type Error = &'static str;

    fn try_from(fields: RecipientFields) -> Result<Self, Self::Error> {
        match (fields.user, fields.group) {
            (Some(user), None) => Ok(Self::User(user)),
            (None, Some(group)) => Ok(Self::Group(group)),
            _ => Err("must have exactly one of `user` and `group`"),
        }
    }
}

impl From<Recipient> for RecipientFields {
    fn from(recipient: Recipient) -> Self {
        match recipient {
            Recipient::User(user) => Self {
                user: Some(user),
                group: None,
            },
            Recipient::Group(group) => Self {
                user: None,
                group: Some(group),
            },
        }
    }
}

/// The fields of `ack`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// In which conversation.
    pub conversation: ConversationId,
    /// All up to this was received.
    pub seq: Seq,
}

/// The fields of `history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Only messages before this one; the last ones where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// At most this many: 1–200, 50 where it is missing.
    #[serde(default = "History::default_limit", deserialize_with = "limits::history")]
    pub limit: u16,
}

impl History {
    /// The most that may be asked for at once.
    pub const MAX_LIMIT: u16 = 200;

    /// The last messages of a conversation.
    pub const fn of(conversation: ConversationId) -> Self {
        Self {
            conversation,
            before: None,
            limit: Self::default_limit(),
        }
    }

    const fn default_limit() -> u16 {
        50
    }
}

/// The fields of `conversations`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversations {
    /// At most this many: 1–1,000, which is also the default.
    #[serde(
        default = "Conversations::default_limit",
        deserialize_with = "limits::members"
    )]
    pub limit: u16,
}

impl Conversations {
    const fn default_limit() -> u16 {
        1_000
    }
}

impl Default for Conversations {
    fn default() -> Self {
        Self {
            limit: Self::default_limit(),
        }
    }
}

/// The fields of `add_friend`: on the wire exactly one of `user` (an id) and `name`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "AddFriendFields", into = "AddFriendFields")]
pub struct AddFriend(pub UserSelector);

#[derive(Clone, Serialize, Deserialize)]
struct AddFriendFields {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<UserName>,
}

impl TryFrom<AddFriendFields> for AddFriend {
    type Error = &'static str;

    fn try_from(fields: AddFriendFields) -> Result<Self, Self::Error> {
        match select(fields.user, fields.name) {
            Selected::One(user) => Ok(Self(user)),
            Selected::None => Err("`user` or `name` is missing"),
            Selected::Both => Err("give one of `user` and `name`, not both"),
        }
    }
}

impl From<AddFriend> for AddFriendFields {
    fn from(AddFriend(user): AddFriend) -> Self {
        match user {
            UserSelector::Id(id) => Self {
                user: Some(id),
                name: None,
            },
            UserSelector::Name(name) => Self {
                user: None,
                name: Some(name),
            },
        }
    }
}

/// The fields of `remove_friend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveFriend {
    /// Which friend.
    pub user: UserId,
}

/// The fields of `create_group`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// The name to take.
    pub name: GroupName,
    /// What the group is for; empty where it is missing.
    #[serde(default, deserialize_with = "null_as_default")]
    pub description: Description,
}

/// The fields of `join_group` and `leave_group`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRequest {
    /// Which group.
    pub group: GroupId,
}

/// The fields of `members`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// Which group.
    pub group: GroupId,
    /// Only members with a higher id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
    /// At most this many: 1–1,000, 200 where it is missing.
    #[serde(default = "Members::default_limit", deserialize_with = "limits::members")]
    pub limit: u16,
}

impl Members {
    /// The first members of a group.
    pub const fn of(group: GroupId) -> Self {
        Self {
            group,
            after: None,
            limit: Self::default_limit(),
        }
    }

    const fn default_limit() -> u16 {
        200
    }
}

/// The fields of `find_user`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindUser {
    /// The name to look for.
    pub name: UserName,
}

fn null_as_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    input: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(input)?.unwrap_or_default())
}

/// Page sizes that refuse what is out of range.
mod limits {
    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn history<'de, D: Deserializer<'de>>(input: D) -> Result<u16, D::Error> {
        within(
            input,
            super::History::MAX_LIMIT.into(),
            super::History::default_limit(),
            "must be an integer from 1 to 200",
        )
    }

    pub(super) fn members<'de, D: Deserializer<'de>>(input: D) -> Result<u16, D::Error> {
        within(
            input,
            1_000,
            super::Members::default_limit(),
            "must be an integer from 1 to 1000",
        )
    }

    fn within<'de, D: Deserializer<'de>>(
        input: D,
        max: u64,
        default: u16,
        refusal: &str,
    ) -> Result<u16, D::Error> {
        let Some(value) = Option::<u64>::deserialize(input)? else {
            return Ok(default);
        };
        let value = Some(value).filter(|value| (1..=max).contains(value));
        value
            .and_then(|value| u16::try_from(value).ok())
            .ok_or_else(|| D::Error::custom(refusal))
    }
}
