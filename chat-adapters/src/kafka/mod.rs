//! The event log in Kafka, for all nodes of a cluster in one place.
//!
//! [`KafkaLog`] writes it, [`KafkaLogReader`] reads it, and [`KafkaOptions`] say where it is, as a URL that both
//! share. `docs/log.md` describes the records, and what an operator should know of the topic. What is counted is listed in
//! [`METRICS`].

mod callbacks;
mod error;
mod flight;
mod log;
mod meters;
mod options;
mod reader;
mod reading;
mod repeats;
mod ring;
mod sender;
mod settings;
mod shared;
mod tidings;
mod topic;
mod url;

pub use crate::endpoint::{Address, Tls};
pub use error::KafkaError;
pub use log::KafkaLog;
pub use meters::METRICS;
pub use options::{Compression, KafkaOptions, Mechanism, Sasl, UnknownCompression};
pub use reader::{Follow, KafkaLogReader, LogRecords};
pub use url::UrlError;
