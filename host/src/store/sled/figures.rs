//! What is counted of the store, for Prometheus.

use prometheus_client::registry::{Registry, Unit};

use crate::figures::Latency;

/// How long writes take.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// From a change's arrival at the store to its answer.
    pub(super) commit: Latency,
    /// One flush, of many changes.
    pub(super) flush: Latency,
}

impl Figures {
    /// Has `registry` show them.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("store");
        let latencies = [
            ("commit_duration", "Time until a change of the task store is answered", &self.commit),
            ("flush_duration", "Time of a flush of the task store", &self.flush),
        ];
        for (name, help, latency) in latencies {
            registry.register_with_unit(name, help, Unit::Seconds, latency.clone());
        }
    }
}
