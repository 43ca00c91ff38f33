//! The trees, what is in them, and batches: changes to several of them that happen together or not.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sled::Transactional as _;
use sled::transaction::{ConflictableTransactionError, TransactionError, TransactionResult};

use super::clock::Moment;
use super::pending::Pending;
use crate::digest::Digest;
use crate::task::{Client, Record, State, StoreError, TaskId};

/// sled moves values of more than some 8 KiB into files that it never syncs. What a record holds is
/// bounded elsewhere so that it stays well below.
const LARGEST_VALUE: usize = 6 << 10;

pub(super) struct Trees {
    /// Id → record, with the moment of its end before it once it is over.
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
    /// Time of deletion and id → nothing.
    pub(super) deleted: sled::Tree,
    /// Owner and idempotency key → [`KeyUse`].
    pub(super) keys: sled::Tree,
    /// Time when it is due and id → [`Announcement`].
    pub(super) callbacks: sled::Tree,
    /// What the store notes of itself.
    pub(super) notes: sled::Tree,
}

/// What remains of a task.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tombstone {
    pub(super) owner: Option<String>,
    pub(super) since: Moment,
}

/// What an idempotency key was used for.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyUse {
    pub(super) task: TaskId,
    pub(super) fingerprint: Digest,
    pub(super) expires: Moment,
}

/// An announcement that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    /// When the task ended.
    pub(super) ended: Moment,
    /// How often it was tried.
    pub(super) attempts: u32,
}

impl Announcement {
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.attempts.to_be_bytes());
        bytes[4..].copy_from_slice(&self.ended.millis().to_be_bytes());
        bytes
    }

    /// Reads it; before format 1 there was only the number of attempts, and the end is taken to be `due`.
    pub(super) fn from_bytes(bytes: &[u8], due: Moment) -> Self {
        let attempts = bytes.first_chunk().copied().map(u32::from_be_bytes).unwrap_or_default();
        let ended = bytes.get(4..).and_then(|rest| rest.first_chunk().copied()).map(u64::from_be_bytes);
        Self { ended: ended.map_or(due, Moment::from_millis), attempts }
    }
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
            deleted: db.open_tree("deleted")?,
            keys: db.open_tree("keys")?,
            callbacks: db.open_tree("callbacks")?,
            notes: db.open_tree("notes")?,
        })
    }

    pub(super) fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        Ok(self.get_with_end(id)?.map(|(record, _)| record))
    }

    /// The record, and when it ended, if it is over.
    pub(super) fn get_with_end(&self, id: TaskId) -> Result<Option<(Record, Option<Moment>)>, StoreError> {
        let bytes = self.tasks.get(id.as_bytes()).map_err(|error| failed(&error))?;
        bytes.map(|bytes| decode_task(id, &bytes)).transpose()
    }

    pub(super) fn tombstone(&self, id: TaskId) -> Result<Option<Tombstone>, StoreError> {
        let bytes = self.gone.get(id.as_bytes()).map_err(|error| failed(&error))?;
        bytes.map(|bytes| decode(id, &bytes)).transpose()
    }

    pub(super) fn key_use(&self, owner: Option<&str>, key: Digest) -> Result<Option<KeyUse>, StoreError> {
        let bytes = self.keys.get(owned_key(owner, key.as_bytes())).map_err(|error| failed(&error))?;
        bytes.map(|bytes| decode_key_use(&bytes)).transpose()
    }

    /// Tells of every task that waits, and in whose line.
    pub(super) fn each_waiting(&self, mut tell: impl FnMut(TaskId, Client)) -> Result<(), StoreError> {
        for id in ids(self.queue.iter()) {
            let id = id?;
            match self.get(id) {
                Ok(record) => tell(id, record.map_or(Client::Unknown, |record| record.client())),
                // Whoever claims it will say so.
                Err(StoreError::Unreadable { .. }) => tell(id, Client::Unknown),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The first of those that wait.
    pub(super) fn oldest_waiting(&self) -> Result<Option<TaskId>, StoreError> {
        let first = self.queue.first().map_err(|error| failed(&error))?;
        Ok(first.and_then(|(key, _)| TaskId::from_slice(&key)))
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

    /// The latest moment at which a task ended or was deleted.
    pub(super) fn last_moment(&self) -> Result<Option<Moment>, StoreError> {
        let last = |tree: &sled::Tree| -> Result<Option<Moment>, StoreError> {
            let last = tree.last().map_err(|error| failed(&error))?;
            Ok(last.and_then(|(key, _)| split_timed_key(&key)).map(|(time, _)| time))
        };
        Ok(last(&self.ended)?.max(last(&self.deleted)?))
    }

    /// Makes the index of a store from before format 1, which found tombstones by their ids.
    pub(super) fn index_tombstones(&self) -> Result<(), StoreError> {
        for id in ids(self.gone.iter()) {
            let id = id?;
            if let Some(tombstone) = self.tombstone(id)? {
                self.apply(Batch::default().put(&self.deleted, timed_key(tombstone.since, id), &[]))?;
            }
        }
        Ok(())
    }

    /// The ticket of the newest task, or 0.
    pub(super) fn last_ticket(&self) -> Result<u64, StoreError> {
        let last = self.tasks.last().map_err(|error| failed(&error))?;
        let Some(id) = last.and_then(|(key, _)| TaskId::from_slice(&key)) else { return Ok(0) };
        Ok(self.get(id)?.map_or(0, |record| record.ticket))
    }

    /// Applies a batch, in one transaction.
    pub(super) fn apply(&self, batch: Batch<'_>) -> Result<(), StoreError> {
        let pending = Pending::on(self);
        pending.apply(batch)?;
        pending.write()
    }
}

/// What is put under keys of a tree; none where it is removed.
pub(super) type Values = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changes values of several trees, all or none. Each tree is there once.
pub(super) fn transact(changes: &[(&sled::Tree, Values)]) -> Result<(), StoreError> {
    let trees: Vec<&sled::Tree> = changes.iter().map(|(tree, _)| *tree).collect();
    let applied: TransactionResult<(), ()> = trees.as_slice().transaction(|trees| {
        for (tree, (_, values)) in trees.iter().zip(changes) {
            for (key, value) in values {
                match value {
                    Some(value) => tree.insert(key.as_slice(), value.as_slice())?,
                    None => tree.remove(key.as_slice())?,
                };
            }
        }
        Ok::<(), ConflictableTransactionError<()>>(())
    });
    match applied {
        Ok(()) => Ok(()),
        Err(TransactionError::Storage(error)) => Err(failed(&error)),
        Err(TransactionError::Abort(())) => Err(StoreError::Failed("a transaction was aborted".to_owned())),
    }
}

/// Changes that happen together.
#[derive(Default)]
pub(super) struct Batch<'a>(Vec<Result<Change<'a>, StoreError>>);

/// Of one value.
pub(super) struct Change<'a> {
    pub(super) tree: &'a sled::Tree,
    pub(super) key: Vec<u8>,
    /// What to put; none to remove.
    pub(super) value: Option<Vec<u8>>,
}

impl<'a> Batch<'a> {
    pub(super) fn put(mut self, tree: &'a sled::Tree, key: impl Into<Vec<u8>>, value: &[u8]) -> Self {
        self.0.push(Ok(Change { tree, key: key.into(), value: Some(value.to_vec()) }));
        self
    }

    /// Puts a value that is more than bytes; one that cannot be written fails the whole batch.
    pub(super) fn write(
        mut self,
        tree: &'a sled::Tree,
        key: impl Into<Vec<u8>>,
        value: &impl Serialize,
    ) -> Self {
        self.0.push(encode(value).map(|value| Change { tree, key: key.into(), value: Some(value) }));
        self
    }

    pub(super) fn remove(mut self, tree: &'a sled::Tree, key: impl Into<Vec<u8>>) -> Self {
        self.0.push(Ok(Change { tree, key: key.into(), value: None }));
        self
    }

    /// The changes, if every value could be written.
    pub(super) fn checked(self) -> Result<Vec<Change<'a>>, StoreError> {
        self.0.into_iter().collect()
    }

    /// The record, wherever it belongs; `now` is when it ended, if it is over.
    pub(super) fn record(self, trees: &'a Trees, record: &Record, now: Moment) -> Self {
        let batch = self.record_without_announcement(trees, record, now);
        if record.is_over() && record.callback.is_some() {
            let announcement = Announcement { ended: now, attempts: 0 };
            batch.put(&trees.callbacks, timed_key(now, record.id), &announcement.to_bytes())
        } else {
            batch
        }
    }

    /// The same, for a task whose end is announced or isn't as the caller says.
    pub(super) fn record_without_announcement(
        mut self,
        trees: &'a Trees,
        record: &Record,
        now: Moment,
    ) -> Self {
        let id = record.id.as_bytes();
        let end = record.is_over().then_some(now);
        self.0.push(encode_task(record, end).map(|value| Change {
            tree: &trees.tasks,
            key: id.to_vec(),
            value: Some(value),
        }));
        match &record.state {
            State::Queued => self.put(&trees.queue, id, &[]).remove(&trees.running, id),
            State::Running => {
                self.remove(&trees.queue, id).put(&trees.running, id, &record.attempts.to_be_bytes())
            }
            State::Finished { .. } => self.remove(&trees.queue, id).remove(&trees.running, id).put(
                &trees.ended,
                timed_key(now, record.id),
                &[],
            ),
        }
    }
}

/// Keys of one owner lie together; nobody's lie before all others. An owner has no NUL in it.
pub(super) fn owned_key(owner: Option<&str>, rest: &[u8]) -> Vec<u8> {
    [owner.unwrap_or_default().as_bytes(), &[0], rest].concat()
}

/// Keys in the order of time.
pub(super) fn timed_key(time: Moment, id: TaskId) -> Vec<u8> {
    [time_prefix(time).as_slice(), id.as_bytes()].concat()
}

/// What [`timed_key`] begins with.
pub(super) fn time_prefix(time: Moment) -> [u8; 8] {
    time.millis().to_be_bytes()
}

/// Takes a [`timed_key`] apart.
pub(super) fn split_timed_key(key: &[u8]) -> Option<(Moment, TaskId)> {
    let (time, id) = key.split_first_chunk::<8>()?;
    Some((Moment::from_millis(u64::from_be_bytes(*time)), TaskId::from_slice(id)?))
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
        return Err(StoreError::TooLarge(bytes.len()));
    }
    Ok(bytes)
}

/// A record as it is kept: before that of a finished task stands the moment of its end, which begins
/// with a zero byte for the next 2,000 years, as no record does.
fn encode_task(record: &Record, end: Option<Moment>) -> Result<Vec<u8>, StoreError> {
    let record = encode(record)?;
    Ok(match end {
        Some(end) => [time_prefix(end).as_slice(), &record].concat(),
        None => record,
    })
}

/// Reads what [`encode_task`] wrote. Before format 1 a task ended when its record says.
pub(super) fn decode_task(id: TaskId, bytes: &[u8]) -> Result<(Record, Option<Moment>), StoreError> {
    if let Some((time, rest)) = bytes.split_first_chunk::<8>()
        && time[0] == 0
    {
        return Ok((decode(id, rest)?, Some(Moment::from_millis(u64::from_be_bytes(*time)))));
    }
    let record: Record = decode(id, bytes)?;
    let end = match &record.state {
        State::Finished { completed, .. } => {
            Some(Moment::from_millis(u64::try_from(completed.as_millisecond()).unwrap_or_default()))
        }
        State::Queued | State::Running => None,
    };
    Ok((record, end))
}

pub(super) fn decode_key_use(bytes: &[u8]) -> Result<KeyUse, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Failed(error.to_string()))
}

fn decode<T: DeserializeOwned>(id: TaskId, bytes: &[u8]) -> Result<T, StoreError> {
    rmp_serde::from_slice(bytes).map_err(|error| StoreError::Unreadable { id, problem: error.to_string() })
}

pub(super) fn failed(error: &sled::Error) -> StoreError {
    match error {
        sled::Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => StoreError::NoSpace,
        sled::Error::Corruption { .. } => StoreError::Failed(DAMAGED.to_owned()),
        error => StoreError::Failed(error.to_string()),
    }
}

/// Runs what touches sled, which panics at some damages that it meets.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        Err(StoreError::Failed(format!("{DAMAGED} (sled panicked: {})", words_of(&*panic))))
    })
}

/// What a panic said.
pub(super) fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
}

const DAMAGED: &str = "its files are damaged; stop the server and restore the data folder from a backup";
