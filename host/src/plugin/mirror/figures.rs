//! Which set a server uses, and whether it can follow the place, for Prometheus.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::digest::Digest;

/// A set. There is one at a time, so the label has one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Set {
    sha256: String,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    sets: Family<Set, Gauge>,
    failing: Gauge,
}

impl Figures {
    /// Has `registry` show them.
    pub fn register(&self, registry: &mut Registry) {
        let help = "1 for the published set of plugins in use, by the digest of its manifest";
        registry.register("plugin_set", help, self.sets.clone());
        let help = "Whether the place that plugins are published at cannot be followed now";
        registry.register("plugin_set_failing", help, self.failing.clone());
    }

    pub(super) fn serves(&self, set: Digest) {
        self.sets.clear();
        self.sets.get_or_create(&Set { sha256: set.to_string() }).set(1);
    }

    pub(super) fn fails(&self, fails: bool) {
        self.failing.set(fails.into());
    }
}
