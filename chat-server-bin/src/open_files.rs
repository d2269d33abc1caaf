//! The limit of open files, which bounds how many connections there can be.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Descriptors that are no connections: the store's, the log's, the runtime's.
const KEPT_BACK: u64 = 64;

/// Raises the limit as far as the system allows. Answers how many of the `connections` that a setting asks for fit
/// in it.
pub(crate) fn make_room(connections: usize, setting: &str) -> usize {
    let Some(open_files) = raise() else {
        return connections;
    };
    let room = usize::try_from(open_files.saturating_sub(KEPT_BACK).max(1)).unwrap_or(usize::MAX);
    if connections > room {
        tracing::warn!(
            open_files,
            connections = room,
            "the limit of open files allows fewer connections than `{setting}`; raise it (ulimit -n, \
             LimitNOFILE) to have them all"
        );
    }
    connections.min(room)
}

/// The limit after raising it; `None` where the system does not say.
fn raise() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Some(hard),
        Err(_) => Some(soft),
    }
}
