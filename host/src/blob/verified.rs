//! Which blobs were found to be as they were kept: a client that fetches a large result range by range must
//! not make the server read all of it each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::BlobKey;

/// Most blobs that are remembered: some hundred bytes each.
const MOST: usize = 1024;

/// Blobs that were verified, each with the stamp that its store gave it then: one that was touched since is
/// looked at again.
#[derive(Debug)]
pub(super) struct Verified<S>(Mutex<HashMap<BlobKey, S>>);

impl<S> Default for Verified<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<S: Clone> Verified<S> {
    /// The stamp that a blob had when it was verified.
    pub(super) fn stamp(&self, key: BlobKey) -> Option<S> {
        self.lock().get(&key).cloned()
    }

    pub(super) fn remember(&self, key: BlobKey, stamp: S) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, stamp);
    }

    pub(super) fn forget(&self, keys: &[BlobKey]) {
        let mut known = self.lock();
        for key in keys {
            known.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BlobKey, S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
