//! Whether the backend serves, for those who choose among backends.

use std::time::Duration;

use chat_core::Chat;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::tasks::Tasks;

/// The time between two looks at the node. Nodes hear of a change that much later.
const LOOK: Duration = Duration::from_millis(100);

/// Follows whether the node is ready.
pub(super) fn follow(chat: &Chat, tasks: &mut Tasks) -> watch::Receiver<bool> {
    let (tell, serving) = watch::channel(chat.readiness().is_ready());
    let (chat, stop) = (chat.clone(), tasks.stop_token().clone());
    tasks.spawn("health", async move {
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(look.tick()).await.is_some() {
            let is_ready = chat.readiness().is_ready();
            tell.send_if_modified(|serving| std::mem::replace(serving, is_ready) != is_ready);
        }
    });
    serving
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chat_core::NodeRole;
    use chat_core::faulty::{Fault, Faults, Faulty};
    use chat_core::memory::MemoryBackends;
    use chat_core::ports::Stores;
    use tokio::time::{Instant, timeout};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);
    /// Several looks, on a machine that is busy.
    const SOON: Duration = Duration::from_secs(2);

    #[tokio::test]
    async fn health_follows_the_node_soon() {
        let (shared, faults) = (MemoryBackends::default(), Faults::default());
        let mut backends = shared.backends();
        backends.stores = Stores::of(Arc::new(Faulty::new(Arc::clone(&shared.store), faults.clone())));
        let chat = Chat::builder(backends).role(NodeRole::Backend).start();
        let mut tasks = Tasks::default();
        let mut serving = follow(&chat, &mut tasks);
        assert!(*serving.borrow());

        faults.away(Faults::ANY, Fault::FailBefore);
        while chat.readiness().is_ready() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let gone = Instant::now();
        let told = timeout(LONG, serving.wait_for(|serving| !serving)).await.is_ok();
        assert!(told && gone.elapsed() < SOON);

        faults.clear();
        let told = timeout(LONG, serving.wait_for(|serving| *serving)).await.is_ok();
        assert!(told, "it is told of the return too");
        chat.drain(Duration::ZERO).await;
        let told = timeout(SOON, serving.wait_for(|serving| !serving)).await.is_ok();
        assert!(told, "it is told of the end");
        tasks.stop().await;
    }
}
