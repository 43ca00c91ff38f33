//! Blobs as files of a local folder.
//!
//! `blobs/{period}/{task}.{part}`. Small ones are made durable by the journal (`journal/`). The bytes of a
//! large one are written to `blobs/tmp`, synced, renamed to their place, and the folder is synced (a rename
//! is durable only with its folder).

mod journal;
mod verify;
mod walk;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use prometheus_client::registry::{Registry, Unit};

use self::journal::{Journal, Kept, SMALL};
use self::verify::Stamp;
use super::pieces::Opened;
use super::staging::{Content, Staging, TemporaryFile};
use super::verified::Verified;
use super::{
    BlobError, BlobKey, BlobStore, BlobStream, BlobWriter, Expected, Listed, Period, Space, Staged, blocking,
    failed, space_of,
};
use crate::digest::Digest;
use crate::figures::Latency;

/// The folder of bytes on their way.
const TEMPORARY: &str = "tmp";
/// The folder of pictures whose task is lost.
const LOST: &str = "lost";

/// Bytes of a probe: as much as a small picture, more than a file system keeps in its inode.
const PROBE: [u8; 16 << 10] = [0; 16 << 10];

/// See the module.
pub struct FolderBlobs {
    root: PathBuf,
    staging: Staging,
    sync: FileSync,
    verified: Arc<Verified<Stamp>>,
    periods: Arc<Periods>,
    /// None where nothing is synced.
    journal: Option<Journal>,
    kept: Latency,
}

/// The periods whose folders are known to be there, durably. Whoever finds a folder that another is
/// still making must not rely on it; so they are made one at a time.
#[derive(Debug, Default)]
struct Periods(Mutex<HashSet<Period>>);

impl Periods {
    /// Sees to it that a folder is there.
    fn make(&self, root: &Path, period: Period, sync: FileSync) -> io::Result<()> {
        let mut known = self.lock();
        if !known.contains(&period) {
            fs::create_dir_all(root.join(period.to_string()))?;
            if sync == FileSync::Each {
                sync_folder(root)?;
            }
            known.insert(period);
        }
        Ok(())
    }

    /// Removes a folder if there is nothing in it.
    fn tidy(&self, root: &Path, period: Period) -> io::Result<()> {
        let mut known = self.lock();
        known.remove(&period);
        walk::remove_if_empty(&root.join(period.to_string()))
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Period>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether what is kept is made durable before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSync {
    /// Every file, and its folder.
    Each,
    /// Nothing: somebody else syncs the file system now and then.
    Elsewhere,
}

impl FolderBlobs {
    /// Opens the store in `root`, or makes it, and removes what an earlier process left unfinished.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn open(root: &Path, sync: FileSync) -> Result<Self, BlobError> {
        let mut store = Self::beside(root, sync);
        let prepare = || -> io::Result<()> {
            store.staging.clear()?;
            sync_folder(root)?;
            root.parent().filter(|parent| !parent.as_os_str().is_empty()).map_or(Ok(()), sync_folder)
        };
        let failed = |error| failed(&format!("preparing {}", root.display()))(error);
        prepare().map_err(failed)?;
        match sync {
            FileSync::Each => {
                store.journal = Some(Journal::open(root, Arc::clone(&store.periods)).map_err(failed)?);
            }
            FileSync::Elsewhere => journal::remove(root).map_err(failed)?,
        }
        Ok(store)
    }

    /// Writes what only the journal holds to its files, as every start does, and ends it: for whoever works
    /// on the store of a process that was killed.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn end_journal(root: &Path) -> Result<(), BlobError> {
        journal::remove(root).map_err(failed("reading the journal of pictures"))
    }

    /// The store in `root` as it is, for reading beside the process that works on it.
    #[must_use]
    pub fn beside(root: &Path, sync: FileSync) -> Self {
        Self {
            root: root.to_owned(),
            staging: Staging::in_folder(root.join(TEMPORARY)),
            sync,
            verified: Arc::default(),
            periods: Arc::default(),
            journal: None,
            kept: Latency::default(),
        }
    }

    /// Has `registry` show how long it takes to keep pictures.
    pub fn register(&self, registry: &mut Registry) {
        let help = "Time until the pictures of a task are kept, durably";
        registry.register_with_unit("blob_keep_duration", help, Unit::Seconds, self.kept.clone());
    }

    async fn keep_in_places(&self, mut places: Vec<Place>) -> Result<(), BlobError> {
        if let Some(journal) = &self.journal
            && are_small(&places)
        {
            match journal.keep(places).await.map_err(failed("keeping a picture"))? {
                Kept::Durably => return Ok(()),
                Kept::NoRoom(left) => places = left,
            }
        }
        let (root, sync, periods) = (self.root.clone(), self.sync, Arc::clone(&self.periods));
        blocking("keeping a picture", move || {
            let mut kept = vec![];
            let result = keep_all(&root, sync, &periods, places, &mut kept);
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

    fn folder_of(&self, period: Period) -> PathBuf {
        self.root.join(period.to_string())
    }

    fn path_of(&self, key: BlobKey) -> PathBuf {
        self.folder_of(Period::of(key.task)).join(key.to_string())
    }

    /// How many pictures were set aside.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn lost(&self) -> Result<usize, BlobError> {
        let lost =
            walk::list(&self.root.join(LOST), |_| true).map_err(failed("looking through the pictures"))?;
        Ok(lost.len())
    }

    /// Names of files and folders that are none of the store's.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn strays(&self) -> Result<Vec<String>, BlobError> {
        walk::strays(&self.root).map_err(failed("looking through the pictures"))
    }
}

#[async_trait]
impl BlobStore for FolderBlobs {
    fn writer(&self) -> Box<dyn BlobWriter> {
        Box::new(self.staging.writer())
    }

    async fn keep(&self, blobs: Vec<(BlobKey, Staged)>) -> Result<(), BlobError> {
        let began = Instant::now();
        let places = blobs.into_iter().map(|(key, staged)| Place {
            key,
            target: self.path_of(key),
            temporary: self.staging.path(),
            content: staged.content,
        });
        let kept = self.keep_in_places(places.collect()).await;
        self.kept.observe(began.elapsed());
        kept
    }

    async fn read(&self, key: BlobKey, expected: &Expected) -> Result<Vec<u8>, BlobError> {
        let (path, expected) = (self.path_of(key), *expected);
        let read = move || {
            let bytes = fs::read(path)?;
            Ok((Digest::of(&bytes) == expected.digest).then_some(bytes))
        };
        blocking(&format!("reading {key}"), read).await?.ok_or(BlobError::Damaged(key))
    }

    async fn stream(
        &self,
        key: BlobKey,
        expected: &Expected,
        range: Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        let (path, expected, verified) = (self.path_of(key), *expected, Arc::clone(&self.verified));
        let open = move || {
            let mut file = File::open(path)?;
            if !verify::check(&verified, key, &mut file, &expected)? {
                return Ok(None);
            }
            Opened::at(file, range).map(Some)
        };
        let opened = blocking(&format!("reading {key}"), open).await?;
        opened.map(Opened::stream).ok_or(BlobError::Damaged(key))
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

    async fn periods(&self) -> Result<Vec<Period>, BlobError> {
        let root = self.root.clone();
        blocking("looking through the pictures", move || walk::periods(&root)).await
    }

    async fn list(&self, period: Period) -> Result<Vec<Listed>, BlobError> {
        let folder = self.folder_of(period);
        blocking("looking through the pictures", move || {
            walk::list(&folder, |key| Period::of(key.task) == period)
        })
        .await
    }

    async fn set_aside(&self, key: BlobKey) -> Result<(), BlobError> {
        let (root, path) = (self.root.clone(), self.path_of(key));
        blocking("setting a picture aside", move || walk::set_aside(&root, &path, key)).await
    }

    async fn tidy(&self, period: Period) -> Result<(), BlobError> {
        let (root, periods) = (self.root.clone(), Arc::clone(&self.periods));
        blocking("removing an empty folder", move || periods.tidy(&root, period)).await
    }

    async fn probe(&self) -> Result<(), BlobError> {
        let path = self.staging.path();
        blocking("writing a probe", move || TemporaryFile::with(path, &PROBE)?.sync()).await
    }

    fn space(&self) -> Option<Space> {
        space_of(&self.root)
    }
}

/// Where staged bytes shall go.
struct Place {
    key: BlobKey,
    target: PathBuf,
    /// For what is still in memory.
    temporary: PathBuf,
    content: Content,
}

impl Place {
    fn period(&self) -> Period {
        Period::of(self.key.task)
    }

    /// What is still in memory.
    fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::File(_) => None,
        }
    }
}

/// Whether the journal takes them.
fn are_small(places: &[Place]) -> bool {
    let sizes = places.iter().map(|place| place.bytes().map(<[u8]>::len));
    sizes.sum::<Option<usize>>().is_some_and(|size| size <= SMALL)
}

fn keep_all(
    root: &Path,
    sync: FileSync,
    periods: &Periods,
    places: Vec<Place>,
    kept: &mut Vec<PathBuf>,
) -> io::Result<()> {
    // All are of one task, and of its period.
    let mut folders: Vec<Period> = vec![];
    for place in places {
        let period = place.period();
        let Place { target, temporary, content, .. } = place;
        if !folders.contains(&period) {
            periods.make(root, period, sync)?;
            folders.push(period);
        }
        let file = match content {
            Content::File(file) => file,
            Content::Memory(bytes) => TemporaryFile::with(temporary, &bytes)?,
        };
        if sync == FileSync::Each {
            file.sync()?;
        }
        file.keep_as(&target)?;
        kept.push(target);
    }
    match sync {
        FileSync::Each => folders.iter().try_for_each(|period| sync_folder(&root.join(period.to_string()))),
        FileSync::Elsewhere => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests;
