//! The registry, and the guards of what is announced through it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::BackendError;
use chat_core::ports::{Announcement, Peer, Registry};
use chat_core::types::NodeId;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ZooKeeperOptions;
use super::client_task::ClientTasks;
use super::error::CallError;
use super::keeper::{Keeper, Known};
use super::tidings::Tidings;
use super::wanted::{Progress, Report, Wanted};

const CANNOT_ANNOUNCE: &str = "cannot announce a backend in ZooKeeper";
const CANNOT_WITHDRAW: &str = "cannot withdraw a backend from ZooKeeper";

/// [`Registry`] by ephemeral nodes in ZooKeeper.
///
/// Dropping it and all its announcements ends its session in the background, and [`close`](Self::close) waits for that.
pub struct ZooKeeperRegistry(Arc<Shared>);

/// What the registry and its announcements share with the task that keeps the session.
struct Shared {
    servers: String,
    call_timeout: Duration,
    wanted: Arc<watch::Sender<Wanted>>,
    report: watch::Receiver<Report>,
    known: watch::Receiver<Known>,
    away: watch::Receiver<bool>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl ZooKeeperRegistry {
    /// Makes a registry, which connects in the background, and again whenever it must.
    ///
    /// # Panics
    /// Outside of a tokio runtime with timers.
    pub fn new(options: ZooKeeperOptions) -> Self {
        let servers = options.connect_string();
        let (tell_away, away) = watch::channel(true);
        let (tell_known, known) = watch::channel(None);
        let (tell_report, report) = watch::channel(Report::default());
        let shared = Shared {
            call_timeout: options.call_timeout,
            wanted: Arc::default(),
            report,
            known,
            away,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            servers: servers.clone(),
        };
        let keeper = Keeper {
            options,
            announcer: NodeId::random(),
            wanted: Arc::clone(&shared.wanted),
            report: tell_report,
            known: tell_known,
            tidings: Tidings::new(servers, tell_away),
            stop: shared.stop.clone(),
            client_tasks: ClientTasks::default(),
        };
        shared.tasks.spawn(keeper.run());
        Self(Arc::new(shared))
    }

    /// Whether ZooKeeper cannot be asked now, so that the last known peers stay in use: true from the start until the peers
    /// were listed for the first time, and whenever the connection is lost or does not answer.
    pub fn away(&self) -> watch::Receiver<bool> {
        self.0.away.clone()
    }

    /// Ends the session, by which everything that is still announced is withdrawn, and waits until all tasks have ended.
    ///
    /// Where ZooKeeper does not answer, this takes the call's time-out, and the announcements go with their session.
    pub async fn close(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl fmt::Debug for ZooKeeperRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZooKeeperRegistry")
            .field("servers", &self.servers)
            .field("away", &*self.away.borrow())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Changes what is wanted; answers the revision that has it.
    fn want(&self, change: impl FnOnce(&mut Wanted) -> bool) -> u64 {
        let mut revision = 0;
        self.wanted.send_if_modified(|wanted| {
            let changed = change(wanted);
            revision = wanted.revision;
            changed
        });
        revision
    }

    /// Waits until ZooKeeper is as it was wanted at this revision. Cancel safe.
    async fn settled(&self, revision: u64, node: &NodeId) -> Result<(), CallError> {
        let mut report = self.report.clone();
        let settled = report.wait_for(|report| report.revision >= revision);
        match timeout(self.call_timeout, settled).await {
            Ok(Ok(report)) => report.refused.get(node).cloned().map_or(Ok(()), Err),
            Ok(Err(_)) => Err(CallError::Closed),
            Err(_) => Err(CallError::away(format!(
                "ZooKeeper at {} did not answer within {:?}",
                self.servers, self.call_timeout
            ))),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[async_trait]
impl Registry for ZooKeeperRegistry {
    /// Answers once everybody can learn of the peer, and waits for ZooKeeper no longer than the call's time-out: where that is
    /// not enough, nothing stays announced, and the caller tries again.
    async fn announce(&self, peer: &Peer) -> Result<Box<dyn Announcement>, BackendError> {
        let shared = Arc::clone(&self.0);
        let not_done = |why: CallError| BackendError::not_done(CANNOT_ANNOUNCE).because(why);
        if shared.stop.is_cancelled() {
            return Err(not_done(CallError::Closed));
        }
        let mut number = 0;
        let revision = shared.want(|wanted| {
            number = wanted.add(peer);
            true
        });
        // From here on, dropping it takes it back, also where this future is dropped.
        let announced = Announced {
            shared,
            node: peer.node.clone(),
            number,
        };
        match announced.shared.settled(revision, &peer.node).await {
            Ok(()) if announced.shared.stop.is_cancelled() => Err(not_done(CallError::Closed)),
            Ok(()) => {
                announced.shared.want(|wanted| {
                    wanted.forget_replaced(number, &peer.node);
                    false
                });
                Ok(Box::new(announced))
            }
            Err(why @ CallError::Refused { .. }) => Err(not_done(why)),
            Err(why) => {
                let progress = announced.shared.wanted.borrow().progress(number);
                Err(match progress {
                    Some(Progress::Waiting) => not_done(why),
                    _ => BackendError::unknown(CANNOT_ANNOUNCE).because(why),
                })
            }
        }
    }

    async fn changed(&self, known: &[Peer]) -> Result<Vec<Peer>, BackendError> {
        let mut peers = self.0.known.clone();
        let differs = |peers: &[Peer]| {
            let is_known = |peer| peers.binary_search(peer).is_ok();
            known.len() != peers.len() || !known.iter().all(is_known)
        };
        let changed = peers
            .wait_for(|peers| peers.as_deref().is_some_and(differs))
            .await
            .map_err(|_| BackendError::broken("the registry is gone").because(CallError::Closed))?;
        Ok(changed.as_deref().unwrap_or_default().to_vec())
    }
}

/// Keeps a peer announced.
struct Announced {
    shared: Arc<Shared>,
    node: NodeId,
    number: u64,
}

impl Announced {
    /// Takes it back; answers the revision that has it no more.
    fn forget(&self) -> u64 {
        self.shared.want(|wanted| wanted.remove(self.number))
    }
}

impl fmt::Debug for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Announced")
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Announcement for Announced {
    /// Waits for ZooKeeper no longer than the call's time-out. After a failure too the peer is not announced again, and goes as
    /// soon as ZooKeeper answers or with the session.
    async fn withdraw(&self) -> Result<(), BackendError> {
        let revision = self.forget();
        match self.shared.settled(revision, &self.node).await {
            Ok(()) => Ok(()),
            Err(why @ CallError::Refused { .. }) => Err(BackendError::not_done(CANNOT_WITHDRAW).because(why)),
            Err(why) => Err(BackendError::unknown(CANNOT_WITHDRAW).because(why)),
        }
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.forget();
    }
}
