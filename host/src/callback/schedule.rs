//! When a callback that failed is tried again. Knows no clock: it is told what time it is.
//!
//! The example schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"), cut at the 24
//! hours for which a task's result is kept by default: who asks later than that finds nothing anyway.

use std::time::Duration;

/// After this much time since the task's end there is no further attempt.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * HOUR);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds from the end of an attempt to the next one. The last is shorter than the specification's
/// 14 hours, so that the whole ends, with its jitter, within the 24.
const DELAYS: [u64; 7] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 5 * HOUR];

/// A tenth: enough to tear apart what failed together, and little enough to be the same schedule.
const JITTER: f64 = 0.1;

/// The time until the next attempt after `attempts` attempts, of which the last just failed, `waited`
/// after the task ended; `None` gives up. `asked` is how long the receiver has asked to be left alone
/// (`Retry-After`), which is respected when it is longer than the schedule.
#[must_use]
pub fn next_attempt(attempts: u32, waited: Duration, asked: Option<Duration>) -> Option<Duration> {
    // Without random bytes the schedule is as good, only not spread.
    let chance = getrandom::u32().map_or(0.0, |n| f64::from(n) / f64::from(u32::MAX));
    next_with_chance(attempts, waited, asked, chance)
}

/// `chance` is from 0 to 1.
fn next_with_chance(
    attempts: u32,
    waited: Duration,
    asked: Option<Duration>,
    chance: f64,
) -> Option<Duration> {
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let delay = Duration::from_secs(*DELAYS.get(at)?).mul_f64(1.0 + JITTER * chance);
    let delay = delay.max(asked.unwrap_or_default());
    (waited.checked_add(delay)? <= GIVE_UP_AFTER).then_some(delay)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// The moments of all attempts, in seconds since the first, when each fails at once.
    fn attempts(chance: f64) -> Vec<u64> {
        let mut moments = vec![Duration::ZERO];
        let mut waited = Duration::ZERO;
        while let Some(next) = next_with_chance(moments.len().try_into().unwrap(), waited, None, chance) {
            waited += next;
            moments.push(waited);
        }
        moments.iter().map(Duration::as_secs).collect()
    }

    #[test]
    fn attempts_follow_the_specifications_example_for_a_day() {
        assert_eq!(attempts(0.0), [0, 5, 305, 2_105, 9_305, 27_305, 63_305, 81_305]);
    }

    #[test]
    fn jitter_only_delays_and_loses_no_attempt_but_perhaps_the_last() {
        let (early, late) = (attempts(0.0), attempts(1.0));
        assert!(late.len() >= early.len() - 1);
        assert!(early.iter().zip(&late).all(|(early, late)| early <= late));
        assert!(late.last() <= Some(&86_400));
    }

    #[test]
    fn nobody_is_called_after_a_day() {
        // The server was down for most of it.
        assert!(next_attempt(2, seconds(24 * HOUR - 400), None).is_some());
        assert_eq!(next_attempt(2, seconds(24 * HOUR - 200), None), None);
        assert_eq!(next_attempt(2, Duration::MAX, None), None);
        assert_eq!(next_attempt(8, seconds(1), None), None);
        assert_eq!(next_attempt(u32::MAX, seconds(1), None), None);
        assert_eq!(next_attempt(0, seconds(1), None), None);
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_gets_it_within_the_day() {
        let asked = |asked| next_with_chance(1, Duration::ZERO, Some(seconds(asked)), 0.0);
        assert_eq!(asked(1), Some(seconds(5)));
        assert_eq!(asked(3_600), Some(seconds(3_600)));
        assert_eq!(asked(25 * HOUR), None);
        assert_eq!(asked(u64::MAX), None);
    }
}
