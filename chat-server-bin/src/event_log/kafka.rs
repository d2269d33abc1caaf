//! Kafka, as the settings choose it: the adapter of the feature `kafka`.

use std::sync::Arc;

use chat_adapters::kafka::{Compression, KafkaLog, KafkaOptions};
use chat_core::ports::EventLog;
use chat_core::types::NodeId;

use super::settings::CompressionSetting;
use crate::backend_url::BackendUrl;
use crate::config::Settings;
use crate::failure::Failure;

/// Refuses a URL that the adapter cannot read.
pub(super) fn check(settings: &Settings, url: &BackendUrl) -> Result<(), String> {
    options(settings, url).map(drop)
}

/// Begins to connect.
pub(super) fn open(
    settings: &Settings,
    url: &BackendUrl,
    node: &NodeId,
) -> Result<Arc<dyn EventLog>, Failure> {
    let options = KafkaOptions {
        client: node.to_string(),
        ..options(settings, url).map_err(Failure::setting)?
    };
    let log = KafkaLog::open(options).map_err(|error| Failure::setting(format!("`event_log`: {error}")))?;
    Ok(Arc::new(log))
}

fn options(settings: &Settings, url: &BackendUrl) -> Result<KafkaOptions, String> {
    let kafka = &settings.kafka;
    let options = KafkaOptions::parse(url.with_secrets()).map_err(|error| error.to_string())?;
    Ok(KafkaOptions {
        create_topic: kafka.create_topic,
        partitions: kafka.partitions.get(),
        replication: (kafka.replication > 0).then_some(kafka.replication),
        buffer: kafka.buffer.get(),
        in_flight: kafka.in_flight.get(),
        compression: kafka.compression.into(),
        linger: kafka.linger.into(),
        ..options
    })
}

impl From<CompressionSetting> for Compression {
    fn from(compression: CompressionSetting) -> Self {
        match compression {
            CompressionSetting::Lz4 => Self::Lz4,
            CompressionSetting::Snappy => Self::Snappy,
            CompressionSetting::Gzip => Self::Gzip,
            CompressionSetting::None => Self::None,
        }
    }
}
