//! Tasks in sled, the embedded store of one process.
//!
//! One thread writes, so transactions never meet; another one makes written things durable, many at
//! a time. Leases live in memory: they concern only this process, and what ran when a process died
//! is put back by the next one's [`SledStore::open`].

mod commit;
mod list;
mod open;
mod trees;
mod writer;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

use self::commit::GroupCommit;
pub use self::open::OpenError;
use self::trees::{Batch, KeyUse, Tombstone, Trees};
use self::writer::Writer;
use crate::digest::Digest;
use crate::task::{
    DueCallback, Lookup, NewTask, Outcome, Page, Query, Record, Recovered, State, StoreError, Submitted,
    TaskId, TaskStore,
};

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
        let unreadable = |error: StoreError| open::unreadable(folder, &error);
        let recovered = recover(&trees, options.max_attempts).map_err(unreadable)?;

        let last_ticket = trees.last_ticket().map_err(unreadable)?;
        let first_ticket = trees.first_waiting_ticket().map_err(unreadable)?;
        let shared = Arc::new(Shared {
            // sled counts by walking the tree: the queue, unlike the tasks, is bounded.
            queued: AtomicU64::new(trees.queue.len() as u64),
            next_ticket: AtomicU64::new(last_ticket + 1),
            head_ticket: AtomicU64::new(first_ticket.unwrap_or(last_ticket + 1)),
            ..Shared::default()
        });
        let commit = GroupCommit::start(db, file);
        // What recovery changed must not be forgotten by the next crash, or crashes go uncounted.
        commit.settle_blocking().map_err(unreadable)?;
        let writer = Writer::start(Arc::clone(&trees), Arc::clone(&commit));
        let store =
            Self { trees, writer, commit, shared, lease: options.lease, max_queue: options.max_queue };
        Ok((store, recovered))
    }

    /// Ends the attempt that runs: what `change` makes of the record is written. An end of the task
    /// is seen only when it is durable, so that nobody is told what a power cut could take back.
    async fn end_attempt(
        &self,
        id: TaskId,
        change: impl FnOnce(&mut Record) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<Record, StoreError> {
        let (shared, settled) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        self.writer
            .durably_then(
                move |trees| {
                    let before = trees.get(id)?.ok_or(StoreError::Fenced)?;
                    let mut record = before.clone();
                    change(&mut record)?;
                    let was_queued = matches!(before.state, State::Queued);
                    if record.is_over() {
                        shared.unsettled().insert(id, before);
                    }
                    if let Err(error) = trees.apply(Batch::default().record(trees, &record)) {
                        shared.unsettled().remove(&id);
                        return Err(error);
                    }
                    shared.leases().remove(&id);
                    match (was_queued, matches!(record.state, State::Queued)) {
                        (false, true) => drop(shared.queued.fetch_add(1, Ordering::Relaxed)),
                        (true, false) => drop(shared.queued.fetch_sub(1, Ordering::Relaxed)),
                        _ => {}
                    }
                    Ok(record)
                },
                // Only when it is durable: after a failed flush the end stays unseen.
                move |_| drop(settled.unsettled().remove(&id)),
            )
            .await
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
        trees.apply(Batch::default().record(trees, &record))?;
        if record.is_over() {
            recovered.interrupted += 1;
        } else {
            recovered.requeued += 1;
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

    /// A record as readers may see it.
    fn visible(&self, stored: Record) -> Record {
        self.unsettled().get(&stored.id).cloned().unwrap_or(stored)
    }

    /// Writes a new task, unless its request was accepted before.
    fn accept(&self, trees: &Trees, task: NewTask, max_queue: u64) -> Result<Submitted, StoreError> {
        if let Some(idempotency) = &task.idempotency
            && let Some(used) = trees.key_use(task.owner.as_deref(), idempotency.key)?
            && used.expires > task.submitted
            && let Some(record) = trees.get(used.task)?
        {
            return if used.fingerprint == idempotency.fingerprint {
                Ok(Submitted::Before(self.visible(record)))
            } else {
                Err(StoreError::KeyReused)
            };
        }
        if self.queued.load(Ordering::Relaxed) >= max_queue {
            return Err(StoreError::Full);
        }
        let idempotency = task.idempotency;
        let record = Record {
            id: task.id,
            ticket: self.next_ticket.fetch_add(1, Ordering::Relaxed),
            submitted: task.submitted,
            operations: task.operations,
            details: task.details,
            input: task.input,
            attachments: task.attachments,
            owner: task.owner,
            callback: task.callback,
            idempotency_key: idempotency.as_ref().map(|idempotency| idempotency.key),
            attempts: 0,
            crashes: 0,
            state: State::Queued,
        };
        let mut batch = Batch::default().record(trees, &record);
        let owner = record.owner.as_deref();
        if owner.is_some() {
            batch = batch.put(&trees.owned, trees::owned_key(owner, record.id.as_bytes()), &[]);
        }
        if let Some(idempotency) = idempotency {
            let used = KeyUse {
                task: record.id,
                fingerprint: idempotency.fingerprint,
                expires: idempotency.expires,
            };
            batch = batch.write(&trees.keys, trees::owned_key(owner, idempotency.key.as_bytes()), &used);
        }
        trees.apply(batch)?;
        self.queued.fetch_add(1, Ordering::Relaxed);
        Ok(Submitted::New(record))
    }

    /// Hands out what waits longest.
    fn claim(
        &self,
        trees: &Trees,
        limit: usize,
        idle: bool,
        lease: Duration,
    ) -> Result<Vec<Record>, StoreError> {
        let mut claimed: Vec<Record> = vec![];
        for id in trees.waiting(limit)? {
            let Some(mut record) = trees.get(id)? else {
                trees.apply(Batch::default().remove(&trees.queue, id.as_bytes()))?;
                self.queued.fetch_sub(1, Ordering::Relaxed);
                continue;
            };
            let alone = record.is_suspect();
            if alone && !(idle && claimed.is_empty()) {
                break;
            }
            let Ok(attempt) = record.claim() else { break };
            trees.apply(Batch::default().record(trees, &record))?;
            self.leases().insert(id, (attempt, Instant::now() + lease));
            self.queued.fetch_sub(1, Ordering::Relaxed);
            self.head_ticket.fetch_max(record.ticket + 1, Ordering::Relaxed);
            claimed.push(record);
            if alone {
                break;
            }
        }
        Ok(claimed)
    }
}

#[async_trait]
impl TaskStore for SledStore {
    async fn submit(&self, task: NewTask) -> Result<Submitted, StoreError> {
        let (shared, max_queue) = (Arc::clone(&self.shared), self.max_queue);
        self.writer.durably(move |trees| shared.accept(trees, task, max_queue)).await
    }

    async fn knows_key(&self, owner: Option<&str>, key: Digest, now: Timestamp) -> Result<bool, StoreError> {
        let used = self.trees.key_use(owner, key)?;
        Ok(used.is_some_and(|used| used.expires > now))
    }

    async fn get(&self, id: TaskId) -> Result<Lookup, StoreError> {
        // The tree first: whoever finds the end there finds the overlay too, until it is durable.
        if let Some(stored) = self.trees.get(id)? {
            return Ok(Lookup::Found(Box::new(self.shared.visible(stored))));
        }
        Ok(self.trees.tombstone(id)?.map_or(Lookup::Unknown, |tombstone| Lookup::Gone(tombstone.owner)))
    }

    async fn list(&self, query: Query) -> Result<Page, StoreError> {
        let (trees, shared) = (Arc::clone(&self.trees), Arc::clone(&self.shared));
        let listed =
            tokio::task::spawn_blocking(move || list::page(&trees, &query, |record| shared.visible(record)));
        listed.await.map_err(|panic| StoreError::Failed(panic.to_string()))?
    }

    async fn claim(&self, limit: usize, idle: bool) -> Result<Vec<Record>, StoreError> {
        if self.shared.queued.load(Ordering::Relaxed) == 0 {
            return Ok(vec![]);
        }
        let (shared, lease) = (Arc::clone(&self.shared), self.lease);
        self.writer.durably(move |trees| shared.claim(trees, limit, idle, lease)).await
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
        self.end_attempt(id, move |record| record.release(attempt).map_err(|_| StoreError::Fenced))
            .await
            .map(drop)
    }

    async fn finish(
        &self,
        id: TaskId,
        attempt: u32,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Record, StoreError> {
        self.end_attempt(id, move |record| {
            record.finish(attempt, outcome, now).map_err(|_| StoreError::Fenced)
        })
        .await
    }

    async fn cancel(&self, id: TaskId, now: Timestamp) -> Result<Record, StoreError> {
        self.end_attempt(id, move |record| record.cancel(now).map_err(|_| StoreError::Over)).await
    }

    async fn delete(&self, id: TaskId, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.writer
            .durably(move |trees| {
                let Some(record) = trees.get(id)? else { return Ok(None) };
                let State::Finished { completed, .. } = record.state else { return Ok(None) };
                let owner = record.owner.as_deref();
                let mut batch = Batch::default()
                    .remove(&trees.tasks, id.as_bytes())
                    .remove(&trees.ended, trees::timed_key(completed, id))
                    .remove(&trees.owned, trees::owned_key(owner, id.as_bytes()))
                    .write(
                        &trees.gone,
                        id.as_bytes(),
                        &Tombstone { owner: record.owner.clone(), since: now },
                    );
                // The key may have run out and mean a newer task by now.
                if let Some(key) = record.idempotency_key
                    && trees.key_use(owner, key)?.is_some_and(|used| used.task == id)
                {
                    batch = batch.remove(&trees.keys, trees::owned_key(owner, key.as_bytes()));
                }
                trees.apply(batch)?;
                Ok(Some(record))
            })
            .await
    }

    async fn ended_before(&self, before: Timestamp, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        let end = trees::time_prefix(before);
        self.trees
            .ended
            .range(..end.as_slice())
            .keys()
            .filter_map(|key| match key {
                Ok(key) => trees::split_timed_key(&key).map(|(_, id)| Ok(id)),
                Err(error) => Some(Err(trees::failed(&error))),
            })
            .take(limit)
            .collect()
    }

    async fn forget_before(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.writer.durably(move |trees| list::forget(trees, before, limit)).await
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

    async fn due_callbacks(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<DueCallback>, Option<Timestamp>), StoreError> {
        let mut due = vec![];
        for entry in &self.trees.callbacks {
            let (key, value) = entry.map_err(|error| trees::failed(&error))?;
            let Some((time, task)) = trees::split_timed_key(&key) else { continue };
            if time > now || due.len() == limit {
                return Ok((due, Some(time)));
            }
            let attempts = value.as_ref().try_into().map(u32::from_be_bytes).unwrap_or_default();
            due.push(DueCallback { key: key.to_vec(), task, attempts });
        }
        Ok((due, None))
    }

    async fn settle_callback(
        &self,
        callback: DueCallback,
        again: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        self.writer
            .durably(move |trees| {
                let mut batch = Batch::default().remove(&trees.callbacks, callback.key);
                if let Some(again) = again {
                    let attempts = callback.attempts.saturating_add(1);
                    batch = batch.put(
                        &trees.callbacks,
                        trees::timed_key(again, callback.task),
                        &attempts.to_be_bytes(),
                    );
                }
                trees.apply(batch)
            })
            .await
    }

    async fn unfinished(&self) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        let mut counts: BTreeMap<Option<String>, u64> = BTreeMap::new();
        for id in self.trees.unfinished() {
            if let Some(record) = self.trees.get(id?)? {
                *counts.entry(record.owner).or_default() += 1;
            }
        }
        Ok(counts.into_iter().collect())
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
