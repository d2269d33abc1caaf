//! What librdkafka tells.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};
use rdkafka::producer::{DeliveryResult, ProducerContext};

use super::error::{Failure, is_purged};
use super::meters;
use super::shared::Shared;

/// What becomes of the records that one producer has got. Called by the producer's own thread.
pub(super) struct Deliveries(pub(super) Arc<Shared>);

impl ClientContext for Deliveries {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, line: &str) {
        told(facility, line);
    }

    fn error(&self, error: ClientError, reason: &str) {
        self.0.complain(reason);
        match error.rdkafka_error_code() {
            Some(Code::Fatal) => self.0.failed(Failure::Producer),
            Some(Code::AllBrokersDown) => self.0.doubt(),
            _ => {}
        }
    }
}

impl ProducerContext for Deliveries {
    /// How many records were taken before this one.
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        match result {
            Ok(_) => {
                if let Some(latency) = self.0.arrived(index as u64) {
                    meters::DELIVERY.distribution(&[]).record(latency);
                }
            }
            Err((error, _)) if is_purged(error) => {}
            Err((error, _)) => {
                let failure = Failure::of(error);
                count_error(failure);
                self.0.complain(&error.to_string());
                self.0.failed(failure);
            }
        }
    }
}

pub(super) fn count_error(failure: Failure) {
    meters::DELIVERY_ERRORS.count(&[failure.name()]).increment(1);
}

/// The lines of other clients than the producer.
pub(super) struct Lines;

impl ClientContext for Lines {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, line: &str) {
        told(facility, line);
    }

    fn error(&self, error: ClientError, reason: &str) {
        tracing::debug!(target: "chat_adapters::kafka", "{error}: {reason}");
    }
}

/// librdkafka says the same again with each attempt, so its lines are for those who look closer: what
/// matters is told once, by whoever sees the change.
fn told(facility: &str, line: &str) {
    tracing::debug!(target: "chat_adapters::kafka", facility, "{line}");
}
