//! Tasks as clients see them: admitted, accepted, looked at.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::description::Description;
use super::estimate::Estimates;
use super::id::{IdSource, TaskId};
use super::plan::{Plan, PlanError};
use super::record::{Attachment, BlobInfo, DescriptionAt, Outcome, Record, State};
use super::store::{NewTask, StoreError, TaskStore};
use crate::blob::{BlobError, BlobKey, BlobStore, BlobStream, BlobWriter, Part, Staged};
use crate::plugin::Registry;

/// Up to this many bytes of JSON a description is kept in the record itself, which must stay below
/// 4 KiB with all the rest.
const LONGEST_INLINE: usize = 2048;

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
}

/// See the module.
pub struct Tasks {
    pub(super) store: Arc<dyn TaskStore>,
    pub(super) blobs: Arc<dyn BlobStore>,
    registry: RwLock<Arc<Registry>>,
    ids: IdSource,
    pub(super) estimates: Estimates,
    /// Told whenever a task may be waiting.
    pub(super) waiting: Notify,
    draining: AtomicBool,
    max_queue: u64,
    min_free_space: u64,
    workers: usize,
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
}

/// Everything that a task is made of.
pub struct Submission {
    /// What to do.
    pub description: Description,
    /// The image and what its sender says it is.
    pub image: (String, Staged),
    /// Further pictures: Content-ID, media type, bytes.
    pub attachments: Vec<(String, String, Staged)>,
}

/// A task, and how long it will probably last.
#[derive(Clone, Debug)]
pub struct Status {
    /// As it stands.
    pub record: Record,
    /// Until it should be over; zero when it is.
    pub time_left: Duration,
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
            draining: AtomicBool::new(false),
            max_queue: parts.max_queue,
            min_free_space: parts.min_free_space,
            workers: parts.workers,
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

    /// Checks a task and accepts it. When this returns, the task survives a power cut.
    ///
    /// # Errors
    /// It cannot be carried out, or not now.
    pub async fn submit(&self, submission: Submission) -> Result<Status, SubmitError> {
        let Submission { description, image, attachments } = submission;
        let cids: Vec<&str> = attachments.iter().map(|(cid, ..)| cid.as_str()).collect();
        Plan::make(&self.registry(), &description, &cids)?;

        let id = self.ids.next();
        let mut blobs: Vec<(BlobKey, Staged)> = vec![];
        let mut keep = |part: Part, media_type: String, staged: Staged| {
            let info = BlobInfo { media_type, size: staged.size, digest: staged.digest };
            blobs.push((BlobKey { task: id, part }, staged));
            info
        };
        let input = keep(Part::Input, image.0, image.1);
        let mut kept_attachments = vec![];
        for (number, (cid, media_type, staged)) in (1..).zip(attachments) {
            kept_attachments
                .push(Attachment { cid, blob: keep(Part::Attachment(number), media_type, staged) });
        }
        let json = serde_json::to_string(&description)
            .map_err(|error| self.broken("writing a description", &error))?;
        let operations = description.operations.into_iter().map(|operation| operation.name).collect();
        let description = if json.len() <= LONGEST_INLINE {
            DescriptionAt::Inline(json)
        } else {
            let mut writer = self.blobs.writer();
            writer.write(json.into()).await.map_err(|error| self.refuse_blob(&error))?;
            let staged = writer.finish().await.map_err(|error| self.refuse_blob(&error))?;
            DescriptionAt::Blob(keep(Part::Description, "application/json".to_owned(), staged))
        };
        let keys: Vec<BlobKey> = blobs.iter().map(|(key, _)| *key).collect();

        // The order of the promise: pictures first, then the record, then the 202.
        self.blobs.keep(blobs).await.map_err(|error| self.refuse_blob(&error))?;
        let task = NewTask {
            id,
            submitted: Timestamp::now(),
            operations,
            description,
            input,
            attachments: kept_attachments,
        };
        match self.store.submit(task).await {
            Ok(record) => {
                self.waiting.notify_one();
                Ok(self.status_of(record))
            }
            Err(error) => {
                // A store that failed may have kept the record all the same; its pictures stay then.
                if matches!(error, StoreError::Full | StoreError::NoSpace)
                    && let Err(error) = self.blobs.delete(&keys).await
                {
                    tracing::warn!(%error, task = %id, "pictures of a refused task remain");
                }
                Err(self.refuse_store(&error).into())
            }
        }
    }

    /// A task as it stands.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn status(&self, id: TaskId) -> Result<Option<Status>, StoreError> {
        Ok(self.store.get(id).await?.map(|record| self.status_of(record)))
    }

    fn status_of(&self, record: Record) -> Status {
        let time_left = match record.state {
            State::Queued => {
                let ahead = self.store.ahead_of(record.ticket);
                self.estimates.time_left(&record.operations, ahead, self.workers)
            }
            State::Running => self.estimates.time_left(&record.operations, 0, self.workers),
            State::Finished { .. } => Duration::ZERO,
        };
        Status { record, time_left }
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
        self.draining.store(true, Ordering::Relaxed);
        self.waiting.notify_one();
    }

    /// Whether [`drain`](Self::drain) was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
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
