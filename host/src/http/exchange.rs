//! What becomes known of a request while it is answered, for the line that the log gets of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::http::Extensions;

use crate::task::TaskId;
use crate::trace::TraceContext;

/// A request and its answer. It travels with the request; clones are the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Exchange(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    trace: Option<TraceContext>,
    owner: OnceLock<Option<String>>,
    task: OnceLock<TaskId>,
    received: AtomicU64,
}

impl Exchange {
    /// One that may be traced.
    pub(super) fn traced(trace: Option<TraceContext>) -> Self {
        Self(Arc::new(Known { trace, ..Known::default() }))
    }

    /// That of a request.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_default()
    }

    /// Notes whose request it is.
    pub(super) fn is_of(&self, owner: Option<String>) {
        self.0.owner.get_or_init(|| owner);
    }

    /// Notes the task that it is about.
    pub(super) fn is_about(&self, task: TaskId) {
        self.0.task.get_or_init(|| task);
    }

    /// Notes how much of the body has arrived.
    pub(super) fn has_received(&self, bytes: u64) {
        self.0.received.store(bytes, Ordering::Relaxed);
    }

    pub(super) fn trace(&self) -> Option<TraceContext> {
        self.0.trace
    }

    pub(super) fn owner(&self) -> Option<&str> {
        self.0.owner.get()?.as_deref()
    }

    pub(super) fn task(&self) -> Option<TaskId> {
        self.0.task.get().copied()
    }

    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}
