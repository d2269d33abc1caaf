//! The metrics of the event log in Kafka.

use chat_core::meters::{Label, Metric};

pub(super) const DELIVERED: Metric = Metric::counter(
    "chat_kafka_delivered_total",
    "Records of the event log that Kafka has taken",
);
pub(super) const DELIVERY_ERRORS: Metric = Metric::counter(
    "chat_kafka_delivery_errors_total",
    "Records that a producer has given up, and that are sent again unless Kafka refuses the record itself",
)
.by(&[Label {
    name: "kind",
    values: &["record", "rights", "topic", "producer", "other"],
}]);
pub(super) const DROPPED: Metric = Metric::counter(
    "chat_kafka_dropped_total",
    "Records beyond kafka.buffer, and those that Kafka refuses, which are lost",
);
pub(super) const PRODUCERS: Metric = Metric::counter(
    "chat_kafka_producers_total",
    "Producers made: the first, and one each time that one has failed",
);
pub(super) const WAITING: Metric = Metric::gauge(
    "chat_kafka_waiting",
    "Records that are not in Kafka yet, those on their way among them",
);
pub(super) const IN_FLIGHT: Metric = Metric::gauge(
    "chat_kafka_in_flight",
    "Records on their way to Kafka, of kafka.in_flight at most",
);
pub(super) const AWAY: Metric = Metric::flag(
    "chat_kafka_away",
    "Whether Kafka has taken nothing or answered nothing for two seconds",
);
pub(super) const DELIVERY: Metric = Metric::seconds(
    "chat_kafka_delivery_seconds",
    "The time from writing a record to its being in Kafka",
);

/// Every metric of the event log in Kafka.
pub const METRICS: &[Metric] = &[
    DELIVERED,
    DELIVERY_ERRORS,
    DROPPED,
    PRODUCERS,
    WAITING,
    IN_FLIGHT,
    AWAY,
    DELIVERY,
];
