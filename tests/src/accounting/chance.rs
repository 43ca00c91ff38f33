//! What is left to chance, so that it can be repeated as far as that goes.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use fastrand::Rng;

/// `CRASH_KILLS` is how often something dies, `CRASH_SEED` what is sent and what dies when.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    /// How often.
    pub kills: u64,
    seed: u64,
}

impl Chance {
    /// As the environment says, or so many times by the clock.
    #[must_use]
    pub fn new(kills: u64) -> Self {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        Self { kills: setting("CRASH_KILLS", kills), seed: setting("CRASH_SEED", clock) }
    }

    /// All further numbers.
    #[must_use]
    pub fn rng(&self) -> Rng {
        Rng::with_seed(self.seed)
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CRASH_SEED={} CRASH_KILLS={}", self.seed, self.kills)
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map_or(default, |text| text.parse().unwrap())
}
