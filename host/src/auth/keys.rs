//! The keys of a running server: who a request comes from, by its `Authorization` header.
//!
//! Keys come and go without a restart: at most once a second a request looks whether the file is
//! another one. That there is a keys file, not what is in it, decides whether a key is needed: when
//! the last key is revoked nobody gets in, rather than everybody. For the same reason a file that
//! vanishes or breaks while the server runs leaves the old keys in force. Knows no route and writes
//! no answer.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::key::{ApiKey, KeyHash, KeyId};
use super::key_file::{KeyFile, KeyFileError};
use super::{Caller, Limits};

/// Why a request is nobody's. All are 401 (RFC 6750 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// No `Authorization`, or one of another scheme than Bearer.
    #[error("This server needs an API key: send it as Authorization: Bearer KEY.")]
    Missing,
    /// `Authorization` is there twice, or holds nothing that is written like a key.
    #[error(
        "What Authorization: Bearer holds is not an API key of this server: it begins with tt_ and is 55 characters long."
    )]
    Malformed,
    /// A key that was never made, or was revoked.
    #[error("The API key is unknown or was revoked.")]
    Unknown,
}

impl AuthError {
    /// The value of `WWW-Authenticate` that goes with the 401. A request that said nothing of keys
    /// is told no error code (RFC 6750 section 3).
    #[must_use]
    pub fn challenge(self) -> &'static str {
        match self {
            Self::Missing => "Bearer",
            Self::Malformed | Self::Unknown => "Bearer error=\"invalid_token\"",
        }
    }
}

/// The keys, as new as the file.
#[derive(Debug)]
pub struct Keys {
    path: PathBuf,
    live: Mutex<Live>,
}

#[derive(Debug)]
struct Live {
    known: Arc<Known>,
    /// Of the file that was last looked at, whether it was understood or not.
    stamp: Option<Stamp>,
    looked: Instant,
}

/// `None`: there is no keys file, everybody may come.
type Known = Option<HashMap<KeyId, KnownKey>>;

#[derive(Debug)]
struct KnownKey {
    name: Arc<str>,
    hash: KeyHash,
    limits: Limits,
}

/// Tells one state of the file from another without reading it. A renamed file has another inode,
/// one that was edited in place another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

/// A look costs one `stat`; a key that was made or revoked counts after a second at the latest.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Keys {
    /// Reads the keys from `path`, where there need not be a file.
    ///
    /// # Errors
    /// A file is there and cannot be read: a server that starts must not guess what it said.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let stamp = stamp(path);
        let known = Arc::new(KeyFile::read(path)?.map(known));
        if let Some(known) = known.as_ref() {
            tracing::info!(file = %path.display(), keys = known.len(), "every request needs an API key");
        }
        Ok(Self { path: path.to_owned(), live: Mutex::new(Live { known, stamp, looked: Instant::now() }) })
    }

    /// Whether a request needs a key.
    #[must_use]
    pub fn required(&self) -> bool {
        self.known(Instant::now()).is_some()
    }

    /// What the operator calls the key of this id; nothing when it was revoked.
    #[must_use]
    pub fn name_of(&self, id: KeyId) -> Option<Arc<str>> {
        let known = self.known(Instant::now());
        known.as_ref().as_ref()?.get(&id).map(|key| Arc::clone(&key.name))
    }

    /// Who sent a request with these headers (RFC 6750 section 2.1).
    ///
    /// # Errors
    /// A key is needed, and none that is known was sent.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let known = self.known(Instant::now());
        let Some(known) = known.as_ref() else { return Ok(Caller::Anonymous) };
        let key = bearer(headers)?;
        let found = known.get(&key.id()).filter(|found| key.matches(&found.hash));
        found.map_or(Err(AuthError::Unknown), |found| {
            Ok(Caller::Key { id: key.id(), name: Arc::clone(&found.name), limits: found.limits })
        })
    }

    fn known(&self, now: Instant) -> Arc<Known> {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(live.looked) >= LOOK_EVERY {
            live.looked = now;
            // Taken before the file is read: a change in between is seen at the next look.
            let stamp = stamp(&self.path);
            if stamp != live.stamp {
                live.stamp = stamp;
                self.reload(&mut live);
            }
        }
        Arc::clone(&live.known)
    }

    fn reload(&self, live: &mut Live) {
        let file = self.path.display();
        match KeyFile::read(&self.path) {
            Ok(Some(read)) => {
                let read = known(read);
                tracing::info!(%file, keys = read.len(), "the API keys have changed");
                live.known = Arc::new(Some(read));
            }
            Ok(None) if live.known.is_none() => {}
            Ok(None) => tracing::error!(
                %file,
                "the keys file is gone; its keys stay in force until a restart"
            ),
            // The first file, and it cannot be read: that it is there counts.
            Err(error) if live.known.is_none() => {
                tracing::error!(%error, "nobody has a key until this is repaired");
                live.known = Arc::new(Some(HashMap::new()));
            }
            Err(error) => tracing::error!(%error, "the keys as they were stay in force"),
        }
    }
}

fn known(file: KeyFile) -> HashMap<KeyId, KnownKey> {
    let keys = file.keys().iter();
    keys.map(|key| {
        (key.id, KnownKey { name: key.name.as_str().into(), hash: key.hash, limits: key.limits() })
    })
    .collect()
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(path).ok()?;
    Some(Stamp {
        device: found.dev(),
        inode: found.ino(),
        length: found.len(),
        modified: (found.mtime(), found.mtime_nsec()),
    })
}

fn bearer(headers: &HeaderMap) -> Result<ApiKey, AuthError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(AuthError::Missing)?;
    if values.next().is_some() {
        return Err(AuthError::Malformed);
    }
    let value = value.to_str().map_err(|_| AuthError::Malformed)?;
    // RFC 9110 section 11.4: the scheme in any case, then one space or more.
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::Missing);
    }
    ApiKey::parse(token.trim_matches(' ')).ok_or(AuthError::Malformed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Fixture {
        dir: tempfile::TempDir,
        keys: Keys,
        now: Instant,
    }

    impl Fixture {
        fn new(names: &[&str]) -> (Self, Vec<ApiKey>) {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("keys.toml");
            let made = names.iter().map(|name| add(&path, name)).collect();
            let keys = Keys::open(&path).unwrap();
            (Self { dir, keys, now: Instant::now() }, made)
        }

        fn path(&self) -> PathBuf {
            self.dir.path().join("keys.toml")
        }

        fn a_second_passes(&mut self) {
            self.now += LOOK_EVERY + Duration::from_millis(1);
            self.keys.known(self.now);
        }

        fn ask(&self, headers: &[&str]) -> Result<Option<KeyId>, AuthError> {
            let mut map = HeaderMap::new();
            for value in headers {
                map.append(AUTHORIZATION, value.parse().unwrap());
            }
            self.keys.authenticate(&map).map(|caller| caller.owner())
        }
    }

    fn add(path: &Path, name: &str) -> ApiKey {
        KeyFile::update(path, |file| file.add(name, Limits::default())).unwrap()
    }

    fn bearer(key: &ApiKey) -> String {
        format!("Bearer {}", key.expose())
    }

    #[test]
    fn without_a_keys_file_everybody_may_come() {
        let (fixture, _) = Fixture::new(&[]);
        assert!(!fixture.keys.required());
        assert_eq!(fixture.ask(&[]), Ok(None));
        assert_eq!(fixture.ask(&["Bearer whatever"]), Ok(None));
    }

    #[test]
    fn with_one_a_key_is_needed_and_known_by_its_id() {
        let (fixture, made) = Fixture::new(&["one", "two"]);
        for key in &made {
            assert_eq!(fixture.ask(&[&bearer(key)]), Ok(Some(key.id())));
        }
        assert_eq!(fixture.ask(&[]), Err(AuthError::Missing));
        assert_eq!(fixture.ask(&[&bearer(&ApiKey::generate().unwrap())]), Err(AuthError::Unknown));
    }

    #[test]
    fn a_known_id_with_another_secret_is_unknown() {
        let (fixture, made) = Fixture::new(&["one", "two"]);
        let [one, two] = made.as_slice() else { panic!() };
        let forged = format!("Bearer tt_{}_{}", one.id(), two.expose().split_off(12));
        assert_eq!(fixture.ask(&[&forged]), Err(AuthError::Unknown));
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_any_other_says_nothing() {
        let (fixture, made) = Fixture::new(&["one"]);
        let [one] = made.as_slice() else { panic!() };
        let text = one.expose();
        for fine in [format!("bearer {text}"), format!("BEARER  {text}")] {
            assert_eq!(fixture.ask(&[&fine]), Ok(Some(one.id())), "{fine}");
        }
        for other in ["Basic dXNlcjpwYXNz", "", &text] {
            assert_eq!(fixture.ask(&[other]), Err(AuthError::Missing), "{other}");
        }
        for wrong in
            ["Bearer", "Bearer ", "Bearer x", &format!("Bearer {text},"), &format!("Bearer {text} x")]
        {
            assert_eq!(fixture.ask(&[wrong]), Err(AuthError::Malformed), "{wrong}");
        }
        assert_eq!(fixture.ask(&[&bearer(one), &bearer(one)]), Err(AuthError::Malformed));
    }

    #[test]
    fn keys_come_and_go_within_a_second() {
        let (mut fixture, made) = Fixture::new(&["one"]);
        let [one] = made.as_slice() else { panic!() };
        assert_eq!(fixture.keys.name_of(one.id()).as_deref(), Some("one"));
        let two = add(&fixture.path(), "two");
        KeyFile::update(&fixture.path(), |file| file.revoke("one")).unwrap();
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[&bearer(one)]), Err(AuthError::Unknown));
        assert_eq!(fixture.ask(&[&bearer(&two)]), Ok(Some(two.id())));
        let names = [one, &two].map(|key| fixture.keys.name_of(key.id()));
        assert_eq!(names.map(|name| name.is_some()), [false, true]);
    }

    #[test]
    fn the_first_key_closes_the_door_and_the_last_does_not_open_it() {
        let (mut fixture, _) = Fixture::new(&[]);
        add(&fixture.path(), "one");
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[]), Err(AuthError::Missing));
        KeyFile::update(&fixture.path(), |file| file.revoke("one")).unwrap();
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[]), Err(AuthError::Missing));
        assert!(Keys::open(&fixture.path()).unwrap().required(), "nor does it after a restart");
    }

    #[test]
    fn a_first_file_that_cannot_be_read_lets_nobody_in() {
        let (mut fixture, _) = Fixture::new(&[]);
        std::fs::write(fixture.path(), "nonsense").unwrap();
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[]), Err(AuthError::Missing));
    }

    #[test]
    fn a_broken_or_vanished_file_leaves_the_old_keys_in_force() {
        let (mut fixture, made) = Fixture::new(&["one"]);
        let [one] = made.as_slice() else { panic!() };
        std::fs::write(fixture.path(), "nonsense").unwrap();
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[&bearer(one)]), Ok(Some(one.id())));
        assert!(Keys::open(&fixture.path()).is_err(), "but no server starts with it");
        std::fs::remove_file(fixture.path()).unwrap();
        fixture.a_second_passes();
        assert_eq!(fixture.ask(&[]), Err(AuthError::Missing));
        assert_eq!(fixture.ask(&[&bearer(one)]), Ok(Some(one.id())));
    }
}
