//! What the service says about itself: log lines, metrics, traces.
//!
//! [`logs`] writes lines on a thread of its own and never makes a request wait, `lines` says how one is
//! written; [`meters`] counts,
//! with labels whose values are bounded by the code and never by what a caller sends; [`history`] keeps
//! some of it for the console's charts; `traces` sends spans to OpenTelemetry where that is configured. [`start`] sets up lines and spans together,
//! since both listen to the same events.
//!
//! None of them ever carries a secret, a token, a cookie, a password or an e-mail address (CONTRACT
//! §11), and none can stop the service: a full queue or an unreachable collector loses telemetry.

pub mod history;
mod lines;
pub mod logs;
pub mod meters;
pub(crate) mod process;
pub(crate) mod request;
#[cfg(feature = "otel")]
pub mod traces;

#[cfg(feature = "otel")]
pub use traces::span;

use std::io;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use url::Url;

use crate::config::LogSettings;

/// Keeps telemetry going. Dropping it writes out what is queued, for a moment at most.
#[must_use = "dropping it ends the log"]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    traces: Option<traces::Traces>,
    // Dropped last, so that the end of the traces can still be logged.
    _logs: logs::Writer,
}

/// Telemetry could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NoTelemetry {
    /// The thread that writes lines could not be started.
    #[error("the log thread cannot be started: {0}")]
    Thread(#[from] io::Error),
    /// The exporter of spans could not be made.
    #[error("traces cannot be sent: {0}")]
    Traces(String),
    /// It was started before.
    #[error("telemetry was started before: {0}")]
    Twice(#[from] TryInitError),
}

/// Starts writing lines to standard error, and sending spans to `collector` if there is one.
///
/// # Errors
/// See [`NoTelemetry`].
pub fn start(settings: &LogSettings, collector: Option<&Url>) -> Result<Telemetry, NoTelemetry> {
    let writer = logs::Writer::start()?;
    let lines = logs::layer(settings, &writer);
    #[cfg(feature = "otel")]
    {
        let traces = collector.map(traces::Traces::start).transpose()?;
        let spans = traces.as_ref().map(traces::Traces::layer);
        tracing_subscriber::registry()
            .with(lines)
            .with(spans)
            .try_init()?;
        Ok(Telemetry {
            traces,
            _logs: writer,
        })
    }
    #[cfg(not(feature = "otel"))]
    {
        tracing_subscriber::registry().with(lines).try_init()?;
        if collector.is_some() {
            tracing::warn!("this build sends no traces: the feature `otel` is off");
        }
        Ok(Telemetry { _logs: writer })
    }
}

/// Makes no span: this build sends no traces.
#[cfg(not(feature = "otel"))]
pub fn span(_: &str, _: Option<&http::HeaderMap>) -> tracing::Span {
    tracing::Span::none()
}

// === impl Telemetry ===

impl Drop for Telemetry {
    fn drop(&mut self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces.take() {
            traces.flush();
        }
    }
}
