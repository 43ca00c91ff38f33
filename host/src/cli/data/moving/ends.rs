//! The two ends between which tasks are carried: a data folder, and what several servers share.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::super::super::stores;
use super::super::source;
use crate::blob::{BlobStore, FileSync, FolderBlobs, Location, ObjectBlobs};
use crate::config::Config;
use crate::data_folder::{DataFolder, Paths};
use crate::store::postgres::{PostgresStore, Settings};
use crate::store::sled::{Durability, SledOptions, SledStore};
use crate::task::TaskStore;

/// Tasks with their pictures, at one end.
pub(super) trait End {
    fn tasks(&self) -> &dyn TaskStore;
    fn blobs(&self) -> &dyn BlobStore;
}

/// A data folder.
pub(super) struct Folder {
    tasks: SledStore,
    blobs: FolderBlobs,
    folder: DataFolder,
}

impl End for Folder {
    fn tasks(&self) -> &dyn TaskStore {
        &self.tasks
    }

    fn blobs(&self) -> &dyn BlobStore {
        &self.blobs
    }
}

impl Folder {
    /// One whose tasks go away.
    pub(super) fn to_leave(root: &Path, why: &str) -> anyhow::Result<Self> {
        let folder = DataFolder::open_to_leave(root, why)?;
        for (mark, what) in
            [(folder.paths().tasks_elsewhere(), "tasks"), (folder.paths().blobs_elsewhere(), "pictures")]
        {
            anyhow::ensure!(
                !mark.exists(),
                "the {what} of {} are not in it: so says {}",
                root.display(),
                mark.display()
            );
        }
        Self::open(folder)
    }

    /// One that is to be made, or goes on being made.
    pub(super) fn to_fill(root: &Path, why: &str) -> anyhow::Result<Self> {
        Self::open(DataFolder::create_or_go_on(root, why)?)
    }

    fn open(folder: DataFolder) -> anyhow::Result<Self> {
        // What is noted as carried survives a power cut, or going on behind it would lose it.
        let options = SledOptions { durability: Durability::Full, ..source::options() };
        let (tasks, _) = SledStore::open(&folder.paths().tasks(), &options)?;
        let blobs = FolderBlobs::open(&folder.paths().blobs(), FileSync::Each)?;
        Ok(Self { tasks, blobs, folder })
    }

    /// By which it is known wherever it lies.
    pub(super) fn identity(&self) -> anyhow::Result<String> {
        Ok(format!("data folder {}", self.folder.paths().identity()?))
    }

    /// Leaves a word that the tasks are elsewhere now.
    pub(super) fn have_gone(&self, why: &str) -> anyhow::Result<()> {
        Ok(self.folder.have_gone(why)?)
    }

    /// From now on a server can run on it.
    pub(super) fn complete(self, config: &Config) -> anyhow::Result<()> {
        let (kept, keys) = (self.folder.paths().keys(), config.auth.keys_file(&config.storage));
        if keys.exists() && !kept.exists() {
            fs::copy(&keys, &kept).with_context(|| format!("copying {}", keys.display()))?;
        }
        // Their last flush.
        drop((self.tasks, self.blobs));
        Ok(self.folder.complete()?)
    }
}

/// The database that the settings name, and where its pictures are.
pub(super) struct Shared {
    settings: Settings,
    place: Location,
    staging: PathBuf,
}

/// It, opened.
pub(super) struct OpenShared {
    tasks: PostgresStore,
    blobs: Arc<ObjectBlobs>,
    settings: Settings,
}

impl End for OpenShared {
    fn tasks(&self) -> &dyn TaskStore {
        &self.tasks
    }

    fn blobs(&self) -> &dyn BlobStore {
        &*self.blobs
    }
}

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a database with its pictures in {}", self.place)
    }
}

impl Shared {
    /// What the settings name. Pictures wait in `folder`, the other end, where they are large.
    pub(super) fn named(config: &Config, folder: &Path) -> anyhow::Result<Self> {
        let storage = &config.storage;
        let settings = stores::database_to_read(config).context(
            "store is sled: name the database, with TINTYPE_STORE or in the settings file; from one data folder to \
             another one tasks come by `tintype backup` and `restore`",
        )?;
        let place = storage.blobs.clone().context(
            "blobs is not set: name where servers with this database have their pictures, with TINTYPE_BLOBS or in the \
             settings file",
        )?;
        Ok(Self { settings, place, staging: Paths::of(folder).staging() })
    }

    /// Opens what tasks are to be carried into.
    pub(super) async fn to_fill(&self, why: &str) -> anyhow::Result<OpenShared> {
        self.open(PostgresStore::open_to_move(&self.settings, why, true).await?).await
    }

    /// Opens what tasks are to be carried from.
    pub(super) async fn to_leave(&self, why: &str) -> anyhow::Result<OpenShared> {
        self.open(PostgresStore::open_to_move(&self.settings, why, false).await?).await
    }

    async fn open(&self, tasks: PostgresStore) -> anyhow::Result<OpenShared> {
        let blobs = ObjectBlobs::new(self.place.clone(), &self.staging)?;
        blobs.clear_staging()?;
        blobs.check().await?;
        let identity = tasks.identity().await?.context("the database has no identity")?;
        blobs.belong_to(&identity).await?;
        Ok(OpenShared { tasks, blobs: Arc::new(blobs), settings: self.settings.clone() })
    }
}

impl OpenShared {
    /// By which it is known wherever it is.
    pub(super) async fn identity(&self) -> anyhow::Result<String> {
        Ok(format!("database {}", self.tasks.identity().await?.unwrap_or_default()))
    }

    /// Servers may work with it, unless its tasks have gone.
    pub(super) async fn end(&self, gone: Option<&str>) -> anyhow::Result<()> {
        Ok(PostgresStore::end_move(&self.settings, gone).await?)
    }
}
