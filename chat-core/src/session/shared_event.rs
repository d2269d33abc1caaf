//! Events on their way to sessions: encoded once a node, shared by all who get them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::protocol::{Event, MessageView, ServerFrame};
use crate::types::{ConversationId, Seq};

/// What a `message` mostly takes beside its text.
const ENVELOPE_BYTES: usize = 192;

/// A `message` event that all its receivers on a node share.
#[derive(Debug)]
pub(crate) struct SharedMessage {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    frame: Bytes,
    /// Decoded when the first typed session asks for it, and at most once.
    view: OnceLock<Option<MessageView>>,
}

impl SharedMessage {
    /// Encodes a message; `None` only where serde fails, which it does not for these types.
    pub(crate) fn new(view: MessageView) -> Option<Arc<Self>> {
        let (conversation, seq) = (view.conversation, view.seq);
        let text = view.body.as_str().len() + view.data.as_ref().map_or(0, |data| data.as_str().len());
        let mut frame = Vec::with_capacity(text + ENVELOPE_BYTES);
        let event = Event::Message(view);
        serde_json::to_writer(&mut frame, &event).ok()?;
        let frame = Bytes::from(frame);
        let Event::Message(view) = event else { return None };
        Some(Arc::new(Self {
            conversation,
            seq,
            frame,
            view: OnceLock::from(Some(view)),
        }))
    }

    /// Takes a message that another node encoded.
    pub(crate) const fn from_frame(conversation: ConversationId, seq: Seq, frame: Bytes) -> Self {
        Self {
            conversation,
            seq,
            frame,
            view: OnceLock::new(),
        }
    }

    /// The event as it goes to clients.
    pub(crate) fn frame(&self) -> Bytes {
        self.frame.clone()
    }

    /// The event as a value; `None` where another node sent something unreadable.
    pub(crate) fn view(&self) -> Option<&MessageView> {
        let decode = || match ServerFrame::decode(&self.frame) {
            Ok(ServerFrame::Event(Event::Message(view))) => Some(view),
            _ => None,
        };
        self.view.get_or_init(decode).as_ref()
    }
}

/// What a session hands out next.
#[derive(Clone, Debug)]
pub(crate) enum Delivered {
    /// The next message of its conversation.
    Message(Arc<SharedMessage>),
    /// Any other event, encoded.
    Event(Bytes),
}

impl Delivered {
    /// The `synced` event.
    pub(crate) const fn synced() -> Self {
        Self::Event(Bytes::from_static(br#"{"type":"synced"}"#))
    }

    /// The event as it goes to clients.
    pub(crate) fn frame(&self) -> Bytes {
        match self {
            Self::Message(message) => message.frame(),
            Self::Event(frame) => frame.clone(),
        }
    }

    /// The event as a value; `None` where another node sent something unreadable.
    pub(crate) fn event(&self) -> Option<Event> {
        match self {
            Self::Message(message) => message.view().cloned().map(Event::Message),
            Self::Event(frame) => match ServerFrame::decode(frame) {
                Ok(ServerFrame::Event(event)) => Some(event),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synced_is_the_event_of_that_name() {
        assert_eq!(Delivered::synced().event(), Some(Event::Synced));
    }
}
