//! What calls do to the store, and so which are made again after a failure.

use chat_core::BackendErrorKind;

/// What making a call twice means.
///
/// A failed call is made again once, on another backend where there is one, within the one deadline of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It changes nothing, so it can be made again after any failure but a defect, and one that was not answered in
    /// time was *not done*.
    Read,
    /// A write that can be made again also where the first attempt may have happened.
    ///
    /// - Twice leaves behind what once does: what was appended is found by its id, positions move forward only, a
    ///   friendship or membership that is there already stays, and what is gone stays gone. `open_device` counts once
    ///   more, which skips a number. The answer is that of the second attempt, and may say *already* of what the first one
    ///   did; a message that the first one stored is answered as stored.
    /// - The first attempt must not be done later than the second, when the user may have undone it already. Its
    ///   backend does nothing once `chat-expires-at` is past, which is the deadline of the whole call: whoever is
    ///   stopped with a call in hand and goes on after that does not do it. What is left is a backend that stands still
    ///   for less than that, longer than the keepalive waits (so that the call was made again), and goes on
    ///   before the deadline; then a user must have undone the call within that rest.
    Repeatable,
    /// Messages are stored: the write of the hot path, as repeatable as the others are, and measured apart.
    Append,
    /// A write that answers something else the second time: whether a name was free cannot be told any more
    /// once the first attempt may have taken it. It is made again only where the first was not done.
    Once,
}

impl Class {
    /// What it does to the store, as the metrics have it.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Append => "append",
            Self::Repeatable | Self::Once => "write",
        }
    }

    /// Whether a call that failed like this can be made again.
    pub(super) const fn repeats(self, failure: BackendErrorKind) -> bool {
        match (self, failure) {
            (_, BackendErrorKind::NotDone) => true,
            (Self::Read | Self::Repeatable | Self::Append, BackendErrorKind::Unknown) => true,
            (Self::Once, BackendErrorKind::Unknown) | (_, BackendErrorKind::Broken) => false,
        }
    }

    /// What failed attempts, one after the other, say about the call.
    pub(super) const fn verdict(self, first: BackendErrorKind, last: BackendErrorKind) -> BackendErrorKind {
        match (self, first, last) {
            (Self::Read, _, BackendErrorKind::NotDone | BackendErrorKind::Unknown) => {
                BackendErrorKind::NotDone
            }
            // Whatever came after, the first attempt may have happened.
            (Self::Repeatable | Self::Append | Self::Once, BackendErrorKind::Unknown, _) => {
                BackendErrorKind::Unknown
            }
            (_, _, last) => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use BackendErrorKind::{Broken, NotDone, Unknown};

    use super::*;

    #[test]
    fn what_may_have_happened_is_repeated_where_that_is_safe() {
        let repeats = |class: Class| [NotDone, Unknown, Broken].map(|kind| class.repeats(kind));
        assert_eq!(repeats(Class::Read), [true, true, false]);
        assert_eq!(repeats(Class::Repeatable), [true, true, false]);
        assert_eq!(repeats(Class::Append), [true, true, false]);
        assert_eq!(repeats(Class::Once), [true, false, false]);
    }

    #[test]
    fn a_read_was_not_done_and_a_write_may_have_been_by_either_attempt() {
        assert_eq!(Class::Read.verdict(Unknown, Unknown), NotDone);
        assert_eq!(Class::Read.verdict(Unknown, Broken), Broken);
        assert_eq!(Class::Repeatable.verdict(Unknown, NotDone), Unknown);
        assert_eq!(Class::Repeatable.verdict(NotDone, Unknown), Unknown);
        assert_eq!(Class::Repeatable.verdict(NotDone, NotDone), NotDone);
        assert_eq!(Class::Repeatable.verdict(Unknown, Broken), Unknown);
        assert_eq!(Class::Append.verdict(Unknown, NotDone), Unknown);
        assert_eq!(Class::Once.verdict(NotDone, Broken), Broken);
        assert_eq!(Class::Once.verdict(NotDone, Unknown), Unknown);
    }
}
