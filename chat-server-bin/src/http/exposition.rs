//! The metrics of the process in the text form of Prometheus.

use std::time::Duration;

use anyhow::Context as _;
use axum::http::HeaderValue;
use chat_core::meters::describe;
use chat_core::{Clock as _, SystemClock, Timestamp};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::process;

/// The type of the text.
pub(super) const CONTENT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The upper bounds of the buckets of times.
const SECONDS: &[f64] = &[
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// Those of sizes in bytes.
const BYTES: &[f64] = &[
    64.0,
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
];
/// Those of everything else, which is counted.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0,
];

/// How often observations are moved into their buckets, so that they do not gather where nobody asks for metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// Everything that is counted from its making on.
#[derive(Clone, Debug)]
pub(super) struct Exposition {
    counted: PrometheusHandle,
    since: Timestamp,
}

impl Exposition {
    /// Makes this process count. Once in a process.
    pub(super) fn install() -> Result<Self, Failure> {
        let counted = PrometheusBuilder::new()
            .set_buckets(COUNTS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS))
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_bytes".into()), BYTES))
            .and_then(PrometheusBuilder::install_recorder)
            .context("cannot count metrics; switch them off with --http none")?;
        describe_all();
        Ok(Self {
            counted,
            since: SystemClock.now(),
        })
    }

    /// The task that keeps the histograms small, until `stop`.
    pub(super) async fn keep_up(self, stop: CancellationToken) {
        let mut ticks = interval(UPKEEP);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let upkeep = async {
            loop {
                ticks.tick().await;
                self.counted.run_upkeep();
            }
        };
        // Cancel safe: nothing is lost between two ticks.
        tokio::select! {
            () = stop.cancelled() => {}
            () = upkeep => {}
        }
    }

    /// All of it at this moment.
    pub(super) fn render(&self) -> String {
        let mut text = self.counted.render();
        let version = env!("CARGO_PKG_VERSION");
        text.push_str(&format!(
            "# HELP chat_build_info The version of the server; always 1\n# TYPE chat_build_info gauge\n\
             chat_build_info{{version=\"{version}\"}} 1\n\n"
        ));
        for metric in self.of_the_process() {
            metric.write_to(&mut text);
        }
        text
    }

    /// Under the names that Prometheus gives them everywhere.
    fn of_the_process(&self) -> [OfTheProcess; 6] {
        [
            OfTheProcess {
                name: "process_cpu_seconds_total",
                kind: "counter",
                help: "The time that the process kept cores busy",
                value: process::cpu_time().map(|time| time.as_secs_f64().to_string()),
            },
            OfTheProcess {
                name: "process_resident_memory_bytes",
                kind: "gauge",
                help: "The resident memory of the process",
                value: process::resident_memory().map(|bytes| bytes.to_string()),
            },
            OfTheProcess {
                name: "process_open_fds",
                kind: "gauge",
                help: "The open files of the process",
                value: process::open_files().map(|count| count.to_string()),
            },
            OfTheProcess {
                name: "process_max_fds",
                kind: "gauge",
                help: "How many files the process may have open",
                value: process::most_open_files().map(|count| count.to_string()),
            },
            OfTheProcess {
                name: "process_threads",
                kind: "gauge",
                help: "The threads of the process",
                value: process::threads().map(|count| count.to_string()),
            },
            OfTheProcess {
                name: "process_start_time_seconds",
                kind: "gauge",
                help: "When the process started, in seconds since the Unix epoch",
                value: Some(
                    Duration::from_millis(self.since.as_millis())
                        .as_secs_f64()
                        .to_string(),
                ),
            },
        ]
    }
}

/// Of all backends that this build has, also those that are not in use.
fn describe_all() {
    describe(chat_core::meters::METRICS);
    describe(chat_adapters::tcp::METRICS);
    describe(chat_adapters::tls::METRICS);
    describe(chat_adapters::websocket::METRICS);
    #[cfg(feature = "cluster")]
    describe(chat_adapters::mysql::METRICS);
    #[cfg(feature = "cluster")]
    describe(chat_adapters::redis::METRICS);
    #[cfg(feature = "grpc")]
    describe(chat_adapters::grpc::METRICS);
    #[cfg(feature = "grpc")]
    describe(chat_adapters::zookeeper::METRICS);
    #[cfg(feature = "kafka")]
    describe(chat_adapters::kafka::METRICS);
}

/// A metric that the system knows, read when it is asked for.
struct OfTheProcess {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// None where the system does not say.
    value: Option<String>,
}

impl OfTheProcess {
    fn write_to(&self, text: &mut String) {
        let Self {
            name,
            kind,
            help,
            value,
        } = self;
        if let Some(value) = value {
            text.push_str(&format!(
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
            ));
        }
    }
}
