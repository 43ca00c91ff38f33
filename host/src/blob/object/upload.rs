//! How staged bytes become an object: small ones in one request, large ones in parts. Either way the object
//! is there whole or not at all, and there only when the engine has said so.

use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt as _, PutPayload};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::error;
use super::figures::{Figures, Operation};
use crate::blob::staging::Content;
use crate::blob::{BlobError, Staged, blocking};

/// Up to this size one request takes all of it, and of a larger one each part has this size: engines want
/// at least 5 MiB, some that all are equal, and none takes more than 10,000 of them.
const PART: u64 = 8 << 20;
/// Parts of one picture that are on their way together.
const PARTS_AT_ONCE: usize = 3;
/// Bytes from files that may be in memory together, of all uploads: as many as sixteen large ones keep busy.
/// What was small enough to stay in memory when it came is not counted; its client's connection bounds it.
const MEMORY: usize = 128 << 20;
/// The unit in which they are counted.
const UNIT: u64 = 64 << 10;

/// See the module.
#[derive(Clone)]
pub(super) struct Uploads {
    store: Arc<dyn ObjectStore>,
    memory: Arc<Semaphore>,
    figures: Figures,
}

impl Uploads {
    pub(super) fn to(store: Arc<dyn ObjectStore>, figures: Figures) -> Self {
        let units = MEMORY / usize::try_from(UNIT).unwrap_or(MEMORY);
        Self { store, memory: Arc::new(Semaphore::new(units)), figures }
    }

    /// Writes an object. When this returns, the engine has it.
    pub(super) async fn put(&self, path: &Path, staged: Staged) -> Result<(), BlobError> {
        let Staged { size, content, .. } = staged;
        match content {
            Content::Memory(bytes) => self.put_bytes(path, bytes.into()).await,
            Content::File(file) => {
                let file = blocking(DOING, move || file.read()).await?;
                if size <= PART {
                    let (_, bytes, _room) = self.read(file, size).await?;
                    self.put_bytes(path, bytes).await
                } else {
                    self.put_parts(path, file, size).await
                }
            }
        }
    }

    async fn put_bytes(&self, path: &Path, bytes: Bytes) -> Result<(), BlobError> {
        let request = self.store.put(path, PutPayload::from(bytes));
        self.figures.count(Operation::Put, request).await.map(drop).map_err(|error| unwritten(&error))
    }

    async fn put_parts(&self, path: &Path, file: File, size: u64) -> Result<(), BlobError> {
        let begin = self.store.put_multipart(path);
        let mut upload =
            self.figures.count(Operation::Put, begin).await.map_err(|error| unwritten(&error))?;
        let sent = self.send_parts(&mut *upload, file, size).await;
        let done = match sent {
            Ok(()) => {
                let complete = self.figures.count(Operation::Put, upload.complete()).await;
                complete.map(drop).map_err(|error| unwritten(&error))
            }
            Err(error) => Err(error),
        };
        if done.is_err() {
            // Best effort: what an engine keeps of it, its own rules clear away.
            let _ = upload.abort().await;
        }
        done
    }

    async fn send_parts(
        &self,
        upload: &mut dyn MultipartUpload,
        mut file: File,
        size: u64,
    ) -> Result<(), BlobError> {
        let mut left = size;
        let mut sending: JoinSet<Result<(), object_store::Error>> = JoinSet::new();
        while left > 0 {
            let (same, bytes, room) = self.read(file, left.min(PART)).await?;
            file = same;
            left -= bytes.len() as u64;
            let part = upload.put_part(PutPayload::from(bytes));
            let figures = self.figures.clone();
            sending.spawn(async move {
                let sent = figures.count(Operation::PutPart, part).await;
                drop(room);
                sent
            });
            if sending.len() >= PARTS_AT_ONCE {
                sent(sending.join_next().await)?;
            }
        }
        while let Some(part) = sending.join_next().await {
            sent(Some(part))?;
        }
        Ok(())
    }

    /// The next `size` bytes of a file, once there is room for them.
    async fn read(
        &self,
        mut file: File,
        size: u64,
    ) -> Result<(File, Bytes, OwnedSemaphorePermit), BlobError> {
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.memory).acquire_many_owned(units).await;
        let room = room
            .map_err(|closed| BlobError::Io { doing: DOING.to_owned(), source: io::Error::other(closed) })?;
        let wanted = usize::try_from(size).unwrap_or(usize::MAX);
        blocking(DOING, move || {
            let mut bytes = vec![0; wanted];
            file.read_exact(&mut bytes)?;
            Ok((file, bytes.into(), room))
        })
        .await
    }
}

type Part = Result<Result<(), object_store::Error>, tokio::task::JoinError>;

fn sent(part: Option<Part>) -> Result<(), BlobError> {
    match part {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(error))) => Err(unwritten(&error)),
        Some(Err(panic)) => Err(BlobError::Io { doing: DOING.to_owned(), source: io::Error::other(panic) }),
    }
}

const DOING: &str = "keeping a picture";

/// Of what is written, "not found" says nothing: an upload that was completed already, for example.
fn unwritten(error: &object_store::Error) -> BlobError {
    match error::blob_error(DOING, error) {
        BlobError::NotFound(doing) => BlobError::Unavailable { doing, why: error::why(error) },
        error => error,
    }
}
