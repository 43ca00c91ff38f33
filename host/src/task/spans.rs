//! What a trace is told of a task: that it waited, that it was worked at, and every run of a plugin in
//! between.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use super::record::{Outcome, Record};
use crate::plugin::{OnRun, Ran};
use crate::trace::{Kind, Span, TraceContext, Tracer, ago};

/// An attempt at a task that is traced.
#[derive(Clone)]
pub(super) struct TracedAttempt {
    tracer: Tracer,
    /// The request that submitted the task.
    request: TraceContext,
    /// Of the attempt.
    context: TraceContext,
    began: SystemTime,
}

impl TracedAttempt {
    /// An attempt that begins now; nothing, if nobody wants to know of it.
    pub(super) fn begin(tracer: &Tracer, record: &Record) -> Option<Self> {
        let request = record.trace.filter(|context| tracer.wants(context))?;
        // Since when a task waits that was given back is not known.
        if record.attempts == 1 {
            let waited = Timestamp::now().duration_since(record.submitted);
            let since = ago(Duration::try_from(waited).unwrap_or_default());
            let span = Span::new(request.child(), Some(request), "queue", since);
            tracer.take(span.with("tintype.task", record.id.to_string()));
        }
        let (tracer, began) = (tracer.clone(), SystemTime::now());
        Some(Self { tracer, request, context: request.child(), began })
    }

    /// What is to be told of every run.
    pub(super) fn on_run(&self) -> OnRun {
        let Self { tracer, context, .. } = self.clone();
        Arc::new(move |ran: &Ran<'_>| {
            let name = format!("{} {}", ran.plugin.name, ran.operations);
            let span = Span::new(context.child(), Some(context), &name, ago(ran.took))
                .with("tintype.plugin", ran.plugin.name.as_str())
                .with("tintype.plugin.version", ran.plugin.version.to_string())
                .with("tintype.operations", ran.operations);
            tracer.take(match ran.failed {
                Some(reason) => span.failed(reason),
                None => span,
            });
        })
    }

    /// The attempt is over; `outcome` is none if the task waits again.
    pub(super) fn end(self, record: &Record, outcome: Option<&Outcome>) {
        let span = Span::new(self.context, Some(self.request), "task", self.began)
            .kind(Kind::Consumer)
            .with("tintype.task", record.id.to_string())
            .with("tintype.attempt", record.attempts)
            .with("tintype.operations", record.operations.join(","))
            .with("tintype.input.bytes", record.input.size);
        self.tracer.take(match outcome {
            Some(Outcome::Ok(_)) => span.with("tintype.outcome", "ok"),
            Some(Outcome::Failed(failure)) => {
                span.with("tintype.outcome", failure.code.as_str()).failed(failure.code.as_str())
            }
            None => span.with("tintype.outcome", "given-back"),
        });
    }
}
