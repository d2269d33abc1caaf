//! Hooks: the application that embeds the chat decides about requests, and hears what came of them.
//!
//! A node that is given [`Hooks`] asks them *before* a request changes anything, and tells them *after* it has.
//! `docs/embedding.md` says what holds for them; without hooks a node does nothing of this.
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use chat_core::hooks::{Decision, Draft, HookError, Hooks};
//! use chat_core::protocol::{OutgoingMessage, Recipient};
//! use chat_core::types::Body;
//! use chat_core::{Chat, ErrorCode, SessionOptions, memory};
//!
//! #[derive(Debug)]
//! struct Quiet;
//!
//! #[async_trait]
//! impl Hooks for Quiet {
//!     async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
//!         if draft.message.body.as_str().contains('!') {
//!             return Ok(Decision::refuse(ErrorCode::Forbidden, "not so loud"));
//!         }
//!         Ok(Decision::Allow)
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let chat = Chat::builder(memory::backends()).hooks(Arc::new(Quiet)).start();
//! let alice = chat.ensure_user("alice".parse()?).await?;
//! let session = chat.session(alice.id, SessionOptions::default()).await?;
//! let loud = OutgoingMessage::text(Recipient::User(alice.id), "hello!")?;
//! assert_eq!(session.send(loud).await.unwrap_err().message(), "not so loud");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod decision;
mod error;
mod hooked;
mod subjects;

use std::fmt;

use async_trait::async_trait;

pub use self::decision::{Decision, OnFailure};
pub use self::error::HookError;
pub use self::hooked::HookedRequest;
pub use self::subjects::{Draft, Friendship, GroupDraft, Joining, Registration, UserLogin};
use crate::protocol::{GroupView, MessageView};
pub use crate::session::LoginMethod;
use crate::types::{Body, User};

/// What an application decides about requests, and does after them. Every method has a default, so that an
/// implementation has only those that it needs.
///
/// **Before** a request changes anything its hook is awaited, in the request's way and in nobody else's. It has
/// `Limits::hook_timeout`. Where it fails, panics or takes longer, [`on_failure`](Self::on_failure) says what
/// becomes of the request.
///
/// **After** a request has changed something its hook is called from a queue of the node's, in nobody's way: at
/// most `Limits::hooks_at_once` at the same time, each for at most `Limits::after_hook_timeout`. Beyond
/// `Limits::hook_queue` calls are dropped and counted, and what waits when a process dies is lost.
///
/// Hooks run on the node's runtime: what blocks a thread belongs on a thread of its own. No hook is given a
/// password or a token.
#[async_trait]
pub trait Hooks: fmt::Debug + Send + Sync + 'static {
    /// Whether the node asks before requests of a type. Where it does not ask before sends, a connection can
    /// have many of them under way at once. Called when the node starts, and not again.
    fn asks_before(&self, request: HookedRequest) -> bool {
        let _ = request;
        true
    }

    /// What becomes of a request whose hook gave no decision. Called when the node starts, and not again.
    fn on_failure(&self, request: HookedRequest) -> OnFailure {
        let _ = request;
        OnFailure::Refuse
    }

    /// Decides whether somebody may make an account, of a name that is free.
    async fn before_register(&self, registration: &Registration) -> Result<Decision, HookError> {
        let _ = registration;
        Ok(Decision::Allow)
    }

    /// Decides whether a user may begin a session, who has proved who they are.
    async fn before_login(&self, login: &UserLogin) -> Result<Decision, HookError> {
        let _ = login;
        Ok(Decision::Allow)
    }

    /// Decides about a message, whose text it may rewrite. Whether its sender may write there at all is known
    /// only later. A client that repeats a message makes the node ask again, and what was stored stays.
    async fn before_send(&self, draft: &Draft) -> Result<Decision<Body>, HookError> {
        let _ = draft;
        Ok(Decision::Allow)
    }

    /// Decides whether two users may become friends, also where they are.
    async fn before_add_friend(&self, friendship: &Friendship) -> Result<Decision, HookError> {
        let _ = friendship;
        Ok(Decision::Allow)
    }

    /// Decides whether a user may make a group.
    async fn before_create_group(&self, group: &GroupDraft) -> Result<Decision, HookError> {
        let _ = group;
        Ok(Decision::Allow)
    }

    /// Decides whether a user may become a member of a group, also where they are.
    async fn before_join_group(&self, joining: &Joining) -> Result<Decision, HookError> {
        let _ = joining;
        Ok(Decision::Allow)
    }

    /// An account was made, also by [`Chat::ensure_user`](crate::Chat::ensure_user), before which nobody is
    /// asked.
    async fn after_register(&self, user: &User) -> Result<(), HookError> {
        let _ = user;
        Ok(())
    }

    /// A session began.
    async fn after_login(&self, login: &UserLogin) -> Result<(), HookError> {
        let _ = login;
        Ok(())
    }

    /// A message was stored through this node, also of a [system user](crate::SystemUser), before which nobody is
    /// asked. Messages of one conversation come in the order of their `seq`,
    /// and are finished in that order only where `Limits::hooks_at_once` is 1.
    async fn after_send(&self, message: &MessageView) -> Result<(), HookError> {
        let _ = message;
        Ok(())
    }

    /// Two users became friends.
    async fn after_add_friend(&self, friendship: &Friendship) -> Result<(), HookError> {
        let _ = friendship;
        Ok(())
    }

    /// A user made a group.
    async fn after_create_group(&self, creator: &User, group: &GroupView) -> Result<(), HookError> {
        let _ = (creator, group);
        Ok(())
    }

    /// A user became a member of a group.
    async fn after_join_group(&self, member: &User, group: &GroupView) -> Result<(), HookError> {
        let _ = (member, group);
        Ok(())
    }
}
