//! Requests and the calls that answer them: one line an arm.

use std::net::IpAddr;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::pending::Answered;
use crate::error::{Error, ErrorCode};
use crate::node::Node;
use crate::protocol::{Login, Register, Reply, Request};
use crate::session::{self, SessionHandle};

/// Answers a request of a connection that is not logged in.
pub(super) fn anonymous(
    node: &Arc<Node>,
    address: Option<IpAddr>,
    request: Request,
) -> BoxFuture<'static, Answered> {
    let node = Arc::clone(node);
    match request {
        Request::Register(register) => {
            async move { register_user(&node, address, register).await.into() }.boxed()
        }
        Request::Login(login) => log_in(node, address, login).boxed(),
        Request::Ping => ready(Ok(pong(&node))),
        _ => ready(Err(Error::new(ErrorCode::Unauthenticated, "log in first"))),
    }
}

/// Answers a request of a session that is no plain `ack`, and no `send` but where a hook is asked before it.
pub(super) fn logged_in(
    session: SessionHandle,
    address: Option<IpAddr>,
    request: Request,
) -> BoxFuture<'static, Answered> {
    match request {
        Request::Logout => log_out(session).boxed(),
        request => async move { answer(&session, address, request).await.into() }.boxed(),
    }
}

async fn answer(session: &SessionHandle, address: Option<IpAddr>, request: Request) -> Result<Reply, Error> {
    Ok(match request {
        Request::Register(register) => register_user(session.node(), address, register).await?,
        Request::Login(_) => {
            return Err(Error::new(
                ErrorCode::AlreadyLoggedIn,
                "this connection is logged in",
            ));
        }
        Request::Logout => Reply::LoggedOut,
        Request::Send(message) => Reply::Sent(session.send(message).await?),
        Request::Ack(ack) => session.ack(ack).await.map(|()| Reply::Acked)?,
        Request::History(history) => session.history(history).await?,
        Request::Conversations(conversations) => session.conversations(conversations).await?,
        Request::AddFriend(friend) => Reply::FriendAdded {
            user: session.add_friend(friend.0).await?,
        },
        Request::RemoveFriend(friend) => Reply::FriendRemoved {
            user: session.remove_friend(friend.user).await?,
        },
        Request::Friends => Reply::Friends {
            friends: session.friends().await?,
        },
        Request::CreateGroup(group) => Reply::GroupCreated {
            group: session.create_group(group).await?,
        },
        Request::JoinGroup(request) => Reply::GroupJoined {
            group: session.join_group(request.group).await?,
        },
        Request::LeaveGroup(request) => {
            session.leave_group(request.group).await?;
            Reply::GroupLeft { group: request.group }
        }
        Request::Groups => Reply::Groups {
            groups: session.groups().await?,
        },
        Request::Members(members) => session.members(members).await?,
        Request::FindUser(user) => Reply::UserFound {
            user: session.find_user(user.name).await?,
        },
        Request::Ping => pong(session.node()),
    })
}

async fn register_user(node: &Node, address: Option<IpAddr>, register: Register) -> Result<Reply, Error> {
    let Register { name, password } = register;
    let user = session::register(node, address, name, &password).await?;
    Ok(Reply::Registered { user })
}

async fn log_in(node: Arc<Node>, address: Option<IpAddr>, login: Login) -> Answered {
    match session::login(&node, address, login).await {
        Ok(opened) => Answered::LoggedIn(Box::new(opened)),
        Err(error) => Answered::Failed(error),
    }
}

async fn log_out(session: SessionHandle) -> Answered {
    session
        .node()
        .acks
        .settle(session.user().id, session.device())
        .await;
    match session.revoke_token().await {
        Ok(()) => Answered::LoggedOut,
        Err(error) => Answered::Failed(error),
    }
}

fn pong(node: &Node) -> Reply {
    Reply::Pong {
        at: node.backends.clock.now(),
    }
}

fn ready(result: Result<Reply, Error>) -> BoxFuture<'static, Answered> {
    std::future::ready(Answered::from(result)).boxed()
}
