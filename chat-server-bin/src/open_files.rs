//! The limit of open files, which bounds how many connections there can be.

use chat_core::Limits;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are no connections: the store's, the log's, the runtime's.
const KEPT_BACK: u64 = 64;

/// Raises the limit as far as the system allows, and takes no more connections than fit in it.
pub(crate) fn make_room(mut limits: Limits) -> Limits {
    let Some(open_files) = raise() else {
        return limits;
    };
    let room = usize::try_from(open_files.saturating_sub(KEPT_BACK).max(1)).unwrap_or(usize::MAX);
    if limits.connections > room {
        tracing::warn!(
            open_files,
            connections = room,
            "the limit of open files allows fewer connections than `limits.connections`; raise it (ulimit -n, \
             LimitNOFILE) to have them all"
        );
        limits.connections = room;
    }
    limits
}

/// The limit after raising it; `None` where the system does not say.
fn raise() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Some(hard),
        Err(_) => Some(soft),
    }
}
