//! Where image bytes live. Knows nothing of what they mean: a blob is bytes under a key.

mod folder;
mod object;
mod pieces;
mod staging;
#[cfg(test)]
mod tests;
mod verified;

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

pub use self::folder::{FileSync, FolderBlobs};
pub use self::object::{BadStore, Engine, Location, ObjectBlobs, Place, PlaceError, Read, Version};
use crate::digest::Digest;
use crate::id::TaskId;

/// Up to this size a blob stays in memory until it is kept: one trip to a blocking thread instead of
/// several. Larger ones go to their file in pieces of this size, which bounds memory per upload.
const PIECE: usize = 256 << 10;

/// Which bytes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The image that came with the task.
    Input,
    /// A further picture, from 1.
    Attachment(u32),
    /// Details too long for the record.
    Details,
    /// A result of one attempt, from 1. The attempt is in the key so that a worker that lost its
    /// lease cannot touch what its successor made.
    Result {
        /// From 1.
        attempt: u32,
        /// From 1.
        number: u32,
    },
}

/// The name of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlobKey {
    /// The task that it belongs to, and with which it is deleted.
    pub task: TaskId,
    /// Which of the task's.
    pub part: Part,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => f.write_str("input"),
            Self::Attachment(number) => write!(f, "attachment-{number}"),
            Self::Details => f.write_str("details"),
            Self::Result { attempt, number } => write!(f, "result-{attempt}-{number}"),
        }
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.task, self.part)
    }
}

impl BlobKey {
    /// Reads what [`Display`](fmt::Display) writes, and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (task, part) = text.split_once('.')?;
        let key = Self { task: TaskId::parse(task)?, part: Part::parse(part)? };
        (key.to_string() == text).then_some(key)
    }
}

impl Part {
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('-').unwrap_or((text, ""));
        Some(match kind {
            "input" => Self::Input,
            "details" => Self::Details,
            "attachment" => Self::Attachment(rest.parse().ok()?),
            "result" => {
                let (attempt, number) = rest.split_once('-')?;
                Self::Result { attempt: attempt.parse().ok()?, number: number.parse().ok()? }
            }
            _ => return None,
        })
    }
}

/// Some minutes of ids, whose blobs lie together: no folder grows without bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Period(u32);

/// Milliseconds of ids in a period, as a power of two: about 17 minutes.
const PERIOD_BITS: u32 = 20;

impl Period {
    /// The one that a task belongs to.
    #[must_use]
    pub fn of(task: TaskId) -> Self {
        // An id has 48 bits of milliseconds.
        Self(u32::try_from(task.millis() >> PERIOD_BITS).unwrap_or(u32::MAX))
    }

    /// Reads what [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let period = Self(u32::from_str_radix(text, 16).ok()?);
        (period.to_string() == text).then_some(period)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What the bytes of a blob must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub digest: Digest,
}

/// What lies where blobs lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A blob.
    Blob(BlobKey),
    /// Something that the store has not put there, by its name.
    Stray(String),
}

/// Room on the disk that blobs are on, or on which they wait to be sent to where they belong, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What can still be written.
    pub free: u64,
    /// Of the whole disk.
    pub size: u64,
}

/// Why a blob could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is none under this key.
    #[error("no blob {0}")]
    NotFound(String),
    /// Its bytes are others than were kept.
    #[error("blob {0} is damaged: its digest is not the recorded one")]
    Damaged(BlobKey),
    /// The disk has no room. Nothing was kept.
    #[error("no space left for pictures")]
    NoSpace,
    /// Whoever keeps pictures cannot be reached, or refuses to work; that may pass.
    #[error("{doing}: {why}")]
    Unavailable {
        /// What was tried.
        doing: String,
        /// Why it failed, without secrets.
        why: String,
    },
    /// Anything else.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
}

/// Bytes on their way into the store. Dropped without [`BlobStore::keep`] they are gone.
pub struct Staged {
    /// In bytes.
    pub size: u64,
    /// Of all bytes.
    pub digest: Digest,
    content: staging::Content,
}

/// Takes bytes piece by piece, in memory that doesn't grow with them.
#[async_trait]
pub trait BlobWriter: Send {
    /// Appends a piece.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Io`].
    async fn write(&mut self, piece: Bytes) -> Result<(), BlobError>;

    /// How many bytes have been written.
    fn written(&self) -> u64;

    /// Ends the blob, which is durable only after [`BlobStore::keep`].
    ///
    /// # Errors
    /// As [`write`](Self::write).
    async fn finish(self: Box<Self>) -> Result<Staged, BlobError>;
}

/// Bytes of a blob, in pieces.
pub type BlobStream = BoxStream<'static, io::Result<Bytes>>;

/// Keeps bytes under keys.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Begins a blob that has no key yet.
    fn writer(&self) -> Box<dyn BlobWriter>;

    /// Gives staged bytes their keys, all of one task. When this returns, they survive a power cut.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Unavailable`], [`BlobError::Io`]: then none of them is kept.
    async fn keep(&self, blobs: Vec<(BlobKey, Staged)>) -> Result<(), BlobError>;

    /// The whole blob.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Unavailable`],
    /// [`BlobError::Io`].
    async fn read(&self, key: BlobKey, expected: &Expected) -> Result<Vec<u8>, BlobError>;

    /// A range of the blob's bytes, all of which are verified before the first is given.
    ///
    /// # Errors
    /// [`BlobError::NotFound`], [`BlobError::Damaged`], [`BlobError::Unavailable`],
    /// [`BlobError::Io`].
    async fn stream(
        &self,
        key: BlobKey,
        expected: &Expected,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError>;

    /// Deletes blobs; one that is not there is no error.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn delete(&self, keys: &[BlobKey]) -> Result<(), BlobError>;

    /// The periods from which there may be blobs, the oldest first.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn periods(&self) -> Result<Vec<Period>, BlobError>;

    /// What lies there of one period.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn list(&self, period: Period) -> Result<Vec<Listed>, BlobError>;

    /// Takes a blob out of the way without deleting it, for the operator to look at.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn set_aside(&self, key: BlobKey) -> Result<(), BlobError>;

    /// Removes what remains of a period that has no blobs, to which none will be added.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn tidy(&self, period: Period) -> Result<(), BlobError>;

    /// Writes something and removes it: whether blobs can be kept.
    ///
    /// # Errors
    /// [`BlobError::NoSpace`], [`BlobError::Unavailable`], [`BlobError::Io`].
    async fn probe(&self) -> Result<(), BlobError>;

    /// Whether other servers may keep theirs in the same place, so that a blob of no known task can be one
    /// that such a server is just about to record.
    fn is_shared(&self) -> bool {
        false
    }

    /// How much room there is, if the store knows.
    fn space(&self) -> Option<Space>;

    /// Bytes that can still be written, if the store knows.
    fn free_space(&self) -> Option<u64> {
        self.space().map(|space| space.free)
    }
}

async fn blocking<T: Send + 'static>(
    doing: &str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(failed(doing)),
        Err(panic) => Err(failed(doing)(io::Error::other(panic))),
    }
}

fn failed(doing: &str) -> impl FnOnce(io::Error) -> BlobError {
    let doing = doing.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::NotFound => BlobError::NotFound(doing),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BlobError::NoSpace,
        _ => BlobError::Io { doing, source },
    }
}

/// Of the disk that a folder is on.
fn space_of(folder: &Path) -> Option<Space> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Some(Space { free: bytes(stat.f_bavail), size: bytes(stat.f_blocks) })
}
