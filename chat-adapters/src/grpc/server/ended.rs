//! How calls end.

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was answered, with whatever outcome.
    Answered,
    /// It failed, and nothing was changed.
    NotDone,
    /// It failed or was not over in time, and may have been done.
    MayHaveHappened,
    /// A defect, or a request that cannot be right.
    Broken,
    /// The caller went away before.
    Cancelled,
}

impl Ended {
    /// Every name, for the label of the metric.
    pub(super) const NAMES: &'static [&'static str] =
        &["answered", "not_done", "may_have_happened", "broken", "cancelled"];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::NotDone => "not_done",
            Self::MayHaveHappened => "may_have_happened",
            Self::Broken => "broken",
            Self::Cancelled => "cancelled",
        }
    }
}
