//! The sections `[event_log_file]` and `[kafka]`, and what the event log holds of names.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};
use std::time::Duration;

use chat_core::NamesInLog;
use serde::{Deserialize, Serialize};

use crate::limit_settings::Period;

/// What the event log holds of users' names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamesSetting {
    #[default]
    Hashed,
    Omitted,
}

impl From<NamesSetting> for NamesInLog {
    fn from(names: NamesSetting) -> Self {
        match names {
            NamesSetting::Hashed => Self::Hashed,
            NamesSetting::Omitted => Self::Omitted,
        }
    }
}

/// The settings of the section `[event_log_file]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventLogFileSettings {
    pub(crate) max_bytes: NonZeroU64,
    pub(crate) max_files: u16,
}

impl Default for EventLogFileSettings {
    fn default() -> Self {
        Self {
            max_bytes: NonZeroU64::MIN.saturating_add(64 * 1_024 * 1_024 - 1),
            max_files: 4,
        }
    }
}

/// The settings of the section `[kafka]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KafkaSettings {
    pub(crate) create_topic: bool,
    pub(crate) partitions: NonZeroU16,
    /// Zero for the servers' own default.
    pub(crate) replication: u16,
    pub(crate) buffer: NonZeroUsize,
    pub(crate) in_flight: NonZeroUsize,
    pub(crate) compression: CompressionSetting,
    pub(crate) linger: Period,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            create_topic: true,
            partitions: NonZeroU16::MIN.saturating_add(7),
            replication: 0,
            buffer: NonZeroUsize::MIN.saturating_add(65_535),
            in_flight: NonZeroUsize::MIN.saturating_add(8_191),
            compression: CompressionSetting::Lz4,
            linger: Duration::from_millis(5).into(),
        }
    }
}

/// How batches of records are made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CompressionSetting {
    Lz4,
    Snappy,
    Gzip,
    None,
}
