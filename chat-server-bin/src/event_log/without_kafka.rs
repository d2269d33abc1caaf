//! In place of Kafka, in a build without the feature `kafka`: there is nothing to open.

use std::sync::Arc;

use chat_core::ports::EventLog;
use chat_core::types::NodeId;

use crate::backend_url::BackendUrl;
use crate::config::Settings;
use crate::failure::Failure;

const REFUSAL: &str =
    "`kafka:` is not built into this program: build it with `--features kafka`, or use `file:PATH`";

/// Refuses.
pub(super) fn check(_: &Settings, _: &BackendUrl) -> Result<(), String> {
    Err(REFUSAL.to_owned())
}

/// Refuses, as the settings have been before.
pub(super) fn open(_: &Settings, _: &BackendUrl, _: &NodeId) -> Result<Arc<dyn EventLog>, Failure> {
    Err(Failure::setting(REFUSAL))
}
