//! What goes wrong in a hook.

use std::borrow::Cow;
use std::error::Error as StdError;

/// A hook could not do its work: no decision, which [`Decision::Refuse`](super::Decision::Refuse) is.
///
/// What it says, and everything underneath, is written into the event log: it must hold no password, token,
/// message text or name.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct HookError {
    what: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl HookError {
    /// Says what went wrong.
    pub fn new(what: impl Into<Cow<'static, str>>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }

    /// Adds the failure underneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }
}
