//! Tasks in sled, the embedded store of one process.
//!
//! One thread writes, so transactions never meet; another one makes written things durable, many at
//! a time. Leases live in memory: they concern only this process, and what ran when a process died
//! is put back by the next one's [`SledStore::open`].

mod clock;
mod commit;
mod figures;
mod list;
mod open;
mod pending;
mod shared;
mod transfer;
mod trees;
mod watchdog;
mod witness;
mod writer;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;

use self::clock::Clock;
pub use self::commit::Durability;
use self::commit::{Commit, Committer, Failure};
pub use self::figures::Figures;
pub use self::open::OpenError;
use self::pending::Pending;
use self::shared::Shared;
use self::trees::{Announcement, Batch, Tombstone, Trees};
use self::watchdog::Watchdog;
use self::witness::Witness;
use self::writer::Writer;
use crate::digest::Digest;
use crate::task::{
    Bound, DueCallback, Entry, Lookup, NewTask, Outcome, Page, Query, Record, Recovered, State, StoreError,
    Submitted, TaskId, TaskStore, Turns,
};

/// How a store behaves.
#[derive(Clone, Debug)]
pub struct SledOptions {
    /// Bytes of sled's cache.
    pub cache: u64,
    /// Most tasks that may wait.
    pub max_queue: u64,
    /// How many tasks run at once: as many are handed out.
    pub workers: usize,
    /// How often a task may be running when the server dies.
    pub max_attempts: u32,
    /// How long a worker may be silent.
    pub lease: Duration,
    /// When a write is answered.
    pub durability: Durability,
}

/// See the module.
pub struct SledStore {
    trees: Arc<Trees>,
    writer: Writer,
    shared: Arc<Shared>,
    lease: Duration,
    max_queue: u64,
    figures: Figures,
}

impl SledStore {
    /// Opens the store in `folder`, or makes it, and puts what ran when its last process died back
    /// into the queue.
    ///
    /// # Errors
    /// The folder is in use, damaged, has lost what was durable, or cannot be written.
    pub fn open(folder: &Path, options: &SledOptions) -> Result<(Self, Recovered), OpenError> {
        let (db, log) = open::database(folder, options.cache)?;
        let again = log.try_clone().map_err(open::io_error(folder))?;
        let assemble = || Self::assemble(folder, options, db.clone(), log);
        // sled asserts much of what it reads, here and later.
        let store = catch_unwind(AssertUnwindSafe(assemble)).unwrap_or_else(|panic| {
            Err(OpenError::Damaged { path: folder.to_owned(), problem: trees::words_of(&*panic) })
        });
        if store.is_err() {
            open::close(db, &again);
        }
        store
    }

    fn assemble(
        folder: &Path,
        options: &SledOptions,
        db: sled::Db,
        log: std::fs::File,
    ) -> Result<(Self, Recovered), OpenError> {
        let damaged = |error: sled::Error| open::damaged(folder, &error);
        let unreadable = |error: StoreError| open::unreadable(folder, &error);
        let trees = Arc::new(Trees::open(&db).map_err(damaged)?);
        let last = Commit::last(&trees.notes).map_err(damaged)?;
        let (witness, durable) = Witness::open(folder).map_err(open::io_error(folder))?;
        let found = last.unwrap_or_default().number;
        if found < durable {
            return Err(OpenError::Lost { path: folder.to_owned(), found, durable });
        }
        if last.is_none() {
            trees.index_tombstones().map_err(unreadable)?;
        }
        // Before there were commits the ends of tasks, and of their records, tell how far the clock had come.
        let last_moment = last.map(|commit| commit.at).max(trees.last_moment().map_err(unreadable)?);
        let clock = Arc::new(Clock::go_on_after(last_moment));
        let recovered = recover(&trees, options.max_attempts, &clock).map_err(unreadable)?;

        let last_ticket = trees.last_ticket().map_err(unreadable)?;
        let mut turns = Turns::new(options.workers);
        trees.each_waiting(|id, client| turns.join(&client, id, Instant::now())).map_err(unreadable)?;
        let shared = Arc::new(Shared {
            unsettled: Mutex::default(),
            leases: Mutex::default(),
            clock: Arc::clone(&clock),
            // sled counts by walking the tree: the queue, unlike the tasks, is bounded.
            queued: AtomicU64::new(trees.queue.len() as u64),
            next_ticket: AtomicU64::new(last_ticket + 1),
            turns: Mutex::new(turns),
        });
        let figures = Figures::default();
        let mut committer = Committer {
            watchdog: Watchdog::start(db.clone()),
            db,
            log,
            folder: std::fs::File::open(folder).map_err(open::io_error(folder))?,
            notes: trees.notes.clone(),
            last: last.unwrap_or_default(),
            clock,
            witness,
            durability: options.durability,
            failure: Failure::default(),
            flushed: figures.flush.clone(),
        };
        // What recovery changed must not be forgotten by the next crash, or crashes go uncounted.
        committer.write(&Pending::on(&trees)).map_err(unreadable)?;
        committer.flush().map_err(unreadable)?;
        let writer = Writer::start(Arc::clone(&trees), committer, figures.commit.clone());
        let (lease, max_queue) = (options.lease, options.max_queue);
        Ok((Self { trees, writer, shared, lease, max_queue, figures }, recovered))
    }

    /// What is counted of it.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Goes on without what [`OpenError::Lost`] speaks of: the next opening takes the store as it is.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn accept_loss(folder: &Path) -> std::io::Result<()> {
        Witness::forget(folder)
    }

    /// Reads. Files that turn out to be damaged end the store: what it would write next could make
    /// things worse.
    fn read<T>(&self, read: impl FnOnce(&Trees) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let read = trees::guarded(|| read(&self.trees));
        if let Err(error @ StoreError::Failed(_)) = &read {
            self.writer.failure().set(error.clone());
        }
        read
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
                move |pending| {
                    let before = pending.get(id)?.ok_or(StoreError::Fenced)?;
                    let mut record = before.clone();
                    change(&mut record)?;
                    let was_queued = matches!(before.state, State::Queued);
                    let batch = Batch::default().record(pending.trees, &record, shared.clock.now());
                    shared.apply_hidden(pending, id, Some(before), batch)?;
                    shared.leases().remove(&id);
                    let (mut turns, now) = (shared.turns(), Instant::now());
                    turns.has_gone(id, now);
                    match (was_queued, matches!(record.state, State::Queued)) {
                        (false, true) => {
                            shared.queued.fetch_add(1, Ordering::Relaxed);
                            turns.join(&record.client(), id, now);
                        }
                        (true, false) => {
                            shared.queued.fetch_sub(1, Ordering::Relaxed);
                            turns.leave(&record.client(), id, now);
                        }
                        _ => {}
                    }
                    drop(turns);
                    Ok(record)
                },
                // Only when it is durable: after a failed flush the end stays unseen.
                move |_| settled.settle(id),
            )
            .await
    }
}

/// Ends the attempts of a process that died.
fn recover(trees: &Trees, max_attempts: u32, clock: &Clock) -> Result<Recovered, StoreError> {
    let mut recovered = Recovered::default();
    for (id, attempt) in trees.running()? {
        let Some(mut record) = trees.get(id)? else { continue };
        if record.interrupt(attempt, max_attempts, Timestamp::now()).is_err() {
            continue;
        }
        trees.apply(Batch::default().record(trees, &record, clock.now()))?;
        if record.is_over() {
            recovered.interrupted += 1;
        } else {
            recovered.requeued += 1;
        }
    }
    Ok(recovered)
}

#[async_trait]
impl TaskStore for SledStore {
    async fn submit(&self, task: NewTask) -> Result<Submitted, StoreError> {
        let (shared, settled) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let (id, max_queue) = (task.id, self.max_queue);
        self.writer
            .durably_then(move |pending| shared.accept(pending, task, max_queue), move |_| settled.settle(id))
            .await
    }

    async fn knows_key(&self, owner: Option<&str>, key: Digest) -> Result<bool, StoreError> {
        let used = self.read(|trees| trees.key_use(owner, key))?;
        Ok(used.is_some_and(|used| used.expires > self.shared.clock.now()))
    }

    async fn get(&self, id: TaskId) -> Result<Lookup, StoreError> {
        self.read(|trees| {
            let stored = trees.get(id)?;
            if let Some(record) = self.shared.visible(id, stored) {
                return Ok(Lookup::Found(Box::new(record)));
            }
            Ok(trees.tombstone(id)?.map_or(Lookup::Unknown, |tombstone| Lookup::Gone(tombstone.owner)))
        })
    }

    async fn list(&self, query: Query) -> Result<Page, StoreError> {
        let (trees, shared) = (Arc::clone(&self.trees), Arc::clone(&self.shared));
        let page =
            move || trees::guarded(|| list::page(&trees, &query, |id, record| shared.visible(id, record)));
        tokio::task::spawn_blocking(page).await.map_err(|panic| StoreError::Failed(panic.to_string()))?
    }

    async fn claim(&self, limit: usize, idle: bool, bounds: Vec<Bound>) -> Result<Vec<Record>, StoreError> {
        if self.shared.queued.load(Ordering::Relaxed) == 0 {
            return Ok(vec![]);
        }
        let (shared, lease) = (Arc::clone(&self.shared), self.lease);
        self.writer.durably(move |pending| shared.claim(pending, limit, idle, bounds, lease)).await
    }

    fn has_run(&self, id: TaskId, took: Duration) {
        self.shared.turns().has_run(id, took, Instant::now());
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

    async fn delete(&self, id: TaskId) -> Result<Option<Record>, StoreError> {
        let (shared, settled) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let delete = move |pending: &Pending<'_>| {
            let trees = pending.trees;
            let Some((record, Some(ended))) = pending.get_with_end(id)? else { return Ok(None) };
            let owner = record.owner.as_deref();
            let now = shared.clock.now();
            let tombstone = Tombstone { owner: record.owner.clone(), since: now };
            let mut batch = Batch::default()
                .remove(&trees.tasks, id.as_bytes())
                .remove(&trees.ended, trees::timed_key(ended, id))
                .remove(&trees.owned, trees::owned_key(owner, id.as_bytes()))
                .write(&trees.gone, id.as_bytes(), &tombstone)
                .put(&trees.deleted, trees::timed_key(now, id), &[]);
            // The key may have run out and mean a newer task by now.
            if let Some(key) = record.idempotency_key
                && pending.key_use(owner, key)?.is_some_and(|used| used.task == id)
            {
                batch = batch.remove(&trees.keys, trees::owned_key(owner, key.as_bytes()));
            }
            shared.apply_hidden(pending, id, Some(record.clone()), batch)?;
            Ok(Some(record))
        };
        self.writer.durably_then(delete, move |_| settled.settle(id)).await
    }

    async fn ended_ago(&self, age: Duration, limit: usize) -> Result<Vec<TaskId>, StoreError> {
        let end = self.shared.clock.now().before(age);
        self.read(|trees| list::ids_until(&trees.ended, end).take(limit).map(|entry| Ok(entry?.1)).collect())
    }

    async fn forget(&self, age: Duration, limit: usize) -> Result<usize, StoreError> {
        // While anything waits for its time, the time that has passed must be kept too.
        if self.read(|trees| Ok(trees.ended.is_empty() && trees.deleted.is_empty()))? {
            return Ok(0);
        }
        let before = self.shared.clock.now().before(age);
        self.writer.durably(move |pending| list::forget(pending, before, limit)).await
    }

    async fn expire(&self) -> Result<Recovered, StoreError> {
        let now = Instant::now();
        let expired: Vec<(TaskId, u32)> = self
            .shared
            .leases()
            .iter()
            .filter(|(_, (_, until))| *until <= now)
            .map(|(id, (attempt, _))| (*id, *attempt))
            .collect();
        let mut recovered = Recovered::default();
        for (id, attempt) in expired {
            match self.release(id, attempt).await {
                Ok(()) => recovered.requeued += 1,
                Err(StoreError::Fenced) => {
                    self.shared.leases().remove(&id);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(recovered)
    }

    async fn due_callbacks(&self, limit: usize) -> Result<(Vec<DueCallback>, Option<Duration>), StoreError> {
        let now = self.shared.clock.now();
        self.read(|trees| {
            let mut due = vec![];
            for entry in &trees.callbacks {
                let (key, value) = entry.map_err(|error| trees::failed(&error))?;
                let Some((time, task)) = trees::split_timed_key(&key) else { continue };
                if time > now || due.len() == limit {
                    return Ok((due, Some(time.since(now))));
                }
                let announcement = Announcement::from_bytes(&value, time);
                due.push(DueCallback {
                    key: key.to_vec(),
                    task,
                    attempts: announcement.attempts,
                    waited: now.since(announcement.ended),
                });
            }
            Ok((due, None))
        })
    }

    async fn settle_callback(
        &self,
        callback: DueCallback,
        again: Option<Duration>,
    ) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.writer
            .durably(move |pending| {
                let trees = pending.written()?;
                let Some((due, task)) = trees::split_timed_key(&callback.key) else { return Ok(()) };
                let value = trees.callbacks.get(&callback.key).map_err(|error| trees::failed(&error))?;
                // Somebody else has settled it.
                let Some(value) = value else { return Ok(()) };
                let mut announcement = Announcement::from_bytes(&value, due);
                let mut batch = Batch::default().remove(&trees.callbacks, callback.key);
                if let Some(again) = again {
                    announcement.attempts = announcement.attempts.saturating_add(1);
                    let key = trees::timed_key(shared.clock.now().after(again), task);
                    batch = batch.put(&trees.callbacks, key, &announcement.to_bytes());
                }
                pending.apply(batch)
            })
            .await
    }

    async fn export(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let (trees, shared) = (Arc::clone(&self.trees), Arc::clone(&self.shared));
        let page = move || trees::guarded(|| transfer::export(&trees, &shared, after, limit));
        tokio::task::spawn_blocking(page).await.map_err(|panic| StoreError::Failed(panic.to_string()))?
    }

    async fn import(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.writer.durably(move |pending| transfer::import(pending, &shared, entries)).await
    }

    async fn settle(&self) -> Result<(), StoreError> {
        self.writer.settle().await
    }

    async fn unfinished(&self) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        self.read(|trees| {
            let mut counts: BTreeMap<Option<String>, u64> = BTreeMap::new();
            for id in trees.unfinished() {
                if let Some(record) = trees.get(id?)? {
                    *counts.entry(record.owner).or_default() += 1;
                }
            }
            Ok(counts.into_iter().collect())
        })
    }

    fn queued(&self) -> u64 {
        self.shared.queued.load(Ordering::Relaxed)
    }

    fn oldest_waiting(&self) -> Result<Option<Duration>, StoreError> {
        let now = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default();
        // No time, where the clock was set back meanwhile.
        let age = |id: TaskId| Duration::from_millis(now.saturating_sub(id.millis()));
        Ok(self.read(Trees::oldest_waiting)?.map(age))
    }

    fn ahead_of(&self, record: &Record) -> u64 {
        let ahead = self.shared.turns().ahead_of(&record.client(), record.id);
        ahead.min(self.queued())
    }

    fn newest(&self) -> Result<Option<TaskId>, StoreError> {
        self.read(Trees::newest)
    }

    fn failure(&self) -> Option<String> {
        self.writer.failure().get().map(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests;
