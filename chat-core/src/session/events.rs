//! What is delivered to a typed session.

use std::sync::Arc;

use super::accounts::Opened;
use super::delivery::Delivery;
use super::handle::SessionHandle;
use super::shared_event::Delivered;
use crate::protocol::{AckMode, Event, Goodbye, Welcome};
use crate::types::{ConversationId, Seq};

/// The events of a session, in order: first what was stored while the device was away, then
/// [`Event::Synced`], then everything as it happens.
#[derive(Debug)]
pub struct Events {
    session: SessionHandle,
    delivery: Delivery,
    ack: AckMode,
    /// Handed out last, and acknowledged with the next call where the server acknowledges.
    handed_out: Option<(ConversationId, Seq)>,
}

impl Events {
    pub(crate) const fn new(session: SessionHandle, delivery: Delivery, ack: AckMode) -> Self {
        Self {
            session,
            delivery,
            ack,
            handed_out: None,
        }
    }

    /// Waits for the next event; `None` when the session has ended, for which
    /// [`goodbye`](Self::goodbye) has the reason.
    ///
    /// With [`AckMode::Auto`] asking for the next event acknowledges the one before it. Cancel safe.
    pub async fn next(&mut self) -> Option<Event> {
        if let Some((conversation, seq)) = self.handed_out.take() {
            self.session.ack_known(conversation, seq);
        }
        loop {
            let delivered = std::future::poll_fn(|cx| self.delivery.poll_next(cx)).await?;
            if let Delivered::Message(message) = &delivered {
                self.session.node().meters.deliveries.add(1);
                if self.ack == AckMode::Auto {
                    self.handed_out = Some((message.conversation, message.seq));
                }
            }
            // Another node can only send what it read from its own types: what cannot be read
            // here is of a newer version, and not for this one.
            if let Some(event) = delivered.event() {
                return Some(event);
            }
        }
    }

    /// Why the session ended.
    pub fn goodbye(&self) -> Option<Goodbye> {
        self.session.goodbye()
    }
}

/// A session in an application: [`SessionHandle`] and [`Events`] together.
///
/// Every request of [`SessionHandle`] can be called on it directly.
#[derive(Debug)]
pub struct Session {
    handle: SessionHandle,
    events: Events,
    welcome: Welcome,
}

impl Session {
    pub(crate) fn new(opened: Opened, ack: AckMode) -> Self {
        let Opened {
            session: handle,
            delivery,
            welcome,
        } = opened;
        Self {
            events: Events::new(handle.clone(), delivery, ack),
            handle,
            welcome,
        }
    }

    /// What the session began with: the token for the next login, friends and groups.
    pub const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Waits for the next event; see [`Events::next`].
    pub async fn next_event(&mut self) -> Option<Event> {
        self.events.next().await
    }

    /// Parts the session into requests and events, for tasks of their own. It ends when both, and
    /// all clones of the handle, are dropped.
    pub fn split(self) -> (SessionHandle, Events) {
        (self.handle, self.events)
    }

    /// Ends the session and revokes its token.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached; the session has ended even so.
    pub async fn logout(self) -> Result<(), crate::error::Error> {
        let shared = Arc::clone(self.handle.shared());
        self.handle
            .node()
            .acks
            .settle(shared.user.id, &shared.device)
            .await;
        shared.ends("logged_out");
        self.handle.revoke_token().await
    }
}

impl std::ops::Deref for Session {
    type Target = SessionHandle;

    fn deref(&self) -> &SessionHandle {
        &self.handle
    }
}
