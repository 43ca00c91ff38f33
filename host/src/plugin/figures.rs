//! What is counted of plugins' runs, for Prometheus.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::descriptor::Descriptor;
use super::ending::Ending;
use super::run::Usage;
use crate::figures::Latency;

/// A plugin, by name and version: other labels, such as tasks or clients, would never end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    plugin: String,
    version: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    plugin: String,
    version: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Operated {
    plugin: String,
    operation: String,
    outcome: &'static str,
}

type Histograms = Family<Of, Histogram, fn() -> Histogram>;

/// What is counted of all runs.
#[derive(Clone, Debug)]
pub struct Figures {
    runs: Family<Ended, Counter>,
    duration: Histograms,
    cpu: Histograms,
    memory: Histograms,
    wait: Histograms,
    operations: Family<Operated, Latency>,
    slots: Gauge,
    slots_used: Gauge,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            duration: Family::new_with_constructor(seconds),
            cpu: Family::new_with_constructor(seconds),
            memory: Family::new_with_constructor(bytes),
            wait: Family::new_with_constructor(seconds),
            operations: Family::default(),
            slots: Gauge::default(),
            slots_used: Gauge::default(),
        }
    }
}

/// From 0.5 ms, the shortest run that does something, by doubling to 65 s, beyond the usual deadline.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 18))
}

/// From 1 MiB by doubling to 4 GiB, the most that a guest can have.
fn bytes() -> Histogram {
    Histogram::new(exponential_buckets(f64::from(1 << 20), 2.0, 13))
}

impl Figures {
    /// Has `registry` show them.
    pub fn register(&self, registry: &mut Registry) {
        let sandbox = registry.sub_registry_with_prefix("sandbox");
        sandbox.register("slots", "Runs for which the sandbox has room at once", self.slots.clone());
        sandbox.register("slots_used", "Runs that are in the sandbox", self.slots_used.clone());
        let registry = registry.sub_registry_with_prefix("plugin");
        registry.register_with_unit(
            "operation_duration",
            "Time that a run took, by what it was for and how it ended; several operations can be one run",
            Unit::Seconds,
            self.operations.clone(),
        );
        registry.register("runs", "Runs of a plugin, by how they ended", self.runs.clone());
        let histograms = [
            ("run_duration", "Time that a run took", Unit::Seconds, &self.duration),
            ("run_cpu", "Processor time that a run took", Unit::Seconds, &self.cpu),
            ("run_peak_memory", "The most memory that a run had", Unit::Bytes, &self.memory),
            ("queue_wait", "Time that a task waited for its first plugin", Unit::Seconds, &self.wait),
        ];
        for (name, help, unit, histogram) in histograms {
            registry.register_with_unit(name, help, unit, histogram.clone());
        }
    }

    /// Counts a run.
    pub(super) fn ran(
        &self,
        plugin: &Descriptor,
        operation: String,
        ended: Result<(), &Ending>,
        usage: Usage,
    ) {
        let of = of(plugin);
        self.duration.get_or_create(&of).observe(usage.took.as_secs_f64());
        self.cpu.get_or_create(&of).observe(usage.cpu.as_secs_f64());
        #[allow(clippy::cast_precision_loss)] // exact to 2^53 bytes
        self.memory.get_or_create(&of).observe(usage.peak_memory as f64);
        let Of { plugin, version } = of;
        let outcome = ended.map_or_else(Ending::name, |()| "ok");
        let operated = Operated { plugin: plugin.clone(), operation, outcome };
        self.operations.get_or_create(&operated).observe(usage.took);
        self.runs.get_or_create(&Ended { plugin, version, outcome }).inc();
    }

    /// Notes for how many runs there is room.
    pub(super) fn has_room_for(&self, runs: u32) {
        self.slots.set(runs.into());
    }

    /// A run is in the sandbox as long as the value.
    pub(super) fn enter(&self) -> InSandbox {
        self.slots_used.inc();
        InSandbox(self.slots_used.clone())
    }

    /// Counts how long a task waited.
    pub(super) fn waited(&self, plugin: &Descriptor, time: Duration) {
        self.wait.get_or_create(&of(plugin)).observe(time.as_secs_f64());
    }
}

/// A run that is in the sandbox.
#[derive(Debug)]
pub(super) struct InSandbox(Gauge);

impl Drop for InSandbox {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn of(plugin: &Descriptor) -> Of {
    Of { plugin: plugin.name.clone(), version: plugin.version.to_string() }
}
