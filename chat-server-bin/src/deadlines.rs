//! How long calls may take: each adapter's own deadline lies within that of whoever waits for it, so that it answers
//! whether the call was done before that is given up.

use std::time::Duration;

use chat_core::NodeRole;

use crate::config::Settings;

/// An adapter's deadline for a call that the node waits for as long as `timeout`.
pub(crate) fn within(timeout: Duration) -> Duration {
    timeout * 9 / 10
}

/// The deadline of the store's adapter. That of a backend answers before the node's, which waits for it, gives up.
pub(crate) fn store_timeout(settings: &Settings, role: NodeRole) -> Duration {
    let of_node = within(settings.limits.store_timeout.into());
    match role {
        NodeRole::Backend => within(of_node),
        _ => of_node,
    }
}
