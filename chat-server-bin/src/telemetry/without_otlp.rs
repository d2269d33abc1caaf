//! In place of OpenTelemetry, in a build without the feature `otlp`: there is nothing to export.

use super::Listener;
use crate::config::Settings;
use crate::failure::Failure;

/// Refuses a collector.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    if settings.otlp.is_empty() {
        return Ok(());
    }
    Err(
        "`otlp` is not built into this program: build it with `--features otlp`, or leave the setting empty"
            .to_owned(),
    )
}

/// Knows no trace.
#[cfg(feature = "grpc")]
pub(crate) const fn traceparent() -> Option<String> {
    None
}

/// Exports nothing.
#[derive(Debug)]
pub(crate) struct Export;

impl Export {
    /// Has nothing to write.
    pub(crate) fn close(self) {}
}

/// Hears nothing.
pub(super) fn listener(_: &Settings) -> Result<(Option<Listener>, Export), Failure> {
    Ok((None, Export))
}
