//! What a task store does, whatever it is built on. Knows nothing of HTTP or plugins.

use async_trait::async_trait;
use jiff::Timestamp;

use super::id::TaskId;
use super::record::{Attachment, BlobInfo, DescriptionAt, Outcome, Record};

/// A task that is not accepted yet.
#[derive(Clone, Debug)]
pub struct NewTask {
    /// Greater than every id before.
    pub id: TaskId,
    /// When it was submitted.
    pub submitted: Timestamp,
    /// The names of its operations.
    pub operations: Vec<String>,
    /// What to do.
    pub description: DescriptionAt,
    /// The image, already durable.
    pub input: BlobInfo,
    /// Further pictures, already durable.
    pub attachments: Vec<Attachment>,
}

/// What the store found when it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Tasks that ran when the server died and wait again.
    pub requeued: u64,
    /// Tasks that ended as `interrupted`.
    pub interrupted: u64,
}

/// Why a store could not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// The attempt no longer holds the task, or there is no such task.
    #[error("the task has passed on")]
    Fenced,
    /// As many tasks wait as may.
    #[error("the queue is full")]
    Full,
    /// The disk has no room. Nothing was kept.
    #[error("no space left for the task store")]
    NoSpace,
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

/// Keeps tasks and hands them out.
///
/// Calls marked *durable* return only when what they changed survives a power cut, and nobody sees
/// the change before.
#[async_trait]
pub trait TaskStore: Send + Sync {
    /// Accepts a task. Durable.
    ///
    /// # Errors
    /// [`StoreError::Full`], [`StoreError::NoSpace`], [`StoreError::Failed`].
    async fn submit(&self, task: NewTask) -> Result<Record, StoreError>;

    /// A task as it stands.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], [`StoreError::Failed`].
    async fn get(&self, id: TaskId) -> Result<Option<Record>, StoreError>;

    /// Hands out up to `limit` tasks in the order of submission, each for one attempt under a lease.
    /// When this returns, a death of the process will be counted against them.
    ///
    /// A task that may have taken the server down is handed out alone, and only when the caller is
    /// `idle`: so a second crash can be nobody's but its own.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn claim(&self, limit: usize, idle: bool) -> Result<Vec<Record>, StoreError>;

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
    /// [`StoreError::Fenced`], [`StoreError::NoSpace`], [`StoreError::Failed`].
    async fn finish(
        &self,
        id: TaskId,
        attempt: u32,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<Record, StoreError>;

    /// Puts tasks whose lease has run out back into the queue.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn expire(&self) -> Result<u64, StoreError>;

    /// How many tasks wait.
    fn queued(&self) -> u64;

    /// How many tasks were before the one with this ticket when it was last asked, about.
    fn ahead_of(&self, ticket: u64) -> u64;

    /// The greatest id ever accepted that is still known.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    fn newest(&self) -> Result<Option<TaskId>, StoreError>;

    /// Why the store takes no more writes, if that is so.
    fn failure(&self) -> Option<String>;
}
