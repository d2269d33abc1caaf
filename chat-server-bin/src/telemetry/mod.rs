//! What the program says of itself: lines on standard error, warnings and errors in the event log, spans to a
//! collector.

mod lines;
#[cfg_attr(not(feature = "otlp"), path = "without_otlp.rs")]
mod otlp;
mod traced;

use anyhow::Context as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::config::Settings;
use crate::failure::Failure;
pub(crate) use lines::Levels;
pub(crate) use otlp::check;
#[cfg(feature = "grpc")]
pub(crate) use otlp::traceparent;
pub(crate) use traced::Traced;

/// The client of ZooKeeper tells of each attempt to connect; its adapter tells once when ZooKeeper goes and is back.
const TELLS_EACH_ATTEMPT: &str = "zookeeper_client";

/// One of the places that hear of everything.
type Listener = Box<dyn Layer<Registry> + Send + Sync>;

/// What was started, for those who direct it.
pub(crate) struct Telemetry {
    /// What is said on standard error can be changed.
    pub(crate) levels: Levels,
    /// What is to be written into the event log, from the start of the program on.
    pub(crate) traced: Traced,
    /// Where spans go.
    pub(crate) export: otlp::Export,
}

/// Starts it for the whole process.
pub(crate) fn start(settings: &Settings) -> Result<Telemetry, Failure> {
    let (lines, levels) = lines::listener(settings)?;
    let (warnings, traced) = traced::listener();
    let (spans, export) = otlp::listener(settings)?;
    let mut listeners = vec![lines, warnings];
    listeners.extend(spans);
    tracing::subscriber::set_global_default(Registry::default().with(listeners))
        .context("cannot begin to log")?;
    Ok(Telemetry {
        levels,
        traced,
        export,
    })
}
