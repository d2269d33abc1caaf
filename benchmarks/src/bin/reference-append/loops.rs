//! The two ways in which messages come.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::rows::{Append, Row};

/// What a loop stored.
#[derive(Debug, Serialize)]
pub(crate) struct Measured {
    pub(crate) rows_per_second: f64,
    pub(crate) rows_per_transaction: f64,
    /// What a sender waited, or a transaction took.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Counts as a loop runs.
struct Count {
    begun: Instant,
    rows: u64,
    transactions: u64,
    waits: Histogram<u64>,
}

impl Count {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            begun: Instant::now(),
            rows: 0,
            transactions: 0,
            waits: Histogram::new(3)?,
        })
    }

    fn stored(&mut self, rows: usize) {
        self.rows += rows as u64;
        self.transactions += 1;
    }

    fn waited(&mut self, wait: Duration) -> anyhow::Result<()> {
        Ok(self.waits.record(u64::try_from(wait.as_micros())?)?)
    }

    fn measured(&self) -> Measured {
        let milliseconds = |quantile| self.waits.value_at_quantile(quantile) as f64 / 1_000.0;
        Measured {
            rows_per_second: self.rows as f64 / self.begun.elapsed().as_secs_f64(),
            rows_per_transaction: self.rows as f64 / (self.transactions as f64).max(1.0),
            p50_ms: milliseconds(0.5),
            p99_ms: milliseconds(0.99),
        }
    }
}

/// Full batches, one after the other.
pub(crate) async fn batches(
    mut append: impl Append,
    conversations: u64,
    rows: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let mut count = Count::new()?;
    let mut numbers = 0_u64..;
    while count.begun.elapsed() < time {
        let batch: Vec<_> = numbers
            .by_ref()
            .take(rows)
            .map(|number| Row::new(number, conversations))
            .collect();
        let call = Instant::now();
        append.append(&batch).await?;
        count.waited(call.elapsed())?;
        count.stored(rows);
    }
    let measured = count.measured();
    append.close().await?;
    Ok(measured)
}

/// A message whose sender waits.
struct Waiting {
    row: Row,
    since: Instant,
    stored: oneshot::Sender<()>,
}

/// Senders who wait for their messages. What gathers while a transaction is under way is the next one.
pub(crate) async fn in_flight(
    mut append: impl Append,
    conversations: u64,
    senders: usize,
    rows: usize,
    time: Duration,
) -> anyhow::Result<Measured> {
    let (queue, mut waiting) = mpsc::channel(senders.max(1));
    let mut tasks = JoinSet::new();
    for sender in 0..senders {
        tasks.spawn(send(sender as u64, senders as u64, conversations, queue.clone()));
    }
    let mut count = Count::new()?;
    let (mut gathered, mut batch) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    while count.begun.elapsed() < time && waiting.recv_many(&mut gathered, rows).await > 0 {
        batch.clear();
        batch.extend(gathered.iter().map(|waiting: &Waiting| waiting.row));
        append.append(&batch).await?;
        count.stored(batch.len());
        for Waiting { since, stored, .. } in gathered.drain(..) {
            count.waited(since.elapsed())?;
            // Its sender waits for it.
            stored.send(()).ok();
        }
    }
    let measured = count.measured();
    tasks.shutdown().await;
    append.close().await?;
    Ok(measured)
}

/// One message after the other, as long as somebody stores them.
async fn send(first: u64, step: u64, conversations: u64, queue: mpsc::Sender<Waiting>) {
    let mut number = first;
    loop {
        let (stored, answer) = oneshot::channel();
        let message = Waiting {
            row: Row::new(number, conversations),
            since: Instant::now(),
            stored,
        };
        if queue.send(message).await.is_err() || answer.await.is_err() {
            return;
        }
        number += step;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// Keeps the batches it is given, and takes its time.
    struct Kept(Arc<Mutex<Vec<Vec<Row>>>>);

    impl Append for Kept {
        async fn append(&mut self, batch: &[Row]) -> anyhow::Result<()> {
            self.0.lock().unwrap().push(batch.to_vec());
            tokio::task::yield_now().await;
            Ok(())
        }

        async fn close(self) -> anyhow::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn no_message_is_stored_twice_and_no_batch_is_larger_than_allowed() {
        let kept = Arc::default();
        let time = Duration::from_millis(50);
        let measured = in_flight(Kept(Arc::clone(&kept)), 7, 40, 16, time).await.unwrap();
        let batches = kept.lock().unwrap();
        let mut numbers: Vec<_> = batches.iter().flatten().map(|row| row.number).collect();
        let stored = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), stored);
        assert_eq!(batches.iter().map(Vec::len).max(), Some(16));
        assert!(measured.rows_per_second > 0.0 && measured.rows_per_transaction > 1.0);
    }
}
