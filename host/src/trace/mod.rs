//! Traces for an OpenTelemetry collector: from the request that submits a task over the queue to the runs
//! of its plugins and the announcement of its end. Off unless the operator names a collector.
//!
//! | question | file |
//! |---|---|
//! | how a trace goes from one program to the next | `context.rs` |
//! | what is told of one step | `span.rs` |
//! | how that is written for a collector | `payload.rs` |
//! | how it gets there | `exporter.rs`, `collector.rs` |
//!
//! A span is handed over without waiting: where the queue is full, because the collector is away or slow,
//! it is dropped and counted. No task is ever held up, and none fails, for want of a trace.

mod collector;
mod context;
mod exporter;
mod payload;
mod span;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use tokio::sync::{mpsc, oneshot};

pub use self::collector::BadEndpoint;
use self::collector::Collector;
pub use self::context::TraceContext;
pub use self::exporter::Exporter;
use self::exporter::Message;
pub use self::span::{Kind, Span, Value};
use crate::config::Otlp;

/// Spans that may wait for the collector: some 300 tasks, and about a MiB.
const LONGEST_QUEUE: usize = 2048;

/// Takes spans, if somebody wants them.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<Arc<Enabled>>);

#[derive(Debug)]
struct Enabled {
    queue: mpsc::Sender<Message>,
    /// Part of the traces that begin here and are told of.
    sample_ratio: f64,
    figures: Figures,
}

/// What became of spans.
#[derive(Clone, Debug, Default)]
struct Figures {
    exported: Counter,
    dropped: Counter,
}

impl Tracer {
    /// As the operator has set it up, with what has to run for it; nothing, where no collector is named.
    ///
    /// # Errors
    /// The collector's address cannot be used.
    pub fn from_settings(settings: &Otlp) -> Result<(Self, Option<Exporter>), BadEndpoint> {
        let Some(endpoint) = &settings.otlp_endpoint else { return Ok((Self::default(), None)) };
        let collector = Collector::new(endpoint, &settings.otlp_headers)?;
        let (queue, inbox) = mpsc::channel(LONGEST_QUEUE);
        let figures = Figures::default();
        let exporter = Exporter::new(collector, inbox, figures.clone());
        let sample_ratio = settings.otlp_sample_ratio.0;
        Ok((Self(Some(Arc::new(Enabled { queue, sample_ratio, figures }))), Some(exporter)))
    }

    /// Has `registry` show what became of spans.
    pub fn register(&self, registry: &mut Registry) {
        let Some(enabled) = &self.0 else { return };
        let registry = registry.sub_registry_with_prefix("otlp");
        let Figures { exported, dropped } = enabled.figures.clone();
        registry.register("spans_exported", "Spans that the collector took", exported);
        let help = "Spans that were dropped, because the collector is away or slow";
        registry.register("spans_dropped", help, dropped);
    }

    /// The context of a request, in the trace of its client or in one of its own. Without a collector the
    /// client's is handed on as it is.
    #[must_use]
    pub fn of_request(&self, client: Option<TraceContext>) -> Option<TraceContext> {
        match (&self.0, client) {
            (None, client) => client,
            (Some(_), Some(client)) => Some(client.child()),
            (Some(enabled), None) => TraceContext::begin(enabled.sample_ratio),
        }
    }

    /// Whether spans of this context are wanted.
    #[must_use]
    pub fn wants(&self, context: &TraceContext) -> bool {
        self.0.is_some() && context.is_sampled()
    }

    /// Takes a span that is over.
    pub fn take(&self, span: Span) {
        if let Some(enabled) = &self.0
            && enabled.queue.try_send(Message::Span(Box::new(span))).is_err()
        {
            enabled.figures.dropped.inc();
        }
    }

    /// Waits until what was taken is with the collector, or is given up, but no longer than `patience`.
    pub async fn flush(&self, patience: Duration) {
        let Some(enabled) = &self.0 else { return };
        let flushed = async {
            let (done, is_done) = oneshot::channel();
            enabled.queue.send(Message::Flush(done)).await.ok()?;
            is_done.await.ok()
        };
        if tokio::time::timeout(patience, flushed).await.is_err() {
            tracing::warn!("the last spans did not reach the collector in time");
        }
    }
}

/// The moment so long ago.
#[must_use]
pub fn ago(time: Duration) -> SystemTime {
    let now = SystemTime::now();
    now.checked_sub(time).unwrap_or(now)
}
