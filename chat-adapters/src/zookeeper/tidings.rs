//! What the registry tells of itself: a flag, metrics, and a line when ZooKeeper goes and when it is back.

use tokio::sync::watch;
use tokio::time::Instant;

use super::error::CallError;
use super::meters::{AWAY, UNREADABLE};

const TARGET: &str = "chat_adapters::zookeeper";

#[derive(Debug)]
pub(super) struct Tidings {
    servers: String,
    away: watch::Sender<bool>,
    away_since: Option<Instant>,
    refuses: bool,
    unreadable_told: bool,
}

impl Tidings {
    pub(super) fn new(servers: String, away: watch::Sender<bool>) -> Self {
        AWAY.level(&[]).set(1.0);
        Self {
            servers,
            away,
            away_since: None,
            refuses: false,
            unreadable_told: false,
        }
    }

    /// ZooKeeper cannot be asked.
    pub(super) fn away(&mut self, why: &CallError) {
        self.away.send_replace(true);
        AWAY.level(&[]).set(1.0);
        if self.away_since.is_none() {
            self.away_since = Some(Instant::now());
            let servers = &self.servers;
            tracing::warn!(target: TARGET, "ZooKeeper at {servers} is away, the last known backends stay in use: {why}");
        }
    }

    /// It answers.
    pub(super) fn back(&mut self) {
        self.away.send_replace(false);
        AWAY.level(&[]).set(0.0);
        if let Some(since) = self.away_since.take() {
            let (servers, seconds) = (&self.servers, since.elapsed().as_secs_f64());
            tracing::info!(target: TARGET, "ZooKeeper at {servers} is back after {seconds:.1} s");
        }
    }

    /// It refuses something that is tried again.
    pub(super) fn refused(&mut self, why: &CallError) {
        if !std::mem::replace(&mut self.refuses, true) {
            let servers = &self.servers;
            tracing::warn!(target: TARGET, "what is announced in ZooKeeper at {servers} is not as it should be: {why}");
        }
    }

    /// Everything is there as it was announced.
    pub(super) fn settled(&mut self) {
        if std::mem::replace(&mut self.refuses, false) {
            let servers = &self.servers;
            tracing::info!(target: TARGET, "what is announced in ZooKeeper at {servers} is as it should be again");
        }
    }

    /// So many entries were passed over.
    pub(super) fn unreadable(&mut self, entries: usize) {
        UNREADABLE.level(&[]).set(entries as f64);
        if entries > 0 && !std::mem::replace(&mut self.unreadable_told, true) {
            let servers = &self.servers;
            tracing::warn!(
                target: TARGET,
                "{entries} entries in ZooKeeper at {servers} are no announcements that this version can read; \
                 they are passed over, and further ones will be without a word"
            );
        }
    }
}
