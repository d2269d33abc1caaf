//! One stream of the records of all sources, in the order of their times.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use chat_core::Clock;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::entry::Entry;
use super::feed::{self, Extent, Follow, Item};
use super::files::logs_in;
use super::reorder::Reorder;
use super::source::Source;
use crate::cli::Failure;

/// How often a folder is looked at for new logs.
const RESCAN: Duration = Duration::from_secs(1);

/// Reads all sources at once, each no faster than its records are taken.
///
/// What is there already is merged: the next record is the earliest of those that come next in each source. What comes
/// later waits for the window, so that a record of another source can take its place before it.
#[derive(Debug)]
pub(crate) struct Merge {
    tasks: JoinSet<()>,
    lanes: Vec<Lane>,
    reorder: Reorder,
    clock: Arc<dyn Clock>,
    extent: Extent,
    folders: Vec<PathBuf>,
    known: BTreeSet<PathBuf>,
    next_rescan: Instant,
    no_records: u64,
    failure: Option<Failure>,
}

/// One source.
#[derive(Debug)]
struct Lane {
    items: mpsc::Receiver<Item>,
    head: Option<Entry>,
    state: LaneState,
    /// Whether its records come about in the order of their times.
    is_in_order: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LaneState {
    /// There is more to read: the others wait for its next record.
    Behind,
    /// It had nothing more for a moment: the others do not wait for it.
    CaughtUp,
    Ended,
}

impl Merge {
    /// Starts reading.
    ///
    /// # Errors
    /// Where a folder cannot be read.
    pub(super) fn start(
        sources: Vec<Source>,
        extent: Extent,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let mut merge = Self::of(Vec::new(), extent, clock);
        for source in sources {
            match source {
                Source::Folder(folder) => merge.folders.push(folder),
                Source::File(path) => merge.add_file(path),
                Source::Input => merge.add(Source::Input),
                #[cfg(feature = "kafka")]
                Source::Kafka(topic) => merge.add(Source::Kafka(topic)),
            }
        }
        merge.scan_folders()?;
        Ok(merge)
    }

    fn of(receivers: Vec<mpsc::Receiver<Item>>, extent: Extent, clock: Arc<dyn Clock>) -> Self {
        Self {
            tasks: JoinSet::new(),
            lanes: receivers.into_iter().map(Lane::new).collect(),
            reorder: Reorder::new(extent.window),
            clock,
            extent,
            folders: Vec::new(),
            known: BTreeSet::new(),
            next_rescan: Instant::now() + RESCAN,
            no_records: 0,
            failure: None,
        }
    }

    fn add(&mut self, source: Source) {
        let is_in_order = source.is_in_order();
        let items = feed::start(&mut self.tasks, source, self.extent);
        self.lanes.push(Lane {
            is_in_order,
            ..Lane::new(items)
        });
    }

    fn add_file(&mut self, path: PathBuf) {
        if self.known.insert(path.clone()) {
            self.add(Source::File(path));
        }
    }

    fn scan_folders(&mut self) -> Result<(), Failure> {
        for folder in self.folders.clone() {
            let logs = logs_in(&folder).map_err(|error| {
                anyhow::Error::new(error).context(format!("cannot read {}", folder.display()))
            })?;
            for log in logs {
                self.add_file(log);
            }
        }
        Ok(())
    }

    /// The next record, where one can be given now.
    ///
    /// # Errors
    /// Where a source could not be read.
    pub(crate) fn take(&mut self) -> Result<Option<Entry>, Failure> {
        loop {
            if let Some(entry) = self.reorder.pop_ready() {
                return Ok(Some(entry));
            }
            self.fill_heads()?;
            let now = Instant::now();
            let Some(head) = self.first_head() else {
                self.reorder.expire(now, self.clock.now());
                return Ok(match self.reorder.pop_ready() {
                    None if self.has_ended() => self.reorder.pop(),
                    ready => ready,
                });
            };
            let at = head.record.at;
            self.reorder.push(head, now);
            if self.awaits_in_order() {
                self.reorder.raise(at.before(self.extent.window));
            }
        }
    }

    /// The next record, although others may come that belong before it.
    pub(crate) fn take_early(&mut self) -> Option<Entry> {
        self.reorder.pop()
    }

    /// Whether everything that was there when reading began has been read.
    pub(crate) fn is_caught_up(&self) -> bool {
        let is_behind = |lane: &Lane| lane.state == LaneState::Behind || lane.head.is_some();
        !self.lanes.iter().any(is_behind)
    }

    /// Whether all sources have ended.
    pub(crate) fn has_ended(&self) -> bool {
        let has_ended = |lane: &Lane| lane.state == LaneState::Ended && lane.head.is_none();
        self.lanes.iter().all(has_ended) && (self.folders.is_empty() || self.extent.follow == Follow::No)
    }

    /// How many lines were no records so far.
    pub(crate) const fn no_records(&self) -> u64 {
        self.no_records
    }

    /// Waits until [`take`](Self::take) may have something to give. Cancel-safe: what came stays in its lane.
    ///
    /// # Errors
    /// Where a folder can no longer be read.
    pub(crate) async fn wait(&mut self) -> Result<(), Failure> {
        let follows_folders = !self.folders.is_empty() && self.extent.follow == Follow::Yes;
        let (expiry, rescan) = (self.reorder.next_expiry(), self.next_rescan);
        let expires = async {
            match expiry {
                Some(expiry) => sleep_until(expiry).await,
                None => std::future::pending().await,
            }
        };
        // Each branch is cancel-safe: an item is put into its lane as it is received.
        tokio::select! {
            () = poll_fn(|context| self.poll_lanes(context)) => {}
            () = expires => {}
            () = sleep_until(rescan), if follows_folders => {
                self.next_rescan = Instant::now() + RESCAN;
                self.scan_folders()?;
            }
        }
        Ok(())
    }
}

impl Merge {
    /// Ready when something came for a lane that has nothing to give.
    fn poll_lanes(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut came = Poll::Pending;
        for lane in self.lanes.iter_mut().filter(|lane| lane.wants_more()) {
            match lane.items.poll_recv(context) {
                Poll::Ready(Some(item)) => lane.take_in(item, &mut self.no_records, &mut self.failure),
                // Its task, and with it why it ended, is looked at when the next record is taken.
                Poll::Ready(None) => lane.state = LaneState::Ended,
                Poll::Pending => continue,
            }
            came = Poll::Ready(());
        }
        came
    }

    /// Takes what came for every lane that has nothing to give.
    fn fill_heads(&mut self) -> Result<(), Failure> {
        for index in 0..self.lanes.len() {
            while let Some(lane) = self.lanes.get_mut(index)
                && lane.wants_more()
            {
                match lane.items.try_recv() {
                    Ok(item) => lane.take_in(item, &mut self.no_records, &mut self.failure),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                    Err(mpsc::error::TryRecvError::Disconnected) => lane.state = LaneState::Ended,
                }
            }
        }
        self.see_tasks();
        self.failure.take().map_or(Ok(()), Err)
    }

    /// Whether more is being read that was there already, and none of it out of order.
    fn awaits_in_order(&self) -> bool {
        let mut behind = self
            .lanes
            .iter()
            .filter(|lane| lane.state == LaneState::Behind)
            .peekable();
        behind.peek().is_some() && behind.all(|lane| lane.is_in_order)
    }

    /// Sees where a task ended that should not have.
    fn see_tasks(&mut self) {
        while let Some(ended) = self.tasks.try_join_next() {
            if let Err(panicked) = ended {
                let why = anyhow::Error::new(panicked).context("a source can be read no further");
                self.failure.get_or_insert(why.into());
            }
        }
    }

    /// The earliest of what comes next, once every source that must be waited for has something.
    fn first_head(&mut self) -> Option<Entry> {
        let is_awaited = |lane: &Lane| lane.state == LaneState::Behind && lane.head.is_none();
        if self.lanes.iter().any(is_awaited) {
            return None;
        }
        let at = |lane: &Lane| lane.head.as_ref().map(|entry| entry.record.at);
        let first = self
            .lanes
            .iter_mut()
            .filter(|lane| lane.head.is_some())
            .min_by_key(|lane| at(lane))?;
        first.head.take()
    }
}

impl Lane {
    fn new(items: mpsc::Receiver<Item>) -> Self {
        Self {
            items,
            head: None,
            state: LaneState::Behind,
            is_in_order: true,
        }
    }

    fn wants_more(&self) -> bool {
        self.head.is_none() && self.state != LaneState::Ended
    }

    fn take_in(&mut self, item: Item, no_records: &mut u64, failure: &mut Option<Failure>) {
        match item {
            Item::Record(entry) => self.head = Some(entry),
            Item::NoRecords(count) => *no_records += count,
            Item::CaughtUp => self.state = LaneState::CaughtUp,
            Item::Failed(why) => *failure = Some(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{ManualClock, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::cli::logs::testing::entry;

    const WINDOW: Duration = Duration::from_millis(1_000);

    fn extent() -> Extent {
        Extent {
            since: None,
            until: None,
            follow: Follow::Yes,
            window: WINDOW,
        }
    }

    fn merge_of(receivers: Vec<mpsc::Receiver<Item>>) -> Merge {
        let clock = ManualClock::new(Timestamp::from_millis(1_000_000_000));
        Merge::of(receivers, extent(), Arc::new(clock))
    }

    /// Everything until the end.
    async fn all(merge: &mut Merge) -> Vec<(u64, String, u64)> {
        let mut found = Vec::new();
        loop {
            match merge.take().unwrap() {
                Some(entry) => found.push(key(&entry)),
                None if merge.has_ended() => return found,
                None => merge.wait().await.unwrap(),
            }
        }
    }

    fn key(entry: &Entry) -> (u64, String, u64) {
        let record = &entry.record;
        (record.at.as_millis(), record.node.to_string(), record.number)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Each source in its own order, whoever is fast or slow: the order of time, nothing lost or repeated.
        #[test]
        fn any_interleaving_of_sources_comes_out_in_the_order_of_time_and_complete(
            // For each record of each source: how long after the one before it was, and how late it is read.
            sources in prop::collection::vec(prop::collection::vec((0_u64..3_000, 0_u64..50), 0..60), 1..5),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            let mut expected = Vec::new();
            let found = runtime.block_on(async {
                let (mut feeds, mut receivers) = (JoinSet::new(), Vec::new());
                for (source, steps) in sources.iter().enumerate() {
                    let (sender, receiver) = mpsc::channel(4);
                    receivers.push(receiver);
                    let (mut at, mut entries) = (0, Vec::new());
                    for ((step, pause), number) in steps.iter().zip(1..) {
                        at += step;
                        entries.push((entry(&format!("n{source}"), at, number), *pause));
                    }
                    expected.extend(entries.iter().map(|(entry, _)| key(entry)));
                    feeds.spawn(async move {
                        for (entry, pause) in entries {
                            tokio::time::sleep(Duration::from_millis(pause)).await;
                            sender.send(Item::Record(entry)).await.unwrap();
                        }
                    });
                }
                all(&mut merge_of(receivers)).await
            });
            expected.sort_unstable();
            let times: Vec<u64> = found.iter().map(|(at, ..)| *at).collect();
            prop_assert!(times.is_sorted());
            let mut found = found;
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_is_read_is_waited_for_and_one_that_is_quiet_is_not() {
        let (slow, slow_items) = mpsc::channel(4);
        let (fast, fast_items) = mpsc::channel(4);
        let mut merge = merge_of(vec![slow_items, fast_items]);
        fast.send(Item::Record(entry("fast", 5_000, 1))).await.unwrap();
        assert!(merge.take().unwrap().is_none());
        tokio::time::timeout(WINDOW * 10, merge.wait()).await.unwrap_err();
        assert!(
            merge.take().unwrap().is_none(),
            "the slow source may have an earlier one"
        );

        slow.send(Item::Record(entry("slow", 1_000, 1))).await.unwrap();
        slow.send(Item::CaughtUp).await.unwrap();
        fast.send(Item::CaughtUp).await.unwrap();
        let start = Instant::now();
        let mut found = Vec::new();
        while found.len() < 2 {
            match merge.take().unwrap() {
                Some(entry) => found.push(key(&entry).1),
                None => merge.wait().await.unwrap(),
            }
        }
        assert_eq!(found, ["slow", "fast"]);
        assert_eq!(start.elapsed(), WINDOW);
        assert!(merge.is_caught_up() && !merge.has_ended());
    }

    #[tokio::test(start_paused = true)]
    async fn while_following_the_window_puts_nodes_in_order_and_later_ones_are_still_shown() {
        let (one, one_items) = mpsc::channel(8);
        let (two, two_items) = mpsc::channel(8);
        let mut merge = merge_of(vec![one_items, two_items]);
        for sender in [&one, &two] {
            sender.send(Item::CaughtUp).await.unwrap();
        }
        let feeding = async move {
            one.send(Item::Record(entry("one", 10_500, 1))).await.unwrap();
            tokio::time::sleep(WINDOW / 2).await;
            two.send(Item::Record(entry("two", 10_000, 1))).await.unwrap();
            tokio::time::sleep(WINDOW * 2).await;
            one.send(Item::Record(entry("one", 12_000, 2))).await.unwrap();
            tokio::time::sleep(WINDOW * 2).await;
            two.send(Item::Record(entry("two", 11_000, 2))).await.unwrap();
        };
        let (found, ()) = tokio::join!(all(&mut merge), feeding);
        let times: Vec<u64> = found.iter().map(|(at, ..)| *at).collect();
        assert_eq!(times, [10_000, 10_500, 12_000, 11_000]);
    }
}
