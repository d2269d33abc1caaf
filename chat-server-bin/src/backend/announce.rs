//! The backend in the registry, from when it serves until it drains.

use std::sync::Arc;
use std::time::Duration;

use chat_core::chain;
use chat_core::ports::{Announcement, Peer, Registry};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::tasks::Tasks;

/// The pause after a first attempt that failed, and the longest one after many.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The time that a withdrawal may take. Where the registry is away it forgets the backend by itself.
const WITHDRAWAL: Duration = Duration::from_secs(2);

/// Keeps the backend known.
#[derive(Debug)]
pub(super) struct Announcer {
    withdraw: CancellationToken,
    withdrawn: CancellationToken,
}

impl Announcer {
    /// Makes the backend known as soon as it serves and the registry takes it.
    pub(super) fn start(
        registry: Arc<dyn Registry>,
        peer: Peer,
        serving: watch::Receiver<bool>,
        tasks: &mut Tasks,
    ) -> Self {
        let announcer = Self {
            withdraw: CancellationToken::new(),
            withdrawn: CancellationToken::new(),
        };
        let (withdraw, withdrawn) = (
            announcer.withdraw.clone(),
            announcer.withdrawn.clone().drop_guard(),
        );
        let stop = tasks.stop_token().clone();
        tasks.spawn("announcement", async move {
            keep(&*registry, &peer, serving, &withdraw, withdrawn).await;
            stop.cancelled().await;
        });
        announcer
    }

    /// Makes it unknown, if that is possible in time.
    pub(super) async fn withdraw(self) {
        self.withdraw.cancel();
        if timeout(WITHDRAWAL, self.withdrawn.cancelled()).await.is_err() {
            tracing::warn!(
                "the registry did not take the withdrawal in time; it forgets this backend by itself"
            );
        }
    }
}

/// Announces, and withdraws when it is told to. `withdrawn` is dropped then.
async fn keep(
    registry: &dyn Registry,
    peer: &Peer,
    mut serving: watch::Receiver<bool>,
    withdraw: &CancellationToken,
    withdrawn: DropGuard,
) {
    let announced = async {
        serving.wait_for(|serving| *serving).await.ok()?;
        Some(announce(registry, peer).await)
    };
    // An announcement that is given up half way ends with the registry's session.
    let announced = withdraw.run_until_cancelled(announced).await.flatten();
    withdraw.cancelled().await;
    if let Some(announcement) = announced
        && let Err(error) = announcement.withdraw().await
    {
        tracing::warn!(error = chain(&error), "the registry did not take the withdrawal");
    }
    drop(withdrawn);
}

/// Announces, however often it has to be tried.
async fn announce(registry: &dyn Registry, peer: &Peer) -> Box<dyn Announcement> {
    let mut pause = FIRST_PAUSE;
    loop {
        match registry.announce(peer).await {
            Ok(announcement) => {
                tracing::info!(address = peer.address, "nodes find this backend in the registry");
                return announcement;
            }
            Err(error) if pause == FIRST_PAUSE => {
                tracing::warn!(
                    error = chain(&error),
                    "cannot announce this backend yet, and tries again"
                );
            }
            Err(_) => {}
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use chat_core::faulty::{Fault, Faults, Faulty};
    use chat_core::memory::StaticRegistry;
    use chat_core::types::NodeId;
    use tokio::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn peer() -> Peer {
        Peer {
            node: NodeId::parse("backend-1").unwrap(),
            address: "127.0.0.1:6100".to_owned(),
        }
    }

    /// Waits until the registry knows these.
    async fn until_known(registry: &StaticRegistry, expected: &[Peer]) {
        let mut known = Vec::new();
        let wait = async {
            while known != expected {
                known = registry.changed(&known).await.unwrap();
            }
        };
        let waited = timeout(LONG, wait).await;
        waited.unwrap_or_else(|_| panic!("the registry never knows {expected:?}"));
    }

    /// A registry that fails on command, its inside, and the health that is followed.
    fn stage() -> (
        Arc<Faulty<StaticRegistry>>,
        Arc<StaticRegistry>,
        Faults,
        watch::Sender<bool>,
    ) {
        let (inner, faults) = (Arc::<StaticRegistry>::default(), Faults::default());
        let registry = Arc::new(Faulty::new(Arc::clone(&inner), faults.clone()));
        (registry, inner, faults, watch::channel(false).0)
    }

    /// Lets all tasks do what they can do now.
    async fn settle() {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_backend_is_known_from_when_it_serves_until_it_withdraws() {
        let (registry, inner, faults, serving) = stage();
        let mut tasks = Tasks::default();
        let announcer = Announcer::start(registry, peer(), serving.subscribe(), &mut tasks);
        settle().await;
        assert_eq!(faults.calls("announce"), 0, "it does not serve yet");
        serving.send_replace(true);
        until_known(&inner, &[peer()]).await;
        // That it does not serve is told by its health; it is a backend all the same.
        serving.send_replace(false);
        settle().await;
        until_known(&inner, &[peer()]).await;
        announcer.withdraw().await;
        let known = timeout(LONG, inner.changed(&[peer()])).await;
        assert_eq!(known.unwrap().unwrap(), []);
        tasks.stop().await;
    }

    #[tokio::test]
    async fn a_registry_that_is_away_is_asked_again_and_more_seldom_each_time_until_it_is_back() {
        let (registry, inner, faults, serving) = stage();
        let mut tasks = Tasks::default();
        faults.away("announce", Fault::FailBefore);
        serving.send_replace(true);
        let begun = Instant::now();
        let announcer = Announcer::start(registry, peer(), serving.subscribe(), &mut tasks);
        while faults.calls("announce") < 3 {
            assert!(begun.elapsed() < LONG);
            sleep(Duration::from_millis(1)).await;
        }
        assert!(begun.elapsed() >= FIRST_PAUSE * 3);
        faults.clear();
        until_known(&inner, &[peer()]).await;
        announcer.withdraw().await;
        tasks.stop().await;
    }

    #[tokio::test]
    async fn an_end_does_not_wait_for_an_announcement_that_is_under_way() {
        let (registry, _, faults, serving) = stage();
        let mut tasks = Tasks::default();
        faults.away("announce", Fault::Delay(LONG * 60));
        serving.send_replace(true);
        let announcer = Announcer::start(registry, peer(), serving.subscribe(), &mut tasks);
        while faults.calls("announce") == 0 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        announcer.withdraw().await;
        tasks.stop().await;
        assert!(begun.elapsed() < WITHDRAWAL);
    }
}
