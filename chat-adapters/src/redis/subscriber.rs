//! The task that keeps a subscription's channels subscribed, wherever they belong.

use std::collections::{HashMap, HashSet};
use std::mem::discriminant;
use std::sync::Arc;

use chat_core::types::NodeId;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Address;
use super::channels::Number;
use super::error::CallError;
use super::inbox::Inbox;
use super::meters::{FOREIGN, RECONNECTS};
use super::reader::Reader;
use super::receiver::{Receiver, SkipLog};
use super::servers::Servers;
use super::wishes::Wishes;
use crate::retry::Retry;

/// Keeps a subscription's channels subscribed. What cannot be is pending, and the subscription is
/// away meanwhile.
pub(super) struct Subscriber {
    node: NodeId,
    servers: Arc<Servers>,
    wishes: Arc<Wishes>,
    inbox: Arc<Inbox>,
    skip_log: Arc<SkipLog>,
    end: CancellationToken,
    /// One connection for each server that has channels.
    readers: HashMap<Address, Reader>,
    next_reader: u64,
    /// Resolves when a reader has ended.
    losses: JoinSet<(Address, u64)>,
    /// Where the channels are subscribed.
    placed: HashMap<Number, Address>,
    /// Channels that are wanted and not subscribed.
    pending: HashSet<Number>,
    /// Channels that are subscribed and not wanted.
    leaving: HashSet<Number>,
    /// The last call that was dealt with.
    version: u64,
    retry: Retry,
    retry_at: Option<Instant>,
    /// What is in the way, while something is pending.
    failure: Option<CallError>,
}

/// What came of subscribing channels on one server.
struct Placing {
    address: Address,
    /// A connection that was made for it.
    reader: Option<Reader>,
    subscribed: Vec<Number>,
    failure: Option<CallError>,
}

impl Subscriber {
    pub(super) fn new(
        node: NodeId,
        servers: Arc<Servers>,
        wishes: Arc<Wishes>,
        inbox: Arc<Inbox>,
        skip_log: Arc<SkipLog>,
        end: CancellationToken,
    ) -> Self {
        let options = &servers.connector.options;
        let retry = Retry::new(options.retry_min, options.retry_max);
        Self {
            node,
            servers,
            wishes,
            inbox,
            skip_log,
            end,
            readers: HashMap::new(),
            next_reader: 0,
            losses: JoinSet::new(),
            placed: HashMap::new(),
            pending: HashSet::new(),
            leaving: HashSet::new(),
            version: 0,
            retry,
            retry_at: None,
            failure: None,
        }
    }

    pub(super) async fn run(mut self) {
        let end = self.end.clone();
        // A step that is cut short leaves nothing that matters any more.
        while end.run_until_cancelled(self.step()).await.is_some() {}
        self.inbox.close();
    }

    /// Waits for something to do, and does it.
    async fn step(&mut self) {
        let retry_at = self.retry_at;
        // Cancel safe: a change leaves its permit, a loss stays in the set, and time goes by anyway.
        tokio::select! {
            () = self.wishes.changed.notified() => {}
            Some(Ok((address, id))) = self.losses.join_next() => self.lost(&address, id),
            () = sleep_until(retry_at.unwrap_or_else(Instant::now)), if retry_at.is_some() => {
                self.retry_at = None;
            }
        }
        self.take_changes();
        self.leave().await;
        if self.retry_at.is_none() && !self.pending.is_empty() {
            self.place().await;
        }
        self.report();
    }

    fn take_changes(&mut self) {
        let changes = self.wishes.take();
        self.version = changes.version;
        for channel in changes.wanted {
            self.leaving.remove(&channel);
            if !self.placed.contains_key(&channel) {
                self.pending.insert(channel);
            }
        }
        for channel in changes.unwanted {
            self.pending.remove(&channel);
            if self.placed.contains_key(&channel) {
                self.leaving.insert(channel);
            }
        }
    }

    /// A connection has ended: its channels are to be subscribed anew.
    fn lost(&mut self, address: &Address, id: u64) {
        let is_known = self.readers.get(address).is_some_and(|reader| reader.id == id);
        if !is_known || self.end.is_cancelled() {
            return;
        }
        self.readers.remove(address);
        let (pending, leaving) = (&mut self.pending, &mut self.leaving);
        let mut missed = false;
        self.placed.retain(|channel, place| {
            let stays = place != address;
            if !stays && !leaving.remove(channel) {
                missed |= pending.insert(*channel);
            }
            stays
        });
        if missed {
            self.failed(CallError::away(address.to_string(), "the connection was lost"));
        }
    }

    /// Not everything can be heard: waits before the next attempt.
    fn failed(&mut self, error: CallError) {
        let before = self.failure.as_ref().map(discriminant);
        if before != Some(discriminant(&error)) {
            tracing::warn!("the bus does not bring everything, receivers learn by pull: {error}");
        }
        if before.is_none() {
            self.inbox.lost();
        }
        self.failure = Some(error);
        self.retry_at
            .get_or_insert_with(|| Instant::now() + self.retry.next_delay());
    }

    /// Tells callers and the reader how things stand.
    fn report(&mut self) {
        if self.pending.is_empty() {
            self.retry_at = None;
            self.retry.works();
            let gap_due = self.wishes.take_gap_due();
            if self.failure.take().is_some() {
                RECONNECTS.count(&[]).increment(1);
                tracing::info!("the bus brings everything again");
                self.inbox.found();
            } else if gap_due {
                self.inbox.push_gap();
            }
        }
        self.wishes.report(self.version, self.failure.clone());
    }

    /// Subscribes what is pending, on all servers at once.
    async fn place(&mut self) {
        // After a failure the slots may be elsewhere.
        let slots = match self.failure {
            Some(_) => self.servers.refresh().await,
            None => self.servers.slots().await,
        };
        let slots = match slots {
            Ok(slots) => slots,
            Err(error) => return self.failed(error),
        };
        let mut failure = None;
        let mut groups: HashMap<&Address, Vec<Number>> = HashMap::new();
        for channel in &self.pending {
            match slots.owner(self.wishes.channels.slot(*channel)) {
                Some(owner) => groups.entry(owner).or_default().push(*channel),
                None => failure = Some(CallError::away("the cluster", "no server has this slot")),
            }
        }
        let placing = groups
            .into_iter()
            .zip(self.next_reader..)
            .map(|((address, channels), id)| self.place_on(address, channels, id));
        let placings = join_all(placing).await;
        self.next_reader += placings.len() as u64;
        for placing in placings {
            failure = placing.failure.clone().or(failure);
            self.placed(placing);
        }
        if let Some(error) = failure {
            self.failed(error);
        }
    }

    fn placed(&mut self, placing: Placing) {
        for channel in &placing.subscribed {
            self.pending.remove(channel);
            self.placed.insert(*channel, placing.address.clone());
        }
        if let Some(reader) = placing.reader {
            let (address, id, lost) = (placing.address.clone(), reader.id, reader.lost());
            self.losses.spawn(async move {
                lost.cancelled_owned().await;
                (address, id)
            });
            self.readers.insert(placing.address, reader);
        }
    }

    async fn place_on(&self, address: &Address, channels: Vec<Number>, id: u64) -> Placing {
        let mut placing = Placing {
            address: address.clone(),
            reader: None,
            subscribed: Vec::new(),
            failure: None,
        };
        if !self.readers.contains_key(address) {
            let receiver = Receiver::new(
                self.node.clone(),
                Arc::clone(&self.wishes),
                Arc::clone(&self.inbox),
                Arc::clone(&self.skip_log),
                self.end.child_token(),
            );
            match Reader::connect(&self.servers.connector, address, receiver, id).await {
                Ok(reader) => placing.reader = Some(reader),
                Err(error) => {
                    placing.failure = Some(error);
                    return placing;
                }
            }
        }
        if let Some(reader) = placing.reader.as_ref().or_else(|| self.readers.get(address)) {
            if placing.reader.is_some() && reader.finds_foreign(&self.wishes.channels).await {
                FOREIGN.count(&[]).increment(1);
                tracing::warn!(
                    "other nodes spread topics over another number of channels, so messages between them and this node \
                     come late: set `channels` in the URL of `bus` to the same on all nodes"
                );
            }
            placing.failure = reader
                .subscribe(&channels, &self.wishes.channels, &mut placing.subscribed)
                .await
                .err();
        }
        placing
    }

    /// Unsubscribes what is not wanted any more.
    async fn leave(&mut self) {
        let leaving = std::mem::take(&mut self.leaving);
        let mut groups: HashMap<Address, Vec<&str>> = HashMap::new();
        for channel in leaving {
            if let Some(address) = self.placed.remove(&channel) {
                let name = self.wishes.channels.name(channel);
                groups.entry(address).or_default().push(name);
            }
        }
        let leaving = groups.iter().filter_map(|(address, names)| {
            let reader = self.readers.get(address)?;
            Some(reader.unsubscribe(names))
        });
        join_all(leaving).await;
    }
}
