//! The calls by name, and how each ends.

/// What a call does to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Append,
    Read,
    Write,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A call by its name in the port, and what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

macro_rules! calls {
    ($($constant:ident = $name:literal, $kind:ident;)+) => {
        $(pub(super) const $constant: Call = Call { name: $name, kind: Kind::$kind };)+

        /// The names of all calls.
        pub(super) const NAMES: [&str; 31] = [$($name),+];
    };
}

calls! {
    CREATE_USER = "create_user", Write;
    CREDENTIALS = "credentials", Read;
    USERS = "users", Read;
    SET_STATES = "set_states", Write;
    ONLINE_STATES = "online_states", Read;
    ADD_FRIEND = "add_friend", Write;
    REMOVE_FRIEND = "remove_friend", Write;
    FRIENDS = "friends", Read;
    CREATE_GROUP = "create_group", Write;
    JOIN_GROUP = "join_group", Write;
    LEAVE_GROUP = "leave_group", Write;
    GROUP = "group", Read;
    MEMBERSHIP = "membership", Read;
    MEMBERSHIPS = "memberships", Read;
    MEMBERS = "members", Read;
    CHANGED_MEMBERSHIPS = "changed_memberships", Read;
    APPEND = "append", Append;
    READ_AFTER = "read_after", Read;
    READ_BEFORE = "read_before", Read;
    HEADS = "heads", Read;
    CHANGED_CONVERSATIONS = "changed_conversations", Read;
    OPEN_DEVICE = "open_device", Write;
    OPENED_DEVICES = "opened_devices", Read;
    POSITIONS = "positions", Read;
    POSITION = "position", Read;
    ADVANCE_CURSORS = "advance_cursors", Write;
    PUT_TOKEN = "put_token", Write;
    TOKEN = "token", Read;
    REVOKE_TOKEN = "revoke_token", Write;
    REVOKE_TOKENS = "revoke_tokens", Write;
    PURGE_TOKENS = "purge_tokens", Write;
}

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
