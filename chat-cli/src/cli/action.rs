//! What a user asks for, and how it becomes requests: the same for one command and interactively.

use chat_client::{ClientHandle, Connection, Error};
use chat_core::protocol::{
    AddFriend, Conversations, CreateGroup, FindUser, GroupRequest, History, Members, OutgoingMessage,
    Recipient, RemoveFriend, Reply, Request, UserSelector,
};
use chat_core::types::{ConversationId, Description, GroupId, GroupName, Seq, UserId};

use super::directory::Directory;
use super::failure::Failure;
use super::target::{GroupTarget, Target, UserTarget};

/// Something to ask of the server, with users and groups as people name them.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    History {
        of: Target,
        before: Option<Seq>,
        limit: u16,
    },
    Conversations {
        limit: u16,
    },
    Friends,
    AddFriend(UserTarget),
    RemoveFriend(UserTarget),
    Groups,
    CreateGroup {
        name: GroupName,
        description: Description,
    },
    Join(GroupTarget),
    Leave(GroupTarget),
    Members {
        group: GroupTarget,
        after: Option<UserId>,
        limit: u16,
    },
    Find(UserTarget),
}

impl Action {
    /// Whether asking twice does the same as asking once.
    pub(crate) const fn is_repeatable(&self) -> bool {
        !matches!(
            self,
            Self::CreateGroup { .. } | Self::RemoveFriend(_) | Self::Leave(_)
        )
    }
}

/// Something that makes requests.
pub(crate) trait Ask {
    async fn ask(&mut self, request: Request) -> Result<Reply, Error>;
}

impl Ask for Connection {
    async fn ask(&mut self, request: Request) -> Result<Reply, Error> {
        self.request(request).await
    }
}

impl Ask for ClientHandle {
    async fn ask(&mut self, request: Request) -> Result<Reply, Error> {
        self.request(request).await
    }
}

/// Asks the server, after looking up the names.
pub(crate) async fn perform(
    asker: &mut impl Ask,
    directory: &Directory,
    action: Action,
) -> Result<Reply, Failure> {
    let request = match action {
        Action::History { of, before, limit } => {
            let conversation = conversation(asker, directory, of).await?;
            Request::History(History {
                conversation,
                before,
                limit,
            })
        }
        Action::Conversations { limit } => Request::Conversations(Conversations { limit }),
        Action::Friends => Request::Friends,
        Action::AddFriend(user) => Request::AddFriend(AddFriend(match user {
            UserTarget::Id(id) => UserSelector::Id(id),
            UserTarget::Name(name) => UserSelector::Name(name),
        })),
        Action::RemoveFriend(user) => {
            let user = user_id(asker, directory, user).await?;
            Request::RemoveFriend(RemoveFriend { user })
        }
        Action::Groups => Request::Groups,
        Action::CreateGroup { name, description } => Request::CreateGroup(CreateGroup { name, description }),
        Action::Join(group) => Request::JoinGroup(GroupRequest {
            group: group_id(directory, group)?,
        }),
        Action::Leave(group) => Request::LeaveGroup(GroupRequest {
            group: group_id(directory, group)?,
        }),
        Action::Members { group, after, limit } => {
            let group = group_id(directory, group)?;
            Request::Members(Members { group, after, limit })
        }
        Action::Find(UserTarget::Name(name)) => Request::FindUser(FindUser { name }),
        Action::Find(UserTarget::Id(_)) => {
            return Err(Failure::Usage(
                "users are found by name; write @ before a name of digits".to_owned(),
            ));
        }
    };
    Ok(asker.ask(request).await?)
}

/// Sends a message by a single connection.
pub(crate) async fn send(asker: &mut impl Ask, message: OutgoingMessage) -> Result<Reply, Failure> {
    Ok(asker.ask(Request::Send(message)).await?)
}

/// Whom a message to this target is for.
pub(crate) async fn recipient(
    asker: &mut impl Ask,
    directory: &Directory,
    to: Target,
) -> Result<Recipient, Failure> {
    match to {
        Target::User(user) => user_id(asker, directory, user).await.map(Recipient::User),
        Target::Group(group) => group_id(directory, group).map(Recipient::Group),
        Target::Conversation(conversation) => directory.recipient(conversation).ok_or_else(|| {
            Failure::Usage(format!(
                "{conversation} is a conversation of others; name a user or a group"
            ))
        }),
    }
}

async fn conversation(
    asker: &mut impl Ask,
    directory: &Directory,
    of: Target,
) -> Result<ConversationId, Failure> {
    if let Target::Conversation(conversation) = of {
        return Ok(conversation);
    }
    let recipient = recipient(asker, directory, of).await?;
    Ok(recipient.conversation(directory.me.id))
}

async fn user_id(asker: &mut impl Ask, directory: &Directory, user: UserTarget) -> Result<UserId, Failure> {
    let name = match user {
        UserTarget::Id(id) => return Ok(id),
        UserTarget::Name(name) => name,
    };
    if let Some(id) = directory.user_named(&name) {
        return Ok(id);
    }
    match asker.ask(Request::FindUser(FindUser { name })).await? {
        Reply::UserFound { user } => Ok(user.id),
        _ => Err(anyhow::anyhow!("the server answered another question").into()),
    }
}

fn group_id(directory: &Directory, group: GroupTarget) -> Result<GroupId, Failure> {
    match group {
        GroupTarget::Id(id) => Ok(id),
        GroupTarget::Name(name) => directory.group_named(&name).ok_or_else(|| {
            Failure::Usage(format!(
                "#{name} is none of your groups; give the group's id, or see yours with `groups`"
            ))
        }),
    }
}
