//! Delivery by cursor: what a session's reader gets next, in order, without gaps or repeats.
//!
//! A notice that carries the next message of its conversation is passed on at once. Everything
//! else (a hole, a full inbox, a new login, a bus that lost something) only says how far a
//! conversation has come, and the session reads the store from its own position, in bounded
//! pages, when its reader asks for more. Nothing is dropped and nothing queues without bound.

mod news;
mod reading;

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::inbox::SessionShared;
use super::positions::Track;
use super::reads::Read;
use super::shared_event::Delivered;
use crate::node::Node;
use crate::ports::Position;
use crate::protocol::Goodbye;
use crate::types::{ConversationId, Message, Seq};

/// Room for events that a live session keeps, so that one at a time costs no allocation.
const FEW: usize = 4;

/// The delivering side of a session. Owned by one task, polled by it.
pub(crate) struct Delivery {
    node: Arc<Node>,
    shared: Arc<SessionShared>,
    /// Handed out next; at most a page, or an inbox, of it.
    ready: VecDeque<Delivered>,
    /// Conversations that are behind and to be read, each once.
    behind: VecDeque<ConversationId>,
    /// The same as a set.
    queued: BTreeSet<ConversationId>,
    /// Conversations whose position has to be asked for again before they are read.
    recheck: BTreeSet<ConversationId>,
    /// Own messages that delivery has not passed yet.
    own_ahead: BTreeSet<(ConversationId, Seq)>,
    /// Conversations whose next message may turn out to be this session's own.
    undecided: Vec<ConversationId>,
    stage: Stage,
    reading: Option<BoxFuture<'static, Read>>,
    failures: u32,
    goodbye: Option<Box<Goodbye>>,
}

/// How far a session has come since its login.
enum Stage {
    /// What was stored before the login comes first. Boxed, because nearly all sessions are live.
    CatchUp(Box<CatchUp>),
    /// `synced` was handed out.
    Live,
}

/// What is left to do before `synced`.
#[derive(Default)]
struct CatchUp {
    /// The last conversation listed so far.
    listed: Option<ConversationId>,
    /// Whether all conversations were listed.
    complete: bool,
    /// Whether groups are listed before anything is read, so that messages of both kinds come with the same reads.
    groups_follow: bool,
    /// Up to where the conversations that are behind have to come.
    targets: HashMap<ConversationId, Seq>,
    /// Conversations that got messages since; they come after `synced`.
    later: HashSet<ConversationId>,
    /// Events that came since; at most `Limits::session_notices`.
    held: VecDeque<Delivered>,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Delivery")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

impl Delivery {
    /// Begins with the first page of the user's direct conversations, and the first of the messages that are new in
    /// them. Conversations of groups, where the user is in any, are listed after them.
    pub(crate) fn new(
        node: Arc<Node>,
        shared: Arc<SessionShared>,
        direct: Vec<Position>,
        messages: Vec<Message>,
        has_groups: bool,
    ) -> Self {
        let mut delivery = Self {
            node,
            shared,
            ready: VecDeque::new(),
            behind: VecDeque::new(),
            queued: BTreeSet::new(),
            recheck: BTreeSet::new(),
            own_ahead: BTreeSet::new(),
            undecided: Vec::new(),
            stage: Stage::CatchUp(Box::default()),
            reading: None,
            failures: 0,
            goodbye: None,
        };
        delivery.listed(direct, has_groups);
        delivery.first_messages(messages);
        delivery
    }

    /// What comes next; `None` when the session has ended, for which [`goodbye`](Self::goodbye)
    /// has the reason. Polling again after a drop of the caller loses nothing.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Delivered>> {
        for group in self.shared.take_memberships() {
            self.recheck_group(group);
        }
        loop {
            if let Some(delivered) = self.ready.pop_front() {
                return Poll::Ready(Some(delivered));
            }
            self.shared.register(cx.waker());
            self.look_at_inbox();
            if self.goodbye.is_some() {
                return Poll::Ready(None);
            }
            if self.ready.is_empty() {
                self.start_reading();
            }
            if !self.ready.is_empty() {
                continue;
            }
            let Some(reading) = &mut self.reading else {
                self.free_buffers();
                return Poll::Pending;
            };
            let Poll::Ready(read) = reading.poll_unpin(cx) else {
                return Poll::Pending;
            };
            self.reading = None;
            self.take_in(read);
        }
    }

    /// An idle session keeps no more memory than it needs, whatever its busiest moment took.
    fn free_buffers(&mut self) {
        if self.ready.capacity() > FEW {
            self.ready = VecDeque::new();
        }
        if self.behind.is_empty() && self.behind.capacity() > 0 {
            self.behind = VecDeque::new();
        }
    }

    /// Why the session ended.
    pub(crate) fn goodbye(&self) -> Option<&Goodbye> {
        self.goodbye.as_deref()
    }

    /// How many own messages delivery has still to pass.
    pub(crate) fn own_ahead(&self) -> usize {
        self.own_ahead.len()
    }

    /// The first message of a direct conversation says by itself where delivery starts.
    fn begin_new_conversation(&self, conversation: ConversationId, seq: Seq) {
        if seq == Seq::ZERO.next() && conversation.as_group().is_none() {
            let mut positions = self.shared.positions();
            if positions.get(conversation).is_none() {
                positions.learn(conversation, Seq::ZERO, Seq::ZERO);
            }
        }
    }

    /// Moves delivery to a message, and on over own messages that follow it, where it is the next one to be
    /// handed out. Answers whether it was.
    fn pass_next(&mut self, conversation: ConversationId, seq: Seq) -> bool {
        if !self.queued.is_empty() && self.queued.contains(&conversation) {
            return false;
        }
        let own_ahead = &mut self.own_ahead;
        let passed = self.shared.positions().update(conversation, |track| {
            let is_next = track.delivered.next() == seq;
            if is_next {
                pass(track, own_ahead, conversation, seq);
            }
            is_next
        });
        passed.unwrap_or(false)
    }

    /// Moves delivery to `seq`, and on over own messages that follow it.
    fn advance(&mut self, conversation: ConversationId, seq: Seq) {
        let own_ahead = &mut self.own_ahead;
        self.shared.positions().update(conversation, |track| {
            pass(track, own_ahead, conversation, seq);
        });
    }

    fn fall_behind(&mut self, conversation: ConversationId) {
        if let Stage::CatchUp(catch_up) = &mut self.stage
            && !catch_up.targets.contains_key(&conversation)
        {
            catch_up.later.insert(conversation);
        } else if self.queued.insert(conversation) {
            self.behind.push_back(conversation);
        }
    }
}

fn pass(
    track: &mut Track,
    own_ahead: &mut BTreeSet<(ConversationId, Seq)>,
    conversation: ConversationId,
    seq: Seq,
) {
    track.delivered = seq;
    while !own_ahead.is_empty() && own_ahead.remove(&(conversation, track.delivered.next())) {
        track.delivered = track.delivered.next();
    }
    track.head = track.head.max(track.delivered);
}
