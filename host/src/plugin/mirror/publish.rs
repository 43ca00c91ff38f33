//! Publishing: the files first, by the names of their digests, and the manifest last. A server that looks in
//! between sees the set before; of two who publish at the same time, the second is told.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::manifest::{BadManifest, LONGEST, MANIFEST, Manifest, Pinned};
use crate::blob::{Location, Place, PlaceError, Read};
use crate::digest::Digest;

/// What was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// By what servers name the set: the digest of its manifest.
    pub set: Digest,
    /// How many files it has.
    pub files: usize,
    /// What is another than before, by name.
    pub changes: BTreeMap<String, Change>,
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It was another one.
    Replaced,
    /// It is no longer there.
    Removed,
}

/// Why nothing was published. Servers use what they used before.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The files cannot be a set.
    #[error(transparent)]
    Files(BadManifest),
    /// What is there was published by a later version.
    #[error("{0}: {1}")]
    There(Location, BadManifest),
    /// The place cannot be read or written.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

/// Makes these files, by name, the set at `place`.
///
/// # Errors
/// They cannot be one, somebody else publishes at the same time, or the place cannot be used.
pub async fn publish(
    place: &Place,
    files: BTreeMap<String, Bytes>,
    max_size: u64,
) -> Result<Published, PublishError> {
    let pin = |bytes: &Bytes| Pinned { sha256: Digest::of(bytes), size: bytes.len() as u64 };
    let pinned: BTreeMap<String, Pinned> =
        files.iter().map(|(name, bytes)| (name.clone(), pin(bytes))).collect();
    let manifest = Manifest::of(pinned, max_size).map_err(PublishError::Files)?;
    let (before, seen) = match place.read(MANIFEST, LONGEST, None).await {
        Ok(Read::Found(bytes, version)) => (Some(bytes), Some(version)),
        Ok(Read::Unchanged) | Err(PlaceError::Missing { .. }) => (None, None),
        Err(error) => return Err(error.into()),
    };
    let known = match before.as_ref().map(|before| Manifest::parse(before, u64::MAX)) {
        Some(Ok(known)) => known.files().clone(),
        Some(Err(error @ BadManifest::Newer(_))) => {
            return Err(PublishError::There(place.location().clone(), error));
        }
        // What nobody can read is replaced.
        Some(Err(_)) | None => BTreeMap::new(),
    };
    for (name, bytes) in files {
        // Also what should be there already: so a file that was damaged there is mended.
        if let Some(file) = manifest.files().get(&name) {
            place.write(&Manifest::object(file.sha256), bytes).await?;
        }
    }
    let bytes = Bytes::from(manifest.bytes());
    let set = Digest::of(&bytes);
    if before.as_ref() != Some(&bytes) {
        place.replace(MANIFEST, bytes, seen).await?;
    }
    Ok(Published { set, files: manifest.files().len(), changes: changes(&known, manifest.files()) })
}

fn changes(before: &BTreeMap<String, Pinned>, now: &BTreeMap<String, Pinned>) -> BTreeMap<String, Change> {
    let new = now.iter().filter_map(|(name, file)| match before.get(name) {
        None => Some((name.clone(), Change::Added)),
        Some(known) if known.sha256 != file.sha256 => Some((name.clone(), Change::Replaced)),
        Some(_) => None,
    });
    let gone = before.keys().filter(|name| !now.contains_key(*name));
    new.chain(gone.map(|name| (name.clone(), Change::Removed))).collect()
}
