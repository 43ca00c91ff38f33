//! A place in an object store for what is no picture: small objects that are read whole, and one of them
//! that several writers replace without losing each other's work.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, UpdateVersion,
};

use super::engine::{self, BadStore};
use super::error::{is_missing, is_refused, lacks_bucket, why};
use super::location::Location;

/// Bytes of one request: what the time for its answer is meant for, and more than the 5 MiB that S3 demands.
const PART: usize = 8 << 20;

/// See the module.
#[derive(Clone, Debug)]
pub struct Place {
    location: Location,
    prefix: Path,
    store: Arc<dyn ObjectStore>,
}

/// What an engine calls the state of an object. It changes with the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    tag: Option<String>,
    version: Option<String>,
}

/// An object as it was found.
#[derive(Clone, Debug)]
pub enum Read {
    /// It is as it was at the last look.
    Unchanged,
    /// Its bytes, and by what to know this state of it.
    Found(Bytes, Version),
}

/// Why something there cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// There is no such object.
    #[error("{place}: there is no {name}")]
    Missing {
        /// The place.
        place: Location,
        /// Below it.
        name: String,
    },
    /// It is larger than what it is may be.
    #[error("{place}: {name} is larger than {most} bytes")]
    TooLarge {
        /// The place.
        place: Location,
        /// Below it.
        name: String,
        /// How large it may be.
        most: u64,
    },
    /// Somebody else has replaced it since it was read.
    #[error(
        "{0}: somebody else has changed it at the same time. Nothing was replaced: look at what is there now, and try again"
    )]
    Changed(Location),
    /// The engine does not answer, or not as it should.
    #[error("{place}: {why}. {advice}")]
    Unavailable {
        /// The place.
        place: Location,
        /// Its words.
        why: String,
        /// What to check.
        advice: &'static str,
    },
}

impl Place {
    /// The place at `location`. Nothing is asked of the engine yet.
    ///
    /// # Errors
    /// The environment doesn't say how the engine is reached.
    pub fn open(location: &Location) -> Result<Self, BadStore> {
        let store = engine::client(location)?;
        Ok(Self { prefix: location.prefix(), location: location.clone(), store })
    }

    /// One in memory, called as `location` says.
    #[cfg(test)]
    pub(crate) fn in_memory(location: &Location) -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self { prefix: location.prefix(), location: location.clone(), store }
    }

    /// Where it is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Reads an object of at most `most` bytes, unless it is as in `known`.
    ///
    /// # Errors
    /// It isn't there, is too large, or the engine cannot be asked.
    pub async fn read(&self, name: &str, most: u64, known: Option<&Version>) -> Result<Read, PlaceError> {
        let if_none_match = known.and_then(|known| known.tag.clone());
        let options = GetOptions { if_none_match, ..GetOptions::default() };
        let found = match self.store.get_opts(&self.path(name), options).await {
            Err(Error::NotModified { .. }) => return Ok(Read::Unchanged),
            found => found.map_err(|error| self.failed(name, &error))?,
        };
        let too_large = || PlaceError::TooLarge { place: self.location.clone(), name: name.to_owned(), most };
        if found.meta.size > most {
            return Err(too_large());
        }
        let version = Version { tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
        let mut bytes = vec![];
        let mut pieces = found.into_stream();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| self.failed(name, &error))?);
            // What it said of the size need not be so.
            if bytes.len() as u64 > most {
                return Err(too_large());
            }
        }
        Ok(Read::Found(bytes.into(), version))
    }

    /// Writes an object whose name nobody gives to other bytes.
    ///
    /// # Errors
    /// The engine doesn't take it.
    pub async fn write(&self, name: &str, bytes: Bytes) -> Result<(), PlaceError> {
        let path = self.path(name);
        let written = if bytes.len() > PART {
            self.write_in_parts(&path, bytes).await
        } else {
            self.store.put(&path, PutPayload::from(bytes)).await.map(drop)
        };
        written.map_err(|error| self.failed(name, &error))
    }

    async fn write_in_parts(&self, path: &Path, bytes: Bytes) -> Result<(), Error> {
        let mut upload = self.store.put_multipart(path).await?;
        let mut rest = bytes;
        let sending = async {
            while !rest.is_empty() {
                let part = rest.split_to(rest.len().min(PART));
                upload.put_part(PutPayload::from(part)).await?;
            }
            upload.complete().await.map(drop)
        };
        let sent = sending.await;
        if sent.is_err() {
            // What remains of it the bucket's own rules clear away.
            let _ = upload.abort().await;
        }
        sent
    }

    /// Replaces an object that was read as `seen`, or makes it where there was none. A folder cannot compare
    /// and replace in one step: there a moment is left in which another writer goes unseen.
    ///
    /// # Errors
    /// [`PlaceError::Changed`] where it is another one by now; or the engine doesn't take it.
    pub async fn replace(&self, name: &str, bytes: Bytes, seen: Option<Version>) -> Result<(), PlaceError> {
        let path = self.path(name);
        let put = |mode| {
            let options = PutOptions { mode, ..PutOptions::default() };
            self.store.put_opts(&path, PutPayload::from(bytes.clone()), options)
        };
        let mode = match seen.clone() {
            Some(seen) => PutMode::Update(UpdateVersion { e_tag: seen.tag, version: seen.version }),
            None => PutMode::Create,
        };
        match put(mode).await {
            Ok(_) => Ok(()),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => {
                self.unless_there(name, &bytes).await
            }
            Err(Error::NotImplemented { .. }) => {
                let now = self.store.head(&path).await.map_err(|error| self.failed(name, &error))?;
                if seen != Some(Version { tag: now.e_tag, version: now.version }) {
                    return self.unless_there(name, &bytes).await;
                }
                put(PutMode::Overwrite).await.map(drop).map_err(|error| self.failed(name, &error))
            }
            Err(error) => Err(self.failed(name, &error)),
        }
    }

    /// That somebody else was first, unless what is there is what was to be written: a try whose answer was
    /// lost has succeeded, and made the next one fail.
    async fn unless_there(&self, name: &str, bytes: &Bytes) -> Result<(), PlaceError> {
        match self.read(name, bytes.len() as u64, None).await {
            Ok(Read::Found(there, _)) if there == bytes => Ok(()),
            _ => Err(PlaceError::Changed(self.location.clone())),
        }
    }

    fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    fn failed(&self, name: &str, error: &Error) -> PlaceError {
        let place = self.location.clone();
        if is_missing(error) {
            return PlaceError::Missing { place, name: name.to_owned() };
        }
        let engine = place.engine();
        let advice = match error {
            error if lacks_bucket(error) => "Create it, or name another place",
            error if is_refused(error) => engine.credentials(),
            _ => engine.address(),
        };
        PlaceError::Unavailable { place, why: why(error), advice }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::SettingValue as _;

    fn places(folder: &std::path::Path) -> [Place; 2] {
        let file = Location::parse(&format!("file://{}", folder.display())).unwrap();
        [Place::in_memory(&Location::parse("s3://b/p").unwrap()), Place::open(&file).unwrap()]
    }

    #[tokio::test]
    async fn of_two_writers_who_have_seen_the_same_the_second_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for place in places(folder.path()) {
            place.replace("m", Bytes::from_static(b"one"), None).await.unwrap();
            let second = place.replace("m", Bytes::from_static(b"two"), None).await;
            assert!(matches!(second, Err(PlaceError::Changed(_))), "{second:?}");
            let Read::Found(_, seen) = place.read("m", 9, None).await.unwrap() else { panic!("unread") };
            place.replace("m", Bytes::from_static(b"three"), Some(seen.clone())).await.unwrap();
            let second = place.replace("m", Bytes::from_static(b"fourth"), Some(seen.clone())).await;
            assert!(matches!(second, Err(PlaceError::Changed(_))), "{second:?}");
            // As after an answer that was lost.
            place.replace("m", Bytes::from_static(b"three"), Some(seen)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_sent_again_and_what_is_too_large_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        for place in places(folder.path()) {
            place.write("files/a", Bytes::from_static(b"four")).await.unwrap();
            let Read::Found(bytes, seen) = place.read("files/a", 4, None).await.unwrap() else {
                panic!("unread")
            };
            assert_eq!(bytes, "four");
            assert!(matches!(place.read("files/a", 4, Some(&seen)).await, Ok(Read::Unchanged)));
            assert!(matches!(place.read("files/a", 3, None).await, Err(PlaceError::TooLarge { .. })));
            assert!(matches!(place.read("files/b", 3, None).await, Err(PlaceError::Missing { .. })));
        }
    }
}
