//! Tasks as clients see them: admitted, accepted, looked at, cancelled, forgotten.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use super::description::Description;
use super::estimate::Estimates;
use super::id::{IdSource, TaskId};
use super::plan::{Plan, PlanError};
use super::record::{Attachment, BlobInfo, Callback, Details, DetailsAt, Outcome, Record, State};
use super::store::{
    DueCallback, Idempotency, Lookup, NewTask, Page, Query, StoreError, Submitted, TaskStore,
};
use super::watch::{Subscription, Watchers};
use crate::blob::{BlobError, BlobKey, BlobStore, BlobStream, BlobWriter, Part, Staged};
use crate::digest::{Digest, Digester};
use crate::plugin::{Interrupt, Registry};

/// Up to this many bytes of JSON a task's details are kept in the record itself, which must stay
/// small with all the rest.
const LONGEST_INLINE: usize = 1024;

/// How long a client's idempotency key means the same request.
const KEY_LIFETIME: Duration = Duration::from_secs(24 * 3600);

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
}

/// Called with the owner of a task that has ended.
pub type OnEnd = Box<dyn Fn(Option<&str>) + Send + Sync>;

/// See the module.
pub struct Tasks {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) blobs: Arc<dyn BlobStore>,
    registry: RwLock<Arc<Registry>>,
    ids: IdSource,
    pub(super) estimates: Estimates,
    /// Told whenever a task may be waiting.
    pub(super) waiting: Notify,
    /// Told whenever an announcement may be due.
    ended: Notify,
    watchers: Arc<Watchers>,
    running: Mutex<HashMap<TaskId, Arc<Running>>>,
    uploading: Arc<Mutex<HashSet<(Option<String>, Digest)>>>,
    draining: watch::Sender<bool>,
    max_queue: u64,
    min_free_space: u64,
    workers: usize,
    on_end: OnEnd,
}

/// A task that a worker of this process is at.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) interrupt: Arc<Interrupt>,
    /// The bits of an `f32` from 0 to 1.
    progress: AtomicU32,
}

/// Why no task is taken just now, whatever it is.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// The server is about to stop.
    #[error("The server is about to stop. Send the task again.")]
    Draining,
    /// As many tasks wait as may.
    #[error("The queue is full: {0} tasks wait.")]
    QueueFull(u64),
    /// The disk is nearly full.
    #[error("The server has no room for another picture.")]
    NoSpace,
    /// The task store or the disk failed.
    #[error("The server's storage has failed.")]
    StorageFailed,
}

/// Why a task is not accepted. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// Not now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Not like this.
    #[error(transparent)]
    Impossible(#[from] PlanError),
    /// Its idempotency key belongs to another request.
    #[error("The Idempotency-Key was used for another request before. Use a new one for a new request.")]
    KeyReused,
}

/// Everything that a task is made of.
pub struct Submission {
    /// What to do.
    pub description: Description,
    /// The image and what its sender says it is.
    pub image: (String, Staged),
    /// Further pictures: Content-ID, media type, bytes.
    pub attachments: Vec<(String, String, Staged)>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Who wants to be told of its end.
    pub callback: Option<Callback>,
    /// The digest of the client's idempotency key.
    pub idempotency_key: Option<Digest>,
}

/// A task that is accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// As it stands.
    pub status: Status,
    /// Whether it is accepted by this very request, and not by an earlier one that was the same.
    pub is_new: bool,
}

/// A task, and how long it will probably last.
#[derive(Clone, Debug)]
pub struct Status {
    /// As it stands.
    pub record: Record,
    /// Until it should be over; zero when it is.
    pub time_left: Duration,
    /// From 0 to 1, while it runs here.
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

/// An upload under way with an idempotency key: no other with the same key may be.
#[derive(Debug)]
pub struct Uploading {
    uploading: Arc<Mutex<HashSet<(Option<String>, Digest)>>>,
    key: (Option<String>, Digest),
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.uploading.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Tasks {
    /// Puts the service together.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn new(parts: Parts) -> Result<Arc<Self>, StoreError> {
        let newest = parts.store.newest()?;
        Ok(Arc::new(Self {
            store: parts.store,
            blobs: parts.blobs,
            registry: RwLock::new(Arc::new(parts.registry)),
            ids: IdSource::after(newest),
            estimates: Estimates::default(),
            waiting: Notify::new(),
            ended: Notify::new(),
            watchers: Arc::default(),
            running: Mutex::default(),
            uploading: Arc::default(),
            draining: watch::Sender::new(false),
            max_queue: parts.max_queue,
            min_free_space: parts.min_free_space,
            workers: parts.workers,
            on_end: parts.on_end,
        }))
    }

    /// Whether a task would be taken now: asked before its body is read.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self) -> Result<(), Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if self.storage_failure().is_some() {
            return Err(Refusal::StorageFailed);
        }
        let queued = self.store.queued();
        if queued >= self.max_queue {
            return Err(Refusal::QueueFull(queued));
        }
        if self.blobs.free_space().is_some_and(|free| free < self.min_free_space) {
            return Err(Refusal::NoSpace);
        }
        Ok(())
    }

    /// A place for a picture to be written to while it arrives.
    #[must_use]
    pub fn upload(&self) -> Box<dyn BlobWriter> {
        self.blobs.writer()
    }

    /// Takes an idempotency key for the time of an upload; none if another upload has it.
    #[must_use]
    pub fn begin_upload(&self, owner: Option<String>, key: Digest) -> Option<Uploading> {
        let key = (owner, key);
        let mut uploading = self.uploading.lock().unwrap_or_else(PoisonError::into_inner);
        uploading.insert(key.clone()).then(|| Uploading { uploading: Arc::clone(&self.uploading), key })
    }

    /// Checks a task and accepts it. When this returns, the task survives a power cut.
    ///
    /// # Errors
    /// It cannot be carried out, or not now.
    pub async fn submit(&self, submission: Submission) -> Result<Accepted, SubmitError> {
        let Submission { description, image, attachments, owner, callback, idempotency_key } = submission;
        let cids: Vec<&str> = attachments.iter().map(|(cid, ..)| cid.as_str()).collect();
        Plan::make(&self.registry(), &description, &cids)?;

        let id = self.ids.next();
        let submitted = Timestamp::now();
        let mut blobs: Vec<(BlobKey, Staged)> = vec![];
        let mut keep = |part: Part, media_type: String, staged: Staged| {
            let info = BlobInfo { media_type, size: staged.size, digest: staged.digest };
            blobs.push((BlobKey { task: id, part }, staged));
            info
        };
        let input = keep(Part::Input, image.0, image.1);
        let mut details = Details { description, attachments: vec![] };
        for (number, (cid, media_type, staged)) in (1..).zip(attachments) {
            let blob = keep(Part::Attachment(number), media_type, staged);
            details.attachments.push(Attachment { cid, blob });
        }
        let json =
            serde_json::to_string(&details).map_err(|error| self.broken("writing a description", &error))?;
        let idempotency = idempotency_key.map(|key| Idempotency {
            key,
            fingerprint: fingerprint(&input, &json, callback.as_ref()),
            expires: submitted.saturating_add(KEY_LIFETIME).unwrap_or(Timestamp::MAX),
        });
        let count = u32::try_from(details.attachments.len()).unwrap_or(u32::MAX);
        let operations = details.description.operations.into_iter().map(|operation| operation.name).collect();
        let details = if json.len() <= LONGEST_INLINE {
            DetailsAt::Inline(json)
        } else {
            let mut writer = self.blobs.writer();
            writer.write(json.into()).await.map_err(|error| self.refuse_blob(&error))?;
            let staged = writer.finish().await.map_err(|error| self.refuse_blob(&error))?;
            DetailsAt::Blob(keep(Part::Details, "application/json".to_owned(), staged))
        };
        let keys: Vec<BlobKey> = blobs.iter().map(|(key, _)| *key).collect();

        // The order of the promise: pictures first, then the record, then the 202.
        self.blobs.keep(blobs).await.map_err(|error| self.refuse_blob(&error))?;
        let task = NewTask {
            id,
            submitted,
            operations,
            details,
            input,
            attachments: count,
            owner,
            callback,
            idempotency,
        };
        match self.store.submit(task).await {
            Ok(Submitted::New(record)) => {
                self.waiting.notify_one();
                Ok(Accepted { status: self.status_of(record), is_new: true })
            }
            Ok(Submitted::Before(record)) => {
                self.discard(&keys).await;
                Ok(Accepted { status: self.status_of(record), is_new: false })
            }
            Err(error) => {
                // A store that failed may have kept the record all the same; its pictures stay then.
                if matches!(error, StoreError::Full | StoreError::NoSpace | StoreError::KeyReused) {
                    self.discard(&keys).await;
                }
                Err(match error {
                    StoreError::KeyReused => SubmitError::KeyReused,
                    error => self.refuse_store(&error).into(),
                })
            }
        }
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
                Found::Task(Box::new(self.status_of(record)))
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
        let Some(record) = self.store.delete(id, Timestamp::now()).await? else { return Ok(false) };
        self.discard(&record.blobs()).await;
        self.watchers.tell(id);
        Ok(true)
    }

    /// Announcements that are due, with their tasks, and when the next one will be.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn due_announcements(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<(Vec<(DueCallback, Option<Record>)>, Option<Timestamp>), StoreError> {
        let (due, next) = self.store.due_callbacks(now, limit).await?;
        let mut with_tasks = vec![];
        for callback in due {
            let record = match self.store.get(callback.task).await? {
                // An end that is not durable yet is announced when it is.
                Lookup::Found(record) if !record.is_over() => continue,
                Lookup::Found(record) => Some(record),
                Lookup::Gone(_) | Lookup::Unknown => None,
            };
            with_tasks.push((callback, record));
        }
        Ok((with_tasks, next))
    }

    /// Records what became of an announcement: it is tried again at `again`, or never.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn settle_announcement(
        &self,
        callback: DueCallback,
        again: Option<Timestamp>,
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

    /// Ends when an announcement may be due that wasn't before.
    pub async fn announcement_due(&self) {
        self.ended.notified().await;
    }

    fn status_of(&self, record: Record) -> Status {
        let (time_left, progress) = match record.state {
            State::Queued => {
                let ahead = self.store.ahead_of(record.ticket);
                (self.estimates.time_left(&record.operations, ahead, self.workers), None)
            }
            State::Running => {
                let progress = self.running().get(&record.id).map(|running| running.progress());
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

    /// Bytes of a task's result; `number` from 1.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn result(
        &self,
        record: &Record,
        number: u32,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        let part = Part::Result { attempt: record.attempts, number };
        self.blobs.stream(BlobKey { task: record.id, part }, range).await
    }

    /// The plugins as they are now. A task that begins holds on to what it began with.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.registry.read().unwrap_or_else(PoisonError::into_inner))
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
        self.watchers.tell(id);
    }

    /// Notes that a worker has done with a task, however.
    pub(super) fn has_stopped(&self, id: TaskId) {
        self.running().remove(&id);
        self.watchers.tell(id);
    }

    /// Tells everybody who wants to know that a task is over.
    pub(super) fn has_ended(&self, record: &Record) {
        (self.on_end)(record.owner.as_deref());
        self.watchers.tell(record.id);
        if record.callback.is_some() {
            self.ended.notify_one();
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

    fn refuse_blob(&self, error: &BlobError) -> Refusal {
        match error {
            BlobError::NoSpace => Refusal::NoSpace,
            error => self.broken("keeping a picture", error),
        }
    }

    fn refuse_store(&self, error: &StoreError) -> Refusal {
        match error {
            StoreError::Full => Refusal::QueueFull(self.store.queued()),
            StoreError::NoSpace => Refusal::NoSpace,
            error => self.broken("accepting a task", error),
        }
    }

    fn broken(&self, doing: &str, error: &dyn std::error::Error) -> Refusal {
        tracing::error!(error = %error, "{doing} failed");
        Refusal::StorageFailed
    }
}

impl Running {
    fn progress(&self) -> f32 {
        f32::from_bits(self.progress.load(Ordering::Relaxed))
    }
}

/// Of everything that makes two requests the same one.
fn fingerprint(input: &BlobInfo, details: &str, callback: Option<&Callback>) -> Digest {
    let mut digester = Digester::default();
    let callback = callback.map(|callback| callback.url.as_str()).unwrap_or_default();
    for piece in
        [input.media_type.as_bytes(), input.digest.as_bytes(), callback.as_bytes(), details.as_bytes()]
    {
        digester.update(&(piece.len() as u64).to_be_bytes());
        digester.update(piece);
    }
    digester.finish()
}
