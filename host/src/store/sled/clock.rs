//! The store's own clock, by which it decides what has been kept long enough.
//!
//! It begins as the wall clock when a store is made, and from then on counts the time in which a
//! server has the store open. It never jumps and never goes back: a wall clock that is set wrong,
//! while the server runs or before it starts, takes no result away early and keeps none for ever, and
//! a machine that was off for a week still gives its clients their time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment on the store's clock, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub(super) fn millis(self) -> u64 {
        self.0
    }

    pub(super) fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(millis(time)))
    }

    pub(super) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// The time since `earlier`, zero if that is later.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Debug)]
pub(super) struct Clock {
    opened: Moment,
    since: Instant,
}

impl Clock {
    /// The clock of a store whose last known moment is `last`; none for a new store.
    pub(super) fn go_on_after(last: Option<Moment>) -> Self {
        let opened = last.unwrap_or_else(|| {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Moment(millis(wall))
        });
        Self { opened, since: Instant::now() }
    }

    pub(super) fn now(&self) -> Moment {
        self.opened.after(self.since.elapsed())
    }
}
