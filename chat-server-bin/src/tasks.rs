//! The server's own tasks, none of which may end unseen.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Tasks that run until they are told to stop. Dropping it aborts them.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    running: JoinSet<()>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Tasks {
    /// What tells tasks to stop.
    pub(crate) const fn stop_token(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task, which ends soon after the stop token is cancelled and not before.
    pub(crate) fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let id = self.running.spawn(work).id();
        self.names.insert(id, name);
    }

    /// Waits until a task has ended by itself, which is a defect, and answers its name. Cancel safe.
    pub(crate) async fn failed(&mut self) -> &'static str {
        match self.running.join_next_with_id().await {
            Some(ended) => self.name_of(&ended),
            None => std::future::pending().await,
        }
    }

    /// Stops all tasks and waits for their end.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next_with_id().await {
            if ended.is_err() {
                let task = self.name_of(&ended);
                tracing::error!(task, "a task of the server has failed");
            }
        }
    }

    fn name_of(&self, ended: &Result<(Id, ()), JoinError>) -> &'static str {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        self.names.get(&id).copied().unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_by_itself_is_named() {
        let mut tasks = Tasks::default();
        let stop = tasks.stop_token().clone();
        tasks.spawn("steady", stop.cancelled_owned());
        tasks.spawn("faulty", async { panic!("a defect") });
        assert_eq!(tasks.failed().await, "faulty");
        tasks.stop().await;
    }
}
