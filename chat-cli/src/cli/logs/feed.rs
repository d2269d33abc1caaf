//! One task for each source, which reads it and hands on its records.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use chat_core::Timestamp;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::entry::Entry;
use super::files::LogFiles;
use super::lines::{Line, Lines};
use super::numbers::Numbers;
use super::source::Source;
use super::tail::Tail;
use crate::cli::Failure;

/// Records of one source that wait to be taken; then it is read no further.
const WAITING: usize = 64;
/// How often a file is looked at that is being followed.
const POLL: Duration = Duration::from_millis(100);
/// How far the times of one source may go back.
const DISORDER: Duration = Duration::from_secs(60);

/// Whether reading ends with what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    Yes,
    No,
}

/// What of a source is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Records before it may be left out.
    pub(crate) since: Option<Timestamp>,
    /// Records after it may be left out.
    pub(crate) until: Option<Timestamp>,
    pub(crate) follow: Follow,
    /// A source that gives nothing for so long holds up nobody.
    pub(crate) window: Duration,
}

/// What a source says.
#[derive(Debug)]
pub(super) enum Item {
    Record(Entry),
    /// So many lines were no records.
    NoRecords(u64),
    /// That was all that is there now.
    CaughtUp,
    /// It cannot be read; nothing follows.
    Failed(Failure),
}

/// Starts reading a source. What is returned ends with the source.
pub(super) fn start(tasks: &mut JoinSet<()>, source: Source, extent: Extent) -> mpsc::Receiver<Item> {
    let (items, receiver) = mpsc::channel(WAITING);
    tasks.spawn(async move {
        let mut feed = Feed {
            items,
            numbers: Numbers::default(),
            extent,
        };
        let outcome = match source {
            Source::File(path) => feed.read_file(path).await,
            Source::Input => feed.read_input().await,
            // Its logs are sources of their own.
            Source::Folder(_) => Ok(End),
            #[cfg(feature = "kafka")]
            Source::Kafka(topic) => feed.read_kafka(topic).await,
        };
        if let Err(failure) = outcome {
            feed.say(Item::Failed(failure)).await;
        }
    });
    receiver
}

/// Nothing more is read: the source has ended, or nobody wants to know.
pub(super) struct End;

pub(super) struct Feed {
    items: mpsc::Sender<Item>,
    numbers: Numbers,
    pub(super) extent: Extent,
}

impl Feed {
    /// Whether somebody takes it.
    pub(super) async fn say(&self, item: Item) -> bool {
        self.items.send(item).await.is_ok()
    }

    /// Hands a record on; whether more are wanted.
    pub(super) async fn hand_on(&mut self, mut entry: Entry) -> bool {
        entry.missing = self.numbers.missing_before(&entry.record);
        let is_after = |until: Timestamp| entry.record.at > until.after(DISORDER);
        if self.extent.until.is_some_and(is_after) {
            return false;
        }
        self.say(Item::Record(entry)).await
    }

    async fn read_file(&mut self, path: PathBuf) -> Result<End, Failure> {
        let name = path.display().to_string();
        let mut tail = Tail::new(LogFiles::new(path), self.extent.since);
        loop {
            let work = move || {
                let batch = tail.read();
                (tail, batch)
            };
            let (back, batch) = tokio::task::spawn_blocking(work)
                .await
                .context("reading a file failed")?;
            tail = back;
            let batch = batch.with_context(|| format!("cannot read {name}"))?;
            if batch.no_records > 0 && !self.say(Item::NoRecords(batch.no_records)).await {
                return Ok(End);
            }
            for entry in batch.entries {
                if !self.hand_on(entry).await {
                    return Ok(End);
                }
            }
            if !batch.is_last {
                continue;
            }
            if self.extent.follow == Follow::No {
                if let Some(entry) = tail.last_line() {
                    self.hand_on(entry).await;
                }
                return Ok(End);
            }
            if !self.say(Item::CaughtUp).await {
                return Ok(End);
            }
            sleep(POLL).await;
        }
    }

    async fn read_input(&mut self) -> Result<End, Failure> {
        let mut input = tokio::io::stdin();
        let (mut lines, mut buffer) = (Lines::default(), vec![0; 64 << 10]);
        loop {
            // Giving up loses nothing: what was read stays with the input.
            let count = match timeout(self.extent.window, input.read(&mut buffer)).await {
                Ok(count) => count.context("cannot read standard input")?,
                Err(_) if self.say(Item::CaughtUp).await => continue,
                Err(_) => return Ok(End),
            };
            lines.push(buffer.get(..count).unwrap_or_default());
            if count == 0 {
                // The last line may have no end.
                lines.push(b"\n");
            }
            while let Some(line) = lines.next() {
                let goes_on = match line {
                    Line::Whole(line) if line.trim_ascii().is_empty() => true,
                    Line::Whole(line) => match Entry::parse(line) {
                        Some(entry) => self.hand_on(entry).await,
                        None => self.say(Item::NoRecords(1)).await,
                    },
                    Line::TooLong => self.say(Item::NoRecords(1)).await,
                };
                if !goes_on {
                    return Ok(End);
                }
            }
            if count == 0 {
                return Ok(End);
            }
        }
    }
}
