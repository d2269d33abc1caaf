//! What a hook decides, and what becomes of a request without a decision.

use std::borrow::Cow;
use std::convert::Infallible;

use crate::error::{Error, ErrorCode};

/// What a hook decides about a request. `R` is what it may put in the place of what was asked; by default nothing.
#[derive(Debug)]
pub enum Decision<R = Infallible> {
    /// The request goes on.
    Allow,
    /// The request goes on with this.
    Rewrite(R),
    /// The request changes nothing and is answered with this error. Its text is shown to the user and ends after
    /// 1,024 bytes.
    Refuse(Error),
}

impl<R> Decision<R> {
    /// Refuses with an error code of the protocol and a text for the user.
    pub fn refuse(code: ErrorCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self::Refuse(Error::new(code, text))
    }
}

/// What becomes of a request whose hook failed, panicked or took too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnFailure {
    /// It is answered with `unavailable`, and a time after which to ask again.
    #[default]
    Refuse,
    /// It goes on as if it had been allowed.
    Pass,
}
