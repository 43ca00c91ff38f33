//! How many tasks a caller may submit: so many a minute, and so many that have not ended yet.
//!
//! Kept in memory: a restart forgives what was submitted in the last minute, and is told again which
//! tasks are open. Callers are counted apart, all anonymous ones together. Knows callers by their
//! ids; never what a task is.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Caller, KeyId, Limits};

/// Why a caller must wait. Answered with 429 (RFC 6585 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotaError {
    /// Too many within a minute.
    #[error("This caller may submit {limit} tasks a minute.")]
    PerMinute {
        /// As many as are allowed.
        limit: NonZeroU32,
        /// Seconds until the next one is.
        retry_after: u64,
    },
    /// Too many that have not ended.
    #[error("This caller may have {limit} unfinished tasks: wait for one, or cancel one.")]
    Open {
        /// As many as are allowed.
        limit: NonZeroU32,
        /// Seconds after which to ask again.
        retry_after: u64,
    },
}

impl QuotaError {
    /// The value of `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(&self) -> u64 {
        match self {
            Self::PerMinute { retry_after, .. } | Self::Open { retry_after, .. } => *retry_after,
        }
    }
}

/// The counters of all callers.
#[derive(Debug)]
pub struct Quota {
    defaults: Limits,
    /// Whether open tasks are counted elsewhere, and only uploads here.
    is_shared: bool,
    callers: Mutex<Callers>,
}

#[derive(Debug)]
struct Callers {
    counts: HashMap<Option<KeyId>, Count>,
    /// The number of counters at which idle ones are thrown out.
    sweep_at: usize,
}

/// One caller's counters. Tasks a minute are a token bucket of one minute's tasks that starts full,
/// in the form of the generic cell rate algorithm: all of it is the moment at which the bucket will
/// be full again, and each task moves that moment on by its share of a minute.
#[derive(Debug)]
struct Count {
    full_at: Instant,
    open: u32,
}

impl Count {
    /// An idle counter says the same as none at all.
    fn is_idle(&self, now: Instant) -> bool {
        self.open == 0 && self.full_at <= now
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// When one of a caller's tasks ends nobody knows; often enough to be told soon after, and seldom
/// enough to be no load.
const ASK_AGAIN_FOR_OPEN: u64 = 10;
/// Some tens of KiB. Sweeping begins here, and then at twice what a sweep has left, so that its cost
/// per caller stays constant.
const SWEEP_AT: usize = 1024;

impl Quota {
    /// Counters for callers for whom `defaults` hold.
    #[must_use]
    pub fn new(defaults: Limits) -> Arc<Self> {
        Self::counting(defaults, false)
    }

    /// The same where a store counts the open tasks of all processes, and only what is being sent to this one
    /// is counted here. Tasks a minute are counted by each process for itself.
    #[must_use]
    pub fn beside_store(defaults: Limits) -> Arc<Self> {
        Self::counting(defaults, true)
    }

    fn counting(defaults: Limits, is_shared: bool) -> Arc<Self> {
        let callers = Callers { counts: HashMap::new(), sweep_at: SWEEP_AT };
        Arc::new(Self { defaults, is_shared, callers: Mutex::new(callers) })
    }

    /// How many unfinished tasks a caller may have, for the store that counts them.
    #[must_use]
    pub fn most_open(&self, caller: &Caller) -> Option<u64> {
        let most = self.limits(caller).open.filter(|_| self.is_shared);
        most.map(|most| most.get().into())
    }

    fn limits(&self, caller: &Caller) -> Limits {
        match caller {
            Caller::Anonymous => self.defaults,
            Caller::Key { limits, .. } => limits.or(self.defaults),
        }
    }

    /// Takes the room for one task. It is given back when what is returned is dropped, unless the
    /// task was [accepted](Admission::accepted).
    ///
    /// # Errors
    /// The caller has no room left.
    pub fn take(self: &Arc<Self>, caller: &Caller) -> Result<Admission, QuotaError> {
        self.take_at(caller, Instant::now())
    }

    fn take_at(self: &Arc<Self>, caller: &Caller, now: Instant) -> Result<Admission, QuotaError> {
        let limits = self.limits(caller);
        let owner = caller.owner();
        let mut callers = self.lock();
        let count = callers.count(owner, now);
        if let Some(limit) = limits.open
            && count.open >= limit.get()
        {
            return Err(QuotaError::Open { limit, retry_after: ASK_AGAIN_FOR_OPEN });
        }
        let mut share = Duration::ZERO;
        if let Some(limit) = limits.per_minute {
            share = MINUTE / limit.get();
            let full_at = count.full_at.max(now) + share;
            let wait = full_at.saturating_duration_since(now).saturating_sub(MINUTE);
            if !wait.is_zero() {
                let retry_after = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                return Err(QuotaError::PerMinute { limit, retry_after });
            }
            count.full_at = full_at;
        }
        count.open = count.open.saturating_add(1);
        Ok(Admission { quota: Arc::clone(self), owner, share, kept: false })
    }

    /// Counts an unfinished task of `owner` that was accepted before the server started.
    pub fn opened(&self, owner: Option<KeyId>) {
        if self.is_shared {
            return;
        }
        let mut callers = self.lock();
        let count = callers.count(owner, Instant::now());
        count.open = count.open.saturating_add(1);
    }

    /// A task of `owner` has ended.
    pub fn closed(&self, owner: Option<KeyId>) {
        if self.is_shared {
            return;
        }
        if let Some(count) = self.lock().counts.get_mut(&owner) {
            count.open = count.open.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Callers> {
        self.callers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callers {
    fn count(&mut self, owner: Option<KeyId>, now: Instant) -> &mut Count {
        if self.counts.len() >= self.sweep_at && !self.counts.contains_key(&owner) {
            self.counts.retain(|_, count| !count.is_idle(now));
            self.sweep_at = SWEEP_AT.max(2 * self.counts.len());
        }
        self.counts.entry(owner).or_insert(Count { full_at: now, open: 0 })
    }
}

/// Room for one task.
#[derive(Debug)]
#[must_use = "the room is given back at once"]
pub struct Admission {
    quota: Arc<Quota>,
    owner: Option<KeyId>,
    share: Duration,
    kept: bool,
}

impl Admission {
    /// The task was accepted: it counts as open until [`Quota::closed`], which from now on is the
    /// business of whoever ends it.
    pub fn accepted(mut self) {
        self.kept = true;
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        // An upload is over either way; an accepted task is open where nobody else counts it.
        let (gives_back_open, gives_back_share) = (!self.kept || self.quota.is_shared, !self.kept);
        if let Some(count) = self.quota.lock().counts.get_mut(&self.owner) {
            if gives_back_open {
                count.open = count.open.saturating_sub(1);
            }
            if gives_back_share {
                count.full_at = count.full_at.checked_sub(self.share).unwrap_or(count.full_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn quota(per_minute: u32, open: u32) -> Arc<Quota> {
        Quota::new(limits(per_minute, open))
    }

    fn limits(per_minute: u32, open: u32) -> Limits {
        Limits { per_minute: NonZeroU32::new(per_minute), open: NonZeroU32::new(open) }
    }

    fn key(number: usize, limits: Limits) -> Caller {
        Caller::Key { id: format!("{number:08}").parse().unwrap(), name: "test".into(), limits }
    }

    fn accepted(quota: &Arc<Quota>, caller: &Caller, now: Instant) -> Result<(), u64> {
        quota.take_at(caller, now).map(Admission::accepted).map_err(|error| error.retry_after())
    }

    #[test]
    fn without_limits_nobody_waits() {
        let quota = quota(0, 0);
        let now = Instant::now();
        assert!((0..10_000).all(|_| accepted(&quota, &Caller::Anonymous, now).is_ok()));
    }

    #[test]
    fn a_minutes_tasks_may_come_at_once_and_then_one_by_one() {
        let quota = quota(6, 0);
        let mut now = Instant::now();
        for _ in 0..6 {
            assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
        }
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Err(10));
        now += Duration::from_millis(9_500);
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Err(1));
        now += Duration::from_millis(500);
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Err(10));
        now += MINUTE;
        assert!((0..6).all(|_| accepted(&quota, &Caller::Anonymous, now).is_ok()));
        assert!(
            accepted(&quota, &Caller::Anonymous, now).is_err(),
            "patience buys one minute's tasks, no more"
        );
    }

    #[test]
    fn open_tasks_are_counted_until_they_end() {
        let quota = quota(0, 2);
        let now = Instant::now();
        // One from before a restart.
        quota.opened(None);
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Err(ASK_AGAIN_FOR_OPEN));
        quota.closed(None);
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
    }

    #[test]
    fn two_uploads_cannot_share_the_last_place() {
        let quota = quota(0, 1);
        let uploading = quota.take(&Caller::Anonymous).unwrap();
        assert!(quota.take(&Caller::Anonymous).is_err());
        drop(uploading);
        assert!(quota.take(&Caller::Anonymous).is_ok());
    }

    #[test]
    fn what_was_not_accepted_does_not_count() {
        let quota = quota(1, 1);
        let now = Instant::now();
        for _ in 0..10 {
            drop(quota.take_at(&Caller::Anonymous, now).unwrap());
        }
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
    }

    #[test]
    fn callers_are_counted_apart_and_a_key_may_have_limits_of_its_own() {
        let quota = quota(1, 0);
        let now = Instant::now();
        let (ordinary, favoured) = (key(1, Limits::default()), key(2, limits(3, 2)));
        assert_eq!(accepted(&quota, &Caller::Anonymous, now), Ok(()));
        assert_eq!(accepted(&quota, &ordinary, now), Ok(()));
        assert_eq!(accepted(&quota, &ordinary, now), Err(60));
        assert_eq!(accepted(&quota, &favoured, now), Ok(()));
        assert_eq!(accepted(&quota, &favoured, now), Ok(()));
        assert_eq!(accepted(&quota, &favoured, now), Err(ASK_AGAIN_FOR_OPEN));
    }

    #[test]
    fn idle_callers_are_forgotten_and_busy_ones_are_not() {
        let quota = quota(60, 5);
        let mut now = Instant::now();
        let busy = key(0, Limits::default());
        accepted(&quota, &busy, now).unwrap();
        for number in 1..10 * SWEEP_AT {
            now += Duration::from_millis(2);
            drop(quota.take_at(&key(number, Limits::default()), now).unwrap());
        }
        let callers = quota.lock();
        assert!(callers.counts.len() <= SWEEP_AT, "{}", callers.counts.len());
        assert_eq!(callers.counts.get(&busy.owner()).map(|count| count.open), Some(1));
    }

    #[test]
    fn an_end_that_nobody_counted_does_no_harm() {
        let quota = quota(0, 1);
        quota.closed(None);
        quota.opened(None);
        quota.closed(None);
        quota.closed(None);
        assert_eq!(accepted(&quota, &Caller::Anonymous, Instant::now()), Ok(()));
    }
}
