//! One connection: frames in, frames out, for any transport.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::Instant;

use super::asked::Asked;
use super::guard::Guard;
use super::pending::{Answered, Pending, PendingReplies};
use crate::error::{Error, ErrorCode, GoodbyeCode};
use crate::meters::catalogue::{CONNECTIONS_CLOSED, DISCONNECTED, GOODBYES};
use crate::node::{Control, Limit, Node};
use crate::protocol::{
    AckMode, BadFrame, ClientFrame, Event, FrameEncoder, Goodbye, Reference, Reply, RequestType, ServerFrame,
};
use crate::session::{Delivered, Delivery, Opened, SessionHandle};
use crate::types::{ConversationId, Seq};

/// Conversations for which room is kept where the server acknowledges, though nothing waits.
const FEW: usize = 3;

/// What a transport does with the frames it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write them, then ask again.
    Write,
    /// Write them, then close.
    Close,
}

/// One client's connection, whatever carries its frames. Owned by one task.
///
/// The transport passes whole frames to [`receive`](Self::receive) while
/// [`wants_frames`](Self::wants_frames), writes what [`next_frames`](Self::next_frames) gives, and
/// says [`written`](Self::written) when that is done. Dropping the connection ends its session.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use chat_core::{Chat, memory};
///
/// let chat = Chat::builder(memory::backends()).start();
/// let mut connection = chat.accept(None).expect("a fresh chat admits connections");
/// connection.receive(br#"{"type":"ping","ref":1}"#);
/// let mut frames = Vec::new();
/// connection.next_frames(&mut frames).await;
/// assert!(frames[0].starts_with(br#"{"type":"pong""#));
/// connection.written();
/// # });
/// ```
pub struct Connection {
    pub(super) node: Arc<Node>,
    pub(super) control: Arc<Control>,
    pub(super) guard: Guard,
    pub(super) state: State,
    pub(super) pending: PendingReplies,
    pub(super) ack: AckMode,
    /// Delivered with the frames that are being written, to be acknowledged when they are.
    unacknowledged: HashMap<ConversationId, Seq>,
    goodbye: Option<Goodbye>,
    input_ended: bool,
    encoder: FrameEncoder,
}

pub(super) enum State {
    Anonymous,
    LoggedIn {
        session: SessionHandle,
        delivery: Box<Delivery>,
    },
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("control", &self.control)
            .finish_non_exhaustive()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let goodbye = self.control.goodbye();
        let reason = goodbye.map_or(DISCONNECTED, |goodbye| goodbye.code.as_str());
        CONNECTIONS_CLOSED.count(&[reason]).increment(1);
        if let (State::LoggedIn { session, .. }, true) = (&self.state, reason != DISCONNECTED) {
            session.shared().ends(reason);
        }
        self.node.connections.remove(&self.control);
    }
}

impl Connection {
    pub(crate) fn new(node: Arc<Node>, control: Arc<Control>) -> Self {
        Self {
            guard: Guard::new(&node.limits),
            node,
            control,
            state: State::Anonymous,
            pending: PendingReplies::default(),
            ack: AckMode::Client,
            unacknowledged: HashMap::new(),
            goodbye: None,
            input_ended: false,
            encoder: FrameEncoder::default(),
        }
    }

    /// The longest frame that may be passed to [`receive`](Self::receive), in bytes.
    pub fn max_frame(&self) -> usize {
        self.node.limits.max_frame
    }

    /// A handle that tells a transport when it must close at once, also in the midst of a write.
    pub fn end(&self) -> ConnectionEnd {
        ConnectionEnd(Arc::clone(&self.control))
    }

    /// Whether another frame can be taken. While not, a transport does not read: that is how a
    /// client that asks for too much at once is slowed down. Changes only in
    /// [`receive`](Self::receive) and [`next_frames`](Self::next_frames).
    pub fn wants_frames(&self) -> bool {
        let own_ahead = match &self.state {
            State::Anonymous => 0,
            State::LoggedIn { delivery, .. } => delivery.own_ahead(),
        };
        !self.is_closing()
            && !self.pending.blocks()
            && self.pending.len() < self.node.limits.pipelined_sends
            && own_ahead < self.node.limits.session_own_messages
    }

    /// Takes one whole frame, without its line end. Call it only while
    /// [`wants_frames`](Self::wants_frames); a frame beyond that is taken all the same, but in
    /// memory.
    pub fn receive(&mut self, frame: &[u8]) {
        if self.is_closing() {
            return;
        }
        self.node.connections.heard(&self.control);
        if frame.len() > self.max_frame() {
            return self.frame_too_large();
        }
        let now = Instant::now();
        match ClientFrame::decode(frame) {
            Ok(ClientFrame { request, reference }) => {
                let asked = Asked::take(&self.node, RequestType::from(&request), self.session(), now);
                match self.charge(now) {
                    Ok(()) => self.take(request, reference, asked),
                    Err(error) => self.fail(reference, asked, &error),
                }
            }
            Err(BadFrame { reference, message }) => {
                let asked = Asked::take(&self.node, RequestType::Invalid, self.session(), now);
                let error = Error::new(ErrorCode::BadFrame, message);
                let error = self.charge(now).err().unwrap_or(error);
                self.fail(reference, asked, &error);
            }
        }
    }

    /// Says that the client sent a frame longer than [`max_frame`](Self::max_frame): it gets a
    /// `goodbye`, because nothing after such a frame can be understood.
    pub fn frame_too_large(&mut self) {
        self.node.limit_hits.hit(Limit::MaxFrame);
        self.close(Goodbye::new(GoodbyeCode::FrameTooLarge, None));
    }

    /// Says that the client will send nothing more. It still gets the replies to what it asked;
    /// after the last one [`next_frames`](Self::next_frames) says to close.
    pub const fn end_of_input(&mut self) {
        self.input_ended = true;
    }

    /// Waits for frames to be written, each without a line end, and appends them. Cancel safe.
    ///
    /// Gives at most `Limits::outbox_bytes` and one frame at once, so a slow reader's news waits in
    /// the store and not in memory.
    pub async fn next_frames(&mut self, frames: &mut Vec<Bytes>) -> Next {
        std::future::poll_fn(|cx| self.poll_frames(cx, frames)).await
    }

    /// The same as [`next_frames`](Self::next_frames) for a transport that polls.
    pub fn poll_frames(&mut self, cx: &mut Context<'_>, frames: &mut Vec<Bytes>) -> Poll<Next> {
        self.control.register(cx);
        let room = self.node.limits.outbox_bytes;
        let (mut size, mut now) = (0, None);
        if let State::LoggedIn { session, .. } = &self.state {
            session.shared().register(cx.waker());
            self.pending.take_outcomes(session);
        }
        while size < room
            && let Poll::Ready((reference, asked, answered)) = self.poll_reply(cx)
        {
            // Replies that are ready together are ready now.
            let now = *now.get_or_insert_with(Instant::now);
            size += self.answer(reference, asked, answered, now, frames);
        }
        self.goodbye = self.goodbye.take().or_else(|| self.control.goodbye());
        if self.goodbye.is_none() {
            self.deliver(cx, frames, room.saturating_sub(size));
        }
        if self.pending.is_empty()
            && let Some(goodbye) = &self.goodbye
        {
            GOODBYES.count(&[goodbye.code.as_str()]).increment(1);
            let frame = Event::Goodbye(goodbye.clone()).to_frame();
            self.push(frames, &frame);
            return Poll::Ready(Next::Close);
        }
        if self.pending.is_empty() && self.input_ended {
            return Poll::Ready(Next::Close);
        }
        if frames.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(Next::Write)
        }
    }

    /// Why the server closes the connection, once the `goodbye` was among the frames; `None` where
    /// the client has ended it.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use chat_core::{Chat, GoodbyeCode, Next, memory};
    ///
    /// let chat = Chat::builder(memory::backends()).start();
    /// let mut connection = chat.accept(None).expect("a fresh chat admits connections");
    /// connection.frame_too_large();
    /// let mut frames = Vec::new();
    /// assert_eq!(connection.next_frames(&mut frames).await, Next::Close);
    /// let goodbye = connection.goodbye().expect("the server closes");
    /// assert_eq!(goodbye.code, GoodbyeCode::FrameTooLarge);
    /// # });
    /// ```
    pub const fn goodbye(&self) -> Option<&Goodbye> {
        self.goodbye.as_ref()
    }

    /// Says that all frames given so far have been written to the client.
    pub fn written(&mut self) {
        if let State::LoggedIn { session, .. } = &self.state {
            for (conversation, seq) in self.unacknowledged.drain() {
                session.ack_known(conversation, seq);
            }
        }
        if self.unacknowledged.capacity() > FEW {
            self.unacknowledged = HashMap::new();
        }
        self.encoder.release();
    }

    /// Begins with a session of a user whom the host application has authenticated. The client
    /// gets a `welcome` without `token` as its first frame.
    pub(crate) fn begin(&mut self, opened: Opened, ack: AckMode) {
        self.ack = ack;
        let welcome = self.log_in(opened);
        self.pending.push(None, None, Pending::Known(welcome));
    }

    // ---- replies ----

    fn poll_reply(&mut self, cx: &mut Context<'_>) -> Poll<(Option<Reference>, Option<Asked>, Answered)> {
        let session = match &self.state {
            State::LoggedIn { session, .. } => Some(session),
            State::Anonymous => None,
        };
        self.pending.poll_next(cx, session)
    }

    /// Appends a reply, and takes in what it changes; answers its size in bytes.
    fn answer(
        &mut self,
        reference: Option<Reference>,
        asked: Option<Asked>,
        answered: Answered,
        now: Instant,
        frames: &mut Vec<Bytes>,
    ) -> usize {
        let reply = match answered {
            Answered::Reply(reply) => reply,
            Answered::LoggedIn(opened) => self.log_in(*opened),
            Answered::LoggedOut => {
                self.log_out();
                Reply::LoggedOut
            }
            Answered::Failed(error) => {
                self.control
                    .set_logged_in(matches!(self.state, State::LoggedIn { .. }));
                self.error_reply(reference.as_ref(), &error)
            }
        };
        if let Some(asked) = asked {
            asked.answered(&self.node, self.session(), Some(&reply), now);
        }
        // An acknowledgement that went well is answered only where an answer was asked for.
        if reference.is_none() && matches!(reply, Reply::Acked) {
            return 0;
        }
        self.push(frames, &reply.to_frame(reference))
    }

    /// Appends a frame; answers its size in bytes.
    fn push(&mut self, frames: &mut Vec<Bytes>, frame: &ServerFrame) -> usize {
        match self.encoder.encode(frame) {
            Ok(encoded) => {
                let size = encoded.len();
                frames.push(encoded);
                size
            }
            Err(error) => {
                tracing::error!(%error, "a frame could not be written as JSON");
                0
            }
        }
    }

    pub(super) const fn session(&self) -> Option<&SessionHandle> {
        match &self.state {
            State::LoggedIn { session, .. } => Some(session),
            State::Anonymous => None,
        }
    }

    fn log_in(&mut self, opened: Opened) -> Reply {
        let Opened {
            session,
            delivery,
            welcome,
        } = opened;
        self.control.set_logged_in(true);
        self.state = State::LoggedIn {
            session,
            delivery: Box::new(delivery),
        };
        Reply::Welcome(Box::new(welcome))
    }

    fn log_out(&mut self) {
        if let Some(session) = self.session() {
            session.shared().ends("logged_out");
        }
        self.state = State::Anonymous;
        self.unacknowledged.clear();
        self.control.log_out(&self.node.connections);
    }

    // ---- events ----

    fn deliver(&mut self, cx: &mut Context<'_>, frames: &mut Vec<Bytes>, room: usize) {
        let State::LoggedIn { delivery, .. } = &mut self.state else {
            return;
        };
        let (mut size, mut messages) = (0, 0);
        while size < room
            && let Poll::Ready(next) = delivery.poll_next(cx)
        {
            let Some(delivered) = next else {
                self.goodbye = delivery.goodbye().cloned();
                if let Some(goodbye) = &self.goodbye {
                    self.control.close(goodbye.clone());
                }
                break;
            };
            if let Delivered::Message(message) = &delivered {
                messages += 1;
                if self.ack == AckMode::Auto {
                    self.unacknowledged.insert(message.conversation, message.seq);
                }
            }
            let frame = delivered.frame();
            size += frame.len();
            frames.push(frame);
        }
        if messages > 0 {
            self.node.meters.deliveries.add(messages);
        }
    }

    pub(super) fn close(&self, goodbye: Goodbye) {
        self.control.close(goodbye);
    }

    fn is_closing(&self) -> bool {
        self.goodbye.is_some() || self.control.is_closing()
    }
}

/// Tells a transport when its connection must end at once.
#[derive(Clone, Debug)]
pub struct ConnectionEnd(Arc<Control>);

impl ConnectionEnd {
    /// Waits until the connection must be closed without further ado: its `goodbye` is overdue,
    /// because the client does not read. Cancel safe.
    pub async fn overdue(&self) {
        std::future::poll_fn(|cx| self.0.poll_killed(cx)).await;
    }
}
