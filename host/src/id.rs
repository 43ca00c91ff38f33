//! Task ids: UUID version 7 (RFC 9562 section 5.7), so that their order is the order of submission.

use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The id of a task.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(Uuid);

impl TaskId {
    /// Reads the one form in which an id is written: a UUID of version 7, hyphenated, lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        let id = Self(uuid);
        (uuid.get_version_num() == 7 && text == id.to_string()).then_some(id)
    }

    /// The 16 bytes, in the order of submission.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id with these bytes; what is not a version 7 UUID is none.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().filter(|uuid| uuid.get_version_num() == 7).map(Self)
    }

    /// The least id that could have been made `time` before this one.
    #[must_use]
    pub fn long_before(&self, time: Duration) -> Self {
        let earlier = self.millis().saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        Self(uuid::Builder::from_unix_timestamp_millis(earlier, &[0; 10]).into_uuid())
    }

    /// Milliseconds since 1970 at which the id was made.
    #[must_use]
    pub fn millis(&self) -> u64 {
        u64::try_from(self.0.as_u128() >> 80).unwrap_or(u64::MAX)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes ids, each greater than the one before, whatever the clock does.
#[derive(Debug)]
pub struct IdSource {
    last: Mutex<u128>,
}

/// The random bits of a version 7 UUID below its 12 + 62 bits that we may count up.
const STEP_BITS: u32 = 32;

impl IdSource {
    /// A source that goes on after `newest`, the greatest id that exists.
    #[must_use]
    pub fn after(newest: Option<TaskId>) -> Self {
        Self { last: Mutex::new(newest.map_or(0, |id| id.0.as_u128())) }
    }

    /// The next id.
    pub fn next(&self) -> TaskId {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        self.next_at(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    fn next_at(&self, millis: u64) -> TaskId {
        let fresh =
            uuid::Builder::from_unix_timestamp_millis(millis, random().last_chunk().unwrap_or(&[0; 10]))
                .into_uuid();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        // Within a millisecond, or after the clock went back, count up from the last one by a random
        // step, so that ids stay hard to guess (RFC 9562 section 6.2, method 2).
        let id = if fresh.as_u128() > *last { fresh } else { counted_up(*last) };
        *last = id.as_u128();
        TaskId(id)
    }
}

fn random() -> [u8; 16] {
    *Uuid::new_v4().as_bytes()
}

fn counted_up(last: u128) -> Uuid {
    let step = (u128::from_be_bytes(random()) & ((1 << STEP_BITS) - 1)) + 1;
    // Version and variant bits would be overwritten by a carry: take them out, count, put them back.
    let (time, rand_a, rand_b) = (last >> 80, (last >> 64) & 0xfff, last & ((1 << 62) - 1));
    let counter = ((time << 74) | (rand_a << 62) | rand_b) + step;
    let (time, rand_a, rand_b) = (counter >> 74, (counter >> 62) & 0xfff, counter & ((1 << 62) - 1));
    Uuid::from_u128((time << 80) | (7 << 76) | (rand_a << 64) | (0b10 << 62) | rand_b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_grow_even_when_the_clock_stands_still_or_goes_back() {
        let source = IdSource::after(None);
        let mut last = source.next_at(1_700_000_000_000);
        for step in 0..10_000_u64 {
            let next = source.next_at(1_700_000_000_000 - step);
            assert!(next > last);
            assert_eq!(TaskId::parse(&next.to_string()), Some(next));
            last = next;
        }
        let next = source.next_at(1_700_000_001_000);
        assert!(next > last);
        assert_eq!(next.millis(), 1_700_000_001_000);
    }

    #[test]
    fn a_restarted_source_goes_on_after_the_newest_id() {
        let newest = IdSource::after(None).next_at(1_900_000_000_000);
        assert!(IdSource::after(Some(newest)).next_at(1_700_000_000_000) > newest);
    }

    #[test]
    fn only_the_written_form_of_a_version_7_uuid_is_an_id() {
        let id = IdSource::after(None).next();
        assert_eq!(TaskId::parse(&id.to_string()), Some(id));
        assert_eq!(TaskId::parse(&id.to_string().to_uppercase()), None);
        assert_eq!(TaskId::parse(&id.to_string().replace('-', "")), None);
        assert_eq!(TaskId::parse(&Uuid::new_v4().to_string()), None);
        for wrong in ["", "1", "../../etc/passwd"] {
            assert_eq!(TaskId::parse(wrong), None);
        }
    }
}
