//! The tasks of a data folder, whether a server runs on it or not, or those of a database.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::super::stores;
use crate::blob::FolderBlobs;
use crate::config::Config;
use crate::control::{Connection, Reply, Request};
use crate::data_folder::{DataFolder, DataFolderError, Paths};
use crate::store::postgres::PostgresStore;
use crate::store::sled::{Durability, SledOptions, SledStore};
use crate::task::{Entry, Lookup, TaskId, TaskStore as _};

/// Entries that are read together.
const PAGE: usize = 1_000;

/// Memory for the cache of a store that is read once from one end to the other.
const CACHE: u64 = 32 << 20;

/// Where entries come from.
pub(super) enum Source {
    /// A running server.
    Running(Connection),
    /// A folder that nobody works on. Its task store is read in a copy: opening it would change it.
    Stopped { store: Box<SledStore>, _copy: Copy, _folder: DataFolder },
    /// A database that any number of servers work with.
    Shared(PostgresStore),
}

impl Source {
    /// The tasks that the settings name.
    pub(super) async fn named(config: &Config) -> anyhow::Result<Self> {
        match stores::database_to_read(config) {
            Some(settings) => Ok(Self::Shared(PostgresStore::open_to_look(&settings).await?)),
            None => Self::open(&config.storage.data_dir).await,
        }
    }

    /// The tasks of the data folder `root`.
    pub(super) async fn open(root: &Path) -> anyhow::Result<Self> {
        let paths = Paths::of(root);
        anyhow::ensure!(
            !paths.tasks_elsewhere().exists(),
            "the tasks of {} are in a database, and store does not name it: set store, as the server has it",
            root.display()
        );
        match DataFolder::open_existing(root) {
            Ok(folder) => {
                if folder.paths().blobs().exists() {
                    FolderBlobs::end_journal(&folder.paths().blobs())?;
                }
                let copy = Copy::of(folder.paths())?;
                let (store, _) = SledStore::open(&copy.0, &options())?;
                Ok(Self::Stopped { store: Box::new(store), _copy: copy, _folder: folder })
            }
            Err(DataFolderError::InUse(_)) => {
                Ok(Self::Running(Connection::open(&Paths::of(root).control()).await?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a server may be working with the tasks while they are looked at.
    pub(super) fn changes(&self) -> bool {
        !matches!(self, Self::Stopped { .. })
    }

    /// The entries after `after`; none when there are no more.
    pub(super) async fn page(&mut self, after: Option<TaskId>) -> anyhow::Result<Vec<Entry>> {
        match self {
            Self::Running(connection) => match connection.ask(&Request::Export { after, limit: PAGE }).await?
            {
                Reply::Entries(entries) => Ok(entries),
                other => Err(unexpected(&other)),
            },
            Self::Stopped { store, .. } => Ok(store.export(after, PAGE).await?),
            Self::Shared(store) => Ok(store.export(after, PAGE).await?),
        }
    }

    /// Whether there is still this task.
    pub(super) async fn knows(&mut self, id: TaskId) -> anyhow::Result<bool> {
        match self {
            Self::Running(connection) => match connection.ask(&Request::Knows(id)).await? {
                Reply::Knows(knows) => Ok(knows),
                other => Err(unexpected(&other)),
            },
            Self::Stopped { store, .. } => Ok(matches!(store.get(id).await?, Lookup::Found(_))),
            Self::Shared(store) => Ok(matches!(store.get(id).await?, Lookup::Found(_))),
        }
    }
}

fn unexpected(reply: &Reply) -> anyhow::Error {
    anyhow::anyhow!("the server gave the answer to another question: {reply:?}")
}

/// Options of a store that no task is run from.
pub(super) fn options() -> SledOptions {
    SledOptions {
        cache: CACHE,
        max_queue: u64::MAX,
        // Nothing is handed out here.
        workers: 1,
        // Nothing ends here: what ran waits.
        max_attempts: u32::MAX,
        lease: Duration::MAX,
        // What is copied is synced as a whole in the end.
        durability: Durability::Relaxed(Duration::from_secs(1)),
    }
}

/// A copy of the files of a task store, gone with the value.
pub(super) struct Copy(PathBuf);

impl Copy {
    fn of(paths: &Paths) -> anyhow::Result<Self> {
        let copy = Self(paths.tasks_copy());
        let made = || {
            remove(&copy.0)?;
            fs::create_dir(&copy.0)?;
            copy_files(&paths.tasks(), &copy.0)
        };
        made().with_context(|| format!("copying {} to {}", paths.tasks().display(), copy.0.display()))?;
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What remains is removed at the server's next start.
        let _ = remove(&self.0);
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy_files(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_files(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
