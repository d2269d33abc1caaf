//! The sections `[mysql]` and `[redis]`: what the URLs of `store`, `bus` and `presence` do not say.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limit_settings::Period;

/// The settings of the section `[mysql]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MySqlSettings {
    pub(crate) max_connections: NonZeroU32,
    pub(crate) min_connections: u32,
    pub(crate) acquire_timeout: Period,
}

impl Default for MySqlSettings {
    fn default() -> Self {
        Self {
            max_connections: NonZeroU32::MIN.saturating_add(15),
            min_connections: 1,
            acquire_timeout: Duration::from_secs(3).into(),
        }
    }
}

/// The settings of the section `[redis]`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RedisSettings {
    pub(crate) prefix: String,
}
