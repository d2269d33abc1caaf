//! What a writer has sent, or will send again, and has no answer to.

use chat_core::types::{ConversationId, MessageId};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A send without an answer.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: MessageId,
    pub(super) to: Value,
    pub(super) conversation: ConversationId,
    /// When it may go out next.
    due: Instant,
    /// When it went out on the session that goes on.
    sent_at: Option<Instant>,
}

impl Pending {
    pub(super) fn new(id: MessageId, to: Value, conversation: ConversationId) -> Self {
        Self {
            id,
            to,
            conversation,
            due: Instant::now(),
            sent_at: None,
        }
    }

    pub(super) fn request(&self) -> Value {
        let id = self.id.as_str();
        json!({"type": "send", "ref": id, "id": id, "to": self.to, "body": id})
    }
}

/// All of them, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Outbox(Vec<Pending>);

impl Outbox {
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn add(&mut self, pending: Pending) {
        self.0.push(pending);
    }

    pub(super) fn waits_in(&self, conversation: ConversationId) -> bool {
        self.0.iter().any(|send| send.conversation == conversation)
    }

    /// Takes note that the next one that is due goes out now.
    pub(super) fn next(&mut self) -> Option<Pending> {
        let now = Instant::now();
        let next = self
            .0
            .iter_mut()
            .find(|send| send.sent_at.is_none() && send.due <= now)?;
        next.sent_at = Some(now);
        Some(next.clone())
    }

    /// How many are under way.
    pub(super) fn under_way(&self) -> usize {
        self.0.iter().filter(|send| send.sent_at.is_some()).count()
    }

    /// When the longest under way went out.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.0.iter().filter_map(|send| send.sent_at).min()
    }

    /// When the next may go out.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let resting = self.0.iter().filter(|send| send.sent_at.is_none());
        resting.map(|send| send.due).min()
    }

    /// Takes out what was answered, with the time at which it went out.
    pub(super) fn answered(&mut self, id: &Value) -> (Pending, Instant) {
        let place = self.place(id);
        let send = self.0.remove(place);
        let sent_at = send.sent_at.expect("what is answered went out");
        (send, sent_at)
    }

    /// Takes note that one can go out again at a time; answers it and when it went out.
    pub(super) fn failed(&mut self, id: &Value, due: Instant) -> (&Pending, Instant) {
        let place = self.place(id);
        let send = &mut self.0[place];
        let sent_at = send.sent_at.take().expect("what is answered went out");
        send.due = due;
        (send, sent_at)
    }

    /// The session has ended; answers how many had no answer.
    pub(super) fn cut_off(&mut self) -> usize {
        let waiting = self.0.iter_mut().filter_map(|send| send.sent_at.take());
        waiting.count()
    }

    fn place(&self, id: &Value) -> usize {
        let place = self.0.iter().position(|send| *id == send.id.as_str());
        place.unwrap_or_else(|| panic!("{id} answers no send"))
    }
}
