//! Blobs as files of a local folder.
//!
//! `blobs/{period}/{task}.{part}`: a period is some minutes of ids, so that no folder grows without
//! bound, and what arrives together lies together. Bytes are written to `blobs/tmp`, synced, renamed
//! to their place, and the folder is synced (a rename is durable only with its folder). A file under
//! its final name is therefore always whole.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream;

use super::{BlobError, BlobKey, BlobStore, BlobStream, BlobWriter, Staged};
use crate::digest::{Digest, Digester};

/// Up to this size a blob stays in memory until it is kept: one trip to a blocking thread instead of
/// several. Larger ones go to their file in pieces of this size, which bounds memory per upload.
const PIECE: usize = 256 << 10;

/// Milliseconds of ids that share a folder, as a power of two: about 17 minutes.
const PERIOD_BITS: u32 = 20;

/// See the module.
pub struct FolderBlobs {
    root: PathBuf,
    next_temporary: Arc<AtomicU64>,
}

/// Where staged bytes are.
pub(super) enum Content {
    Memory(Vec<u8>),
    File(TemporaryFile),
}

impl FolderBlobs {
    /// Opens the store in `root`, or makes it, and removes what an earlier process left unfinished.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let temporary = root.join("tmp");
        let prepare = || -> io::Result<()> {
            fs::create_dir_all(&temporary)?;
            for entry in fs::read_dir(&temporary)? {
                fs::remove_file(entry?.path())?;
            }
            sync_folder(root)?;
            root.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
        };
        prepare().map_err(failed(&format!("preparing {}", root.display())))?;
        Ok(Self { root: root.to_owned(), next_temporary: Arc::default() })
    }

    fn folder_of(&self, key: BlobKey) -> PathBuf {
        self.root.join(format!("{:08x}", key.task.millis() >> PERIOD_BITS))
    }

    fn path_of(&self, key: BlobKey) -> PathBuf {
        self.folder_of(key).join(key.to_string())
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp").join(self.next_temporary.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

#[async_trait]
impl BlobStore for FolderBlobs {
    fn writer(&self) -> Box<dyn BlobWriter> {
        Box::new(FolderWriter {
            path: self.temporary(),
            file: None,
            pending: Vec::new(),
            written: 0,
            digester: Digester::default(),
        })
    }

    async fn keep(&self, blobs: Vec<(BlobKey, Staged)>) -> Result<(), BlobError> {
        let places: Vec<(PathBuf, PathBuf, Content)> = blobs
            .into_iter()
            .map(|(key, staged)| (self.path_of(key), self.temporary(), staged.content))
            .collect();
        let root = self.root.clone();
        blocking("keeping a picture", move || {
            let mut kept = vec![];
            let result = keep_all(&root, places, &mut kept);
            if result.is_err() {
                for path in kept {
                    // Best effort: an orphan is swept later.
                    let _ = fs::remove_file(path);
                }
            }
            result
        })
        .await
    }

    async fn read(&self, key: BlobKey) -> Result<Vec<u8>, BlobError> {
        let path = self.path_of(key);
        blocking(&format!("reading {key}"), move || fs::read(path)).await
    }

    async fn stream(&self, key: BlobKey, range: Range<u64>) -> Result<BlobStream, BlobError> {
        let path = self.path_of(key);
        let (file, first, left) = blocking(&format!("reading {key}"), move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let mut left = range.end - range.start;
            let first = next_piece(&mut file, &mut left)?;
            Ok((file, first, left))
        })
        .await?;
        let rest = stream::try_unfold((file, left), move |(mut file, mut left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let read = move || next_piece(&mut file, &mut left).map(|piece| (piece, (file, left)));
            tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?.map(Some)
        });
        Ok(Box::pin(stream::StreamExt::chain(stream::iter([Ok(first)]), rest)))
    }

    async fn delete(&self, keys: &[BlobKey]) -> Result<(), BlobError> {
        let paths: Vec<PathBuf> = keys.iter().map(|key| self.path_of(*key)).collect();
        blocking("deleting pictures", move || {
            for path in paths {
                match fs::remove_file(path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        })
        .await
    }

    fn free_space(&self) -> Option<u64> {
        let stat = rustix::fs::statvfs(&self.root).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

struct FolderWriter {
    path: PathBuf,
    file: Option<TemporaryFile>,
    pending: Vec<u8>,
    written: u64,
    digester: Digester,
}

impl FolderWriter {
    async fn spill(&mut self) -> Result<(), BlobError> {
        let (path, file, pending) = (self.path.clone(), self.file.take(), std::mem::take(&mut self.pending));
        let (file, digester, mut pending) = {
            let mut digester = self.digester.clone();
            blocking("writing a picture", move || {
                let mut file = file.map_or_else(|| TemporaryFile::create(path), Ok)?;
                file.file.write_all(&pending)?;
                digester.update(&pending);
                Ok((file, digester, pending))
            })
            .await?
        };
        pending.clear();
        (self.file, self.digester, self.pending) = (Some(file), digester, pending);
        Ok(())
    }
}

#[async_trait]
impl BlobWriter for FolderWriter {
    async fn write(&mut self, mut piece: Bytes) -> Result<(), BlobError> {
        self.written += piece.len() as u64;
        while !piece.is_empty() {
            let room = PIECE - self.pending.len();
            self.pending.extend_from_slice(&piece.split_to(room.min(piece.len())));
            if self.pending.len() == PIECE {
                self.spill().await?;
            }
        }
        Ok(())
    }

    fn written(&self) -> u64 {
        self.written
    }

    async fn finish(mut self: Box<Self>) -> Result<Staged, BlobError> {
        if self.file.is_some() && !self.pending.is_empty() {
            self.spill().await?;
        }
        let size = self.written;
        Ok(match self.file {
            Some(file) => Staged { size, digest: self.digester.finish(), content: Content::File(file) },
            None => {
                Staged { size, digest: Digest::of(&self.pending), content: Content::Memory(self.pending) }
            }
        })
    }
}

/// A file that is removed when it is dropped without being renamed to its place.
pub(super) struct TemporaryFile {
    file: File,
    path: Option<PathBuf>,
}

impl TemporaryFile {
    fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path: Some(path) })
    }

    fn keep_as(mut self, target: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        if let Some(path) = self.path.take() {
            fs::rename(&path, target).inspect_err(|_| self.path = Some(path))?;
        }
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // What remains is removed at the next start.
            let _ = fs::remove_file(path);
        }
    }
}

fn keep_all(
    root: &Path,
    places: Vec<(PathBuf, PathBuf, Content)>,
    kept: &mut Vec<PathBuf>,
) -> io::Result<()> {
    let mut folders: Vec<PathBuf> = vec![];
    for (target, temporary, content) in places {
        let folder = target.parent().unwrap_or(root).to_owned();
        if !folders.contains(&folder) {
            if !folder.is_dir() {
                fs::create_dir_all(&folder)?;
                sync_folder(root)?;
            }
            folders.push(folder);
        }
        let file = match content {
            Content::File(file) => file,
            Content::Memory(bytes) => {
                let mut file = TemporaryFile::create(temporary)?;
                file.file.write_all(&bytes)?;
                file
            }
        };
        file.keep_as(&target)?;
        kept.push(target);
    }
    folders.iter().try_for_each(|folder| sync_folder(folder))
}

fn next_piece(file: &mut File, left: &mut u64) -> io::Result<Bytes> {
    let wanted = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; wanted];
    file.read_exact(&mut piece)?;
    *left -= wanted as u64;
    Ok(piece.into())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use futures_util::TryStreamExt as _;

    use super::*;
    use crate::blob::Part;
    use crate::id::IdSource;

    async fn stage(store: &FolderBlobs, bytes: &[u8], pieces: usize) -> Staged {
        let mut writer = store.writer();
        for piece in bytes.chunks(pieces) {
            writer.write(Bytes::copy_from_slice(piece)).await.unwrap();
        }
        assert_eq!(writer.written(), bytes.len() as u64);
        writer.finish().await.unwrap()
    }

    fn leftovers(root: &Path) -> usize {
        fs::read_dir(root.join("tmp")).unwrap().count()
    }

    #[tokio::test]
    async fn bytes_come_back_as_they_went_in_small_or_large_whole_or_in_ranges() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderBlobs::open(dir.path()).unwrap();
        let ids = IdSource::after(None);
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let key = BlobKey { task: ids.next(), part: Part::Input };
            let staged = stage(&store, &bytes, 10_007).await;
            assert_eq!((staged.size, staged.digest), (size as u64, Digest::of(&bytes)));
            store.keep(vec![(key, staged)]).await.unwrap();
            assert_eq!(store.read(key).await.unwrap(), bytes);
            let range = size as u64 / 3..size as u64;
            let tail: Vec<Bytes> = store.stream(key, range).await.unwrap().try_collect().await.unwrap();
            assert_eq!(tail.concat(), bytes[size / 3..]);
            store.delete(&[key, key]).await.unwrap();
            assert!(matches!(store.read(key).await, Err(BlobError::NotFound(_))));
        }
        assert_eq!(leftovers(dir.path()), 0);
    }

    #[tokio::test]
    async fn what_is_not_kept_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = FolderBlobs::open(dir.path()).unwrap();
        let staged = stage(&store, &vec![7; 2 * PIECE + 1], 1 << 20).await;
        assert_eq!(leftovers(dir.path()), 1);
        drop(staged);
        let mut writer = store.writer();
        writer.write(Bytes::from(vec![7; 2 * PIECE])).await.unwrap();
        drop(writer);
        assert_eq!(leftovers(dir.path()), 0);
    }

    #[tokio::test]
    async fn a_start_clears_what_an_earlier_process_left_unfinished() {
        let dir = tempfile::tempdir().unwrap();
        FolderBlobs::open(dir.path()).unwrap();
        fs::write(dir.path().join("tmp/7"), b"half a picture").unwrap();
        FolderBlobs::open(dir.path()).unwrap();
        assert_eq!(leftovers(dir.path()), 0);
    }
}
