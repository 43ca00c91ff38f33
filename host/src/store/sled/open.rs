//! Opening sled's folder: what must be cleared, checked and said before the first record is read.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::trees::words_of;
use crate::task::StoreError;

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{} is in use by another process; stop it, or choose another data_dir", .0.display())]
    InUse(PathBuf),
    /// The folder or a file in it cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// sled finds its files damaged.
    #[error(
        "the task store in {} is damaged ({problem}). Restore the data folder from a backup; without one, move \
         this folder away and run `tintype doctor --accept-loss`, which sets the pictures of its tasks aside",
        path.display()
    )]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// In sled's words.
        problem: String,
    },
    /// sled opens its files, but they end before what was durable.
    #[error(
        "the task store in {} has lost what it had: it ends at commit {found}, and commit {durable} was durable. \
         Restore the folder from a backup; or go on without what was lost: `tintype doctor --accept-loss`",
        path.display()
    )]
    Lost {
        /// The folder.
        path: PathBuf,
        /// The last commit that the store knows.
        found: u64,
        /// The last one that was durable.
        durable: u64,
    },
}

/// Opens the database, and its log a second time for [`File::sync_data`].
pub(super) fn database(folder: &Path, cache: u64) -> Result<(sled::Db, File), OpenError> {
    fs::create_dir_all(folder).map_err(io_error(folder))?;
    remove_unfinished_snapshots(folder).map_err(io_error(folder))?;
    set_damaged_snapshots_aside(folder).map_err(io_error(folder))?;
    remove_conf(folder).map_err(io_error(folder))?;
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(cache)
        // The group commit flushes; sled's own timer would only add writes.
        .flush_every_ms(None)
        .mode(sled::Mode::HighThroughput);
    // sled asserts much of what it reads.
    let opened = catch_unwind(AssertUnwindSafe(|| config.open()))
        .map_err(|panic| OpenError::Damaged { path: folder.to_owned(), problem: words_of(&*panic) })?;
    let db = opened.map_err(|error| match error {
        sled::Error::Io(source) if is_lock_conflict(&source) => OpenError::InUse(folder.to_owned()),
        sled::Error::Io(source) => OpenError::Io { path: folder.to_owned(), source },
        error => damaged(folder, &error),
    })?;
    match sync(folder) {
        Ok(log) => Ok((db, log)),
        Err(error) => {
            leave_open(db);
            Err(error)
        }
    }
}

/// Syncs what sled made without syncing it: a power cut could take the files away, or their names. Gives
/// a handle to its log.
fn sync(folder: &Path) -> Result<File, OpenError> {
    let log = folder.join("db");
    let file = File::options().read(true).write(true).open(&log).map_err(io_error(&log))?;
    file.sync_all().map_err(io_error(&log))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    for path in [Some(folder.join(CONF).as_path()), Some(folder), parent].into_iter().flatten() {
        File::open(path).and_then(|file| file.sync_all()).map_err(io_error(path))?;
    }
    Ok(file)
}

/// sled syncs its log when it is dropped, and panics if that fails: where it will, the process ends
/// without that.
pub(super) fn leave_open(db: sled::Db) {
    std::mem::forget(db);
}

/// Ends the database, if that can be done. `log` is its log.
pub(super) fn close(db: sled::Db, log: &File) {
    if log.sync_data().is_err() {
        leave_open(db);
    }
}

pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Io { path, source }
}

/// A start that was interrupted can leave `snap.*.generating`, which keeps sled from opening. It is
/// a copy that was never finished and never used.
fn remove_unfinished_snapshots(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// sled writes its own settings into this file and never syncs it: a first start on a full disk, or a
/// power cut, leaves half of it, and every later start would be refused. It is made anew from our
/// settings, which say the same; that sled's format fits is for the data folder's own mark to say.
const CONF: &str = "conf";

fn remove_conf(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(CONF)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A snapshot saves sled the reading of its log, which says the same; but sled refuses to open with one
/// that is damaged. What it ends with (the length, and the CRC-32 of all before both) tells.
fn set_damaged_snapshots_aside(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && !is_whole_snapshot(&fs::read(entry.path())?) {
            tracing::warn!(%name, "a snapshot of the task store is damaged: the log is read instead");
            fs::rename(entry.path(), folder.join(format!("damaged.{name}")))?;
        }
    }
    Ok(())
}

fn is_whole_snapshot(bytes: &[u8]) -> bool {
    let Some((rest, crc)) = bytes.split_last_chunk::<4>() else { return false };
    let Some((content, _length)) = rest.split_last_chunk::<8>() else { return false };
    !content.is_empty() && crc32fast::hash(content) == u32::from_le_bytes(*crc)
}

/// sled words its lock conflict as an error of kind `Other`, with the system's error in the text.
fn is_lock_conflict(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock || error.to_string().contains("could not acquire lock")
}

pub(super) fn damaged(folder: &Path, error: &sled::Error) -> OpenError {
    OpenError::Damaged { path: folder.to_owned(), problem: error.to_string() }
}

pub(super) fn unreadable(folder: &Path, error: &StoreError) -> OpenError {
    OpenError::Damaged { path: folder.to_owned(), problem: error.to_string() }
}
