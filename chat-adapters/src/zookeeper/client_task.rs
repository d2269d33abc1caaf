//! The task in which the client of ZooKeeper drives a connection.

use std::future::{Future, poll_fn};
use std::pin::pin;

use spawns_core::{Spawn, Task, enter};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Owns the tasks that the client starts by itself and would leave to the runtime.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientTasks {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl ClientTasks {
    /// Runs something of the client; what it starts meanwhile is owned.
    pub(super) async fn own<F: Future>(&self, client: F) -> F::Output {
        let mut client = pin!(client);
        poll_fn(|context| {
            let _scope = enter(self);
            client.as_mut().poll(context)
        })
        .await
    }

    /// Stops all tasks, and waits until they have ended.
    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Spawn for ClientTasks {
    fn spawn(&self, task: Task) {
        let (stop, future) = (self.stop.clone(), Box::into_pin(task.future));
        self.tasks.spawn(async move {
            stop.run_until_cancelled(future).await;
        });
    }
}
