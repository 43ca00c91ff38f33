//! Which operations are at work, so that no more tasks are claimed than can run soon, and no more of a
//! plugin than may run at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::Record;
use super::store::Bound;
use crate::id::TaskId;

/// The operations of the tasks that were claimed and have not run yet.
#[derive(Clone, Default)]
pub(super) struct AtWork(Arc<Mutex<HashMap<TaskId, Vec<String>>>>);

/// A task is at work as long as its entry.
pub(super) struct Entry(AtWork, TaskId);

impl AtWork {
    pub(super) fn enter(&self, record: &Record) -> Entry {
        self.entries().insert(record.id, record.operations.clone());
        Entry(self.clone(), record.id)
    }

    pub(super) fn count(&self) -> usize {
        self.entries().len()
    }

    /// How many more tasks with these operations may be at work, of so many at most.
    pub(super) fn left_of(&self, bounds: Vec<(Vec<String>, usize)>) -> Vec<Bound> {
        let entries = self.entries();
        let bounds = bounds.into_iter().map(|(operations, most)| {
            let mut bound = Bound { operations, left: most };
            let at_work = entries.values().filter(|operations| bound.concerns(operations)).count();
            bound.left = most.saturating_sub(at_work);
            bound
        });
        bounds.collect()
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<TaskId, Vec<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.entries().remove(&self.1);
    }
}
