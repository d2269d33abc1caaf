//! What a logged-in user can ask, apart from what is delivered to them.

use std::sync::Arc;

use tokio::time::Instant;

use super::inbox::SessionShared;
use crate::error::{Error, ErrorCode};
use crate::node::{Node, millis};
use crate::ports::Level;
use crate::protocol::Goodbye;
use crate::types::{Device, SessionId, TokenHash, User};

/// The asking side of a session: every request of the protocol as a method.
///
/// Cheap to clone and usable from many tasks. The session stays registered, and its user online,
/// until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct SessionHandle {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) node: Arc<Node>,
    pub(crate) shared: Arc<SessionShared>,
    /// The token that logged in, which a logout revokes.
    token: Option<TokenHash>,
    opened_at: Instant,
}

impl Inner {
    pub(crate) fn new(node: Arc<Node>, shared: Arc<SessionShared>, token: Option<TokenHash>) -> Self {
        let fields = [
            ("session", shared.id.get().into()),
            ("user", shared.user.id.get().into()),
        ];
        node.journal.record(Level::Info, "session_opened", fields);
        Self {
            node,
            shared,
            token,
            opened_at: Instant::now(),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.node.hub.unregister(self.shared.id);
        let fields = [
            ("session", self.shared.id.get().into()),
            ("user", self.shared.user.id.get().into()),
            ("reason", self.shared.end_reason().into()),
            ("duration_ms", millis(self.opened_at.elapsed())),
        ];
        self.node.journal.record(Level::Info, "session_closed", fields);
    }
}

impl SessionHandle {
    /// Whose session this is.
    pub fn user(&self) -> &User {
        &self.inner.shared.user
    }

    /// On which device.
    pub fn device(&self) -> &Device {
        &self.inner.shared.device
    }

    /// Its number on this node.
    pub fn id(&self) -> SessionId {
        self.inner.shared.id
    }

    /// Why the session ended, if it did.
    pub fn goodbye(&self) -> Option<Goodbye> {
        self.inner.shared.goodbye()
    }

    /// Revokes the token that logged in, so that it cannot log in again.
    ///
    /// # Errors
    /// `unavailable` where the store cannot be reached.
    pub async fn revoke_token(&self) -> Result<(), Error> {
        match self.inner.token {
            Some(token) => {
                let call = self.node().backends.stores.tokens.revoke_token(token);
                self.node().store.write(call).await
            }
            None => Ok(()),
        }
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.inner.node
    }

    pub(crate) fn shared(&self) -> &Arc<SessionShared> {
        &self.inner.shared
    }

    /// A replaced session must change nothing any more.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.goodbye() {
            Some(_) => Err(Error::new(ErrorCode::Unauthenticated, "this session has ended")),
            None => Ok(()),
        }
    }
}
