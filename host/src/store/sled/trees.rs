//! The trees, what is in them, and batches: changes to several of them that happen together or not.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sled::Transactional as _;
use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionResult};

use crate::digest::Digest;
use crate::task::{Record, State, StoreError, TaskId};

/// sled moves values of more than some 8 KiB into files that it never syncs. What a record holds is
/// bounded elsewhere so that it stays well below.
const LARGEST_VALUE: usize = 6 << 10;

pub(super) struct Trees {
    /// Id → record.
    pub(super) tasks: sled::Tree,
    /// Id of what waits → nothing. Ids are in the order of submission.
    pub(super) queue: sled::Tree,
    /// Id of what runs → its attempt.
    pub(super) running: sled::Tree,
    /// Owner and id → nothing.
    pub(super) owned: sled::Tree,
    /// Time of ending and id → nothing.
    pub(super) ended: sled::Tree,
    /// Id of what was → [`Tombstone`].
    pub(super) gone: sled::Tree,
    /// Owner and idempotency key → [`KeyUse`].
    pub(super) keys: sled::Tree,
    /// Time when it is due and id → times it was tried.
    pub(super) callbacks: sled::Tree,
}

/// What remains of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tombstone {
    pub(super) owner: Option<String>,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(super) since: Timestamp,
}

/// What an idempotency key was used for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyUse {
    pub(super) task: TaskId,
    pub(super) fingerprint: Digest,
    #[serde(with = "jiff::fmt::serde::timestamp::millisecond::required")]
    pub(super) expires: Timestamp,
}

impl Trees {
    pub(super) fn open(db: &sled::Db) -> sled::Result<Self> {
        Ok(Self {
            tasks: db.open_tree("tasks")?,
            queue: db.open_tree("queue")?,
            running: db.open_tree("running")?,
            owned: db.open_tree("owned")?,
            ended: db.open_tree("ended")?,
            gone: db.open_tree("gone")?,
            keys: db.open_tree("keys")?,
            callbacks: db.open_tree("callbacks")?,
        })
    }

    pub(super) fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        let bytes = self.tasks.get(id.as_bytes()).map_err(|error| failed(&error))?;
        bytes.map(|bytes| decode(id, &bytes)).transpose()
    }

    pub(super) fn tombstone(&self, id: TaskId) -> Result<Option<Tombstone>, StoreError> {
        let bytes = self.gone.get(id.as_bytes()).map_err(|error| failed(&error))?;
        bytes.map(|bytes| decode(id, &bytes)).transpose()
    }

    pub(super) fn key_use(&self, owner: Option<&str>, key: Digest) -> Result<Option<KeyUse>, StoreError> {
        let bytes = self.keys.get(owned_key(owner, key.as_bytes())).map_err(|error| failed(&error))?;
        bytes
            .map(|bytes| rmp_serde::from_slice(&bytes).map_err(|error| StoreError::Failed(error.to_string())))
            .transpose()
    }

    /// The ids at the head of the queue.
    pub(super) fn waiting(&self, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        ids(self.queue.iter()).take(limit).collect()
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

    /// Every task that waits or runs.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = Result<TaskId, StoreError>> {
        ids(self.queue.iter()).chain(ids(self.running.iter()))
    }

    pub(super) fn newest(&self) -> Result<Option<TaskId>, StoreError> {
        let newest = |tree: &sled::Tree| -> Result<Option<TaskId>, StoreError> {
            let last = tree.last().map_err(|error| failed(&error))?;
            Ok(last.and_then(|(key, _)| TaskId::from_slice(&key)))
        };
        Ok(newest(&self.tasks)?.max(newest(&self.gone)?))
    }

    /// The ticket of the newest task, or 0.
    pub(super) fn last_ticket(&self) -> Result<u64, StoreError> {
        let last = self.tasks.last().map_err(|error| failed(&error))?;
        let Some(id) = last.and_then(|(key, _)| TaskId::from_slice(&key)) else { return Ok(0) };
        Ok(self.get(id)?.map_or(0, |record| record.ticket))
    }

    /// The ticket of the task that waits longest.
    pub(super) fn first_waiting_ticket(&self) -> Result<Option<u64>, StoreError> {
        let Some(id) = self.waiting(1)?.first().copied() else { return Ok(None) };
        Ok(self.get(id)?.map(|record| record.ticket))
    }

    /// Applies a batch, in one transaction.
    pub(super) fn apply(&self, batch: Batch<'_>) -> Result<(), StoreError> {
        let mut trees: Vec<&sled::Tree> = vec![];
        let mut changes: Vec<(usize, Vec<u8>, Option<Vec<u8>>)> = vec![];
        for Change { tree, key, value } in batch.0 {
            // A tree may be in a transaction once.
            let known = trees.iter().position(|known| known.name() == tree.name());
            let index = known.unwrap_or_else(|| {
                trees.push(tree);
                trees.len() - 1
            });
            changes.push((index, key, value?));
        }
        let applied: TransactionResult<(), ()> = trees.as_slice().transaction(|trees| {
            for (index, key, value) in &changes {
                let Some(tree) = trees.get(*index) else { continue };
                match value {
                    Some(value) => tree.insert(key.as_slice(), value.as_slice())?,
                    None => tree.remove(key.as_slice())?,
                };
            }
            Ok::<(), ConflictableTransactionError<()>>(())
        });
        match applied {
            Ok(()) => Ok(()),
            Err(TransactionError::Storage(error)) => Err(failed(&error)),
            Err(TransactionError::Abort(())) => {
                Err(StoreError::Failed("a transaction was aborted".to_owned()))
            }
        }
    }
}

/// Changes that happen together.
#[derive(Default)]
pub(super) struct Batch<'a>(Vec<Change<'a>>);

struct Change<'a> {
    tree: &'a sled::Tree,
    key: Vec<u8>,
    /// What to put; none to remove.
    value: Result<Option<Vec<u8>>, StoreError>,
}

impl<'a> Batch<'a> {
    pub(super) fn put(mut self, tree: &'a sled::Tree, key: impl Into<Vec<u8>>, value: &[u8]) -> Self {
        self.0.push(Change { tree, key: key.into(), value: Ok(Some(value.to_vec())) });
        self
    }

    /// Puts a value that is more than bytes; one that cannot be written fails the whole batch.
    pub(super) fn write(
        mut self,
        tree: &'a sled::Tree,
        key: impl Into<Vec<u8>>,
        value: &impl Serialize,
    ) -> Self {
        self.0.push(Change { tree, key: key.into(), value: encode(value).map(Some) });
        self
    }

    pub(super) fn remove(mut self, tree: &'a sled::Tree, key: impl Into<Vec<u8>>) -> Self {
        self.0.push(Change { tree, key: key.into(), value: Ok(None) });
        self
    }

    /// The record, wherever it now belongs.
    pub(super) fn record(self, trees: &'a Trees, record: &Record) -> Self {
        let id = record.id.as_bytes();
        let batch = self.write(&trees.tasks, id, record);
        match &record.state {
            State::Queued => batch.put(&trees.queue, id, &[]).remove(&trees.running, id),
            State::Running => {
                batch.remove(&trees.queue, id).put(&trees.running, id, &record.attempts.to_be_bytes())
            }
            State::Finished { completed, .. } => {
                let batch = batch.remove(&trees.queue, id).remove(&trees.running, id).put(
                    &trees.ended,
                    timed_key(*completed, record.id),
                    &[],
                );
                if record.callback.is_some() {
                    batch.put(&trees.callbacks, timed_key(*completed, record.id), &0_u32.to_be_bytes())
                } else {
                    batch
                }
            }
        }
    }
}

/// Keys of one owner lie together; nobody's lie before all others. An owner has no NUL in it.
pub(super) fn owned_key(owner: Option<&str>, rest: &[u8]) -> Vec<u8> {
    [owner.unwrap_or_default().as_bytes(), &[0], rest].concat()
}

/// Keys in the order of time.
pub(super) fn timed_key(time: Timestamp, id: TaskId) -> Vec<u8> {
    [time_prefix(time).as_slice(), id.as_bytes()].concat()
}

/// What [`timed_key`] begins with. Times before 1970 are as old as that.
pub(super) fn time_prefix(time: Timestamp) -> [u8; 8] {
    u64::try_from(time.as_millisecond()).unwrap_or_default().to_be_bytes()
}

/// Takes a [`timed_key`] apart.
pub(super) fn split_timed_key(key: &[u8]) -> Option<(Timestamp, TaskId)> {
    let (time, id) = key.split_first_chunk::<8>()?;
    let millis = i64::try_from(u64::from_be_bytes(*time)).ok()?;
    Some((Timestamp::from_millisecond(millis).ok()?, TaskId::from_slice(id)?))
}

/// The ids that are keys; what is no id is passed over.
pub(super) fn ids(entries: sled::Iter) -> impl Iterator<Item = Result<TaskId, StoreError>> {
    entries
        .keys()
        .filter_map(|key| key.map_err(|error| failed(&error)).map(|key| TaskId::from_slice(&key)).transpose())
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let bytes = rmp_serde::to_vec_named(value).map_err(|error| StoreError::Failed(error.to_string()))?;
    if bytes.len() > LARGEST_VALUE {
        return Err(StoreError::Failed(format!("a record of {} bytes is too large", bytes.len())));
    }
    Ok(bytes)
}

fn decode<T: DeserializeOwned>(id: TaskId, bytes: &[u8]) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Unreadable { id, problem: error.to_string() })
}

pub(super) fn failed(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => StoreError::NoSpace,
        error => StoreError::Failed(error.to_string()),
    }
}
