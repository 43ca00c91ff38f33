//! Tasks as clients see them: looked at, waited for, listed, cancelled, forgotten. How they are
//! accepted is in `submit.rs`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, watch};

use super::disk::Disk;
use super::estimate::Estimates;
use super::figures::Figures;
use super::presets::{check_presets, report_presets};
use super::record::{BlobInfo, Outcome, Record, State};
use super::store::{DueCallback, Entry, Lookup, News, Page, Query, StoreError, TaskStore};
use super::submit::{Refusal, Uploads};
use super::watch::{Subscription, Watchers};
use crate::blob::{BlobError, BlobKey, BlobStore, BlobStream, Part};
use crate::id::{IdSource, TaskId};
use crate::plugin::{Interrupt, Registry};
use crate::trace::Tracer;

/// What the service is built from.
pub struct Parts {
    /// Keeps tasks.
    pub store: Arc<dyn TaskStore>,
    /// Keeps pictures.
    pub blobs: Arc<dyn BlobStore>,
    /// The plugins to begin with.
    pub registry: Registry,
    /// Most tasks that may wait.
    pub max_queue: u64,
    /// Bytes of disk to leave free.
    pub min_free_space: u64,
    /// How many tasks run at once, for estimates.
    pub workers: usize,
    /// Told of the owner of every task that ends.
    pub on_end: OnEnd,
    /// Knows owners by name: plugins can be reserved to some.
    pub key_name: KeyName,
    /// Takes the spans of tasks that are traced.
    pub tracer: Tracer,
}

/// Called with the owner of a task that has ended.
pub type OnEnd = Box<dyn Fn(Option<&str>) + Send + Sync>;

/// What the operator calls an owner, as long as there is that owner.
pub type KeyName = Box<dyn Fn(&str) -> Option<Arc<str>> + Send + Sync>;

/// See the module.
pub struct Tasks {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) blobs: Arc<dyn BlobStore>,
    registry: RwLock<Arc<Registry>>,
    pub(super) ids: IdSource,
    pub(super) estimates: Estimates,
    /// Told whenever a task may be waiting, or one of those that wait may have a worker.
    pub(super) waiting: Notify,
    /// Told whenever an announcement may be due.
    ended: Notify,
    watchers: Arc<Watchers>,
    running: Mutex<HashMap<TaskId, Arc<Running>>>,
    pub(super) uploads: Uploads,
    pub(super) disk: Disk,
    draining: watch::Sender<bool>,
    pub(super) max_queue: u64,
    pub(super) min_free_space: u64,
    workers: usize,
    on_end: OnEnd,
    key_name: KeyName,
    pub(super) figures: Figures,
    tracer: Tracer,
}

/// A task that a worker of this process is at.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) interrupt: Arc<Interrupt>,
    /// The bits of an `f32` from 0 to 1.
    progress: AtomicU32,
}

/// A task, and how long it will probably last.
#[derive(Clone, Debug)]
pub struct Status {
    /// As it stands.
    pub record: Record,
    /// Until it should be over; zero when it is.
    pub time_left: Duration,
    /// From 0 to 1, while it runs.
    pub progress: Option<f32>,
}

/// What a caller finds under an id.
#[derive(Clone, Debug)]
pub enum Found {
    /// A task of the caller's.
    Task(Box<Status>),
    /// A task that was the caller's.
    Gone,
    /// Nothing, or somebody else's.
    Nothing,
}

/// What [`Tasks::remove`] did.
#[derive(Clone, Debug)]
pub enum Removed {
    /// The task was not over; it is now.
    Cancelled(Box<Status>),
    /// The task was over; it is gone with its pictures.
    Deleted,
    /// There was nothing to do.
    Gone,
    /// Nothing, or somebody else's.
    Nothing,
}

impl Tasks {
    /// Puts the service together.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(mut parts: Parts) -> Result<Arc<Self>, StoreError> {
        check_presets(&mut parts.registry);
        report_presets(&parts.registry, &Registry::default());
        let newest = parts.store.newest()?;
        let watchers = Watchers::of(parts.store.is_shared());
        parts.store.can_run(parts.registry.operations());
        Ok(Arc::new(Self {
            store: parts.store,
            blobs: parts.blobs,
            registry: RwLock::new(Arc::new(parts.registry)),
            ids: IdSource::after(newest),
            estimates: Estimates::default(),
            waiting: Notify::new(),
            ended: Notify::new(),
            watchers: Arc::new(watchers),
            running: Mutex::default(),
            uploads: Uploads::default(),
            disk: Disk::default(),
            draining: watch::Sender::new(false),
            max_queue: parts.max_queue,
            min_free_space: parts.min_free_space,
            workers: parts.workers,
            on_end: parts.on_end,
            key_name: parts.key_name,
            figures: Figures::default(),
            tracer: parts.tracer,
        }))
    }

    /// Notes that pictures could not be written, and says what to answer to whoever wanted it. Nothing is
    /// begun until there is room for `size` bytes: what a task needs to go on, or 0 for a client that can
    /// come again.
    pub fn blobs_failed(&self, error: &BlobError, size: u64) -> Refusal {
        self.disk.failed(error, size)
    }

    /// Deletes pictures that belong to no task. What cannot be deleted is an orphan, and swept later.
    pub(super) async fn discard(&self, keys: &[BlobKey]) {
        if let Err(error) = self.blobs.delete(keys).await {
            tracing::warn!(%error, "pictures that nobody needs remain");
        }
    }

    /// A task of the caller's, as it stands.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn find(&self, id: TaskId, owner: Option<&str>) -> Result<Found, StoreError> {
        Ok(match self.store.get(id).await? {
            Lookup::Found(record) if record.owner.as_deref() == owner => {
                Found::Task(Box::new(self.status_of(*record)))
            }
            Lookup::Gone(former) if former.as_deref() == owner => Found::Gone,
            Lookup::Found(_) | Lookup::Gone(_) | Lookup::Unknown => Found::Nothing,
        })
    }

    /// The same, but waits up to `limit` for the task to be over.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn find_over(
        &self,
        id: TaskId,
        owner: Option<&str>,
        limit: Duration,
    ) -> Result<Found, StoreError> {
        let deadline = tokio::time::Instant::now() + limit;
        let mut subscription = self.subscribe(id);
        let mut draining = self.draining.subscribe();
        loop {
            let found = self.find(id, owner).await?;
            if !matches!(&found, Found::Task(status) if !status.record.is_over()) {
                return Ok(found);
            }
            tokio::select! {
                () = subscription.news() => {}
                () = tokio::time::sleep_until(deadline) => return Ok(found),
                // Nobody should keep a server that stops from stopping.
                _ = draining.wait_for(|draining| *draining) => return Ok(found),
            }
        }
    }

    /// Waits for news of a task.
    #[must_use]
    pub fn subscribe(&self, id: TaskId) -> Subscription {
        self.watchers.subscribe(id)
    }

    /// Ends when the server begins to stop.
    pub async fn draining(&self) {
        // The sender lives as long as `self`.
        let _ = self.draining.subscribe().wait_for(|draining| *draining).await;
    }

    /// Tasks, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn list(&self, query: Query) -> Result<(Vec<Status>, Option<TaskId>), StoreError> {
        let Page { records, next } = self.store.list(query).await?;
        Ok((records.into_iter().map(|record| self.status_of(record)).collect(), next))
    }

    /// Cancels a task that is not over, or deletes one that is.
    ///
    /// # Errors
    /// The store cannot be read or written.
    pub async fn remove(&self, id: TaskId, owner: Option<&str>) -> Result<Removed, StoreError> {
        let status = match self.find(id, owner).await? {
            Found::Task(status) => status,
            Found::Gone => return Ok(Removed::Gone),
            Found::Nothing => return Ok(Removed::Nothing),
        };
        if status.record.is_over() {
            return Ok(if self.delete(id).await? { Removed::Deleted } else { Removed::Gone });
        }
        match self.store.cancel(id, Timestamp::now()).await {
            Ok(record) => {
                if let Some(running) = self.running().remove(&id) {
                    running.interrupt.cancel();
                }
                self.has_ended(&record);
                Ok(Removed::Cancelled(Box::new(self.status_of(record))))
            }
            // It was over a moment before it could be cancelled: its end is what the client is told,
            // and nothing is deleted that it may still want.
            Err(StoreError::Over) => match self.find(id, owner).await? {
                Found::Task(status) => Ok(Removed::Cancelled(status)),
                Found::Gone => Ok(Removed::Gone),
                Found::Nothing => Ok(Removed::Nothing),
            },
            Err(error) => Err(error),
        }
    }

    /// Deletes a task that is over, record first: a record without pictures would be a broken
    /// promise, pictures without a record are only litter.
    pub(super) async fn delete(&self, id: TaskId) -> Result<bool, StoreError> {
        Ok(self.delete_all(&[id]).await? > 0)
    }

    /// The same for several tasks; gives how many it was.
    pub(super) async fn delete_all(&self, ids: &[TaskId]) -> Result<usize, StoreError> {
        let deleted = self.store.delete_all(ids).await?;
        let keys: Vec<BlobKey> = deleted.iter().flat_map(Record::blobs).collect();
        self.discard(&keys).await;
        for record in &deleted {
            self.watchers.tell(record.id);
        }
        Ok(deleted.len())
    }

    /// Announcements that are due, with their tasks, and the time until the next one will be.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn due_announcements(
        &self,
        limit: usize,
    ) -> Result<(Vec<(DueCallback, Option<Record>)>, Option<Duration>), StoreError> {
        let (due, next) = self.store.due_callbacks(limit).await?;
        let mut with_tasks = vec![];
        for callback in due {
            let record = match self.store.get(callback.task).await? {
                // An end that is not durable yet is announced when it is.
                Lookup::Found(record) if !record.is_over() => continue,
                Lookup::Found(record) => Some(*record),
                Lookup::Gone(_) | Lookup::Unknown => None,
            };
            with_tasks.push((callback, record));
        }
        Ok((with_tasks, next))
    }

    /// Records what became of an announcement: it is tried again after `again`, or never.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn settle_announcement(
        &self,
        callback: DueCallback,
        again: Option<Duration>,
    ) -> Result<(), StoreError> {
        self.store.settle_callback(callback, again).await
    }

    /// How many unfinished tasks each owner has.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<(Option<String>, u64)>, StoreError> {
        self.store.unfinished().await
    }

    /// The next tasks in the order of their ids, for a backup.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn export(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        self.store.export(after, limit).await
    }

    /// Whether there is this task, whoever's it is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn knows(&self, id: TaskId) -> Result<bool, StoreError> {
        Ok(matches!(self.store.get(id).await?, Lookup::Found(_)))
    }

    /// Makes durable all that was recorded: the last thing that a server does.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn settle(&self) -> Result<(), StoreError> {
        self.store.settle().await
    }

    /// Ends when an announcement may be due that wasn't before.
    pub async fn announcement_due(&self) {
        self.ended.notified().await;
    }

    pub(super) fn status_of(&self, record: Record) -> Status {
        let (time_left, progress) = match record.state {
            State::Queued => {
                let ahead = self.store.ahead_of(&record);
                (self.estimates.time_left(&record.operations, ahead, self.workers), None)
            }
            State::Running => {
                let progress = self.running().get(&record.id).map(|running| running.progress());
                let progress = progress.or_else(|| self.store.progress_elsewhere(record.id));
                (self.estimates.time_left(&record.operations, 0, self.workers), progress)
            }
            State::Finished { .. } => (Duration::ZERO, None),
        };
        Status { record, time_left, progress }
    }

    /// The results of a task, if it ended well.
    #[must_use]
    pub fn results(record: &Record) -> &[BlobInfo] {
        match &record.state {
            State::Finished { outcome: Outcome::Ok(results), .. } => results,
            _ => &[],
        }
    }

    /// Bytes of a task's result, of which `info` tells; `number` from 1.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn result(
        &self,
        record: &Record,
        number: u32,
        info: &BlobInfo,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        let key = BlobKey { task: record.id, part: Part::Result { attempt: record.attempts, number } };
        self.blobs.stream(key, &info.expected(), range).await
    }

    /// The plugins as they are now. A task that begins holds on to what it began with.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What there is of them for tasks of this owner: what is reserved to others is not there.
    #[must_use]
    pub fn registry_of(&self, owner: Option<&str>) -> Arc<Registry> {
        let registry = self.registry();
        if !registry.has_reserved() {
            return registry;
        }
        let name = owner.and_then(|owner| (self.key_name)(owner));
        let mut open = registry.open_to(name.as_deref());
        check_presets(&mut open);
        Arc::new(open)
    }

    /// Has the next tasks use these plugins; what runs goes on with what it began with.
    pub fn replace_registry(&self, mut registry: Registry) {
        check_presets(&mut registry);
        report_presets(&registry, &self.registry());
        self.store.can_run(registry.operations());
        *self.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry);
    }

    /// Takes no more tasks from now on.
    pub fn drain(&self) {
        self.draining.send_replace(true);
        self.waiting.notify_one();
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }

    /// Why nothing can be stored, if that is so.
    #[must_use]
    pub fn storage_failure(&self) -> Option<String> {
        self.store.failure()
    }

    /// What is counted of them.
    #[must_use]
    pub fn figures(&self) -> &Figures {
        &self.figures
    }

    /// What takes spans.
    #[must_use]
    pub fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// How many tasks run at once at most.
    pub(super) fn workers(&self) -> usize {
        self.workers
    }

    /// How many tasks wait.
    #[must_use]
    pub fn queued(&self) -> u64 {
        self.store.queued()
    }

    /// Notes that a worker begins with a task.
    pub(super) fn has_begun(&self, id: TaskId, interrupt: &Arc<Interrupt>) -> Arc<Running> {
        let running = Arc::new(Running { interrupt: Arc::clone(interrupt), progress: AtomicU32::new(0) });
        self.running().insert(id, Arc::clone(&running));
        self.watchers.tell(id);
        running
    }

    /// Notes how far a worker is.
    pub(super) fn has_progressed(&self, id: TaskId, running: &Running, progress: f32) {
        running.progress.store(progress.to_bits(), Ordering::Relaxed);
        self.store.has_progressed(id, progress);
        self.watchers.tell(id);
    }

    /// Notes that a worker has done with a task, however.
    pub(super) fn has_stopped(&self, id: TaskId) {
        self.running().remove(&id);
        self.watchers.tell(id);
    }

    /// Tells everybody who wants to know that a task is over.
    pub(super) fn has_ended(&self, record: &Record) {
        self.figures.ended(record);
        (self.on_end)(record.owner.as_deref());
        self.watchers.tell(record.id);
        if record.callback.is_some() {
            self.ended.notify_one();
        }
    }

    /// An announcement may be due that wasn't before.
    pub(super) fn may_be_due(&self) {
        self.ended.notify_one();
    }

    /// Follows what other processes do with the same tasks, where there are any, for as long as the server
    /// runs. What is missed is found by looking.
    pub async fn follow_news(self: Arc<Self>) {
        let Some(mut news) = self.store.news() else { return };
        loop {
            match news.recv().await {
                Ok(News::Waiting) | Err(RecvError::Lagged(_)) => self.waiting.notify_one(),
                Ok(News::Changed(id)) => self.watchers.tell(id),
                Ok(News::Ended(id)) => {
                    // Whoever is at it here works for nothing.
                    if let Some(running) = self.running().remove(&id) {
                        running.interrupt.cancel();
                    }
                    self.watchers.tell(id);
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Interrupts every run.
    pub(super) fn interrupt_all(&self) {
        for running in self.running().values() {
            running.interrupt.cancel();
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn progress(&self) -> f32 {
        f32::from_bits(self.progress.load(Ordering::Relaxed))
    }
}
