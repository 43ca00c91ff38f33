//! Takes spans from the queue to the collector, many at a time.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

use super::collector::{Collector, ExportError};
use super::span::Span;
use super::{Figures, payload};

/// Spans of one request: some hundred KiB.
const MOST: usize = 512;
/// For so long a first span waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// Pauses before the same spans are sent again. A collector that restarts is back by then; meanwhile the
/// queue fills, and then spans are dropped.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// What comes through the queue.
#[derive(Debug)]
pub(super) enum Message {
    Span(Box<Span>),
    /// Somebody wants to know when all before it is sent.
    Flush(oneshot::Sender<()>),
}

/// See the module.
pub struct Exporter {
    collector: Collector,
    inbox: Receiver<Message>,
    figures: Figures,
    /// Whether the last spans did not get there: that is said once.
    failing: bool,
}

/// Spans, and who waits for them to be sent.
#[derive(Default)]
struct Batch {
    spans: Vec<Span>,
    flush: Option<oneshot::Sender<()>>,
}

impl Batch {
    fn is_complete(&self) -> bool {
        self.spans.len() >= MOST || self.flush.is_some()
    }

    fn add(&mut self, message: Message) {
        match message {
            Message::Span(span) => self.spans.push(*span),
            Message::Flush(done) => self.flush = Some(done),
        }
    }
}

impl Exporter {
    pub(super) fn new(collector: Collector, inbox: Receiver<Message>, figures: Figures) -> Self {
        Self { collector, inbox, figures, failing: false }
    }

    /// Exports for as long as there is anybody who could hand spans over.
    pub async fn run(mut self) {
        while let Some(batch) = self.gather().await {
            if !batch.spans.is_empty() {
                // A server that stops tries once: it has no time for pauses.
                self.export(&batch.spans, batch.flush.is_some()).await;
            }
            if let Some(done) = batch.flush {
                // Whoever asked may have lost patience.
                let _ = done.send(());
            }
        }
    }

    async fn gather(&mut self) -> Option<Batch> {
        let mut batch = Batch::default();
        batch.add(self.inbox.recv().await?);
        let until = Instant::now() + GATHER;
        while !batch.is_complete() {
            match tokio::time::timeout_at(until.into(), self.inbox.recv()).await {
                Ok(Some(message)) => batch.add(message),
                Ok(None) | Err(_) => break,
            }
        }
        Some(batch)
    }

    async fn export(&mut self, spans: &[Span], is_last: bool) {
        let body = Bytes::from(payload::of(spans).to_string());
        let mut pauses = PAUSES.into_iter().take(if is_last { 0 } else { PAUSES.len() });
        let sent = loop {
            match (self.collector.send(body.clone()).await, pauses.next()) {
                (Err(error), Some(pause)) if error.may_pass() => {
                    self.complain(&error);
                    tokio::time::sleep(pause).await;
                }
                (sent, _) => break sent,
            }
        };
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        match sent {
            Ok(()) => {
                self.figures.exported.inc_by(count);
                if std::mem::take(&mut self.failing) {
                    tracing::info!("the collector takes spans again");
                }
            }
            Err(error) => {
                self.figures.dropped.inc_by(count);
                self.complain(&error);
            }
        }
    }

    fn complain(&mut self, error: &ExportError) {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(%error, "the collector takes no spans; they are dropped until it does");
        }
    }
}
