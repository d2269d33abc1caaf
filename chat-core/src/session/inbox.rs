//! What the rest of the node tells a session, bounded whatever the session's reader does.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use bytes::Bytes;
use futures_util::task::AtomicWaker;

use super::positions::Positions;
use super::shared_event::SharedMessage;
use crate::meters::catalogue::EVENTS_DROPPED;
use crate::node::{Limit, LimitHits, SendResult};
use crate::protocol::Goodbye;
use crate::types::{ConversationId, Device, GroupId, Message, MessageId, Seq, SessionId, User};

/// The part of a session that the node's other parts reach.
#[derive(Debug)]
pub(crate) struct SessionShared {
    pub(crate) id: SessionId,
    pub(crate) user: User,
    pub(crate) device: Device,
    /// Decides between two sessions of one device: the higher one stays.
    pub(crate) epoch: u64,
    capacity: usize,
    inbox: Mutex<Inbox>,
    positions: Mutex<Positions>,
    /// Whether the inbox holds memberships, so that looking costs nothing where it does not.
    memberships_changed: AtomicBool,
    waker: AtomicWaker,
    limit_hits: Arc<LimitHits>,
}

/// Everything that waits for a session to look at it.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Notices in the order they came, at most `Limits::session_notices`.
    pub(crate) notices: VecDeque<SessionNotice>,
    /// How far conversations have come of which notices found no room.
    pub(crate) heads: BTreeMap<ConversationId, Seq>,
    /// Own messages that were stored and are not to be delivered to this session.
    pub(crate) own: Vec<(ConversationId, Seq)>,
    /// Groups whose membership of this user has changed.
    pub(crate) memberships: BTreeSet<GroupId>,
    /// Sends whose outcome is not known yet, in the order begun. Bounded by `Limits::pipelined_sends`.
    sending: VecDeque<(ConversationId, MessageId)>,
    /// Outcomes of the connection's sends, by their numbers; bounded likewise. Without a result where the writer
    /// failed.
    outcomes: Vec<NumberedOutcome>,
    /// Whether somebody has yet to wake the session.
    to_be_woken: bool,
    /// Whether the outcome of any send became known.
    pub(crate) settled: bool,
    /// The session ends with this.
    pub(crate) goodbye: Option<Goodbye>,
    /// Why it ended, where that was not its goodbye.
    end_reason: Option<&'static str>,
}

/// What came of a connection's send, by the number that the connection gave it.
pub(crate) type NumberedOutcome = (u64, Option<SendResult>);

/// One thing told to a session.
#[derive(Debug)]
pub(crate) enum SessionNotice {
    /// A message was stored.
    Message(Arc<SharedMessage>),
    /// An event that is not a message, encoded.
    Event(Bytes),
}

/// Where a message of the session's own user was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On this very session: its `sent` stands for it.
    ThisSession,
    /// On another session of this user, or on an earlier one.
    Elsewhere,
    /// A send of the same id is under way here: only its outcome can tell.
    Undecided,
}

impl SessionShared {
    pub(crate) fn new(
        id: SessionId,
        user: User,
        device: Device,
        epoch: u64,
        capacity: usize,
        conversations: usize,
        limit_hits: Arc<LimitHits>,
    ) -> Self {
        Self {
            id,
            positions: Mutex::new(Positions::new(user.id, conversations)),
            user,
            device,
            epoch,
            capacity,
            inbox: Mutex::default(),
            memberships_changed: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            limit_hits,
        }
    }

    /// Tells of a message; without room, only how far its conversation has come. Answers whether the session
    /// has to be [woken](Self::wake), for which nobody has been asked yet.
    pub(crate) fn message(&self, message: &Arc<SharedMessage>) -> bool {
        let mut inbox = self.lock();
        if inbox.notices.len() < self.capacity {
            inbox
                .notices
                .push_back(SessionNotice::Message(Arc::clone(message)));
        } else {
            self.limit_hits.hit(Limit::SessionNotices);
            inbox.note_head(message.conversation, message.seq);
        }
        !std::mem::replace(&mut inbox.to_be_woken, true)
    }

    /// Tells how far a conversation has come, unless the session has delivered that much.
    pub(crate) fn head(&self, conversation: ConversationId, seq: Seq) {
        if self.positions().is_delivered(conversation, seq) {
            return;
        }
        let mut inbox = self.lock();
        inbox.note_head(conversation, seq);
        self.wake_after(inbox);
    }

    /// Tells an event that is not a message; without room the oldest such notice gives way.
    pub(crate) fn event(&self, frame: Bytes) {
        let mut inbox = self.lock();
        if inbox.notices.len() >= self.capacity {
            self.limit_hits.hit(Limit::SessionNotices);
            inbox.drop_oldest_event();
        }
        inbox.notices.push_back(SessionNotice::Event(frame));
        self.wake_after(inbox);
    }

    /// Tells that this user joined or left a group.
    pub(crate) fn membership_changed(&self, group: GroupId) {
        let mut inbox = self.lock();
        inbox.memberships.insert(group);
        self.memberships_changed.store(true, Ordering::Release);
        self.wake_after(inbox);
    }

    /// Remembers a send before it can be stored.
    pub(crate) fn send_begins(&self, conversation: ConversationId, id: MessageId) {
        self.lock().sending.push_back((conversation, id));
    }

    /// Settles a send: `own` is the number under which it was stored on behalf of this session, and `outcome` is
    /// for its connection. Answers whether the session has to be [woken](Self::wake), for which nobody has been
    /// asked yet.
    pub(crate) fn send_ends(
        &self,
        conversation: ConversationId,
        id: &MessageId,
        own: Option<Seq>,
        outcome: Option<NumberedOutcome>,
    ) -> bool {
        let mut inbox = self.lock();
        inbox.forget_sending(conversation, id);
        inbox.settled = true;
        inbox.own.extend(own.map(|seq| (conversation, seq)));
        inbox.outcomes.extend(outcome);
        !std::mem::replace(&mut inbox.to_be_woken, true)
    }

    /// Tells the connection that a send will have no outcome.
    pub(crate) fn gives_no_outcome(&self, number: u64) {
        let mut inbox = self.lock();
        inbox.outcomes.push((number, None));
        self.wake_after(inbox);
    }

    /// Takes the outcomes of the connection's sends.
    pub(crate) fn take_outcomes(&self) -> Vec<NumberedOutcome> {
        let mut inbox = self.lock();
        inbox.to_be_woken = false;
        std::mem::take(&mut inbox.outcomes)
    }

    /// What a message of this session's user is to this session.
    pub(crate) fn origin(&self, message: &Message) -> Origin {
        let inbox = self.lock();
        if inbox.is_sending(message.conversation, &message.id) {
            return Origin::Undecided;
        }
        if inbox.own.contains(&(message.conversation, message.seq)) {
            return Origin::ThisSession;
        }
        Origin::Elsewhere
    }

    /// Ends the session; the first reason counts.
    pub(crate) fn close(&self, goodbye: Goodbye) {
        let mut inbox = self.lock();
        inbox.goodbye.get_or_insert(goodbye);
        self.wake_after(inbox);
    }

    /// Why the session ends, if it does.
    pub(crate) fn goodbye(&self) -> Option<Goodbye> {
        self.lock().goodbye.clone()
    }

    /// Says why the session is about to end; the first reason counts.
    pub(crate) fn ends(&self, reason: &'static str) {
        self.lock().end_reason.get_or_insert(reason);
    }

    /// Why it ended, in a word for the event log.
    pub(crate) fn end_reason(&self) -> &'static str {
        let inbox = self.lock();
        let goodbye = inbox.goodbye.as_ref().map(|goodbye| goodbye.code.as_str());
        goodbye.or(inbox.end_reason).unwrap_or("disconnected")
    }

    /// Takes everything that waits.
    pub(crate) fn take(&self) -> Inbox {
        let mut inbox = self.lock();
        inbox.to_be_woken = false;
        Inbox {
            notices: std::mem::take(&mut inbox.notices),
            heads: std::mem::take(&mut inbox.heads),
            own: std::mem::take(&mut inbox.own),
            memberships: std::mem::take(&mut inbox.memberships),
            sending: VecDeque::new(),
            outcomes: Vec::new(),
            to_be_woken: false,
            settled: std::mem::take(&mut inbox.settled),
            goodbye: inbox.goodbye.clone(),
            end_reason: None,
        }
    }

    /// Takes only the groups whose membership has changed.
    pub(crate) fn take_memberships(&self) -> BTreeSet<GroupId> {
        if !self.memberships_changed.load(Ordering::Acquire) {
            return BTreeSet::new();
        }
        let mut inbox = self.lock();
        self.memberships_changed.store(false, Ordering::Release);
        std::mem::take(&mut inbox.memberships)
    }

    /// Wakes the session's task.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Whom to wake when something is told.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// How far this session has delivered and acknowledged.
    pub(crate) fn positions(&self) -> MutexGuard<'_, Positions> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_after(&self, inbox: MutexGuard<'_, Inbox>) {
        drop(inbox);
        self.waker.wake();
    }
}

impl Inbox {
    fn is_sending(&self, conversation: ConversationId, id: &MessageId) -> bool {
        self.sending
            .iter()
            .any(|(other, other_id)| *other == conversation && other_id == id)
    }

    /// Sends of one conversation end in the order begun, so that the first is mostly the one.
    fn forget_sending(&mut self, conversation: ConversationId, id: &MessageId) {
        let place = self
            .sending
            .iter()
            .position(|(other, other_id)| *other == conversation && other_id == id);
        if let Some(place) = place {
            self.sending.remove(place);
        }
    }

    fn note_head(&mut self, conversation: ConversationId, seq: Seq) {
        let head = self.heads.entry(conversation).or_default();
        *head = seq.max(*head);
    }

    fn drop_oldest_event(&mut self) {
        let oldest = self
            .notices
            .iter()
            .position(|notice| matches!(notice, SessionNotice::Event(_)));
        if let Some(oldest) = oldest.or(Some(0)) {
            if let Some(SessionNotice::Message(message)) = self.notices.remove(oldest) {
                self.note_head(message.conversation, message.seq);
            }
            EVENTS_DROPPED.count(&[]).increment(1);
        }
    }
}
