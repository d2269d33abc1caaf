//! A topic of Kafka as a source.

use anyhow::Context;
use chat_adapters::kafka::{Follow as ToTheEnd, KafkaError, KafkaLogReader, KafkaOptions, LogRecords};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::entry::Entry;
use super::feed::{End, Extent, Feed, Follow, Item};
use crate::cli::Failure;

/// A topic, or one of its partitions.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    reader: KafkaLogReader,
    partition: Option<i32>,
}

impl Topic {
    pub(super) fn open(options: KafkaOptions) -> Result<Self, Failure> {
        Ok(Self {
            reader: KafkaLogReader::open(options).map_err(failure)?,
            partition: None,
        })
    }

    /// Whether its records come about in the order of their times. Those of several partitions come in any.
    pub(super) const fn is_in_order(&self) -> bool {
        self.partition.is_some()
    }

    /// Its partitions; itself where it has none yet, and then nothing that was written before.
    pub(super) async fn parts(self) -> Result<Vec<Self>, Failure> {
        let reader = self.reader.clone();
        let partitions = tokio::task::spawn_blocking(move || reader.partitions())
            .await
            .context("asking Kafka failed")?
            .map_err(failure)?;
        let Some(partitions) = partitions else {
            return Ok(vec![self]);
        };
        let part = |partition| Self {
            reader: self.reader.clone(),
            partition: Some(partition),
        };
        Ok((0..partitions).map(part).collect())
    }

    fn read(&self, extent: Extent) -> Result<LogRecords, KafkaError> {
        let follow = match extent.follow {
            Follow::Yes => ToTheEnd::Yes,
            Follow::No => ToTheEnd::No,
        };
        match self.partition {
            Some(partition) => self.reader.read_partition(partition, extent.since, follow),
            None => self.reader.read(extent.since, follow),
        }
    }
}

fn failure(error: KafkaError) -> Failure {
    anyhow::Error::new(error).into()
}

impl Feed {
    pub(super) async fn read_kafka(&mut self, topic: Topic) -> Result<End, Failure> {
        let mut records = topic.read(self.extent).map_err(failure)?;
        let mut told = 0;
        loop {
            // Giving up loses nothing: the record stays in the stream.
            let next = match timeout(self.extent.window, records.next()).await {
                Ok(next) => next,
                // A topic that is read to its end says itself when that is.
                Err(_) if self.extent.follow == Follow::No => continue,
                Err(_) => {
                    if !self.tell_skipped(&records, &mut told).await || !self.say(Item::CaughtUp).await {
                        return Ok(End);
                    }
                    continue;
                }
            };
            let Some(record) = next else {
                self.tell_skipped(&records, &mut told).await;
                return Ok(End);
            };
            let record = record.map_err(failure)?;
            if let Some(entry) = Entry::of(record)
                && !self.hand_on(entry).await
            {
                return Ok(End);
            }
        }
    }

    /// Tells of the messages that were no records since the last time.
    async fn tell_skipped(&self, records: &LogRecords, told: &mut u64) -> bool {
        let skipped = records.skipped();
        let fresh = skipped - std::mem::replace(told, skipped);
        fresh == 0 || self.say(Item::NoRecords(fresh)).await
    }
}
