//! The task that keeps a session, and through it the announcements and what is known of others.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chat_core::ports::Peer;
use chat_core::types::NodeId;
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use zookeeper_client::{SessionState, StateWatcher};

use super::ZooKeeperOptions;
use super::client_task::ClientTasks;
use super::error::CallError;
use super::meters::{ANNOUNCEMENTS, PEERS};
use super::plan::{Plan, Step};
use super::session::{Listing, Session};
use super::tidings::Tidings;
use super::wanted::{Progress, Report, Wanted};
use crate::retry::Retry;

/// How often the announcements are compared with what is wanted before ZooKeeper is left alone for a while.
const ROUNDS: usize = 5;

/// The peers that are known, sorted; none before they were listed for the first time.
pub(super) type Known = Option<Arc<[Peer]>>;

pub(super) struct Keeper {
    pub(super) options: ZooKeeperOptions,
    /// Stands in the announcements of this registry.
    pub(super) announcer: NodeId,
    pub(super) wanted: Arc<watch::Sender<Wanted>>,
    pub(super) report: watch::Sender<Report>,
    pub(super) known: watch::Sender<Known>,
    pub(super) tidings: Tidings,
    pub(super) stop: CancellationToken,
    pub(super) client_tasks: ClientTasks,
}

impl Keeper {
    /// Keeps sessions, one after another, until it is stopped; ends the last one in order.
    pub(super) async fn run(mut self) {
        let mut retry = Retry::new(self.options.retry_min, self.options.retry_max);
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let connecting = Session::connect(&self.options, &self.client_tasks);
            match stop.run_until_cancelled(connecting).await {
                None => break,
                Some(Err(error)) => self.tidings.away(&error),
                Some(Ok(session)) => self.serve_session(session, &mut retry).await,
            }
            stop.run_until_cancelled(sleep(retry.next_delay())).await;
        }
        self.client_tasks.end().await;
    }

    /// Serves a session until it is over, or until the registry stops.
    async fn serve_session(&mut self, session: Session, retry: &mut Retry) {
        let (stop, states) = (self.stop.clone(), session.states());
        // The client panics where its own task has failed; another session is as good then.
        let serving = AssertUnwindSafe(self.serve(session, retry)).catch_unwind();
        let ended = stop.run_until_cancelled(serving).await;
        ANNOUNCEMENTS.level(&[]).set(0.0);
        match ended {
            None => self.close_session(states).await,
            Some(over) => {
                let failed = |_| CallError::over("the client of ZooKeeper has failed");
                self.tidings.away(&over.unwrap_or_else(failed));
            }
        }
    }

    /// Waits until ZooKeeper has taken the end of the session, which began when its last handle was dropped.
    async fn close_session(&self, mut states: StateWatcher) {
        let mut state = states.state();
        if state == SessionState::Disconnected {
            return;
        }
        let closed = async {
            while !state.is_terminated() {
                state = states.changed().await;
            }
        };
        if timeout(self.options.call_timeout, closed).await.is_ok() {
            self.report.send_replace(Report {
                revision: u64::MAX,
                refused: BTreeMap::new(),
            });
        }
    }

    /// Brings everything to ZooKeeper and from there, again whenever something has changed. Answers why it ends.
    async fn serve(&mut self, mut session: Session, retry: &mut Retry) -> CallError {
        let mut wishes = self.wanted.subscribe();
        loop {
            wishes.mark_unchanged();
            let delay = match self.round(&mut session).await {
                Ok(settled) => {
                    self.tidings.back();
                    retry.works();
                    (!settled).then(|| retry.next_delay())
                }
                Err(error @ (CallError::Over { .. } | CallError::Closed)) => return error,
                Err(error) => {
                    self.tidings.away(&error);
                    Some(retry.next_delay())
                }
            };
            // Each branch only takes what has come.
            tokio::select! {
                news = session.news() => if let Err(over) = news {
                    return over;
                },
                _ = wishes.changed() => {}
                () = sleep(delay.unwrap_or_default()), if delay.is_some() => {}
            }
        }
    }

    /// Compares what is there with what is wanted, and changes it, until both are the same. Answers whether they are,
    /// but for what is refused.
    async fn round(&mut self, session: &mut Session) -> Result<bool, CallError> {
        session.catch_up().await?;
        let mut refused = BTreeMap::new();
        for _ in 0..ROUNDS {
            // What is wanted later is not seen as done, since what is listed may be older.
            let revision = self.wanted.borrow().revision;
            let listing = session.list().await?;
            self.publish(&listing);
            let plan = Plan::new(&self.wanted.borrow(), &listing, &self.announcer);
            self.note_registered(&plan);
            let mut is_done = true;
            for step in plan.steps {
                let node = step.node().clone();
                if refused.contains_key(&node) {
                    continue;
                }
                is_done = false;
                match self.take(session, step, &listing).await {
                    Ok(()) | Err(CallError::Raced) => {}
                    Err(error @ CallError::Refused { .. }) => drop(refused.insert(node, error)),
                    Err(error) => return Err(error),
                }
            }
            if is_done {
                return Ok(self.settle(revision, refused, plan.replaced));
            }
        }
        Ok(false)
    }

    async fn take(&self, session: &Session, step: Step, listing: &Listing) -> Result<(), CallError> {
        match step {
            Step::Register {
                number, name, entry, ..
            } => {
                // Whatever becomes of it, it may be in ZooKeeper from here on.
                self.note_progress(number, Progress::Sent);
                session.register(&name, &entry, listing.nodes.get(&name)).await?;
                self.note_progress(number, Progress::Registered);
                Ok(())
            }
            Step::Remove { name, .. } => match listing.nodes.get(&name) {
                Some(node) => session.remove(&name, node).await,
                None => Ok(()),
            },
        }
    }

    fn note_registered(&self, plan: &Plan) {
        ANNOUNCEMENTS.level(&[]).set(plan.registered.len() as f64);
        for number in &plan.registered {
            self.note_progress(*number, Progress::Registered);
        }
    }

    fn note_progress(&self, number: u64, progress: Progress) {
        self.wanted.send_if_modified(|wanted| {
            wanted.advance(number, progress);
            // Nothing that this task would have to do something about.
            false
        });
    }

    /// Tells those who wait that ZooKeeper is as they want it, or why not. Answers whether it is.
    fn settle(&mut self, revision: u64, refused: BTreeMap<NodeId, CallError>, replaced: bool) -> bool {
        let trouble = refused.values().next().cloned();
        let settled = trouble.is_none();
        match trouble.or(replaced.then_some(CallError::Replaced)) {
            Some(error) => self.tidings.refused(&error),
            None => self.tidings.settled(),
        }
        self.report.send_replace(Report { revision, refused });
        settled
    }

    fn publish(&mut self, listing: &Listing) {
        let nodes = listing.nodes.values();
        let peers = nodes.filter_map(|node| Some(node.entry.clone()?.into_peer()));
        let mut peers: Vec<_> = peers.collect();
        self.tidings
            .unreadable(listing.nodes.len() - peers.len() + listing.passed_over);
        peers.sort_unstable();
        PEERS.level(&[]).set(peers.len() as f64);
        self.known.send_if_modified(|known| {
            let is_new = known.as_deref() != Some(peers.as_slice());
            if is_new {
                *known = Some(peers.into());
            }
            is_new
        });
    }
}
