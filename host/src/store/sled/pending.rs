//! What a group of jobs has written and sled has not yet: jobs read through it, and all of it becomes one
//! transaction.
//!
//! Each transaction costs sled several writes of its log, and each write wakes all of its threads; so a
//! group of thirty tasks costs about what one does.

use std::cell::{Cell, RefCell};

use super::clock::Moment;
use super::trees::{self, Batch, Change, KeyUse, Trees, Values};
use crate::digest::Digest;
use crate::task::{Record, StoreError, TaskId};

/// The trees as the jobs of one group see them.
pub(super) struct Pending<'a> {
    /// Without what is pending.
    pub(super) trees: &'a Trees,
    changes: RefCell<Vec<(&'a sled::Tree, Values)>>,
    /// Whether anything was pending, be it handed to sled by now or not.
    changed: Cell<bool>,
}

impl<'a> Pending<'a> {
    pub(super) fn on(trees: &'a Trees) -> Self {
        Self { trees, changes: RefCell::default(), changed: Cell::new(false) }
    }

    /// Adds a batch, all of it or nothing.
    pub(super) fn apply(&self, batch: Batch<'a>) -> Result<(), StoreError> {
        let mut pending = self.changes.borrow_mut();
        let changes = batch.checked()?;
        self.changed.set(self.changed.get() || !changes.is_empty());
        for Change { tree, key, value } in changes {
            let values = match pending.iter_mut().position(|(known, _)| known.name() == tree.name()) {
                Some(at) => pending.get_mut(at),
                None => {
                    pending.push((tree, Values::new()));
                    pending.last_mut()
                }
            };
            values.map(|(_, values)| values.insert(key, value));
        }
        Ok(())
    }

    /// Whether there is anything to make durable.
    pub(super) fn has_changed(&self) -> bool {
        self.changed.get()
    }

    /// Hands everything to sled, in one transaction. It is not durable then.
    pub(super) fn write(&self) -> Result<(), StoreError> {
        // What sled refused is refused: nobody shall try again what the store failed of.
        let changes = self.changes.take();
        if changes.is_empty() { Ok(()) } else { trees::transact(&changes) }
    }

    /// The trees with all that is pending, for whoever walks through them.
    pub(super) fn written(&self) -> Result<&'a Trees, StoreError> {
        self.write()?;
        Ok(self.trees)
    }

    pub(super) fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        Ok(self.get_with_end(id)?.map(|(record, _)| record))
    }

    /// The record, and when it ended, if it is over.
    pub(super) fn get_with_end(&self, id: TaskId) -> Result<Option<(Record, Option<Moment>)>, StoreError> {
        match self.find(&self.trees.tasks, id.as_bytes()) {
            Some(value) => value.map(|bytes| trees::decode_task(id, &bytes)).transpose(),
            None => self.trees.get_with_end(id),
        }
    }

    pub(super) fn key_use(&self, owner: Option<&str>, key: Digest) -> Result<Option<KeyUse>, StoreError> {
        match self.find(&self.trees.keys, &trees::owned_key(owner, key.as_bytes())) {
            Some(value) => value.map(|bytes| trees::decode_key_use(&bytes)).transpose(),
            None => self.trees.key_use(owner, key),
        }
    }

    /// What is pending for a key, if anything is.
    fn find(&self, tree: &sled::Tree, key: &[u8]) -> Option<Option<Vec<u8>>> {
        let pending = self.changes.borrow();
        let (_, values) = pending.iter().find(|(known, _)| known.name() == tree.name())?;
        values.get(key).cloned()
    }
}
