//! Tasks in sled, the embedded store of one process.
//!
//! Trees: `tasks` (id → record), `queue` (id → nothing; ids are in the order of submission) and
//! `running` (id → attempt). One thread writes, so transactions never meet; another one makes
//! written things durable, many at a time. Leases live in memory: they concern only this process,
//! and what ran when a process died is put back by the next one's [`SledStore::open`].

mod commit;
mod open;
mod trees;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

use self::commit::GroupCommit;
pub use self::open::OpenError;
use self::trees::Trees;
use self::writer::Writer;
use crate::task::{NewTask, Outcome, Record, Recovered, State, StoreError, TaskId, TaskStore};

/// How a store behaves.
#[derive(Clone, Debug)]
pub struct SledOptions {
    /// Bytes of sled's cache.
    pub cache: u64,
    /// Most tasks that may wait.
    pub max_queue: u64,
    /// How often a task may be running when the server dies.
    pub max_attempts: u32,
    /// How long a worker may be silent.
    pub lease: Duration,
}

/// See the module.
pub struct SledStore {
    trees: Arc<Trees>,
    writer: Writer,
    commit: Arc<GroupCommit>,
    shared: Arc<Shared>,
    lease: Duration,
    max_queue: u64,
}

/// What the writer's jobs and the readers both look at.
#[derive(Default)]
struct Shared {
    /// Tasks whose end is written but not yet durable, as they were before: a reader who saw the end
    /// could be contradicted by a power cut.
    unsettled: Mutex<HashMap<TaskId, Record>>,
    /// Until when each running task belongs to its attempt. Monotonic time: no clock change ends a lease.
    leases: Mutex<HashMap<TaskId, (u32, Instant)>>,
    queued: AtomicU64,
    next_ticket: AtomicU64,
    head_ticket: AtomicU64,
}

impl SledStore {
    /// Opens the store in `folder`, or makes it, and puts what ran when its last process died back
    /// into the queue.
    ///
    /// # Errors
    /// The folder is in use, damaged, of another version, or cannot be written.
    pub fn open(folder: &Path, options: &SledOptions) -> Result<(Self, Recovered), OpenError> {
        let (db, file) = open::database(folder, options.cache)?;
        let trees = Arc::new(Trees::open(&db).map_err(|error| open::damaged(folder, &error))?);
        let recovered =
            recover(&trees, options.max_attempts).map_err(|error| open::unreadable(folder, &error))?;

        let last_ticket = trees.last_ticket().map_err(|error| open::unreadable(folder, &error))?;
        let first_ticket = trees.first_waiting_ticket().map_err(|error| open::unreadable(folder, &error))?;
        let shared = Arc::new(Shared {
            // sled counts by walking the tree: the queue, unlike the tasks, is bounded.
            queued: AtomicU64::new(trees.queue.len() as u64),
            next_ticket: AtomicU64::new(last_ticket + 1),
            head_ticket: AtomicU64::new(first_ticket.unwrap_or(last_ticket + 1)),
            ..Shared::default()
        });
        let commit = GroupCommit::start(db, file);
        // What recovery changed must not be forgotten by the next crash, or crashes go uncounted.
        commit.settle_blocking().map_err(|error| open::unreadable(folder, &error))?;
        let writer = Writer::start(Arc::clone(&trees), Arc::clone(&commit));
        let store =
            Self { trees, writer, commit, shared, lease: options.lease, max_queue: options.max_queue };
        Ok((store, recovered))
    }
}

/// Ends the attempts of a process that died.
fn recover(trees: &Trees, max_attempts: u32) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    for (id, attempt) in trees.running()? {
        let Some(mut record) = trees.get(id)? else { continue };
        if record.interrupt(attempt, max_attempts, Timestamp::now()).is_err() {
            continue;
        }
        trees.put_ended_attempt(&record)?;
        match record.state {
            State::Queued => recovered.requeued += 1,
            State::Running | State::Finished { .. } => recovered.interrupted += 1,
        }
    }
    Ok(recovered)
}

impl Shared {
    fn unsettled(&self) -> MutexGuard<'_, HashMap<TaskId, Record>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leases(&self) -> MutexGuard<'_, HashMap<TaskId, (u32, Instant)>> {
        self.leases.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the attempt that holds the task: what `change` makes of the record is written.
    fn end_attempt(
        &self,
        trees: &Trees,
        id: TaskId,
        change: impl FnOnce(&mut Record) -> Result<(), StoreError>,
    ) -> Result<Record, StoreError> {
        let before = trees.get(id)?.ok_or(StoreError::Fenced)?;
        let mut record = before.clone();
        change(&mut record)?;
        let over = matches!(record.state, State::Finished { .. });
        if over {
            self.unsettled().insert(id, before);
        }
        if let Err(error) = trees.put_ended_attempt(&record) {
            self.unsettled().remove(&id);
            return Err(error);
        }
        self.leases().remove(&id);
        if !over {
            self.queued.fetch_add(1, Ordering::Relaxed);
        }
        Ok(record)
    }
}

#[async_trait]
impl TaskStore for SledStore {
    async fn submit(&self, task: NewTask) -> Result<Record, StoreError> {
        // Counted before it is written, so that a burst cannot pass the limit together.
        if self.shared.queued.fetch_add(1, Ordering::Relaxed) >= self.max_queue {
            self.shared.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(StoreError::Full);
        }
        let shared = Arc::clone(&self.shared);
        self.writer
            .durably(move |trees| {
                let record = Record {
                    id: task.id,
                    ticket: shared.next_ticket.fetch_add(1, Ordering::Relaxed),
                    submitted: task.submitted,
                    operations: task.operations,
                    description: task.description,
                    input: task.input,
                    attachments: task.attachments,
                    attempts: 0,
                    crashes: 0,
                    state: State::Queued,
                };
                trees.put_new(&record).inspect_err(|_| {
                    shared.queued.fetch_sub(1, Ordering::Relaxed);
                })?;
                Ok(record)
            })
            .await
    }

    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        // The tree first: whoever finds the end there finds the overlay too, until it is durable.
        let stored = self.trees.get(id)?;
        Ok(self.shared.unsettled().get(&id).cloned().or(stored))
    }

    async fn claim(&self, limit: usize, idle: bool) -> Result<Vec<Record>, StoreError> {
        if self.shared.queued.load(Ordering::Relaxed) == 0 {
            return Ok(vec![]);
        }
        let shared = Arc::clone(&self.shared);
        let lease = self.lease;
        self.writer
            .durably(move |trees| {
                let mut claimed: Vec<Record> = vec![];
                for id in trees.waiting(limit)? {
                    let Some(mut record) = trees.get(id)? else {
                        trees.forget_waiting(id)?;
                        shared.queued.fetch_sub(1, Ordering::Relaxed);
                        continue;
                    };
                    let alone = record.is_suspect();
                    if alone && !(idle && claimed.is_empty()) {
                        break;
                    }
                    let Ok(attempt) = record.claim() else { break };
                    trees.put_claimed(&record, attempt)?;
                    shared.leases().insert(id, (attempt, Instant::now() + lease));
                    shared.queued.fetch_sub(1, Ordering::Relaxed);
                    shared.head_ticket.fetch_max(record.ticket + 1, Ordering::Relaxed);
                    claimed.push(record);
                    if alone {
                        break;
                    }
                }
                Ok(claimed)
            })
            .await
    }

    async fn renew(&self, id: TaskId, attempt: u32) -> Result<(), StoreError> {
        match self.shared.leases().get_mut(&id) {
            Some((holder, until)) if *holder == attempt => {
                *until = Instant::now() + self.lease;
                Ok(())
            }
            _ => Err(StoreError::Fenced),
        }
    }

    async fn release(&self, id: TaskId, attempt: u32) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.writer
            .durably(move |trees| {
                shared.end_attempt(trees, id, |record| {
                    record.release(attempt).map_err(|_| StoreError::Fenced)
                })?;
                Ok(())
            })
            .await
    }

    async fn finish(
        &self,
        id: TaskId,
        attempt: u32,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Record, StoreError> {
        let (shared, settled) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        self.writer
            .durably_then(
                move |trees| {
                    shared.end_attempt(trees, id, |record| {
                        record.finish(attempt, outcome, now).map_err(|_| StoreError::Fenced)
                    })
                },
                // Only when it is durable: after a failed flush the end stays unseen.
                move |_| drop(settled.unsettled().remove(&id)),
            )
            .await
    }

    async fn expire(&self) -> Result<u64, StoreError> {
        let now = Instant::now();
        let expired: Vec<(TaskId, u32)> = self
            .shared
            .leases()
            .iter()
            .filter(|(_, (_, until))| *until <= now)
            .map(|(id, (attempt, _))| (*id, *attempt))
            .collect();
        let mut requeued = 0;
        for (id, attempt) in expired {
            match self.release(id, attempt).await {
                Ok(()) => requeued += 1,
                Err(StoreError::Fenced) => {
                    self.shared.leases().remove(&id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(requeued)
    }

    fn queued(&self) -> u64 {
        self.shared.queued.load(Ordering::Relaxed)
    }

    fn ahead_of(&self, ticket: u64) -> u64 {
        let ahead = ticket.saturating_sub(self.shared.head_ticket.load(Ordering::Relaxed));
        ahead.min(self.queued())
    }

    fn newest(&self) -> Result<Option<TaskId>, StoreError> {
        self.trees.newest()
    }

    fn failure(&self) -> Option<String> {
        self.commit.failure().map(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
