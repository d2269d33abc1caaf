//! What the log tells of itself: metrics, and a line when Kafka goes and when it is back.

use std::time::Instant;

use super::shared::Shared;
use super::{KafkaOptions, meters, settings};

pub(super) struct Tidings {
    servers: String,
    away_since: Option<Instant>,
    delivered: u64,
    dropped: u64,
}

impl Tidings {
    pub(super) fn new(options: &KafkaOptions) -> Self {
        Self {
            servers: settings::servers(options),
            away_since: None,
            delivered: 0,
            dropped: 0,
        }
    }

    /// Tells what has changed since it was told last.
    pub(super) fn tell(&mut self, shared: &Shared) {
        let flight = shared.flight();
        let away_since = shared.away_since(&flight);
        let (delivered, in_flight) = (flight.delivered(), flight.unsettled());
        drop(flight);
        let status = shared.status();
        meters::DELIVERED.count(&[]).increment(delivered - self.delivered);
        meters::DROPPED
            .count(&[])
            .increment(status.dropped - self.dropped);
        meters::WAITING.level(&[]).set(status.waiting as f64);
        meters::IN_FLIGHT.level(&[]).set(in_flight as f64);
        meters::AWAY
            .level(&[])
            .set(if away_since.is_some() { 1.0 } else { 0.0 });
        (self.delivered, self.dropped) = (delivered, status.dropped);
        self.tell_change(away_since, shared);
    }

    fn tell_change(&mut self, away_since: Option<Instant>, shared: &Shared) {
        let before = std::mem::replace(&mut self.away_since, away_since);
        match (before, away_since) {
            (None, Some(_)) => {
                let (servers, reason) = (&self.servers, shared.reason());
                tracing::warn!(target: "chat_adapters::kafka", "Kafka at {servers} is away, records wait: {reason}");
            }
            (Some(since), None) => {
                let seconds = since.elapsed().as_secs_f64();
                let servers = &self.servers;
                tracing::info!(target: "chat_adapters::kafka", "Kafka at {servers} is back after {seconds:.1} s");
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// Tells what never got to Kafka.
    pub(super) fn tell_end(&mut self, shared: &Shared) {
        self.tell(shared);
        let waiting = shared.status().waiting;
        if waiting > 0 {
            tracing::warn!(target: "chat_adapters::kafka", "{waiting} records of the event log did not get to Kafka");
        }
    }
}
