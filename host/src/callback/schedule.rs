//! When a callback that failed is tried again. Knows no clock: it is told what time it is.
//!
//! The example schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"), cut at the 24
//! hours for which a task's result is kept by default: who asks later than that finds nothing anyway.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// After this much time since the first attempt there is no further one.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * HOUR);

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Seconds from the end of an attempt to the next one. The last is shorter than the specification's
/// 14 hours, so that the whole ends, with its jitter, within the 24.
const DELAYS: [u64; 7] = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 5 * HOUR];

/// A tenth: enough to tear apart what failed together, and little enough to be the same schedule.
const JITTER: f64 = 0.1;

/// When to try again after `attempts` attempts, of which the first was at `first`, and the last just
/// failed at `now`; `None` gives up. `asked` is how long the receiver has asked to be left alone
/// (`Retry-After`), which is respected when it is longer than the schedule.
#[must_use]
pub fn next_attempt(
    attempts: u32,
    first: Timestamp,
    now: Timestamp,
    asked: Option<Duration>,
) -> Option<Timestamp> {
    // Without random bytes the schedule is as good, only not spread.
    next_with_chance(
        attempts,
        first,
        now,
        asked,
        getrandom::u32().map_or(0.0, |n| f64::from(n) / f64::from(u32::MAX)),
    )
}

/// `chance` is from 0 to 1.
fn next_with_chance(
    attempts: u32,
    first: Timestamp,
    now: Timestamp,
    asked: Option<Duration>,
    chance: f64,
) -> Option<Timestamp> {
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let delay = Duration::from_secs(*DELAYS.get(at)?).mul_f64(1.0 + JITTER * chance);
    let delay = SignedDuration::try_from(delay.max(asked.unwrap_or_default())).ok()?;
    let next = now.checked_add(delay).ok()?;
    let end = first.checked_add(GIVE_UP_AFTER).ok()?;
    (next <= end).then_some(next)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + i64::try_from(seconds).unwrap()).unwrap()
    }

    /// The moments of all attempts, in seconds since the first, when each fails at once.
    fn attempts(chance: f64) -> Vec<i64> {
        let mut moments = vec![at(0)];
        while let Some(next) =
            next_with_chance(moments.len().try_into().unwrap(), at(0), *moments.last().unwrap(), None, chance)
        {
            moments.push(next);
        }
        moments.iter().map(|moment| moment.as_second() - at(0).as_second()).collect()
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
        assert!(next_attempt(2, at(0), at(24 * HOUR - 400), None).is_some());
        assert_eq!(next_attempt(2, at(0), at(24 * HOUR - 200), None), None);
        assert_eq!(next_attempt(8, at(0), at(1), None), None);
        assert_eq!(next_attempt(u32::MAX, at(0), at(1), None), None);
        assert_eq!(next_attempt(0, at(0), at(1), None), None);
    }

    #[test]
    fn a_receiver_that_asks_for_more_time_gets_it_within_the_day() {
        let asked = |seconds| next_with_chance(1, at(0), at(0), Some(Duration::from_secs(seconds)), 0.0);
        assert_eq!(asked(1), Some(at(5)));
        assert_eq!(asked(3_600), Some(at(3_600)));
        assert_eq!(asked(25 * HOUR), None);
        assert_eq!(asked(u64::MAX), None);
    }
}
