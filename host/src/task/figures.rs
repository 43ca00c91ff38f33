//! What is counted of tasks, for Prometheus.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::failure::FailureCode;
use super::record::{Outcome, Record, State};
use super::service::Tasks;
use super::store::Recovered;
use crate::figures::{Latency, gauge};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Requeued {
    reason: &'static str,
}

/// Why a task that was begun waits again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Again {
    /// Its worker gave it back: the disk is full, or the server stops.
    GivenBack,
    /// Its worker gave no sign of life.
    LeaseExpired,
    /// The server died while it ran.
    Crash,
}

/// What is counted of all tasks.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    accepted: Counter,
    repeated: Counter,
    ended: Family<Ended, Counter>,
    duration: Latency,
    attempts: Counter,
    attempt_duration: Latency,
    requeued: Family<Requeued, Counter>,
    busy: Gauge,
}

/// What an end without a failure is called.
const OK: &str = "ok";

impl Figures {
    fn register(&self, registry: &mut Registry) {
        // Whoever asks how much a counter has grown must have seen it at 0.
        for outcome in FailureCode::ALL.map(FailureCode::as_str).into_iter().chain([OK]) {
            drop(self.ended.get_or_create(&Ended { outcome }));
        }
        for reason in [Again::GivenBack, Again::LeaseExpired, Again::Crash] {
            drop(self.requeued.get_or_create(&Requeued { reason: reason.name() }));
        }
        registry.register("workers_busy", "Workers that have a task", self.busy.clone());
        let registry = registry.sub_registry_with_prefix("tasks");
        registry.register("accepted", "Tasks that were accepted", self.accepted.clone());
        registry.register("repeated", "Requests whose task was accepted before", self.repeated.clone());
        registry.register("ended", "Tasks that are over, by how they ended", self.ended.clone());
        registry.register("attempts", "Times that a task was begun", self.attempts.clone());
        registry.register("requeued", "Times that a begun task waits again, by why", self.requeued.clone());
        let durations = [
            ("duration", "Time from a task's acceptance to its end", &self.duration),
            (
                "attempt_duration",
                "Time from a task's claim until its outcome is known",
                &self.attempt_duration,
            ),
        ];
        for (name, help, latency) in durations {
            registry.register_with_unit(name, help, Unit::Seconds, latency.clone());
        }
    }

    pub(super) fn accepted(&self, is_new: bool) {
        if is_new { &self.accepted } else { &self.repeated }.inc();
    }

    /// Counts what the store found when it was opened.
    pub fn recovered(&self, recovered: Recovered) {
        let Recovered { requeued, interrupted } = recovered;
        self.requeued.get_or_create(&Requeued { reason: Again::Crash.name() }).inc_by(requeued);
        let outcome = FailureCode::Interrupted.as_str();
        self.ended.get_or_create(&Ended { outcome }).inc_by(interrupted);
    }

    pub(super) fn requeued(&self, reason: Again, tasks: u64) {
        self.requeued.get_or_create(&Requeued { reason: reason.name() }).inc_by(tasks);
    }

    /// Counts the end of a task.
    pub(super) fn ended(&self, record: &Record) {
        let State::Finished { completed, outcome } = &record.state else { return };
        let outcome = match outcome {
            Outcome::Ok(_) => OK,
            Outcome::Failed(failure) => failure.code.as_str(),
        };
        self.ended.get_or_create(&Ended { outcome }).inc();
        let took = completed.duration_since(record.submitted);
        // An end is never before the submission.
        self.duration.observe(Duration::try_from(took).unwrap_or_default());
    }

    pub(super) fn begun(&self) {
        self.attempts.inc();
    }

    pub(super) fn attempted(&self, took: Duration) {
        self.attempt_duration.observe(took);
    }

    /// A worker is busy as long as the value.
    pub(super) fn busy(&self) -> Busy {
        self.busy.inc();
        Busy(self.busy.clone())
    }
}

impl Again {
    fn name(self) -> &'static str {
        match self {
            Self::GivenBack => "given-back",
            Self::LeaseExpired => "lease-expired",
            Self::Crash => "crash",
        }
    }
}

/// A worker that has a task.
#[derive(Debug)]
pub(super) struct Busy(Gauge);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is not counted, but looked up when somebody asks.
struct LookedUp(Arc<Tasks>);

impl std::fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LookedUp")
    }
}

/// Has `registry` show what is counted of these tasks and what is known of them.
pub fn register(tasks: &Arc<Tasks>, registry: &mut Registry) {
    tasks.figures().register(registry);
    registry.register_collector(Box::new(LookedUp(Arc::clone(tasks))));
}

impl Collector for LookedUp {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let Self(tasks) = self;
        let encoder = &mut encoder;
        let oldest = tasks.store.oldest_waiting().ok().flatten();
        let age = oldest.map_or(0.0, |age| age.as_secs_f64());
        let (seconds, bytes) = (Some(&Unit::Seconds), Some(&Unit::Bytes));
        gauge(encoder, "queue_tasks", "Tasks that wait", None, &tasks.queued())?;
        gauge(encoder, "queue_max_tasks", "Tasks that may wait", None, &tasks.max_queue)?;
        gauge(encoder, "queue_oldest_age", "Since when the oldest task waits", seconds, &age)?;
        gauge(encoder, "workers", "Tasks run at once at most", None, &tasks.workers())?;
        let failed = u32::from(tasks.storage_failure().is_some());
        gauge(encoder, "store_failed", "1 if the task store has failed", None, &failed)?;
        let trouble = u32::from(tasks.disk.trouble().is_some());
        gauge(encoder, "blobs_failed", "1 while pictures cannot be written", None, &trouble)?;
        let draining = u32::from(tasks.is_draining());
        gauge(encoder, "draining", "1 while the server is about to stop", None, &draining)?;
        let plugins = tasks.registry().plugins().count();
        gauge(encoder, "plugins", "Plugins in use", None, &plugins)?;
        if let Some(space) = tasks.blobs.space() {
            gauge(encoder, "disk_free", "Space for pictures that is left", bytes, &space.free)?;
            gauge(encoder, "disk_size", "Space of the disk that pictures are on", bytes, &space.size)?;
        }
        let help = "Space below which tasks are refused";
        gauge(encoder, "disk_min_free", help, bytes, &tasks.min_free_space)
    }
}
