//! A topic of Kafka as a source.

use chat_adapters::kafka::{Follow as ToTheEnd, KafkaLogReader, KafkaOptions, LogRecords};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::entry::Entry;
use super::feed::{End, Feed, Follow, Item};
use crate::cli::Failure;

impl Feed {
    pub(super) async fn read_kafka(&mut self, options: KafkaOptions) -> Result<End, Failure> {
        let follow = match self.extent.follow {
            Follow::Yes => ToTheEnd::Yes,
            Follow::No => ToTheEnd::No,
        };
        let reader = KafkaLogReader::open(options).map_err(anyhow::Error::new)?;
        let mut records = reader
            .read(self.extent.since, follow)
            .map_err(anyhow::Error::new)?;
        let mut told = 0;
        loop {
            // Giving up loses nothing: the record stays in the stream.
            let next = match timeout(self.extent.window, records.next()).await {
                Ok(next) => next,
                // A topic that is read to its end says itself when that is.
                Err(_) if follow == ToTheEnd::No => continue,
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
            let record = record.map_err(anyhow::Error::new)?;
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
