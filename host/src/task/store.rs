//! What a task store does, whatever it is built on. Knows nothing of HTTP or plugins.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use super::record::{BlobInfo, Callback, DetailsAt, Outcome, Record, State};
use crate::digest::Digest;
use crate::id::TaskId;
use crate::trace::TraceContext;

/// A task that is not accepted yet.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Greater than every id before.
    pub id: TaskId,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// The names of its operations.
    pub operations: Vec<String>,
    /// What to do, and with what.
    pub details: DetailsAt,
    /// The image, already durable.
    pub input: BlobInfo,
    /// How many further pictures there are, already durable.
    pub attachments: u32,
    /// Whose it is.
    pub owner: Option<String>,
    /// From where it was sent, if it is nobody's.
    pub address: Option<IpAddr>,
    /// Who wants to be told of its end.
    pub callback: Option<Callback>,
    /// By which a repetition of the request is recognised.
    pub idempotency: Option<Idempotency>,
    /// The trace that it belongs to.
    pub trace: Option<TraceContext>,
    /// How many unfinished tasks its owner may have with it, where the store counts them (see
    /// [`TaskStore::is_shared`]).
    pub most_open: Option<u64>,
}

impl NewTask {
    /// As it is kept: the first thing that is known of it.
    #[must_use]
    pub fn into_record(self, ticket: u64) -> Record {
        Record {
            id: self.id,
            ticket,
            submitted: self.submitted,
            operations: self.operations,
            details: self.details,
            input: self.input,
            attachments: self.attachments,
            owner: self.owner,
            address: self.address,
            callback: self.callback,
            idempotency_key: self.idempotency.map(|idempotency| idempotency.key),
            trace: self.trace,
            attempts: 0,
            crashes: 0,
            state: State::Queued,
        }
    }
}

/// A client's promise that two requests with this key are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// Of the client's word. Keys of different owners have nothing to do with each other.
    pub key: Digest,
    /// Of everything that makes the request what it is.
    pub fingerprint: Digest,
    /// After this much time the key may mean another request.
    pub lifetime: Duration,
}

/// What became of a submission.
#[derive(Clone, Debug)]
pub enum Submitted {
    /// It is accepted.
    New(Record),
    /// It was accepted before. Nothing of this one was kept.
    Before(Record),
}

/// What is told of a task by a store that several processes share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Something waits that did not before.
    Waiting,
    /// A task is no longer as it was, and not over.
    Changed(TaskId),
    /// A task is over.
    Ended(TaskId),
}

/// What became of tasks whose process died: found when a store is opened, or when their leases ran out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Tasks that ran when the server died and wait again.
    pub requeued: u64,
    /// Tasks that ended as `interrupted`.
    pub interrupted: u64,
}

/// What an id stands for.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// A task.
    Found(Box<Record>),
    /// A task that was, of this owner.
    Gone(Option<String>),
    /// Nothing.
    Unknown,
}

/// Which tasks to list.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Whose; none means those of nobody.
    pub owner: Option<String>,
    /// In which state.
    pub state: Option<StateFilter>,
    /// With this operation among theirs.
    pub operation: Option<String>,
    /// Older than this one.
    pub after: Option<TaskId>,
    /// Most of them.
    pub limit: usize,
}

/// A state by which tasks can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateFilter {
    /// Not over.
    Pending,
    /// Waiting.
    Queued,
    /// Being worked at.
    Running,
    /// Over, with results.
    Ok,
    /// Over, without.
    Failed,
    /// Over, because the client wanted it so.
    Cancelled,
}

/// Some tasks, newest first.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// At most as many as asked for; there may be more even when there are fewer.
    pub records: Vec<Record>,
    /// Where to go on, if there may be more.
    pub next: Option<TaskId>,
}

/// An announcement that is due.
#[derive(Clone, Debug)]
pub struct DueCallback {
    /// Which the store knows it by.
    pub key: Vec<u8>,
    /// The task that ended.
    pub task: TaskId,
    /// How often it was tried.
    pub attempts: u32,
    /// How long ago the task ended.
    pub waited: Duration,
}

/// What one store hands to another, in the order of ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A task.
    Task(Box<KeptTask>),
    /// That there was a task.
    Gone {
        /// Its id.
        id: TaskId,
        /// Whose it was.
        owner: Option<String>,
        /// Since when it is gone.
        ago: Duration,
    },
    /// A task whose record cannot be read.
    Unreadable {
        /// Its id.
        id: TaskId,
        /// What is wrong.
        problem: String,
    },
}

impl Entry {
    /// The task that it is about.
    #[must_use]
    pub fn id(&self) -> TaskId {
        match self {
            Self::Task(kept) => kept.record.id,
            Self::Gone { id, .. } | Self::Unreadable { id, .. } => *id,
        }
    }
}

/// A task with all that a store knows of it. Moments are told by how long ago they were, because every
/// store has a clock of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptTask {
    /// As it stands.
    pub record: Record,
    /// When it ended, if it is over.
    pub ended_ago: Option<Duration>,
    /// By which a repetition of its request is recognised.
    pub idempotency: Option<Idempotency>,
    /// The announcement of its end, if that is not settled.
    pub announcement: Option<PendingAnnouncement>,
}

/// An announcement that has still to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnnouncement {
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due.
    pub due_in: Duration,
}

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The attempt no longer holds the task, or there is no such task.
    #[error("the task has passed on")]
    Fenced,
    /// The task is over, or there is none.
    #[error("the task is over")]
    Over,
    /// The idempotency key belongs to another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// As many tasks wait as may.
    #[error("the queue is full")]
    Full,
    /// The owner has as many unfinished tasks as it may.
    #[error("the owner has {0} unfinished tasks, as many as it may")]
    OverQuota(u64),
    /// The store cannot be reached just now. What was to be changed may have been changed or not.
    #[error("the task store cannot be reached: {0}")]
    Unavailable(String),
    /// The disk has no room. Nothing was kept.
    #[error("no space left for the task store")]
    NoSpace,
    /// What is to be recorded is longer than a record can be, in bytes. Nothing was kept, and the store goes
    /// on.
    #[error("a record of {0} bytes is too large")]
    TooLarge(usize),
    /// The store is broken and takes no more writes: what it acknowledged is kept, what failed is
    /// not acknowledged.
    #[error("the task store failed: {0}")]
    Failed(String),
    /// A record that cannot be read.
    #[error("task {id} cannot be read: {problem}")]
    Unreadable {
        /// The task.
        id: TaskId,
        /// What is wrong with its record.
        problem: String,
    },
}

/// How many more tasks with any of these operations may be handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// By name, as tasks have them.
    pub operations: Vec<String>,
    /// Tasks.
    pub left: usize,
}

impl Bound {
    /// Whether it bounds a task with these operations.
    #[must_use]
    pub fn concerns(&self, operations: &[String]) -> bool {
        operations.iter().any(|operation| self.operations.contains(operation))
    }
}

/// Keeps tasks and hands them out.
///
/// How long something has been kept is the store's to know, by a clock of its own that no change of the
/// wall clock disturbs; moments that callers hand in are only shown to people.
///
/// Calls marked *durable* return only when what they changed survives a power cut, and nobody sees
/// the change before.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Accepts a task. Durable.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::KeyReused`], [`StoreError::OverQuota`], [`StoreError::NoSpace`],
    /// [`StoreError::TooLarge`], [`StoreError::Failed`]. After [`StoreError::Unavailable`] the id tells whether
    /// it was accepted, once the store can be reached again.
    async fn submit(&self, task: NewTask) -> Result<Submitted, StoreError>;

    /// Whether a task of this owner was accepted with this idempotency key, and is still known.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn knows_key(&self, owner: Option<&str>, key: Digest) -> Result<bool, StoreError>;

    /// A task as it stands.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], [`StoreError::Failed`].
    async fn get(&self, id: TaskId) -> Result<Lookup, StoreError>;

    /// Tasks, newest first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], [`StoreError::Failed`].
    async fn list(&self, query: Query) -> Result<Page, StoreError>;

    /// Hands out up to `limit` tasks, fairly between clients and in the order of submission within each
    /// (see [`Turns`](super::Turns)), each for one attempt under a lease. When this returns, a death of
    /// the process will be counted against them. No more are handed out than there are workers for; the
    /// caller says by [`has_run`](Self::has_run) when a worker is free again.
    ///
    /// A task that may have taken the server down is handed out alone, and only when the caller is
    /// `idle`: so a second crash can be nobody's but its own. A task that passes one of the `bounds` is
    /// left where it is, and those behind it come first.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn claim(&self, limit: usize, idle: bool, bounds: Vec<Bound>) -> Result<Vec<Record>, StoreError>;

    /// Notes that a task that was handed out has had a worker for so long, and has it no more; it may still
    /// have to be ended.
    fn has_run(&self, id: TaskId, took: Duration);

    /// Prolongs the lease of an attempt.
    ///
    /// # Errors
    /// [`StoreError::Fenced`].
    async fn renew(&self, id: TaskId, attempt: u32) -> Result<(), StoreError>;

    /// Gives a task back to the head of the queue.
    ///
    /// # Errors
    /// [`StoreError::Fenced`], [`StoreError::Failed`].
    async fn release(&self, id: TaskId, attempt: u32) -> Result<(), StoreError>;

    /// Ends a task. Durable.
    ///
    /// # Errors
    /// [`StoreError::Fenced`], [`StoreError::NoSpace`], [`StoreError::TooLarge`], [`StoreError::Failed`].
    async fn finish(
        &self,
        id: TaskId,
        attempt: u32,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Record, StoreError>;

    /// Ends a task that is not over, whoever holds it. Durable.
    ///
    /// # Errors
    /// [`StoreError::Over`], [`StoreError::NoSpace`], [`StoreError::Failed`].
    async fn cancel(&self, id: TaskId, now: Timestamp) -> Result<Record, StoreError>;

    /// Forgets a task that is over, but for the fact that it was. Durable.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn delete(&self, id: TaskId) -> Result<Option<Record>, StoreError>;

    /// The same for several tasks; gives those that were forgotten. One that is not over stays.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn delete_all(&self, ids: &[TaskId]) -> Result<Vec<Record>, StoreError> {
        let mut deleted = vec![];
        for id in ids {
            deleted.extend(self.delete(*id).await?);
        }
        Ok(deleted)
    }

    /// Tasks that ended `age` ago or earlier, the oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn ended_ago(&self, age: Duration, limit: usize) -> Result<Vec<TaskId>, StoreError>;

    /// Forgets even that there were tasks, if they were deleted `age` ago or earlier: at most `limit`.
    /// Gives how many.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn forget(&self, age: Duration, limit: usize) -> Result<usize, StoreError>;

    /// Puts tasks whose lease has run out back into the queue. In a store that is shared the process that
    /// had them may have died of them, so these are counted as crashes, and some end as `interrupted`.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn expire(&self) -> Result<Recovered, StoreError>;

    /// Announcements that are due, and the time until the next one will be.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn due_callbacks(&self, limit: usize) -> Result<(Vec<DueCallback>, Option<Duration>), StoreError>;

    /// What became of an announcement: it is tried again after `again`, or never.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn settle_callback(&self, callback: DueCallback, again: Option<Duration>)
    -> Result<(), StoreError>;

    /// The next `limit` entries after `after`, in the order of ids; none when there are no more. Every task
    /// is as it stood at some moment of the call.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn export(&self, after: Option<TaskId>, limit: usize) -> Result<Vec<Entry>, StoreError>;

    /// Takes entries of another store, all or none; what ran there waits here. Durable.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] for an entry that is, [`StoreError::NoSpace`], [`StoreError::Failed`].
    async fn import(&self, entries: Vec<Entry>) -> Result<(), StoreError>;

    /// Makes durable all that was written before, if that was answered earlier.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn settle(&self) -> Result<(), StoreError>;

    /// How many unfinished tasks each owner has.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn unfinished(&self) -> Result<Vec<(Option<String>, u64)>, StoreError>;

    /// How many tasks wait.
    fn queued(&self) -> u64;

    /// How long ago the task was submitted that was submitted first of those that wait.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn oldest_waiting(&self) -> Result<Option<Duration>, StoreError>;

    /// How many tasks come before this one that waits, about.
    fn ahead_of(&self, record: &Record) -> u64;

    /// The greatest id ever accepted that is still known.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn newest(&self) -> Result<Option<TaskId>, StoreError>;

    /// Why the store takes no more writes, if that is so.
    fn failure(&self) -> Option<String>;

    /// Whether other processes work with the same tasks. Then what happens there is told by
    /// [`news`](Self::news), some of it late or never, and the store counts its owners' unfinished tasks.
    fn is_shared(&self) -> bool {
        false
    }

    /// From now on only tasks are handed out all of whose operations are among these: another process may have
    /// accepted others, and has the plugins for them. A store of one process hands out every task, so that one
    /// whose plugin is gone ends with the reason.
    fn can_run(&self, _operations: Vec<String>) {}

    /// By which the tasks are known to an object store with their pictures, where the store keeps that.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn identity(&self) -> Result<Option<String>, StoreError> {
        Ok(None)
    }

    /// Hints at what other processes do, where there are any. They may be lost: the store alone knows.
    fn news(&self) -> Option<broadcast::Receiver<News>> {
        None
    }

    /// Notes how far the attempt of this process at a task is, from 0 to 1, for others to see.
    fn has_progressed(&self, _id: TaskId, _progress: f32) {}

    /// How far the attempt of another process was when the task was last looked at.
    fn progress_elsewhere(&self, _id: TaskId) -> Option<f32> {
        None
    }
}

impl StateFilter {
    /// Whether a task is in this state.
    #[must_use]
    pub fn matches(self, record: &Record) -> bool {
        use super::failure::FailureCode;
        match (self, &record.state) {
            (Self::Pending, State::Queued | State::Running)
            | (Self::Queued, State::Queued)
            | (Self::Running, State::Running)
            | (Self::Ok, State::Finished { outcome: Outcome::Ok(_), .. })
            | (Self::Failed, State::Finished { outcome: Outcome::Failed(_), .. }) => true,
            (Self::Cancelled, State::Finished { outcome: Outcome::Failed(failure), .. }) => {
                failure.code == FailureCode::Cancelled
            }
            _ => false,
        }
    }
}
