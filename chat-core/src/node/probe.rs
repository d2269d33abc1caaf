//! Asks the store now and then whether it is there, so that this is known without anybody's request.

use std::sync::Arc;

use tokio::time::MissedTickBehavior;

use super::Node;
use super::gate::Access;
use super::gate::Probed;
use crate::types::{MAX_INTEGER, UserId};

/// Probes until the node stops.
pub(crate) async fn run(node: Arc<Node>) {
    let interval = node.limits.store_probe_interval;
    // The highest id there can be. A store that gives ids out from 1 has nobody of it.
    let (false, Ok(nobody)) = (interval.is_zero(), UserId::new(MAX_INTEGER)) else {
        return;
    };
    let mut tick = tokio::time::interval(interval);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_defect_told = false;
    while node.stop.run_until_cancelled(tick.tick()).await.is_some() {
        let Some(probed) = node.stop.run_until_cancelled(probe(&node, nobody)).await else {
            return;
        };
        match probed {
            // It answers, if wrongly. What users ask may well go on, and twice a second would be a flood.
            Probed::Defect(error) if !is_defect_told => {
                is_defect_told = true;
                node.store.record_defect(&error);
            }
            Probed::Defect(_) => {}
            Probed::Told => is_defect_told = false,
        }
    }
}

/// Reads, and where a write has failed also writes: nothing, since nobody has that id.
async fn probe(node: &Node, nobody: UserId) -> Probed {
    let users = &node.backends.stores.users;
    let timeout = node.limits.store_probe_timeout;
    let ids = [nobody];
    let read = node.store.probe(timeout, Access::Read, users.users(&ids)).await;
    if matches!(read, Probed::Defect(_)) || !node.store.awaits_write() {
        return read;
    }
    let write = users.set_states(&ids, false);
    node.store.probe(timeout, Access::Write, write).await
}
