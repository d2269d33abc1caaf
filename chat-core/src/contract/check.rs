//! Assertions that answer a readable failure.

use std::error::Error;
use std::fmt::{self, Debug};
use std::panic::Location;

/// Why a case failed, and on which line of the contract.
pub struct Failure(String);

/// What a case answers.
pub(super) type Verdict = Result<(), Failure>;

impl Failure {
    #[track_caller]
    pub(super) fn new(what: impl fmt::Display) -> Self {
        Self(format!("{what}\n    at {}", Location::caller()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: Error + 'static> From<E> for Failure {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::new(crate::error::chain(&error))
    }
}

/// Fails unless both are equal.
#[expect(
    clippy::needless_pass_by_value,
    reason = "callers compare what a call answered, without a name"
)]
#[track_caller]
pub(super) fn equal<A, E>(what: &str, actual: A, expected: E) -> Verdict
where
    A: PartialEq<E> + Debug,
    E: Debug,
{
    if actual == expected {
        return Ok(());
    }
    Err(Failure::new(format_args!(
        "{what}\n    expected {expected:?}\n    but got  {actual:?}"
    )))
}

/// Fails unless the claim holds.
#[track_caller]
pub(super) fn holds(what: &str, claim: bool) -> Verdict {
    if claim { Ok(()) } else { Err(Failure::new(what)) }
}

/// The value, or a failure that says what is missing.
#[track_caller]
pub(super) fn present<T>(what: &str, value: Option<T>) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::new(format_args!("{what}: there is none")))
}
