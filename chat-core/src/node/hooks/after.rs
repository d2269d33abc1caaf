//! After a request: the hooks are told out of a bounded queue, by a task that nobody waits for.

use std::mem;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, timeout};

use super::{NoAnswer, NodeHooks, Untold, answer};
use crate::hooks::{Friendship, HookError, HookedRequest, UserLogin};
use crate::node::Node;
use crate::node::limit::Limit;
use crate::node::meters::{AfterOutcome, HookMeters};
use crate::protocol::{GroupView, MessageView};
use crate::types::User;

/// What hooks are told of.
#[derive(Debug)]
pub(crate) enum Happened {
    /// An account was made.
    Registered(User),
    /// A session began.
    LoggedIn(UserLogin),
    /// A message was stored.
    Sent(MessageView),
    /// Two users became friends.
    FriendAdded(Friendship),
    /// A user made a group.
    GroupCreated(User, GroupView),
    /// A user joined a group.
    GroupJoined(User, GroupView),
}

impl Happened {
    const fn request(&self) -> HookedRequest {
        match self {
            Self::Registered(_) => HookedRequest::Register,
            Self::LoggedIn(_) => HookedRequest::Login,
            Self::Sent(_) => HookedRequest::Send,
            Self::FriendAdded(_) => HookedRequest::AddFriend,
            Self::GroupCreated(..) => HookedRequest::CreateGroup,
            Self::GroupJoined(..) => HookedRequest::JoinGroup,
        }
    }
}

impl NodeHooks {
    /// Takes what is to be told; without room it is dropped, and counted.
    pub(super) fn add(&self, happened: Happened) {
        let dropped = match self.queue.try_send(happened) {
            Ok(()) => return,
            Err(TrySendError::Full(dropped)) => {
                self.limit_hits.hit(Limit::HookQueue);
                dropped
            }
            // The node has stopped.
            Err(TrySendError::Closed(dropped)) => dropped,
        };
        self.meters.dropped(dropped.request());
    }

    async fn tell(&self, happened: Happened) {
        let request = happened.request();
        let began_at = Instant::now();
        let unfinished = Unfinished {
            meters: &self.meters,
            request,
        };
        let outcome = match answer(self.after_timeout, self.call(&happened)).await {
            Ok(()) => AfterOutcome::Done,
            Err(why) => {
                self.unanswered("after", request, Limit::AfterHookTimeout, &why);
                match why {
                    NoAnswer::Failed(_) => AfterOutcome::Failed,
                    NoAnswer::TimedOut => AfterOutcome::TimedOut,
                }
            }
        };
        unfinished.ends();
        self.meters.told(request, outcome, began_at.elapsed());
    }

    async fn call(&self, happened: &Happened) -> Result<(), HookError> {
        let hooks = &self.hooks;
        match happened {
            Happened::Registered(user) => hooks.after_register(user).await,
            Happened::LoggedIn(login) => hooks.after_login(login).await,
            Happened::Sent(message) => hooks.after_send(message).await,
            Happened::FriendAdded(friendship) => hooks.after_add_friend(friendship).await,
            Happened::GroupCreated(creator, group) => hooks.after_create_group(creator, group).await,
            Happened::GroupJoined(member, group) => hooks.after_join_group(member, group).await,
        }
    }
}

/// A call that is under way. One that is given up counts as dropped, as do those that were never begun.
struct Unfinished<'a> {
    meters: &'a HookMeters,
    request: HookedRequest,
}

impl Unfinished<'_> {
    /// The call came to something, which is counted by itself.
    fn ends(self) {
        mem::forget(self);
    }
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        self.meters.dropped(self.request);
    }
}

/// Tells the hooks until the node stops, and then what is left, within the time of one call.
pub(crate) async fn run(node: Arc<Node>, mut untold: Untold) {
    let Some(hooks) = &node.hooks else { return };
    tell_all(
        hooks,
        node.limits.hooks_at_once,
        &mut untold,
        node.stop.cancelled(),
    )
    .await;
    untold.close();
    let rest = tell_all(
        hooks,
        node.limits.hooks_at_once,
        &mut untold,
        std::future::pending(),
    );
    // Those that were under way and are given up are lost, as is what still waits.
    if timeout(node.limits.after_hook_timeout, rest).await.is_err() {
        while let Ok(happened) = untold.try_recv() {
            hooks.meters.dropped(happened.request());
        }
    }
}

/// Tells what comes, until `ended` or the end of the queue, and waits for the calls that it has begun.
async fn tell_all(
    hooks: &NodeHooks,
    at_once: usize,
    untold: &mut Untold,
    ended: impl Future<Output = ()> + Send,
) {
    stream::poll_fn(|cx| untold.poll_recv(cx))
        .take_until(ended)
        .for_each_concurrent(at_once.max(1), |happened| hooks.tell(happened))
        .await;
}
