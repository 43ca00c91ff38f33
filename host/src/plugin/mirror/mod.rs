//! Plugins that are published for many servers: in an object store is a set of them, and each server keeps a
//! mirror of it in a folder of its own, from which it loads them as from any folder.
//!
//! | question | file |
//! |---|---|
//! | what a set is | `manifest.rs` |
//! | how one gets into the object store | `publish.rs` |
//! | how one gets into the folder, whatever breaks off | `shelf.rs` |
//! | which one a server uses | `figures.rs` |
//!
//! A server asks for one object, the manifest, which is written last and replaced as a whole. It takes over a
//! set when every file of it is here and is what the manifest says; until then, and whatever is wrong with
//! the new one, it uses the set before.

mod figures;
mod manifest;
mod publish;
mod shelf;
#[cfg(test)]
mod tests;

use std::io;
use std::path::Path;

use bytes::Bytes;

pub use self::figures::Figures as MirrorFigures;
pub use self::manifest::BadManifest;
use self::manifest::{LONGEST, MANIFEST, Manifest, Pinned};
pub use self::publish::{Change, PublishError, Published, publish};
use self::shelf::Shelf;
use crate::blob::{Location, Place, PlaceError, Read, Version};
use crate::digest::Digest;

/// A mirror of a place.
#[derive(Debug)]
pub struct Mirror {
    place: Place,
    shelf: Shelf,
    max_size: u64,
    /// The manifest as it was when its set was taken over.
    seen: Option<Version>,
    serves: Option<Digest>,
    figures: MirrorFigures,
}

/// Why a set was not taken over. The one before stays.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Nothing was ever published there.
    #[error(
        "{0}: there is no {MANIFEST}. Publish plugins there with `tintype plugin publish FOLDER --to {0}`"
    )]
    Unpublished(Location),
    /// It cannot be read.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// Its manifest will not do.
    #[error("{0}: {1}")]
    Manifest(Location, BadManifest),
    /// A file is another one than the manifest says.
    #[error(transparent)]
    Damaged(Box<Damage>),
    /// The folder is not whole.
    #[error("the plugins that were fetched earlier are not usable: {0} is missing or damaged")]
    Torn(String),
    /// The folder cannot be read or written.
    #[error("the folder for fetched plugins: {0}")]
    Folder(#[from] io::Error),
}

/// A file that is another one than the manifest says.
#[derive(Debug, thiserror::Error)]
#[error(
    "{place}: {name} is not what {MANIFEST} says: that has sha256 {expected}, the file has {found}. Publish the \
     plugins again, and find out who has changed it"
)]
pub struct Damage {
    place: Location,
    name: String,
    expected: Digest,
    found: Digest,
}

impl MirrorError {
    /// Whether the engine does not answer, in whatever words it is said.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Place(PlaceError::Unavailable { .. }))
    }
}

impl Mirror {
    /// A mirror of `place` in `folder`, which is its alone. `max_size` is the most bytes of a file.
    #[must_use]
    pub fn new(place: Place, folder: &Path, max_size: u64) -> Self {
        let (shelf, figures) = (Shelf::in_folder(folder), MirrorFigures::default());
        Self { place, shelf, max_size, seen: None, serves: None, figures }
    }

    /// Which set is in the folder: the digest of its manifest.
    #[must_use]
    pub fn serves(&self) -> Option<Digest> {
        self.serves
    }

    /// Where the sets come from.
    #[must_use]
    pub fn location(&self) -> &Location {
        self.place.location()
    }

    /// What is counted.
    #[must_use]
    pub fn figures(&self) -> &MirrorFigures {
        &self.figures
    }

    /// Takes over what is published now; tells whether that is another set than before. One request where
    /// nothing has changed.
    ///
    /// # Errors
    /// The set before stays, and why.
    pub async fn follow(&mut self) -> Result<bool, MirrorError> {
        let followed = self.try_follow().await;
        self.figures.fails(followed.is_err());
        followed
    }

    /// How many files are published now, for whoever only wants to know whether there are any.
    ///
    /// # Errors
    /// None are, or the place cannot be used.
    pub async fn published(&self) -> Result<usize, MirrorError> {
        match self.manifest().await? {
            Read::Found(bytes, _) => Ok(self.parse(&bytes)?.files().len()),
            Read::Unchanged => Ok(0),
        }
    }

    async fn manifest(&self) -> Result<Read, MirrorError> {
        match self.place.read(MANIFEST, LONGEST, self.seen.as_ref()).await {
            Err(PlaceError::Missing { place, .. }) => Err(MirrorError::Unpublished(place)),
            read => Ok(read?),
        }
    }

    async fn try_follow(&mut self) -> Result<bool, MirrorError> {
        let (bytes, version) = match self.manifest().await? {
            Read::Unchanged => return Ok(false),
            Read::Found(bytes, version) => (bytes, version),
        };
        let set = Digest::of(&bytes);
        if self.serves == Some(set) {
            self.seen = Some(version);
            return Ok(false);
        }
        let manifest = self.parse(&bytes)?;
        let shelf = self.shelf.clone();
        let (lacking, manifest) = blocking(move || Ok((shelf.lacks(&manifest)?, manifest))).await?;
        for (name, pinned) in lacking {
            let file = self.fetch(&name, pinned).await?;
            let shelf = self.shelf.clone();
            blocking(move || shelf.wait(&name, &file)).await?;
        }
        self.take_over(manifest, bytes, set).await?;
        self.seen = Some(version);
        Ok(true)
    }

    /// Takes up the set that was taken over last, by an earlier process; tells whether there is one.
    ///
    /// # Errors
    /// It is not whole.
    pub async fn take_up(&mut self) -> Result<bool, MirrorError> {
        let shelf = self.shelf.clone();
        let Some(bytes) = blocking(move || shelf.manifest()).await? else { return Ok(false) };
        let manifest = self.parse(&bytes)?;
        let shelf = self.shelf.clone();
        let (lacking, manifest) = blocking(move || Ok((shelf.lacks(&manifest)?, manifest))).await?;
        if let Some((name, _)) = lacking.into_iter().next() {
            return Err(MirrorError::Torn(name));
        }
        let set = Digest::of(&bytes);
        self.take_over(manifest, bytes.into(), set).await?;
        Ok(true)
    }

    fn parse(&self, bytes: &[u8]) -> Result<Manifest, MirrorError> {
        Manifest::parse(bytes, self.max_size)
            .map_err(|error| MirrorError::Manifest(self.location().clone(), error))
    }

    async fn fetch(&self, name: &str, pinned: Pinned) -> Result<Bytes, MirrorError> {
        let read = self.place.read(&Manifest::object(pinned.sha256), self.max_size, None).await?;
        let bytes = match read {
            Read::Found(bytes, _) => bytes,
            // Nothing was said of an earlier state.
            Read::Unchanged => Bytes::new(),
        };
        let (expected, found) = (pinned.sha256, Digest::of(&bytes));
        if found != expected {
            let (place, name) = (self.location().clone(), name.to_owned());
            let damage = Damage { place, name, expected, found };
            return Err(MirrorError::Damaged(Box::new(damage)));
        }
        if bytes.len() as u64 != pinned.size {
            let wrong =
                BadManifest::Unreadable(format!("{name} has {} bytes, not {}", bytes.len(), pinned.size));
            return Err(MirrorError::Manifest(self.location().clone(), wrong));
        }
        Ok(bytes)
    }

    async fn take_over(&mut self, manifest: Manifest, bytes: Bytes, set: Digest) -> Result<(), MirrorError> {
        let shelf = self.shelf.clone();
        // Where that breaks off the folder is that of neither set, whichever is published next.
        self.serves = None;
        blocking(move || shelf.take_over(&manifest, &bytes)).await?;
        self.serves = Some(set);
        self.figures.serves(set);
        Ok(())
    }
}

/// Does what waits for the disk off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, MirrorError> {
    Ok(tokio::task::spawn_blocking(work).await.map_err(io::Error::other)??)
}
