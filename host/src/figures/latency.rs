//! How long things take, counted without a lock: the histogram of `prometheus-client` takes one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds of the buckets, in microseconds: from what a poll takes by threes and a third to a deadline
/// of a hundred seconds. Whatever is slower is in the last bucket, which has no bound.
const BOUNDS: [u64; 13] = [
    100,
    300,
    1_000,
    3_000,
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
];

/// A histogram of durations.
#[derive(Clone, Default)]
pub struct Latency(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// One more than there are bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    /// Microseconds of all together.
    sum: AtomicU64,
}

impl Latency {
    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = BOUNDS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.0.buckets.get(at) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.0.sum.fetch_add(micros, Ordering::Relaxed);
    }
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Latency")
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Latency {
    #[allow(clippy::cast_precision_loss)] // exact for the bounds; a sum may lose its last digits after centuries
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let bounds = BOUNDS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::MAX]);
        let counts = self.0.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        // What is counted while this is read must not be in the sum of the buckets and missing here.
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.sum.load(Ordering::Relaxed) as f64 / 1e6;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::{Registry, Unit};

    use super::*;

    #[test]
    fn a_duration_is_counted_in_the_bucket_whose_bound_it_does_not_pass() {
        let latency = Latency::default();
        for micros in [1, 100, 101, 1_000_000, 200_000_000] {
            latency.observe(Duration::from_micros(micros));
        }
        let mut registry = Registry::default();
        registry.register_with_unit("it", "Time", Unit::Seconds, latency);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "it_seconds_bucket{le=\"0.0001\"} 2",
            "it_seconds_bucket{le=\"0.0003\"} 3",
            "it_seconds_bucket{le=\"0.3\"} 3",
            "it_seconds_bucket{le=\"1.0\"} 4",
            "it_seconds_bucket{le=\"100.0\"} 4",
            "it_seconds_bucket{le=\"+Inf\"} 5",
            "it_seconds_count 5",
            "it_seconds_sum 201.000202",
        ] {
            assert!(text.lines().any(|known| known == line), "{line} is not in {text}");
        }
    }
}
