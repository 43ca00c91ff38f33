//! Objects that were written, or perhaps written, for nothing: their request was given up, or failed half
//! way. An engine that failed cannot be asked to delete them at once, so they wait until it can.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::blob::BlobKey;

/// Most that wait. Further ones are found by the sweep of orphans.
const MOST: usize = 10_000;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Abandoned(Arc<Mutex<Vec<BlobKey>>>);

impl Abandoned {
    /// Blobs that are abandoned unless somebody says that they are kept.
    pub(super) fn unless_kept(&self, keys: Vec<BlobKey>) -> Unkept {
        Unkept { abandoned: self.clone(), keys }
    }

    /// All of them; who takes them deletes them.
    pub(super) fn take(&self) -> Vec<BlobKey> {
        std::mem::take(&mut *self.lock())
    }

    pub(super) fn add(&self, keys: Vec<BlobKey>) {
        let mut waiting = self.lock();
        let room = MOST.saturating_sub(waiting.len());
        waiting.extend(keys.into_iter().take(room));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BlobKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Blobs on their way. A request whose client has gone is dropped in the middle; so this is a value.
pub(super) struct Unkept {
    abandoned: Abandoned,
    keys: Vec<BlobKey>,
}

impl Unkept {
    pub(super) fn kept(mut self) {
        self.keys.clear();
    }
}

impl Drop for Unkept {
    fn drop(&mut self) {
        if !self.keys.is_empty() {
            self.abandoned.add(std::mem::take(&mut self.keys));
        }
    }
}
