//! How long a task will probably take, from how long its operations took lately.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Weight of the newest run in an average: about the last ten runs count.
const NEWEST: f64 = 0.2;

/// What a run is taken to last before anything is known.
const FIRST_GUESS: f64 = 0.1;

/// Operations of which an average is kept. Their names come from plugins, not from clients, so this
/// is only reached where plugins come and go without end.
const MOST_OPERATIONS: usize = 1024;

/// Moving averages of run times.
#[derive(Debug, Default)]
pub struct Estimates(Mutex<Averages>);

#[derive(Debug, Default)]
struct Averages {
    /// Seconds of a whole run, of any task.
    any: Option<f64>,
    /// Seconds, by operation.
    by_operation: HashMap<String, f64>,
}

impl Estimates {
    /// Learns from a run.
    pub fn learn(&self, operations: &[String], took: Duration) {
        let mut averages = self.lock();
        averages.any = Some(mean(averages.any, took.as_secs_f64()));
        #[allow(clippy::cast_precision_loss)] // at most 16
        let share = took.as_secs_f64() / operations.len().max(1) as f64;
        for operation in operations {
            let known = averages.by_operation.get(operation).copied();
            if known.is_some() || averages.by_operation.len() < MOST_OPERATIONS {
                averages.by_operation.insert(operation.clone(), mean(known, share));
            }
        }
    }

    /// When a task with these operations should be over, if `ahead` tasks are before it and
    /// `workers` work.
    #[must_use]
    pub fn time_left(&self, operations: &[String], ahead: u64, workers: usize) -> Duration {
        let averages = self.lock();
        let any = averages.any.unwrap_or(FIRST_GUESS);
        let own: f64 = operations
            .iter()
            .map(|name| averages.by_operation.get(name).copied().unwrap_or(FIRST_GUESS))
            .sum();
        #[allow(clippy::cast_precision_loss)] // an estimate
        let waiting = any * ahead as f64 / workers.max(1) as f64;
        Duration::try_from_secs_f64(waiting + own).unwrap_or(Duration::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Averages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn mean(average: Option<f64>, newest: f64) -> f64 {
    average.map_or(newest, |average| average + NEWEST * (newest - average))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_slow_and_what_waits_before_it_make_the_estimate_longer() {
        let estimates = Estimates::default();
        let (slow, fast) = (["blur".to_owned()], ["crop".to_owned()]);
        for _ in 0..50 {
            estimates.learn(&slow, Duration::from_secs(10));
            estimates.learn(&fast, Duration::from_millis(10));
        }
        assert!(estimates.time_left(&slow, 0, 2) >= Duration::from_secs(9));
        assert!(estimates.time_left(&fast, 0, 2) <= Duration::from_millis(20));
        assert!(estimates.time_left(&fast, 100, 1) > estimates.time_left(&fast, 100, 2));
        assert!(estimates.time_left(&fast, 100, 2) > estimates.time_left(&fast, 1, 2));
    }
}
