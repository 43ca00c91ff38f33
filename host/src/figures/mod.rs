//! What all counting shares: a histogram that costs two additions, and the figures of the process itself.
//! What is counted of requests, tasks, storage and plugins stands in the `figures.rs` beside each of them.
//!
//! Labels are bounded: they are words of ours, or names that operators and their plugins give. Nothing
//! that a client sends becomes a label, or a client could make figures without end.

mod latency;
mod process;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

pub use self::latency::Latency;
use self::process::Process;

/// What every name of ours begins with.
const PREFIX: &str = "tintype";

/// A registry with the figures of this process, which has just begun.
#[must_use]
pub fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process::started_now()));
    let version = ("version", env!("CARGO_PKG_VERSION"));
    own(&mut registry).register("build", "The version that runs", Info::new(vec![version]));
    registry
}

/// The part of it for names of our own.
pub fn own(registry: &mut Registry) -> &mut Registry {
    registry.sub_registry_with_prefix(PREFIX)
}

/// Writes a figure that is looked up when it is asked for.
pub(crate) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: &impl EncodeGaugeValue,
) -> std::fmt::Result {
    encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(value)
}
