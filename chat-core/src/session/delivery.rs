//! Delivery by cursor: what a session's reader gets next, in order, without gaps or repeats.
//!
//! A notice that carries the next message of its conversation is passed on at once. Everything
//! else (a hole, a full inbox, a new login, a bus that lost something) only says how far a
//! conversation has come, and the session reads the store from its own position, in bounded
//! pages, when its reader asks for more. Nothing is dropped and nothing queues without bound.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::inbox::{Origin, SessionNotice, SessionShared};
use super::reads::{self, Read};
use super::shared_event::{Delivered, SharedMessage};
use crate::node::Node;
use crate::ports::Position;
use crate::protocol::{Goodbye, MessageView};
use crate::types::{ConversationId, GroupId, Message, Seq};

/// The delivering side of a session. Owned by one task, polled by it.
pub(crate) struct Delivery {
    node: Arc<Node>,
    shared: Arc<SessionShared>,
    /// Handed out next; at most a page, or an inbox, of it.
    ready: VecDeque<Delivered>,
    /// Conversations that are behind and to be read, each once.
    behind: VecDeque<ConversationId>,
    /// The same as a set.
    queued: HashSet<ConversationId>,
    /// Conversations whose position has to be asked for again before they are read.
    recheck: HashSet<ConversationId>,
    /// Own messages that delivery has not passed yet.
    own_ahead: BTreeSet<(ConversationId, Seq)>,
    /// Conversations whose next message may turn out to be this session's own.
    undecided: Vec<ConversationId>,
    stage: Stage,
    reading: Option<BoxFuture<'static, Read>>,
    failures: u32,
    goodbye: Option<Goodbye>,
}

/// How far a session has come since its login.
enum Stage {
    /// What was stored before the login comes first.
    CatchUp(CatchUp),
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
    pub(crate) fn new(node: Arc<Node>, shared: Arc<SessionShared>) -> Self {
        Self {
            node,
            shared,
            ready: VecDeque::new(),
            behind: VecDeque::new(),
            queued: HashSet::new(),
            recheck: HashSet::new(),
            own_ahead: BTreeSet::new(),
            undecided: Vec::new(),
            stage: Stage::CatchUp(CatchUp::default()),
            reading: None,
            failures: 0,
            goodbye: None,
        }
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
                return Poll::Pending;
            };
            let Poll::Ready(read) = reading.poll_unpin(cx) else {
                return Poll::Pending;
            };
            self.reading = None;
            self.take_in(read);
        }
    }

    /// Why the session ended.
    pub(crate) const fn goodbye(&self) -> Option<&Goodbye> {
        self.goodbye.as_ref()
    }

    /// How many own messages delivery has still to pass.
    pub(crate) fn own_ahead(&self) -> usize {
        self.own_ahead.len()
    }

    // ---- what the node tells ----

    fn look_at_inbox(&mut self) {
        let inbox = self.shared.take();
        self.goodbye = self.goodbye.take().or(inbox.goodbye);
        for (conversation, seq) in inbox.own {
            self.own_stored(conversation, seq);
        }
        if inbox.settled {
            for conversation in std::mem::take(&mut self.undecided) {
                self.fall_behind(conversation);
            }
        }
        for group in inbox.memberships {
            self.recheck_group(group);
        }
        for notice in inbox.notices {
            match notice {
                SessionNotice::Message(message) => self.message_stored(message),
                SessionNotice::Event(frame) => self.event(Delivered::Event(frame)),
            }
        }
        for (conversation, seq) in inbox.heads {
            self.head_moved(conversation, seq);
        }
    }

    /// The fast path: the next message of its conversation goes out without a read.
    fn message_stored(&mut self, message: Arc<SharedMessage>) {
        let (conversation, seq) = (message.conversation, message.seq);
        self.begin_new_conversation(conversation, seq);
        if matches!(self.stage, Stage::Live) && self.is_next(conversation, seq) {
            self.ready.push_back(Delivered::Message(message));
            self.advance(conversation, seq);
        } else {
            self.head_moved(conversation, seq);
        }
    }

    fn own_stored(&mut self, conversation: ConversationId, seq: Seq) {
        self.begin_new_conversation(conversation, seq);
        if self.is_next(conversation, seq) {
            self.advance(conversation, seq);
        } else if !self.shared.positions().is_delivered(conversation, seq) {
            self.own_ahead.insert((conversation, seq));
            self.head_moved(conversation, seq);
        }
    }

    fn head_moved(&mut self, conversation: ConversationId, seq: Seq) {
        let mut positions = self.shared.positions();
        if let Some(track) = positions.get_mut(conversation) {
            track.head = track.head.max(seq);
            if track.delivered >= track.head {
                return;
            }
        }
        drop(positions);
        self.fall_behind(conversation);
    }

    fn event(&mut self, event: Delivered) {
        match &mut self.stage {
            Stage::Live => self.ready.push_back(event),
            Stage::CatchUp(catch_up) => {
                if catch_up.held.len() >= self.node.limits.session_notices {
                    catch_up.held.pop_front();
                }
                catch_up.held.push_back(event);
            }
        }
    }

    /// Takes back what of a group is not handed out yet, until it is known whether it still may be.
    fn recheck_group(&mut self, group: GroupId) {
        let conversation = ConversationId::group(group);
        let mut taken_back = BTreeSet::new();
        self.ready.retain(|ready| match ready {
            Delivered::Message(message) if message.conversation == conversation => {
                taken_back.insert(message.seq);
                false
            }
            _ => true,
        });
        if let (Some(&first), Some(track)) =
            (taken_back.first(), self.shared.positions().get_mut(conversation))
        {
            // What was passed among them without being handed out is this session's own.
            let mut seq = first;
            while seq <= track.delivered {
                if !taken_back.contains(&seq) {
                    self.own_ahead.insert((conversation, seq));
                }
                seq = seq.next();
            }
            track.delivered = first.previous();
        }
        self.recheck.insert(conversation);
        if self.queued.insert(conversation) {
            self.behind.push_back(conversation);
        }
    }

    // ---- positions ----

    /// The first message of a direct conversation says by itself where delivery starts.
    fn begin_new_conversation(&self, conversation: ConversationId, seq: Seq) {
        if seq == Seq::ZERO.next() && conversation.as_group().is_none() {
            let mut positions = self.shared.positions();
            if positions.get(conversation).is_none() {
                positions.learn(conversation, Seq::ZERO, Seq::ZERO);
            }
        }
    }

    fn is_next(&self, conversation: ConversationId, seq: Seq) -> bool {
        let track = self.shared.positions().get(conversation);
        !self.queued.contains(&conversation) && track.is_some_and(|track| track.delivered.next() == seq)
    }

    /// Moves delivery to `seq`, and on over own messages that follow it.
    fn advance(&mut self, conversation: ConversationId, seq: Seq) {
        let mut positions = self.shared.positions();
        let Some(track) = positions.get_mut(conversation) else {
            return;
        };
        track.delivered = seq;
        while self.own_ahead.remove(&(conversation, track.delivered.next())) {
            track.delivered = track.delivered.next();
        }
        track.head = track.head.max(track.delivered);
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

    // ---- reading the store ----

    fn start_reading(&mut self) {
        if self.reading.is_some() {
            return;
        }
        if let Some(conversation) = self.behind.pop_front() {
            self.queued.remove(&conversation);
            self.reading = self.read_conversation(conversation);
            return;
        }
        let Stage::CatchUp(catch_up) = &mut self.stage else {
            return;
        };
        if !catch_up.complete {
            self.reading = Some(reads::list(
                &self.node,
                &self.shared,
                catch_up.listed,
                self.failures,
            ));
        } else if catch_up.targets.is_empty() {
            let CatchUp { later, held, .. } = std::mem::take(catch_up);
            self.stage = Stage::Live;
            self.ready.push_back(Delivered::synced());
            self.ready.extend(held);
            later
                .into_iter()
                .for_each(|conversation| self.fall_behind(conversation));
        }
    }

    fn read_conversation(&mut self, conversation: ConversationId) -> Option<BoxFuture<'static, Read>> {
        let recheck = self.recheck.remove(&conversation);
        let track = self.shared.positions().get(conversation);
        match track {
            Some(track) if !recheck => Some(reads::page(
                &self.node,
                conversation,
                track.delivered,
                self.failures,
            )),
            _ => Some(reads::find(&self.node, &self.shared, conversation, self.failures)),
        }
    }

    fn take_in(&mut self, read: Read) {
        self.failures = if read.failed() {
            self.failures.saturating_add(1)
        } else {
            0
        };
        match read {
            Read::Listed(Ok(positions)) => self.listed(positions),
            Read::Listed(Err(_)) => {}
            Read::Found(conversation, Ok(position)) => self.found(conversation, position),
            Read::Found(conversation, Err(_)) => {
                self.recheck.insert(conversation);
                self.retry(conversation);
            }
            Read::Page(conversation, Ok(messages)) => self.page(conversation, messages),
            Read::Page(conversation, Err(_)) => self.retry(conversation),
        }
    }

    fn retry(&mut self, conversation: ConversationId) {
        if self.queued.insert(conversation) {
            self.behind.push_back(conversation);
        }
    }

    fn listed(&mut self, page: Vec<Position>) {
        let Stage::CatchUp(catch_up) = &mut self.stage else {
            return;
        };
        catch_up.complete = page.len() < self.node.limits.background_page;
        catch_up.listed = page.last().map(|position| position.conversation);
        let mut positions = self.shared.positions();
        for Position {
            conversation,
            last_seq,
            acked_seq,
        } in page
        {
            let has_news = last_seq > acked_seq;
            if has_news || positions.has_room() {
                positions.learn(conversation, acked_seq, last_seq);
            }
            if has_news {
                catch_up.targets.insert(conversation, last_seq);
                if self.queued.insert(conversation) {
                    self.behind.push_back(conversation);
                }
            }
        }
    }

    fn found(&mut self, conversation: ConversationId, position: Option<Position>) {
        let Some(Position {
            last_seq, acked_seq, ..
        }) = position
        else {
            return self.part_with(conversation);
        };
        let track = self.shared.positions().learn(conversation, acked_seq, last_seq);
        // Own messages that lie before the position were passed by it.
        self.own_ahead
            .retain(|&(other, seq)| other != conversation || seq > track.delivered);
        self.advance(conversation, track.delivered);
        self.after_read(conversation);
    }

    /// The user takes no part in a conversation any more: nothing of it is handed out from here on.
    fn part_with(&mut self, conversation: ConversationId) {
        if let Some(group) = conversation.as_group() {
            self.node.hub.unfollow(self.shared.id, group);
        }
        self.shared.positions().forget(conversation);
        self.own_ahead.retain(|&(other, _)| other != conversation);
        self.ready
            .retain(|ready| !matches!(ready, Delivered::Message(m) if m.conversation == conversation));
        if let Stage::CatchUp(catch_up) = &mut self.stage {
            catch_up.targets.remove(&conversation);
            catch_up.later.remove(&conversation);
        }
    }

    fn page(&mut self, conversation: ConversationId, messages: Vec<Message>) {
        if self.recheck.contains(&conversation) {
            // Read before a membership changed: it is read again, where it still may be.
            return;
        }
        if messages.is_empty() {
            // The store does not show yet what a notice told of: ask again, more and more slowly.
            self.failures = self.failures.saturating_add(1);
        }
        for message in messages {
            let Some(track) = self.shared.positions().get(conversation) else {
                return;
            };
            if message.seq <= track.delivered {
                continue;
            }
            if message.seq != track.delivered.next() {
                tracing::error!(%conversation, seq = %message.seq, "the store skipped a message");
                self.failures = self.failures.saturating_add(1);
                break;
            }
            match self.origin(&message) {
                Origin::Undecided => {
                    self.undecided.push(conversation);
                    return;
                }
                Origin::ThisSession => self.advance(conversation, message.seq),
                Origin::Elsewhere => self.hand_out(message),
            }
        }
        self.after_read(conversation);
    }

    fn origin(&self, message: &Message) -> Origin {
        if self.own_ahead.contains(&(message.conversation, message.seq)) {
            return Origin::ThisSession;
        }
        if message.from.id != self.shared.user.id {
            return Origin::Elsewhere;
        }
        self.shared.origin(message)
    }

    fn hand_out(&mut self, message: Message) {
        let (conversation, seq) = (message.conversation, message.seq);
        let Some(shared) = SharedMessage::new(MessageView::from(message)) else {
            return;
        };
        self.ready.push_back(Delivered::Message(shared));
        self.advance(conversation, seq);
    }

    /// Reads on where a conversation is still behind, and tells the catch-up how far it has come.
    fn after_read(&mut self, conversation: ConversationId) {
        let Some(track) = self.shared.positions().get(conversation) else {
            return;
        };
        if let Stage::CatchUp(catch_up) = &mut self.stage
            && catch_up
                .targets
                .get(&conversation)
                .is_some_and(|&target| target <= track.delivered)
        {
            catch_up.targets.remove(&conversation);
        }
        if track.delivered < track.head {
            self.fall_behind(conversation);
        }
    }
}
