//! Blobs as objects: of Amazon S3 and those that speak its protocol, Google Cloud Storage, Azure Blob
//! Storage, or a folder that several servers share.
//!
//! | question | file |
//! |---|---|
//! | where are they? | `location.rs` |
//! | how is the engine reached? | `engine.rs`, `transport.rs` |
//! | how are objects named? | `layout.rs` |
//! | how do bytes get there, and back? | `upload.rs`, `download.rs` |
//! | what if that was for nothing? | `abandoned.rs` |
//! | what does an error mean? | `error.rs` |
//! | what else is kept in an engine? | `place.rs` |
//!
//! An engine's acknowledgement is the promise here that a sync of the disk is in the folder: a write that it
//! has acknowledged is durable, and every later read sees it. All four engines say so of themselves.

mod abandoned;
mod download;
mod engine;
mod error;
mod figures;
mod layout;
mod location;
mod place;
#[cfg(test)]
pub(super) mod tests;
mod transport;
mod upload;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use prometheus_client::registry::Registry;

use self::abandoned::Abandoned;
use self::download::Downloads;
pub use self::engine::BadStore;
use self::error::{blob_error, is_missing};
use self::figures::{Figures, Operation};
use self::layout::Layout;
pub use self::location::{Engine, Location};
pub use self::place::{Place, PlaceError, Read, Version};
use self::upload::Uploads;
use super::staging::Staging;
use super::{
    BlobError, BlobKey, BlobStore, BlobStream, BlobWriter, Expected, Listed, Period, Space, Staged, failed,
};

/// Bytes of a probe.
const PROBE: [u8; 1 << 10] = [0; 1 << 10];

const LOOKING: &str = "looking through the pictures";

/// See the module.
pub struct ObjectBlobs {
    location: Location,
    layout: Layout,
    store: Arc<dyn ObjectStore>,
    staging: Arc<Staging>,
    uploads: Uploads,
    downloads: Downloads,
    abandoned: Abandoned,
    figures: Figures,
}

impl ObjectBlobs {
    /// The store at `location`. What is large waits in the folder `staging`, which is of this machine and
    /// this store's alone. Nothing is asked of the engine yet: see [`check`](Self::check).
    ///
    /// # Errors
    /// The environment doesn't say how the engine is reached.
    pub fn new(location: Location, staging: &FilePath) -> Result<Self, BadStore> {
        let store = engine::client(&location)?;
        Ok(Self::over(store, location, staging))
    }

    /// The store at `location`, which is reached by `store`.
    fn over(store: Arc<dyn ObjectStore>, location: Location, staging: &FilePath) -> Self {
        let layout = Layout::below(location.prefix());
        let staging = Arc::new(Staging::in_folder(staging.to_owned()));
        let figures = Figures::default();
        Self {
            uploads: Uploads::to(Arc::clone(&store), figures.clone()),
            downloads: Downloads {
                store: Arc::clone(&store),
                staging: Arc::clone(&staging),
                verified: Arc::default(),
                figures: figures.clone(),
            },
            location,
            layout,
            store,
            staging,
            abandoned: Abandoned::default(),
            figures,
        }
    }

    /// Prepares the staging folder: what an earlier process left in it is removed.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn clear_staging(&self) -> Result<(), BlobError> {
        self.staging.clear().map_err(failed("preparing the folder where pictures wait to be sent"))
    }

    /// Writes, reads and deletes an object: whether a server can work with this store.
    ///
    /// # Errors
    /// What to change.
    pub async fn check(&self) -> Result<(), BadStore> {
        match self.try_probe().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(BadStore::Lies(self.location.clone())),
            Err(error) => Err(BadStore::of(&self.location, &error)),
        }
    }

    /// Makes the place that of the tasks which are known by `identity`, unless it is that of others: pictures
    /// that belong to no task are deleted, and others' tasks are not known here.
    ///
    /// # Errors
    /// What to change.
    pub async fn belong_to(&self, identity: &str) -> Result<(), BadStore> {
        let path = self.layout.owner();
        let bad = |error| BadStore::of(&self.location, &error);
        let mut found = self.owner(&path).await.map_err(bad)?;
        if found.is_none() {
            let owner = PutPayload::from(Bytes::from(identity.to_owned()));
            self.store.put(&path, owner).await.map_err(bad)?;
            // Somebody else may have come at the same moment.
            found = self.owner(&path).await.map_err(bad)?;
        }
        match found {
            Some(owner) if owner == identity.as_bytes() => Ok(()),
            _ => Err(BadStore::OfOthers(self.location.clone())),
        }
    }

    /// Whether [`belong_to`](Self::belong_to) would make it the place of these tasks, or has. Nothing is written.
    ///
    /// # Errors
    /// It is the place of others, or cannot be read.
    pub async fn is_free_for(&self, identity: &str) -> Result<(), BadStore> {
        let found = self.owner(&self.layout.owner()).await;
        match found.map_err(|error| BadStore::of(&self.location, &error))? {
            Some(owner) if owner != identity.as_bytes() => Err(BadStore::OfOthers(self.location.clone())),
            _ => Ok(()),
        }
    }

    async fn owner(&self, path: &Path) -> Result<Option<Bytes>, object_store::Error> {
        let read = async { self.store.get(path).await?.bytes().await };
        match self.figures.count(Operation::Get, read).await {
            Ok(owner) => Ok(Some(owner)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Has `registry` show what is counted.
    pub fn register(&self, registry: &mut Registry) {
        self.figures.register(registry);
    }

    /// Whether a probe came back as it was written.
    async fn try_probe(&self) -> Result<bool, object_store::Error> {
        let (path, figures) = (self.layout.probe(), &self.figures);
        let probe = PutPayload::from(Bytes::from_static(&PROBE));
        figures.count(Operation::Put, self.store.put(&path, probe)).await?;
        let read = async { self.store.get(&path).await?.bytes().await };
        let read = figures.count(Operation::Get, read).await;
        figures.count(Operation::Delete, self.store.delete(&path)).await?;
        Ok(read? == PROBE[..])
    }

    /// Whether there is none of these, for sure.
    async fn are_gone(&self, keys: &[BlobKey]) -> bool {
        for key in keys {
            if !matches!(self.store.head(&self.layout.blob(*key)).await, Err(error) if is_missing(&error)) {
                return false;
            }
        }
        true
    }

    /// Deletes what was written for nothing.
    async fn clear_abandoned(&self) -> Result<(), BlobError> {
        let keys = self.abandoned.take();
        let deleted = self.delete(&keys).await;
        if deleted.is_err() {
            self.abandoned.add(keys);
        }
        deleted
    }
}

#[async_trait]
impl BlobStore for ObjectBlobs {
    fn writer(&self) -> Box<dyn BlobWriter> {
        Box::new(self.staging.writer())
    }

    async fn keep(&self, blobs: Vec<(BlobKey, Staged)>) -> Result<(), BlobError> {
        let began = Instant::now();
        let unkept = self.abandoned.unless_kept(blobs.iter().map(|(key, _)| *key).collect());
        let puts = blobs
            .into_iter()
            .map(|(key, staged)| async move { self.uploads.put(&self.layout.blob(key), staged).await });
        // All of them to their end: what is still on its way would arrive after it was deleted.
        let kept: Result<Vec<()>, BlobError> = join_all(puts).await.into_iter().collect();
        self.figures.kept.observe(began.elapsed());
        if kept.is_ok() {
            unkept.kept();
        }
        kept.map(drop)
    }

    async fn read(&self, key: BlobKey, expected: &Expected) -> Result<Vec<u8>, BlobError> {
        self.downloads.read(key, &self.layout.blob(key), expected).await
    }

    async fn stream(
        &self,
        key: BlobKey,
        expected: &Expected,
        range: std::ops::Range<u64>,
    ) -> Result<BlobStream, BlobError> {
        self.downloads.stream(key, &self.layout.blob(key), expected, range).await
    }

    async fn delete(&self, keys: &[BlobKey]) -> Result<(), BlobError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.downloads.verified.forget(keys);
        let paths: Vec<_> = keys.iter().map(|key| Ok(self.layout.blob(*key))).collect();
        let mut answers = self.store.delete_stream(stream::iter(paths).boxed());
        let deleting = async {
            let mut first = Ok(());
            while let Some(deleted) = answers.next().await {
                match deleted {
                    Err(error) if !is_missing(&error) && first.is_ok() => first = Err(error),
                    _ => {}
                }
            }
            first
        };
        let deleted = self.figures.count(Operation::Delete, deleting).await;
        match deleted {
            // Some engines say nothing of objects that were not there, which is taken for no answer.
            Err(_) if self.are_gone(keys).await => Ok(()),
            deleted => deleted.map_err(|error| blob_error("deleting pictures", &error)),
        }
    }

    async fn periods(&self) -> Result<Vec<Period>, BlobError> {
        // Here begins every look through the store.
        self.clear_abandoned().await?;
        let prefix = self.layout.prefix();
        let prefix = (!prefix.as_ref().is_empty()).then_some(prefix);
        let listing = self.store.list_with_delimiter(prefix);
        let found = self.figures.count(Operation::List, listing).await;
        let found = found.map_err(|error| blob_error(LOOKING, &error))?;
        let mut periods: Vec<Period> = found.common_prefixes.iter().filter_map(Layout::period_of).collect();
        periods.sort_unstable();
        Ok(periods)
    }

    async fn list(&self, period: Period) -> Result<Vec<Listed>, BlobError> {
        let folder = self.layout.period(period);
        let listing = download::listed(&*self.store, &folder);
        let found = self.figures.count(Operation::List, listing).await;
        let found = found.map_err(|error| blob_error(LOOKING, &error))?;
        Ok(found.iter().map(|path: &Path| self.layout.listed(period, path)).collect())
    }

    async fn set_aside(&self, key: BlobKey) -> Result<(), BlobError> {
        let (from, to) = (self.layout.blob(key), self.layout.lost(key));
        match self.figures.count(Operation::Move, self.store.rename(&from, &to)).await {
            Err(error) if !is_missing(&error) => Err(blob_error("setting a picture aside", &error)),
            _ => Ok(()),
        }
    }

    /// There is nothing to tidy: a folder is part of a name, and gone with the last.
    async fn tidy(&self, _: Period) -> Result<(), BlobError> {
        Ok(())
    }

    async fn probe(&self) -> Result<(), BlobError> {
        match self.try_probe().await {
            Ok(true) => {
                // Nobody waits for that: what remains is deleted later.
                let _ = self.clear_abandoned().await;
                Ok(())
            }
            Ok(false) => Err(BlobError::Unavailable {
                doing: "writing a probe".to_owned(),
                why: "it came back with other bytes".to_owned(),
            }),
            Err(error) => Err(blob_error("writing a probe", &error)),
        }
    }

    fn is_shared(&self) -> bool {
        true
    }

    /// Of the disk where what is large waits: the object store itself has as much as is paid for.
    fn space(&self) -> Option<Space> {
        self.staging.space()
    }
}
