//! Tasks of the node, none of which may end unseen.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio_util::task::TaskTracker;

use super::Node;
use crate::ports::Level;

/// Starts a task. Where it panics, the node has failed, and says so: without any one of its tasks
/// it would go on half working.
pub(crate) fn spawn(
    tasks: &TaskTracker,
    node: &Arc<Node>,
    name: &'static str,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let node = Arc::clone(node);
    tasks.spawn(async move {
        // Nothing that the task leaves behind is used again, so that it cannot be seen half changed.
        if AssertUnwindSafe(work).catch_unwind().await.is_err() {
            node.failed.cancel();
            node.journal
                .record(Level::Error, "task_failed", [("task", name.into())]);
        }
    });
}
