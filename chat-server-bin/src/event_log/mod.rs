//! Where the event log goes: standard error, files, Kafka, several at once.

mod file;
#[cfg_attr(not(feature = "kafka"), path = "without_kafka.rs")]
mod kafka;
mod settings;
mod sinks;
mod urls;

pub(crate) use settings::{EventLogFileSettings, KafkaSettings, NamesSetting};
pub(crate) use sinks::{check, open};
pub(crate) use urls::EventLogUrls;
