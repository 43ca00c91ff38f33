//! The data folder as a whole: whose it is while a process works on it, which format it has, and what
//! lies where. Knows nothing of what is inside its parts.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The format that this version writes. Raised by every change that an older version would misread;
/// [`DataFolder::open`] brings older folders up to it.
///
/// 1 marks tombstones by time and notes the ends of tasks; 2 has small pictures in a journal.
pub const FORMAT: u32 = 2;

/// What the first line of the file `format` begins with.
const MARK: &str = "tintype data folder, format ";

/// Why a data folder cannot be worked on. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum DataFolderError {
    /// A running server has it, or a command that works on it.
    #[error("{} is in use by another process: stop it, or choose another data_dir", .0.display())]
    InUse(PathBuf),
    /// It is on a disk that is mounted read-only.
    #[error(
        "{} cannot be written: its file system is read-only. Mount it for writing, or choose another data_dir",
        .0.display()
    )]
    ReadOnly(PathBuf),
    /// It belongs to somebody else.
    #[error(
        "{} cannot be read and written by this user{}: give it to the user that runs the server \
         (chown -R), or choose another data_dir",
        path.display(), owner_note(path)
    )]
    Denied {
        /// What cannot be opened.
        path: PathBuf,
    },
    /// A later version has written it.
    #[error(
        "{} has format {found}, and this version knows formats up to {FORMAT}: a newer tintype has written it. \
         Start that one, or restore a backup that was made before the upgrade",
        path.display()
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The file `format` says something else.
    #[error(
        "{} is damaged: it should be one line, \"{MARK}{FORMAT}\". Restore the folder from a backup; if only \
         this file was harmed, write that line into it",
        .0.display()
    )]
    Unmarked(PathBuf),
    /// A copy into it was broken off.
    #[error(
        "{} is incomplete: a backup or restore into it was broken off. Delete the folder incoming in it, \
         and begin anew",
        .0.display()
    )]
    Incomplete(PathBuf),
    /// Its tasks have gone to another store, or are on their way.
    #[error(
        "the tasks of {} are not to be worked with: {why}. If that was given up, delete the file moved in it",
        path.display()
    )]
    Moved {
        /// The folder.
        path: PathBuf,
        /// What was noted.
        why: String,
    },
    /// It was to be made, and is there already.
    #[error("{} holds tasks already: name a folder that is empty or does not exist", .0.display())]
    NotEmpty(PathBuf),
    /// There is none.
    #[error("{} is no data folder: there are no tasks in it", .0.display())]
    None(PathBuf),
    /// Anything else, which the source tells.
    #[error("data_dir {} cannot be used; name a folder that can be read and written", path.display())]
    Io {
        /// What was tried to be opened or written.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
}

/// A data folder that this process alone works on, until the value is dropped.
#[derive(Debug)]
pub struct DataFolder {
    paths: Paths,
    /// Held for as long as the folder is used; the system gives it back when the process dies.
    _lock: Lock,
}

/// What lies where in a data folder.
#[derive(Clone, Debug)]
pub struct Paths {
    root: PathBuf,
}

impl Paths {
    /// Of the folder `root`, which need not exist.
    #[must_use]
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The task store's folder.
    #[must_use]
    pub fn tasks(&self) -> PathBuf {
        self.root.join("tasks")
    }

    /// A mark that the tasks of this folder's pictures are in a database.
    #[must_use]
    pub fn tasks_elsewhere(&self) -> PathBuf {
        self.root.join("tasks.elsewhere")
    }

    /// A mark that the pictures of this folder's tasks are in an object store.
    #[must_use]
    pub fn blobs_elsewhere(&self) -> PathBuf {
        self.root.join("blobs.elsewhere")
    }

    /// The folder where pictures wait that are on their way to an object store.
    #[must_use]
    pub fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// By which this folder's tasks are known to an object store with their pictures.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn identity(&self) -> std::io::Result<String> {
        if let Some(identity) = self.known_identity()? {
            return Ok(identity);
        }
        let identity = uuid::Uuid::new_v4().to_string();
        // Half of it would lock the operator out of the pictures.
        self.write_whole(&self.identity_file(), &identity)?;
        Ok(identity)
    }

    /// The same, if it has been made.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn known_identity(&self) -> std::io::Result<Option<String>> {
        match fs::read_to_string(self.identity_file()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            read => read.map(|text| Some(text.trim().to_owned())),
        }
    }

    fn identity_file(&self) -> PathBuf {
        self.root.join("identity")
    }

    /// The folder of pictures.
    #[must_use]
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// The socket on which a running server answers commands on this machine.
    #[must_use]
    pub fn control(&self) -> PathBuf {
        self.root.join("control")
    }

    /// Where a command reads the task store of a stopped server in a copy.
    #[must_use]
    pub fn tasks_copy(&self) -> PathBuf {
        self.root.join("tasks.copy")
    }

    /// What a copy into this folder has written so far.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.root.join("incoming")
    }

    /// The API keys, where no other file is named.
    #[must_use]
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys.toml")
    }

    /// A note of where the tasks of this folder have gone.
    fn moved(&self) -> PathBuf {
        self.root.join("moved")
    }

    fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    /// The format of the folder; none where there is no task store yet. Folders from before there was a
    /// mark have format 0.
    ///
    /// # Errors
    /// The mark cannot be read.
    pub fn read_format(&self) -> Result<Option<u32>, DataFolderError> {
        let path = self.format();
        match fs::read_to_string(&path) {
            Ok(text) => {
                let number = text.trim_end().strip_prefix(MARK).and_then(|number| number.parse().ok());
                number.map(Some).ok_or(DataFolderError::Unmarked(path))
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(DataFolderError::Unmarked(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(self.tasks().exists().then_some(0)),
            Err(error) => Err(failed(&path)(error)),
        }
    }

    /// Marks the folder as one of this version's format.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn write_format(&self) -> Result<(), DataFolderError> {
        // A mark that is cut off by a power cut would lock the operator out.
        self.write_whole(&self.format(), &format!("{MARK}{FORMAT}\n")).map_err(failed(&self.format()))
    }

    /// Writes a file so that it appears whole or not.
    fn write_whole(&self, path: &Path, text: &str) -> std::io::Result<()> {
        let unfinished = path.with_extension("new");
        let mut file = File::create(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(&self.root)?.sync_all()
    }
}

impl DataFolder {
    /// Opens the folder `root`, or makes it. Gives its format too: one older than [`FORMAT`] must be
    /// brought up to it and then marked with [`Paths::write_format`].
    ///
    /// # Errors
    /// It is in use, cannot be written, or is of a later version.
    pub fn open(root: &Path) -> Result<(Self, u32), DataFolderError> {
        let paths = Paths::of(root);
        let lock = lock(&paths)?;
        if paths.incoming().exists() {
            return Err(DataFolderError::Incomplete(root.to_owned()));
        }
        if let Some(why) = read_if_there(&paths.moved())? {
            return Err(DataFolderError::Moved { path: root.to_owned(), why });
        }
        Self::open_locked(paths, lock)
    }

    /// Opens the folder `root` to carry its tasks to another store, as `why` says: from now on nobody else
    /// opens it. A move that was broken off goes on under the same words.
    ///
    /// # Errors
    /// As for [`open_existing`](Self::open_existing), or it is part of another move.
    pub fn open_to_leave(root: &Path, why: &str) -> Result<Self, DataFolderError> {
        let paths = Paths::of(root);
        if paths.read_format()?.is_none() {
            return Err(DataFolderError::None(root.to_owned()));
        }
        let lock = lock(&paths)?;
        if paths.incoming().exists() {
            return Err(DataFolderError::Incomplete(root.to_owned()));
        }
        match read_if_there(&paths.moved())? {
            Some(known) if known != why => {
                return Err(DataFolderError::Moved { path: root.to_owned(), why: known });
            }
            Some(_) => {}
            None => paths.write_whole(&paths.moved(), why).map_err(failed(&paths.moved()))?,
        }
        Ok(Self::open_locked(paths, lock)?.0)
    }

    /// Notes where the tasks of a folder have gone.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn have_gone(&self, why: &str) -> Result<(), DataFolderError> {
        let moved = self.paths.moved();
        self.paths.write_whole(&moved, why).map_err(failed(&moved))
    }

    fn open_locked(paths: Paths, lock: Lock) -> Result<(Self, u32), DataFolderError> {
        let root = paths.root.clone();
        let copy = paths.tasks_copy();
        match fs::remove_dir_all(&copy) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&copy)(error)),
            _ => {}
        }
        let format = match paths.read_format()? {
            Some(found) if found > FORMAT => {
                return Err(DataFolderError::Newer { path: root, found });
            }
            Some(found) => found,
            None => {
                paths.write_format()?;
                FORMAT
            }
        };
        Ok((Self { paths, _lock: lock }, format))
    }

    /// Opens the folder `root` as it is, to look at it and change nothing.
    ///
    /// # Errors
    /// It is in use, is none, is incomplete, cannot be written, or is of a later version.
    pub fn open_existing(root: &Path) -> Result<Self, DataFolderError> {
        if Paths::of(root).read_format()?.is_none() {
            return Err(DataFolderError::None(root.to_owned()));
        }
        Ok(Self::open(root)?.0)
    }

    /// Makes the folder `root`, or takes one without tasks, for a copy of another: until
    /// [`complete`](Self::complete) it cannot be opened.
    ///
    /// # Errors
    /// It is in use, holds tasks, or cannot be written.
    pub fn create(root: &Path) -> Result<Self, DataFolderError> {
        let paths = Paths::of(root);
        let lock = lock(&paths)?;
        let incoming = paths.incoming();
        if incoming.exists() {
            return Err(DataFolderError::Incomplete(root.to_owned()));
        }
        if paths.tasks().exists() || paths.blobs().exists() {
            return Err(DataFolderError::NotEmpty(root.to_owned()));
        }
        fs::create_dir(&incoming).map_err(failed(&incoming))?;
        Ok(Self { paths, _lock: lock })
    }

    /// The same for a copy that goes on, when it is called again with the same words, where it was broken off.
    ///
    /// # Errors
    /// As for [`create`](Self::create), or another copy was broken off.
    pub fn create_or_go_on(root: &Path, why: &str) -> Result<Self, DataFolderError> {
        let paths = Paths::of(root);
        let begun = paths.incoming().join("why");
        if read_if_there(&begun)?.is_some_and(|known| known == why) {
            let lock = lock(&paths)?;
            return Ok(Self { paths, _lock: lock });
        }
        let folder = Self::create(root)?;
        paths.write_whole(&begun, why).map_err(failed(&begun))?;
        Ok(folder)
    }

    /// Ends what [`create`](Self::create) began, once all of it is durable.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn complete(&self) -> Result<(), DataFolderError> {
        self.paths.write_format()?;
        let incoming = self.paths.incoming();
        let complete = || {
            let root = File::open(&self.paths.root)?;
            rustix::fs::syncfs(&root)?;
            fs::remove_dir_all(&incoming)?;
            root.sync_all()
        };
        complete().map_err(failed(&incoming))
    }

    /// What lies where.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, DataFolderError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Makes a folder that is its user's alone, and those above it as they usually are.
///
/// # Errors
/// It cannot be made. One that is there is left as it is.
pub fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let create = || fs::DirBuilder::new().mode(0o700).create(folder);
    let created = match (create(), folder.parent()) {
        (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(parent)?;
            create()
        }
        (created, _) => created,
    };
    match created {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        created => created,
    }
}

/// The locked file of a folder. Given back by name: a process that is being started meanwhile holds what is
/// open for a moment, and the lock with it.
#[derive(Debug)]
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // What fails here is made good by closing the file.
        let _ = self.0.unlock();
    }
}

/// Takes the folder, and makes it if there is none.
fn lock(paths: &Paths) -> Result<Lock, DataFolderError> {
    create_private(&paths.root).map_err(failed(&paths.root))?;
    // The folder's own name must survive a power cut, and it may have been made just now.
    let parent = paths.root.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed(parent))?;
    let path = paths.lock();
    let lock = File::options().create(true).append(true).open(&path).map_err(failed(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(Lock(lock)),
        Err(TryLockError::WouldBlock) => Err(DataFolderError::InUse(paths.root.clone())),
        Err(TryLockError::Error(source)) => Err(failed(&path)(source)),
    }
}

/// Words an error for the operator.
fn failed(path: &Path) -> impl FnOnce(io::Error) -> DataFolderError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem => DataFolderError::ReadOnly(path),
        io::ErrorKind::PermissionDenied => DataFolderError::Denied { path },
        _ => DataFolderError::Io { path, source },
    }
}

/// Who has it and who asks, if that can be found out.
fn owner_note(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt as _;
    // What does not exist yet is made in a folder, and that one's owner decides.
    let Some(metadata) = path.ancestors().find_map(|path| fs::metadata(path).ok()) else {
        return String::new();
    };
    format!(
        " (it belongs to uid {}, mode {:o}, and the server runs as uid {})",
        metadata.uid(),
        metadata.mode() & 0o7777,
        rustix::process::geteuid().as_raw()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_new_folder_is_marked_and_one_from_before_there_were_marks_has_format_0() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data");
        assert_eq!(DataFolder::open(&root).unwrap().1, FORMAT);
        assert_eq!(fs::read_to_string(root.join("format")).unwrap(), format!("{MARK}{FORMAT}\n"));
        assert_eq!(DataFolder::open(&root).unwrap().1, FORMAT);

        fs::remove_file(root.join("format")).unwrap();
        fs::create_dir(root.join("tasks")).unwrap();
        assert_eq!(DataFolder::open(&root).unwrap().1, 0);
        assert!(!root.join("format").exists(), "it is marked when it has been brought up, not before");
    }

    #[test]
    fn a_new_folder_is_its_users_alone_and_one_that_is_there_stays_as_it_is() {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("above/data");
        drop(DataFolder::open(&root).unwrap());
        assert_eq!(mode(&root), 0o700);
        fs::set_permissions(&root, fs::Permissions::from_mode(0o750)).unwrap();
        drop(DataFolder::open(&root).unwrap());
        assert_eq!(mode(&root), 0o750);
    }

    #[test]
    fn two_do_not_work_on_one_folder() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataFolder::open(dir.path()).unwrap();
        assert!(matches!(DataFolder::open(dir.path()), Err(DataFolderError::InUse(_))));
        drop(first);
        DataFolder::open(dir.path()).unwrap();
    }

    #[test]
    fn a_later_format_and_a_damaged_mark_are_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("format");
        fs::write(&mark, format!("{MARK}{}\n", FORMAT + 1)).unwrap();
        let refused = DataFolder::open(dir.path()).unwrap_err();
        assert!(matches!(refused, DataFolderError::Newer { found, .. } if found == FORMAT + 1), "{refused}");
        for damaged in [&b""[..], b"format 1", b"tintype data folder, format -1", b"\xff\xfe"] {
            fs::write(&mark, damaged).unwrap();
            let refused = DataFolder::open(dir.path()).unwrap_err();
            assert!(matches!(refused, DataFolderError::Unmarked(_)), "{refused}");
            assert_eq!(fs::read(&mark).unwrap(), damaged);
        }
    }

    #[test]
    fn a_folder_that_a_copy_was_broken_off_into_cannot_be_used() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("copy");
        let copy = DataFolder::create(&root).unwrap();
        fs::create_dir(copy.paths().tasks()).unwrap();
        drop(copy);
        assert!(matches!(DataFolder::open(&root), Err(DataFolderError::Incomplete(_))));
        assert!(matches!(DataFolder::create(&root), Err(DataFolderError::Incomplete(_))));
        fs::remove_dir(root.join("incoming")).unwrap();
        assert!(matches!(DataFolder::create(&root), Err(DataFolderError::NotEmpty(_))));

        let copy = DataFolder::create(&dir.path().join("whole")).unwrap();
        fs::create_dir(copy.paths().tasks()).unwrap();
        copy.complete().unwrap();
        drop(copy);
        DataFolder::open_existing(&dir.path().join("whole")).unwrap();
        assert!(matches!(DataFolder::open_existing(dir.path()), Err(DataFolderError::None(_))));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let path = PathBuf::from("/nowhere/data");
        let denied = failed(&path)(io::ErrorKind::PermissionDenied.into()).to_string();
        assert!(denied.contains("belongs to uid 0") && denied.contains("chown"), "{denied}");
        let read_only = failed(&path)(io::ErrorKind::ReadOnlyFilesystem.into()).to_string();
        assert!(read_only.contains("read-only"), "{read_only}");
    }
}
