//! How a task is accepted: admitted before its body is read, checked when all of it is there, kept in
//! the order of the promise.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::description::Description;
use super::plan::{PlanError, plan};
use super::record::{Attachment, BlobInfo, Callback, Details, DetailsAt};
use super::service::{Status, Tasks};
use super::store::{Idempotency, NewTask, StoreError, Submitted};
use crate::blob::{BlobKey, BlobWriter, Part, Staged};
use crate::digest::{Digest, Digester};
use crate::trace::TraceContext;

/// Up to this many bytes of JSON a task's details are kept in the record itself, which must stay
/// small with all the rest.
const LONGEST_INLINE: usize = 1024;

/// How long a client's idempotency key means the same request.
const KEY_LIFETIME: Duration = Duration::from_secs(24 * 3600);

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
    /// The task store has failed, until the server is started again.
    #[error("The server's storage has failed, and it must be restarted.")]
    StorageFailed,
    /// The task store cannot be reached; that will pass.
    #[error("The server cannot reach its task store just now.")]
    StoreUnreachable,
    /// Whoever keeps the pictures cannot be reached; that will pass.
    #[error("The server cannot reach its store of pictures just now.")]
    BlobsUnreachable,
    /// Pictures could not be written; that may pass.
    #[error("The server's disk gave an error.")]
    DiskFailed,
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
    /// Its owner has so many unfinished tasks, and may have no more.
    #[error("This caller may have {0} unfinished tasks: wait for one, or cancel one.")]
    OverQuota(u64),
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
    /// From where it was sent.
    pub address: Option<IpAddr>,
    /// Who wants to be told of its end.
    pub callback: Option<Callback>,
    /// The digest of the client's idempotency key.
    pub idempotency_key: Option<Digest>,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
    /// How many unfinished tasks its owner may have with it, where the store counts them.
    pub most_open: Option<u64>,
}

/// A task that is accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// As it stands.
    pub status: Status,
    /// Whether it is accepted by this very request, and not by an earlier one that was the same.
    pub is_new: bool,
}

/// The idempotency keys, by owner, of uploads that are under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploads(Arc<Mutex<HashSet<OwnersKey>>>);

type OwnersKey = (Option<String>, Digest);

/// An upload under way with an idempotency key: no other with the same key may be.
#[derive(Debug)]
pub struct Uploading {
    uploads: Uploads,
    key: OwnersKey,
}

impl Uploads {
    fn begin(&self, key: OwnersKey) -> Option<Uploading> {
        self.lock().insert(key.clone()).then(|| Uploading { uploads: self.clone(), key })
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<OwnersKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        self.uploads.lock().remove(&self.key);
    }
}

impl Tasks {
    /// Whether a task would be taken now: asked before its body is read.
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self) -> Result<(), Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if self.storage_failure().is_some() {
            return Err(self.no_store());
        }
        if let Some(refusal) = self.disk.trouble() {
            return Err(refusal);
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

    /// Whether a request with this key was accepted before. It makes no new task, so a full queue or a
    /// used-up quota is no reason to refuse its first answer. A store that can't tell says no.
    pub async fn was_accepted(&self, owner: Option<&str>, key: Digest) -> bool {
        self.store.knows_key(owner, key).await.unwrap_or(false)
    }

    /// A place for a picture to be written to while it arrives.
    #[must_use]
    pub fn upload(&self) -> Box<dyn BlobWriter> {
        self.blobs.writer()
    }

    /// Takes an idempotency key for the time of an upload; none if another upload has it.
    #[must_use]
    pub fn begin_upload(&self, owner: Option<String>, key: Digest) -> Option<Uploading> {
        self.uploads.begin((owner, key))
    }

    /// Checks a task and accepts it. When this returns, the task survives a power cut.
    ///
    /// # Errors
    /// It cannot be carried out, or not now.
    pub async fn submit(&self, submission: Submission) -> Result<Accepted, SubmitError> {
        let Submission {
            description,
            image,
            attachments,
            owner,
            address,
            callback,
            idempotency_key,
            trace,
            most_open,
        } = submission;
        let cids: Vec<&str> = attachments.iter().map(|(cid, ..)| cid.as_str()).collect();
        self.check(&description, &cids, owner.as_deref())?;

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
            lifetime: KEY_LIFETIME,
        });
        let count = u32::try_from(details.attachments.len()).unwrap_or(u32::MAX);
        let operations = details.description.operations.into_iter().map(|operation| operation.name).collect();
        let details = if json.len() <= LONGEST_INLINE {
            DetailsAt::Inline(json)
        } else {
            let mut writer = self.blobs.writer();
            writer.write(json.into()).await.map_err(|error| self.blobs_failed(&error, 0))?;
            let staged = writer.finish().await.map_err(|error| self.blobs_failed(&error, 0))?;
            DetailsAt::Blob(keep(Part::Details, "application/json".to_owned(), staged))
        };
        let keys: Vec<BlobKey> = blobs.iter().map(|(key, _)| *key).collect();

        // The order of the promise: pictures first, then the record, then the 202.
        self.blobs.keep(blobs).await.map_err(|error| self.blobs_failed(&error, 0))?;
        // A key is the same client wherever it sends from.
        let address = address.filter(|_| owner.is_none());
        let task = NewTask {
            id,
            submitted,
            operations,
            details,
            input,
            attachments: count,
            owner,
            address,
            callback,
            idempotency,
            trace,
            most_open,
        };
        match self.store.submit(task).await {
            Ok(Submitted::New(record)) => {
                self.figures.accepted(true);
                self.waiting.notify_one();
                Ok(Accepted { status: self.status_of(record), is_new: true })
            }
            Ok(Submitted::Before(record)) => {
                self.figures.accepted(false);
                self.discard(&keys).await;
                Ok(Accepted { status: self.status_of(record), is_new: false })
            }
            Err(error) => {
                // A store that failed may have kept the record all the same; its pictures stay then.
                if matches!(
                    error,
                    StoreError::Full
                        | StoreError::NoSpace
                        | StoreError::KeyReused
                        | StoreError::OverQuota(_)
                        | StoreError::TooLarge(_)
                ) {
                    self.discard(&keys).await;
                }
                Err(match error {
                    StoreError::KeyReused => SubmitError::KeyReused,
                    StoreError::OverQuota(most) => SubmitError::OverQuota(most),
                    error => self.refuse_store(&error).into(),
                })
            }
        }
    }

    fn check(&self, description: &Description, cids: &[&str], owner: Option<&str>) -> Result<(), PlanError> {
        let (open, all) = (self.registry_of(owner), self.registry());
        let planned = plan(&open, description, cids);
        // The client is told of nothing that isn't its own; whoever reserved it may wonder.
        if planned.is_err() && !Arc::ptr_eq(&open, &all) && plan(&all, description, cids).is_ok() {
            tracing::info!(owner, "a task was refused: it asks for what is reserved to other keys");
        }
        planned.map(drop)
    }

    fn refuse_store(&self, error: &StoreError) -> Refusal {
        match error {
            StoreError::Full => Refusal::QueueFull(self.store.queued()),
            StoreError::NoSpace => Refusal::NoSpace,
            StoreError::Unavailable(problem) => {
                tracing::error!(problem, "a task was not accepted, or nobody knows");
                Refusal::StoreUnreachable
            }
            error => self.broken("accepting a task", error),
        }
    }

    /// Why the store takes nothing: what others share is out of reach, one's own has failed.
    fn no_store(&self) -> Refusal {
        if self.store.is_shared() { Refusal::StoreUnreachable } else { Refusal::StorageFailed }
    }

    fn broken(&self, doing: &str, error: &dyn std::error::Error) -> Refusal {
        tracing::error!(error = %error, "{doing} failed");
        Refusal::StorageFailed
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
