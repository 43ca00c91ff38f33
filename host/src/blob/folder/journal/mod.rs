//! Small blobs reach the disk together.
//!
//! A file of its own for every blob costs two syncs each, one for the file and one for its name. Instead
//! the blobs that come at about the same time are appended to a journal, one `fdatasync` makes all of them
//! durable, and their files are written without being synced. At start, what is in the journal is written
//! to its files again, unless it is there.
//!
//! The journal has two files. When one is full, the other goes on, and one `syncfs` makes all files of the
//! first durable; then that one is empty again. Until then, blobs that find no room are synced one by one,
//! as large ones are.

mod segment;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use self::segment::Segment;
use super::{FileSync, Periods, Place, sync_folder};
use crate::blob::Period;
use crate::group_commit;

/// The folder of the journal.
pub(super) const FOLDER: &str = "journal";

/// Blobs of one task that are together no larger are journaled. They are written twice; of larger ones
/// that costs more than the syncs.
pub(super) const SMALL: usize = 256 << 10;

/// Bytes after which a group takes no more: it bounds how long the first waits, and the memory.
const LARGEST_GROUP: usize = 4 << 20;

/// What becomes of blobs.
pub(super) enum Kept {
    /// They are durable.
    Durably,
    /// There is no room just now, and nothing was done.
    NoRoom(Vec<Place>),
}

struct Job {
    /// Of one task.
    blobs: Vec<Place>,
    answer: oneshot::Sender<io::Result<Kept>>,
}

/// See the module.
pub(super) struct Journal {
    /// Taken when the value is dropped: that ends the thread.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Opens the journal of the store in `root`, or makes it.
    pub(super) fn open(root: &Path, periods: Arc<Periods>) -> io::Result<Self> {
        let found = restore(root)?;
        let folder = root.join(FOLDER);
        fs::create_dir_all(&folder)?;
        let segments = match <[Segment; 2]>::try_from(found) {
            Ok(segments) => segments,
            Err(_) => [Segment::open(&folder.join(NAMES[0]))?.0, Segment::open(&folder.join(NAMES[1]))?.0],
        };
        for segment in &segments {
            segment.sync_all()?;
        }
        sync_folder(&folder)?;
        sync_folder(root)?;
        let mut writer = Writer::new(root, periods, segments)?;
        let (jobs, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new().name("blob-journal".to_owned()).spawn(move || {
            while let Some(group) = next_group(&inbox) {
                let jobs = group.len();
                writer.keep(group);
                group_commit::pause_after(jobs);
            }
            writer.close();
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Keeps the blobs of a task, durably.
    pub(super) async fn keep(&self, blobs: Vec<Place>) -> io::Result<Kept> {
        let stopped = || io::Error::other("the journal's thread has stopped");
        let (answer, answered) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or_else(stopped)?;
        jobs.send(Job { blobs, answer }).map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.jobs.take();
        if let Some(thread) = self.thread.take() {
            // Whoever waited for it has been answered.
            let _ = thread.join();
        }
    }
}

const NAMES: [&str; 2] = ["0", "1"];

/// Ends the journal of a store that goes on without one.
pub(super) fn remove(root: &Path) -> io::Result<()> {
    if !restore(root)?.is_empty() {
        rustix::fs::syncfs(&File::open(root)?)?;
        fs::remove_dir_all(root.join(FOLDER))?;
    }
    Ok(())
}

/// Writes what is in the journal to its files, where it is not there. Gives the journal's files, if there
/// are any.
fn restore(root: &Path) -> io::Result<Vec<Segment>> {
    let folder = root.join(FOLDER);
    if !folder.exists() {
        return Ok(vec![]);
    }
    let mut segments = vec![];
    let mut written = 0_u64;
    for name in NAMES {
        let (segment, entries) = Segment::open(&folder.join(name))?;
        for entry in entries {
            let folder = root.join(Period::of(entry.key.task).to_string());
            let path = folder.join(entry.key.to_string());
            if fs::read(&path).is_ok_and(|bytes| bytes == entry.bytes) {
                continue;
            }
            fs::create_dir_all(&folder)?;
            fs::write(&path, &entry.bytes)?;
            written += 1;
        }
        segments.push(segment);
    }
    if written > 0 {
        tracing::info!(written, "pictures that the disk had only in the journal were written to their files");
    }
    Ok(segments)
}

fn next_group(inbox: &Receiver<Job>) -> Option<Vec<Job>> {
    let mut group = vec![inbox.recv().ok()?];
    let mut size = 0;
    while size < LARGEST_GROUP
        && let Ok(job) = inbox.try_recv()
    {
        size += job.blobs.iter().filter_map(Place::bytes).map(<[u8]>::len).sum::<usize>();
        group.push(job);
    }
    Some(group)
}

/// Belongs to the journal's thread.
struct Writer {
    root: PathBuf,
    periods: Arc<Periods>,
    /// The one that is written, and the other one.
    current: Segment,
    other: Other,
    /// To sync the file system by.
    folder: File,
    /// After an error of the disk nothing is known of what reached it. What the journal has is kept for the
    /// next start, and nothing is added.
    broken: bool,
}

/// The file that is not written.
enum Other {
    Empty(Segment),
    /// Its blobs' files are being synced; the answer is there when that is over.
    Syncing(Segment, Arc<Mutex<Option<io::Result<()>>>>),
    /// What it holds is needed at the next start.
    Kept,
}

impl Writer {
    fn new(root: &Path, periods: Arc<Periods>, segments: [Segment; 2]) -> io::Result<Self> {
        let [first, second] = segments;
        let (older, newer) = if first.round() < second.round() { (first, second) } else { (second, first) };
        let mut writer = Self {
            root: root.to_owned(),
            periods,
            folder: File::open(root)?,
            other: Other::Kept,
            current: newer,
            broken: false,
        };
        // Files that an earlier process left may not be on the disk yet.
        writer.other = if older.is_empty() { Other::Empty(older) } else { writer.sync(older) };
        if writer.current.is_empty() {
            writer.current.begin(writer.current.round() + 1);
        }
        Ok(writer)
    }

    fn keep(&mut self, group: Vec<Job>) {
        let size = |jobs: &[Job]| -> usize {
            let blobs = jobs.iter().flat_map(|job| &job.blobs).filter_map(Place::bytes);
            blobs.map(|bytes| segment::encoded_size(bytes.len())).sum()
        };
        if self.broken || !self.makes_room(size(&group)) {
            for Job { blobs, answer } in group {
                // A receiver that is gone wants no answer; nothing was kept.
                let _ = answer.send(Ok(Kept::NoRoom(blobs)));
            }
            return;
        }
        let mut encoded = Vec::with_capacity(size(&group));
        let mut written = vec![];
        for job in group {
            match self.write_files(&job.blobs) {
                Ok(()) => {
                    for place in &job.blobs {
                        let bytes = place.bytes().unwrap_or_default();
                        segment::encode(&mut encoded, self.current.round(), place.key, bytes);
                    }
                    written.push(job);
                }
                Err(error) => refuse(job, error),
            }
        }
        if written.is_empty() {
            return;
        }
        match self.current.append(&encoded) {
            Ok(()) => {
                for job in written {
                    // A receiver that is gone leaves an orphan, which is swept later.
                    let _ = job.answer.send(Ok(Kept::Durably));
                }
            }
            Err(error) => {
                self.broken = true;
                tracing::error!(%error, "the journal of pictures cannot be written: they are synced one by one");
                for job in written {
                    refuse(job, io::Error::new(error.kind(), error.to_string()));
                }
            }
        }
    }

    /// Writes blobs to their files, all or none, and syncs nothing.
    fn write_files(&self, blobs: &[Place]) -> io::Result<()> {
        blobs
            .iter()
            .try_for_each(|place| {
                self.periods.make(&self.root, place.period(), FileSync::Each)?;
                fs::write(&place.target, place.bytes().unwrap_or_default())
            })
            .inspect_err(|_| take_back(blobs))
    }

    /// Sees to it that there is room in the current file; that may be impossible just now.
    fn makes_room(&mut self, bytes: usize) -> bool {
        if self.current.has_room(bytes) {
            return true;
        }
        self.look_at_other();
        match std::mem::replace(&mut self.other, Other::Kept) {
            Other::Empty(mut empty) => {
                empty.begin(self.current.round() + 1);
                let full = std::mem::replace(&mut self.current, empty);
                self.other = self.sync(full);
                true
            }
            other => {
                self.other = other;
                false
            }
        }
    }

    /// Begins to sync the files whose blobs are in `full`, which were all written.
    fn sync(&self, full: Segment) -> Other {
        let over = Arc::new(Mutex::new(None));
        let told = Arc::clone(&over);
        let sync = self.folder.try_clone().and_then(|folder| {
            std::thread::Builder::new().name("blob-sync".to_owned()).spawn(move || {
                let synced = rustix::fs::syncfs(&folder).map_err(io::Error::from);
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(synced);
            })
        });
        match sync {
            Ok(_thread) => Other::Syncing(full, over),
            Err(error) => {
                *over.lock().unwrap_or_else(PoisonError::into_inner) = Some(Err(error));
                Other::Syncing(full, over)
            }
        }
    }

    /// Whether its files have been synced meanwhile.
    fn look_at_other(&mut self) {
        let Other::Syncing(_, over) = &self.other else { return };
        let Some(synced) = over.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let Other::Syncing(mut full, _) = std::mem::replace(&mut self.other, Other::Kept) else { return };
        match synced.and_then(|()| full.forget()) {
            Ok(()) => self.other = Other::Empty(full),
            Err(error) => {
                self.broken = true;
                tracing::error!(%error, "files of pictures cannot be synced: the journal is kept for the next start");
            }
        }
    }

    /// Leaves nothing for the next start to do, if that can be had.
    fn close(mut self) {
        if self.broken || rustix::fs::syncfs(&self.folder).is_err() {
            return;
        }
        let mut other = match self.other {
            Other::Empty(segment) | Other::Syncing(segment, _) => Some(segment),
            Other::Kept => None,
        };
        for segment in [Some(&mut self.current), other.as_mut()].into_iter().flatten() {
            // Best effort: to write the files once more does no harm.
            let _ = segment.forget();
        }
    }
}

fn refuse(job: Job, error: io::Error) {
    take_back(&job.blobs);
    // A receiver that is gone wants no answer.
    let _ = job.answer.send(Err(error));
}

fn take_back(blobs: &[Place]) {
    for place in blobs {
        // Best effort: an orphan is swept later.
        let _ = fs::remove_file(&place.target);
    }
}
