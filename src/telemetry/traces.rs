//! Spans to OpenTelemetry, by OTLP over HTTP.
//!
//! A thread of the SDK gathers finished spans and sends them with a blocking client of its own, so a
//! collector that hangs or is away costs spans, never requests: the queue is bounded and drops. The
//! trace a request belongs to is taken from its `traceparent` header (W3C Trace Context), which
//! `http/front` passes on from trusted proxies only.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use super::NoTelemetry;

/// How long the collector may take for one batch.
const SEND_WITHIN: Duration = Duration::from_secs(5);
/// How long the end of the process waits for the last batch.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);
/// What our spans are found under.
const SERVICE: &str = "auth-service";

/// The exporter of spans.
pub(super) struct Traces(SdkTracerProvider);

struct Headers<'a>(&'a HeaderMap);

/// Whether an exporter listens to spans. One that nobody listens to is kept in a table all the same.
static LISTENS: AtomicBool = AtomicBool::new(false);

/// Makes the span of a request, a part of the trace that the headers name, if they name one.
pub fn span(id: &str, trusted: Option<&HeaderMap>) -> Span {
    if !LISTENS.load(Ordering::Relaxed) {
        return Span::none();
    }
    let span = tracing::info_span!("request", id);
    if let Some(headers) = trusted.filter(|headers| headers.contains_key("traceparent")) {
        let parent = TraceContextPropagator::new().extract(&Headers(headers));
        // It fails for a span that is switched off; there is no trace to be part of then.
        let _ = span.set_parent(parent);
    }
    span
}

// === impl Traces ===

impl Traces {
    /// Starts sending to the collector with this base URL.
    ///
    /// # Errors
    /// [`NoTelemetry::Traces`] if the exporter cannot be made. An unreachable collector is none.
    pub(super) fn start(collector: &Url) -> Result<Self, NoTelemetry> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(traces_url(collector))
            .with_timeout(SEND_WITHIN)
            .build()
            .map_err(|error| NoTelemetry::Traces(error.to_string()))?;
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .with_resource(Resource::builder().with_service_name(SERVICE).build())
            .with_batch_exporter(exporter)
            .build();
        LISTENS.store(true, Ordering::Relaxed);
        Ok(Self(provider))
    }

    /// Makes the layer that turns our spans into the exporter's.
    pub(super) fn layer<S>(&self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_filter(LevelFilter::INFO)
            .boxed()
    }

    /// Sends what is gathered, for a moment at most, and ends the exporter.
    pub(super) fn flush(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH_WITHIN) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// The endpoint is a base, as the variable's specification says: signals have paths below it.
fn traces_url(collector: &Url) -> String {
    format!("{}/v1/traces", collector.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_go_below_the_base_url() {
        for base in ["http://c:4318", "http://c:4318/"] {
            let url = Url::parse(base).expect("a URL");
            assert_eq!(traces_url(&url), "http://c:4318/v1/traces");
        }
    }
}
