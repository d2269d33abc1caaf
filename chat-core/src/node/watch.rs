//! What is looked at once a second, because nobody calls when it happens: how the event log is doing,
//! and which limits were reached.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::Node;
use super::journal::{Journal, millis};
use super::limit::Limit;
use crate::ports::{Level, LogStatus};

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// The time between two records of one limit, or of dropped records.
const PAUSE: Duration = Duration::from_secs(10);

/// Reached by every slow reader, who then reads the store: counted, and no reason to warn anybody.
const USUAL: Limit = Limit::SessionNotices;

/// Looks until the node stops, and once more then.
pub(crate) async fn run(node: Arc<Node>) {
    let (mut limits, mut log) = (Limits::default(), Log::default());
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_running = true;
    while is_running {
        is_running = node.stop.run_until_cancelled(look.tick()).await.is_some();
        // Nothing is kept for later where there is no later.
        let pause = if is_running { PAUSE } else { Duration::ZERO };
        limits.look(node.limit_hits.take(), pause, &node.journal);
        log.look(node.backends.log.status(), pause, &node.journal);
    }
}

/// Limits that were reached. As many as there are limits.
#[derive(Debug, Default)]
struct Limits {
    by_name: HashMap<&'static str, Hits>,
}

#[derive(Debug, Default)]
struct Hits {
    untold: u64,
    told_at: Option<Instant>,
}

impl Limits {
    fn look(&mut self, reached: Vec<(&'static str, u64)>, pause: Duration, journal: &Journal) {
        let unusual = reached.into_iter().filter(|(limit, _)| *limit != USUAL.as_str());
        for (limit, count) in unusual {
            self.by_name.entry(limit).or_default().untold += count;
        }
        for (&limit, hits) in &mut self.by_name {
            if hits.untold == 0 || hits.told_at.is_some_and(|at| at.elapsed() < pause) {
                continue;
            }
            hits.told_at = Some(Instant::now());
            let count = std::mem::take(&mut hits.untold);
            let fields = [("limit", limit.into()), ("count", count.into())];
            journal.record(Level::Warn, "limit_hit", fields);
        }
    }
}

/// What was last seen of the event log.
#[derive(Debug, Default)]
struct Log {
    away_since: Option<Instant>,
    dropped: u64,
    dropped_told_at: Option<Instant>,
}

impl Log {
    fn look(&mut self, status: LogStatus, pause: Duration, journal: &Journal) {
        let mut is_back = false;
        match (status.is_away, self.away_since) {
            (true, None) => {
                self.away_since = Some(Instant::now());
                journal.record(Level::Warn, "log_lost", []);
            }
            (false, Some(since)) => {
                self.away_since = None;
                is_back = true;
                let fields = [("away_ms", millis(since.elapsed()))];
                journal.record(Level::Info, "log_regained", fields);
            }
            (true, Some(_)) | (false, None) => {}
        }
        let count = status.dropped.saturating_sub(self.dropped);
        // Beyond the pause only once it is back: until then this record may be dropped as well.
        let is_due = is_back || self.dropped_told_at.is_none_or(|at| at.elapsed() >= pause);
        if count > 0 && is_due {
            self.dropped = status.dropped;
            self.dropped_told_at = Some(Instant::now());
            let fields = [("count", count.into()), ("total", status.dropped.into())];
            journal.record(Level::Warn, "records_dropped", fields);
        }
    }
}
