//! The event log in Kafka, for all nodes of a cluster in one place.
//!
//! [`KafkaOptions`] say where it is, as a URL that the server and the readers of the log share.

mod options;
mod url;

pub use options::{Address, Compression, KafkaOptions, Mechanism, Sasl, Tls, UnknownCompression};
pub use url::UrlError;
