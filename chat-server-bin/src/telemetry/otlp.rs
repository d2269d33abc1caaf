//! The spans of requests for an OpenTelemetry collector: the feature `otlp`.
//!
//! They are gathered in a bounded queue and sent by a thread of their own. While the collector is away the
//! queue overflows, spans are lost, and nothing is slower.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::KeyValue;
#[cfg(feature = "grpc")]
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, SpanData, SpanExporter,
};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;

use super::Listener;
use crate::config::{Settings, SpanLevel};
use crate::failure::Failure;

/// Where a collector takes spans, unless the setting names another path.
const PATH: &str = "/v1/traces";
/// Whose spans are exported. Those of the exporter's own libraries would never end.
const TARGETS: &[&str] = &["chat_core", "chat_adapters", "chat_server"];
/// Spans that may wait.
const QUEUE: usize = 4_096;
/// Spans in one request to the collector.
const BATCH: usize = 512;
/// How long spans are gathered.
const INTERVAL: Duration = Duration::from_secs(1);
/// The time that a request to the collector may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The time that the last spans get at the end.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// Refuses what is no collector.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    let url = &settings.otlp;
    let Some(address) = url.strip_prefix("http://") else {
        return if url.is_empty() {
            Ok(())
        } else {
            Err("`otlp` must be `http://HOST:PORT` of a collector in the same network, as in http://127.0.0.1:4318".to_owned())
        };
    };
    if address.contains(['@', '?', '#']) || address.is_empty() {
        return Err("`otlp` must be `http://HOST:PORT`, without a user, a password or parameters".to_owned());
    }
    Ok(())
}

/// The present span as the value of a `traceparent` header, where spans go to a collector.
#[cfg(feature = "grpc")]
pub(crate) fn traceparent() -> Option<String> {
    let context = tracing_opentelemetry::OpenTelemetrySpanExt::context(&tracing::Span::current());
    let span = context.span().span_context().clone();
    span.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}

/// What sends the spans.
#[derive(Debug)]
pub(crate) struct Export(Option<SdkTracerProvider>);

impl Export {
    /// Sends what waits, for a moment. Blocks.
    pub(crate) fn close(self) {
        if let Some(provider) = self.0
            && provider.shutdown_with_timeout(LAST_MOMENT).is_err()
        {
            tracing::warn!("the last spans did not reach the collector");
        }
    }
}

/// What hears of spans, where the settings name a collector.
pub(super) fn listener(settings: &Settings) -> Result<(Option<Listener>, Export), Failure> {
    if settings.otlp.is_empty() {
        return Ok((None, Export(None)));
    }
    let exporter = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint(&settings.otlp))
        .with_timeout(TIMEOUT)
        .build()
        .context("cannot export spans to the collector of `otlp`")?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE)
        .with_max_export_batch_size(BATCH)
        .with_scheduled_delay(INTERVAL)
        .build();
    let processor = BatchSpanProcessor::builder(Telling::of(exporter))
        .with_batch_config(batches)
        .build();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_resource(resource(settings))
        .build();
    let listener = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("chat-server"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(targets(settings.otlp_level));
    Ok((Some(listener.boxed()), Export(Some(provider))))
}

fn targets(level: SpanLevel) -> Targets {
    let level = match level {
        SpanLevel::Error => LevelFilter::ERROR,
        SpanLevel::Warn => LevelFilter::WARN,
        SpanLevel::Info => LevelFilter::INFO,
        SpanLevel::Debug => LevelFilter::DEBUG,
        SpanLevel::Trace => LevelFilter::TRACE,
    };
    Targets::new().with_targets(TARGETS.iter().map(|&target| (target, level)))
}

fn endpoint(url: &str) -> String {
    let address = url.trim_end_matches('/');
    let has_path = address
        .strip_prefix("http://")
        .is_some_and(|address| address.contains('/'));
    if has_path {
        address.to_owned()
    } else {
        format!("{address}{PATH}")
    }
}

fn resource(settings: &Settings) -> Resource {
    let resource = Resource::builder()
        .with_service_name("chat-server")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let resource = if settings.node.is_empty() {
        resource
    } else {
        resource.with_attribute(KeyValue::new("service.instance.id", settings.node.clone()))
    };
    resource.build()
}

/// An exporter that says once that the collector is away, and once that it is back.
#[derive(Debug)]
struct Telling<E> {
    exporter: E,
    is_away: AtomicBool,
}

impl<E> Telling<E> {
    const fn of(exporter: E) -> Self {
        Self {
            exporter,
            is_away: AtomicBool::new(false),
        }
    }
}

impl<E: SpanExporter> SpanExporter for Telling<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.exporter.export(batch).await;
        let was_away = self.is_away.swap(exported.is_err(), Ordering::Relaxed);
        match &exported {
            Err(error) if !was_away => {
                tracing::warn!(%error, "the collector of `otlp` is away, and spans are lost")
            }
            Ok(()) if was_away => tracing::info!("the collector of `otlp` answers again"),
            _ => {}
        }
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "grpc")]
    #[test]
    fn a_call_belongs_to_the_trace_of_the_span_that_makes_it() {
        use tracing_subscriber::Registry;
        use tracing_subscriber::layer::SubscriberExt as _;

        assert_eq!(traceparent(), None);
        let settings = Settings {
            otlp: "http://127.0.0.1:9".to_owned(),
            ..Settings::default()
        };
        let (spans, _export) = listener(&settings).unwrap();
        let subscriber = Registry::default().with(vec![spans.unwrap()]);
        tracing::subscriber::with_default(subscriber, || {
            assert_eq!(traceparent(), None, "there is no span");
            let request = tracing::info_span!(target: "chat_core", "request").entered();
            let of_request = traceparent().unwrap();
            let parts: Vec<_> = of_request.split('-').map(str::len).collect();
            assert_eq!(parts, [2, 32, 16, 2], "{of_request}");
            let of_call =
                tracing::debug_span!(target: "chat_core", "call").in_scope(|| traceparent().unwrap());
            assert_eq!(of_call.get(..35), of_request.get(..35), "one trace");
            assert_ne!(of_call, of_request, "two spans");
            drop(request);
        });
    }

    #[test]
    fn collectors_are_told_from_what_is_none_without_showing_it() {
        let problem = |url: &str| {
            check(&Settings {
                otlp: url.to_owned(),
                ..Settings::default()
            })
            .err()
        };
        for good in ["", "http://127.0.0.1:4318", "http://collector/v1/traces"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "collector:4317",
            "https://hunter2@collector",
            "http://chat:hunter2@collector",
            "http://collector?key=hunter2",
            "http://",
        ] {
            let sentence = problem(bad).unwrap_or_else(|| panic!("{bad} was accepted"));
            assert!(
                sentence.contains("`otlp`") && !sentence.contains("hunter2"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn the_path_for_spans_is_added_where_there_is_none() {
        for (url, expected) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            (
                "http://collector/otlp/v1/traces",
                "http://collector/otlp/v1/traces",
            ),
        ] {
            assert_eq!(endpoint(url), expected);
        }
    }
}
