//! Before a request: its connection waits for the decision, and nobody else.

use std::net::IpAddr;

use tokio::time::Instant;

use super::{NoAnswer, NodeHooks, answer};
use crate::error::{Error, ErrorCode};
use crate::hooks::{
    Decision, Draft, Friendship, GroupDraft, HookError, HookedRequest, Joining, OnFailure, Registration,
    UserLogin,
};
use crate::node::limit::Limit;
use crate::node::meters::BeforeOutcome;
use crate::protocol::{CreateGroup, OutgoingMessage};
use crate::types::{GroupId, User, UserName};

/// The longest text with which a hook may refuse.
const REFUSAL_BYTES: usize = 1_024;

impl NodeHooks {
    pub(crate) async fn before_register(
        &self,
        name: &UserName,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let registration = Registration {
            name: name.clone(),
            address,
        };
        let call = async { self.hooks.before_register(&registration).await };
        self.decide(HookedRequest::Register, call).await.map(drop)
    }

    pub(crate) async fn before_login(&self, login: &UserLogin) -> Result<(), Error> {
        let call = async { self.hooks.before_login(login).await };
        self.decide(HookedRequest::Login, call).await.map(drop)
    }

    /// Answers the message as it is to be sent.
    pub(crate) async fn before_send(
        &self,
        sender: &User,
        message: OutgoingMessage,
    ) -> Result<OutgoingMessage, Error> {
        let draft = Draft {
            sender: sender.clone(),
            conversation: message.to.conversation(sender.id),
            message,
        };
        let call = async { self.hooks.before_send(&draft).await };
        let body = self.decide(HookedRequest::Send, call).await?;
        let mut message = draft.message;
        if let Some(body) = body {
            message.body = body;
        }
        Ok(message)
    }

    pub(crate) async fn before_add_friend(&self, user: &User, friend: &User) -> Result<(), Error> {
        let friendship = Friendship {
            user: user.clone(),
            friend: friend.clone(),
        };
        let call = async { self.hooks.before_add_friend(&friendship).await };
        self.decide(HookedRequest::AddFriend, call).await.map(drop)
    }

    pub(crate) async fn before_create_group(
        &self,
        creator: &User,
        request: &CreateGroup,
    ) -> Result<(), Error> {
        let group = GroupDraft {
            creator: creator.clone(),
            name: request.name.clone(),
            description: request.description.clone(),
        };
        let call = async { self.hooks.before_create_group(&group).await };
        self.decide(HookedRequest::CreateGroup, call).await.map(drop)
    }

    pub(crate) async fn before_join_group(&self, user: &User, group: GroupId) -> Result<(), Error> {
        let joining = Joining {
            user: user.clone(),
            group,
        };
        let call = async { self.hooks.before_join_group(&joining).await };
        self.decide(HookedRequest::JoinGroup, call).await.map(drop)
    }

    /// Waits for a decision; answers what takes the place of what was asked, where anything does.
    /// The call does nothing before it is awaited, so that a hook that panics does so under the eyes of [`answer`].
    async fn decide<R>(
        &self,
        request: HookedRequest,
        call: impl Future<Output = Result<Decision<R>, HookError>> + Send,
    ) -> Result<Option<R>, Error> {
        let began_at = Instant::now();
        let (outcome, result) = match answer(self.timeout, call).await {
            Ok(Decision::Allow) => (BeforeOutcome::Allowed, Ok(None)),
            Ok(Decision::Rewrite(replacement)) => (BeforeOutcome::Rewritten, Ok(Some(replacement))),
            Ok(Decision::Refuse(error)) => (BeforeOutcome::Refused, Err(error.cut(REFUSAL_BYTES))),
            Err(why) => {
                self.unanswered("before", request, Limit::HookTimeout, &why);
                let outcome = match why {
                    NoAnswer::Failed(_) => BeforeOutcome::Failed,
                    NoAnswer::TimedOut => BeforeOutcome::TimedOut,
                };
                (outcome, self.undecided(request).map(|()| None))
            }
        };
        self.meters.asked(request, outcome, began_at.elapsed());
        result
    }

    /// What becomes of a request without a decision.
    fn undecided(&self, request: HookedRequest) -> Result<(), Error> {
        match self.before.get(request as usize).map(|asking| asking.on_failure) {
            Some(OnFailure::Pass) => Ok(()),
            Some(OnFailure::Refuse) | None => {
                let message = "the service is not available; nothing was changed";
                Err(Error::new(ErrorCode::Unavailable, message).retry_after(self.retry_after))
            }
        }
    }
}
