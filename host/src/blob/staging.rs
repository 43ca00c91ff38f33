//! Bytes that have no key yet: in memory while they are few, else in a temporary file. Which task they are
//! of is known only when all of them are there; so every store begins with this, wherever they go then.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use super::{BlobError, BlobWriter, PIECE, Staged, blocking};
use crate::digest::{Digest, Digester};

/// Where staged bytes are.
pub(super) enum Content {
    Memory(Vec<u8>),
    File(TemporaryFile),
}

/// The folder of bytes on their way.
#[derive(Debug)]
pub(super) struct Staging {
    folder: PathBuf,
    next: AtomicU64,
}

impl Staging {
    /// Stages in `folder`.
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder, next: AtomicU64::default() }
    }

    /// Makes the folder, and removes what an earlier process left unfinished.
    pub(super) fn clear(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        for entry in fs::read_dir(&self.folder)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    /// A name that nothing has in this folder.
    pub(super) fn path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join(number.to_string())
    }

    pub(super) fn writer(&self) -> StagingWriter {
        StagingWriter {
            path: self.path(),
            file: None,
            pending: Vec::new(),
            written: 0,
            digester: Digester::default(),
        }
    }

    /// Of the disk that it is on.
    pub(super) fn space(&self) -> Option<super::Space> {
        super::space_of(&self.folder)
    }
}

/// Takes the bytes of one blob.
pub(super) struct StagingWriter {
    /// Where they spill to, if it comes to that.
    path: PathBuf,
    file: Option<TemporaryFile>,
    pending: Vec<u8>,
    written: u64,
    digester: Digester,
}

impl StagingWriter {
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
impl BlobWriter for StagingWriter {
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
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { file, path: Some(path) })
    }

    /// A file with these bytes.
    pub(super) fn with(path: PathBuf, bytes: &[u8]) -> io::Result<Self> {
        let mut file = Self::create(path)?;
        file.file.write_all(bytes)?;
        Ok(file)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    pub(super) fn keep_as(mut self, target: &Path) -> io::Result<()> {
        if let Some(path) = self.path.take() {
            fs::rename(&path, target).inspect_err(|_| self.path = Some(path))?;
        }
        Ok(())
    }

    /// Its bytes, from the first. They are gone when this is closed: the name is gone already.
    pub(super) fn read(self) -> io::Result<File> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(file)
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
