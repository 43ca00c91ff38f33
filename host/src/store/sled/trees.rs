//! The trees and what is in them. Every method that writes is one transaction.

use sled::Transactional;
use sled::transaction::{
    ConflictableTransactionError, TransactionError, TransactionResult, TransactionalTree,
};

use crate::task::{Record, State, StoreError, TaskId};

/// Records are kept below this size: sled moves larger values into files that it never syncs.
const LARGEST_RECORD: usize = 4096;

pub(super) struct Trees {
    pub(super) tasks: sled::Tree,
    pub(super) queue: sled::Tree,
    pub(super) running: sled::Tree,
}

impl Trees {
    pub(super) fn open(db: &sled::Db) -> sled::Result<Self> {
        Ok(Self {
            tasks: db.open_tree("tasks")?,
            queue: db.open_tree("queue")?,
            running: db.open_tree("running")?,
        })
    }

    pub(super) fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        self.tasks
            .get(id.as_bytes())
            .map_err(|error| failed(&error))?
            .map(|bytes| decode(id, &bytes))
            .transpose()
    }

    /// The ids at the head of the queue.
    pub(super) fn waiting(&self, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        self.queue
            .iter()
            .keys()
            .filter_map(|key| {
                key.map_err(|error| failed(&error)).map(|key| TaskId::from_slice(&key)).transpose()
            })
            .take(limit)
            .collect()
    }

    /// Every task that runs, with its attempt.
    pub(super) fn running(&self) -> Result<Vec<(TaskId, u32)>, StoreError> {
        self.running
            .iter()
            .filter_map(|entry| {
                let (key, value) = match entry {
                    Ok(entry) => entry,
                    Err(error) => return Some(Err(failed(&error))),
                };
                Some(Ok((TaskId::from_slice(&key)?, u32::from_be_bytes(value.as_ref().try_into().ok()?))))
            })
            .collect()
    }

    pub(super) fn newest(&self) -> Result<Option<TaskId>, StoreError> {
        let last = self.tasks.last().map_err(|error| failed(&error))?;
        Ok(last.and_then(|(key, _)| TaskId::from_slice(&key)))
    }

    /// The ticket of the newest task, or 0.
    pub(super) fn last_ticket(&self) -> Result<u64, StoreError> {
        let Some(id) = self.newest()? else { return Ok(0) };
        Ok(self.get(id)?.map_or(0, |record| record.ticket))
    }

    /// The ticket of the task that waits longest.
    pub(super) fn first_waiting_ticket(&self) -> Result<Option<u64>, StoreError> {
        let Some(id) = self.waiting(1)?.first().copied() else { return Ok(None) };
        Ok(self.get(id)?.map(|record| record.ticket))
    }

    pub(super) fn put_new(&self, record: &Record) -> Result<(), StoreError> {
        self.write(record, |queue, _, key| queue.insert(key, &[]).map(drop))
    }

    pub(super) fn put_claimed(&self, record: &Record, attempt: u32) -> Result<(), StoreError> {
        self.write(record, |queue, running, key| {
            queue.remove(key)?;
            running.insert(key, &attempt.to_be_bytes())?;
            Ok(())
        })
    }

    /// Writes a record whose attempt has ended, and queues it if it waits again.
    pub(super) fn put_ended_attempt(&self, record: &Record) -> Result<(), StoreError> {
        let waits = matches!(record.state, State::Queued);
        self.write(record, |queue, running, key| {
            running.remove(key)?;
            if waits {
                queue.insert(key, &[])?;
            }
            Ok(())
        })
    }

    /// Takes an id without a record out of the queue.
    pub(super) fn forget_waiting(&self, id: TaskId) -> Result<(), StoreError> {
        self.queue.remove(id.as_bytes()).map(drop).map_err(|error| failed(&error))
    }

    fn write(
        &self,
        record: &Record,
        around: impl Fn(
            &TransactionalTree,
            &TransactionalTree,
            &[u8],
        ) -> Result<(), sled::transaction::UnabortableTransactionError>,
    ) -> Result<(), StoreError> {
        let value = encode(record)?;
        let key = record.id.as_bytes().as_slice();
        let written: TransactionResult<(), ()> =
            (&self.tasks, &self.queue, &self.running).transaction(|(tasks, queue, running)| {
                tasks.insert(key, value.as_slice())?;
                around(queue, running, key)?;
                Ok::<(), ConflictableTransactionError<()>>(())
            });
        match written {
            Ok(()) => Ok(()),
            Err(TransactionError::Storage(error)) => Err(failed(&error)),
            Err(TransactionError::Abort(())) => {
                Err(StoreError::Failed("a transaction was aborted".to_owned()))
            }
        }
    }
}

fn encode(record: &Record) -> Result<Vec<u8>, StoreError> {
    let bytes = rmp_serde::to_vec_named(record).map_err(|error| StoreError::Failed(error.to_string()))?;
    if bytes.len() > LARGEST_RECORD {
        return Err(StoreError::Failed(format!("a record of {} bytes is too large", bytes.len())));
    }
    Ok(bytes)
}

fn decode(id: TaskId, bytes: &[u8]) -> Result<Record, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Unreadable { id, problem: error.to_string() })
}

pub(super) fn failed(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => StoreError::NoSpace,
        error => StoreError::Failed(error.to_string()),
    }
}
