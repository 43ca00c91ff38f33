//! How bytes come back: none is given out before all of them were found to be those that were kept.
//!
//! - What is small is read into memory, compared and given.
//! - What is large is read once into a temporary file, and given from there: at its client's pace, who holds
//!   no connection to the engine for it.
//! - An object that was verified is remembered by the tag that its engine gives each version (ETag). Further
//!   ranges of it are asked for as such, a piece at a time, and every answer must have that tag.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, GetResult, ObjectMeta, ObjectStore};

use super::error::blob_error;
use super::figures::{Figures, Operation};
use crate::blob::pieces::Opened;
use crate::blob::staging::{Content, Staging};
use crate::blob::verified::Verified;
use crate::blob::{BlobError, BlobKey, BlobStream, BlobWriter as _, Expected, blocking};
use crate::digest::Digest;

/// Up to this size a blob is read into memory to be given out, and of a verified one so much is asked for at
/// once: an answer of this size takes longer than the wait for it.
const PIECE: u64 = 1 << 20;

/// What an engine says of a version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    size: u64,
    /// By an engine that has no tags, the time.
    tag: Result<String, Timestamp>,
}

impl Stamp {
    fn of(meta: &ObjectMeta) -> Self {
        let modified = || Timestamp::from_second(meta.last_modified.timestamp()).unwrap_or_default();
        Self { size: meta.size, tag: meta.e_tag.clone().ok_or_else(modified) }
    }
}

/// See the module.
#[derive(Clone)]
pub(super) struct Downloads {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) staging: Arc<Staging>,
    pub(super) verified: Arc<Verified<Stamp>>,
    pub(super) figures: Figures,
}

impl Downloads {
    /// The whole blob.
    pub(super) async fn read(
        &self,
        key: BlobKey,
        path: &Path,
        expected: &Expected,
    ) -> Result<Vec<u8>, BlobError> {
        Ok(self.whole(key, path, expected).await?.into())
    }

    /// A range of its bytes.
    pub(super) async fn stream(
        &self,
        key: BlobKey,
        path: &Path,
        expected: &Expected,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        if expected.size <= PIECE {
            let bytes = self.whole(key, path, expected).await?;
            let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let part = bounds.filter(|(start, end)| start <= end && *end <= bytes.len());
            let part = part.map(|(start, end)| bytes.slice(start..end)).unwrap_or_default();
            return Ok(Box::pin(stream::iter([Ok(part)])));
        }
        if let Some(stamp) = self.verified.stamp(key) {
            match self.verified_range(key, path, &stamp, range.clone()).await {
                // It was written again since.
                Err(BlobError::Damaged(_)) => self.verified.forget(&[key]),
                given => return given,
            }
        }
        self.spooled(key, path, expected, range).await
    }

    async fn whole(&self, key: BlobKey, path: &Path, expected: &Expected) -> Result<Bytes, BlobError> {
        let doing = format!("reading {key}");
        let found = self.all(&doing, key, path, expected).await?;
        let bytes = self.figures.count(Operation::Get, found.bytes()).await;
        let bytes = bytes.map_err(|error| blob_error(&doing, &error))?;
        let digest = expected.digest;
        // Of a large picture it takes longer than other requests should wait.
        let compare = move || Ok((Digest::of(&bytes) == digest).then_some(bytes));
        blocking(&doing, compare).await?.ok_or(BlobError::Damaged(key))
    }

    async fn spooled(
        &self,
        key: BlobKey,
        path: &Path,
        expected: &Expected,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        let doing = format!("reading {key}");
        let found = self.all(&doing, key, path, expected).await?;
        let stamp = Stamp::of(&found.meta);
        let mut writer = Box::new(self.staging.writer());
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            writer.write(piece.map_err(|error| blob_error(&doing, &error))?).await?;
        }
        let staged = writer.finish().await?;
        if staged.digest != expected.digest {
            return Err(BlobError::Damaged(key));
        }
        self.verified.remember(key, stamp);
        match staged.content {
            Content::File(file) => {
                let open = move || Opened::at(file.read()?, range);
                Ok(blocking(&doing, open).await?.stream())
            }
            // What is spooled is larger than what stays in memory.
            Content::Memory(_) => Err(BlobError::Damaged(key)),
        }
    }

    async fn verified_range(
        &self,
        key: BlobKey,
        path: &Path,
        stamp: &Stamp,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        let (first, at) = self.piece(key, path, stamp, &range).await?;
        let state = (self.clone(), path.clone(), stamp.clone(), at..range.end);
        let rest = stream::try_unfold(state, move |(this, path, stamp, left)| async move {
            if left.is_empty() {
                return Ok(None);
            }
            let (piece, at) = this.piece(key, &path, &stamp, &left).await.map_err(io::Error::other)?;
            Ok(Some((piece, (this, path, stamp, at..left.end))))
        });
        Ok(Box::pin(stream::iter([Ok(first)]).chain(rest)))
    }

    /// The first bytes of a range of this very version, and where they end.
    async fn piece(
        &self,
        key: BlobKey,
        path: &Path,
        stamp: &Stamp,
        range: &Range<u64>,
    ) -> Result<(Bytes, u64), BlobError> {
        let doing = format!("reading {key}");
        let end = range.end.min(range.start + PIECE);
        let found = self.get(&doing, path, Some(range.start..end)).await?;
        if Stamp::of(&found.meta) != *stamp {
            return Err(BlobError::Damaged(key));
        }
        let bytes = self.figures.count(Operation::Get, found.bytes()).await;
        let bytes = bytes.map_err(|error| blob_error(&doing, &error))?;
        if bytes.len() as u64 == end - range.start { Ok((bytes, end)) } else { Err(BlobError::Damaged(key)) }
    }

    /// Begins with all bytes, if they are as many as there should be.
    async fn all(
        &self,
        doing: &str,
        key: BlobKey,
        path: &Path,
        expected: &Expected,
    ) -> Result<GetResult, BlobError> {
        let found = self.get(doing, path, None).await?;
        if found.meta.size == expected.size { Ok(found) } else { Err(BlobError::Damaged(key)) }
    }

    async fn get(&self, doing: &str, path: &Path, range: Option<Range<u64>>) -> Result<GetResult, BlobError> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let request = self.store.get_opts(path, options);
        self.figures.count(Operation::Get, request).await.map_err(|error| blob_error(doing, &error))
    }
}

/// All that a listing gives.
pub(super) async fn listed(store: &dyn ObjectStore, folder: &Path) -> Result<Vec<Path>, object_store::Error> {
    store.list(Some(folder)).map_ok(|found| found.location).try_collect().await
}
