//! The file that keeps the API keys: how it is read, and how it changes without ever being half
//! written or losing a change. Knows nothing of who is calling whom.
//!
//! A change goes into a new file, onto the disk, and is then renamed into place: a reader sees the old
//! file or the new one. Because the file is replaced, it is its folder that is locked meanwhile; a lock
//! file of its own would be one more thing that root could be tricked with in a folder that isn't
//! root's. The file is readable by its owner alone: a hash gives no key away, but the names of the
//! keys are nobody else's business.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Limits;
use super::key::{ApiKey, KeyHash, KeyId};
use crate::data_folder::create_private;

/// What can be wrong with the file or with a change to it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file exists and cannot be read.
    #[error("{}: the API keys cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what `tintype key` writes.
    #[error("{}:{line}: not a file of API keys: {problem}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// In the parser's words, which repeat nothing of the file.
        problem: String,
    },
    /// Two keys have one id or one name.
    #[error("{}: two keys are called {what:?}", path.display())]
    Twice {
        /// The file.
        path: PathBuf,
        /// The id or name.
        what: String,
    },
    /// The change cannot be written; the file is as before.
    #[error("{}: the API keys cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A name that no key can have.
    #[error("{0:?} will not do: a key's name is 1 to 64 characters, none of them a control character")]
    BadName(String),
    /// There is a key of this name.
    #[error("there is a key called {0:?}; revoke it first, or choose another name")]
    NameTaken(String),
    /// There is no such key.
    #[error("there is no key {0:?}; `tintype key list` shows those that exist")]
    NotFound(String),
    /// The id of one key is the name of another.
    #[error("{0:?} is the id of one key and the name of another; use the other word for the one you mean")]
    Ambiguous(String),
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    NoRandom(#[from] getrandom::Error),
}

/// One key as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// Its public part.
    pub id: KeyId,
    /// What the operator calls it.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    pub(super) hash: KeyHash,
    /// In place of the setting of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_per_minute: Option<NonZeroU32>,
    /// In place of the setting of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota_open: Option<NonZeroU32>,
}

impl KeyEntry {
    /// What this key may ask for, where it differs from the others.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { per_minute: self.quota_per_minute, open: self.quota_open }
    }
}

/// All keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    version: u32,
    #[serde(default, rename = "key")]
    keys: Vec<KeyEntry>,
}

/// The only layout so far. A newer one must not be read, and then written back, as if it were this.
const VERSION: u32 = 1;
const HEAD: &str = "# API keys, changed with `tintype key`. While this file exists every request needs a key, even\n\
                    # when none is left in it. The keys themselves are not in here, only their hashes.\n";
/// Read and written by the owner.
const MODE: u32 = 0o600;

impl Default for KeyFile {
    fn default() -> Self {
        Self { version: VERSION, keys: Vec::new() }
    }
}

impl KeyFile {
    /// Reads the file; `None` where there is none.
    ///
    /// # Errors
    /// It exists and cannot be read or understood.
    pub fn read(path: &Path) -> Result<Option<Self>, KeyFileError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeyFileError::Unreadable { path: path.to_owned(), source }),
        };
        let malformed = |line, problem| KeyFileError::Malformed { path: path.to_owned(), line, problem };
        let file: Self = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
            malformed(line, error.message().to_owned())
        })?;
        if file.version != VERSION {
            return Err(malformed(
                1,
                format!("its version is {}, this program knows {VERSION}", file.version),
            ));
        }
        let (mut ids, mut names) = (HashSet::new(), HashSet::new());
        for key in &file.keys {
            let twice = |what: &str| KeyFileError::Twice { path: path.to_owned(), what: what.to_owned() };
            if !ids.insert(key.id) {
                return Err(twice(key.id.as_str()));
            }
            if !names.insert(key.name.as_str()) {
                return Err(twice(&key.name));
            }
        }
        Ok(Some(file))
    }

    /// Reads the file, applies `change` and writes it back, while everybody else who would do the
    /// same waits. A change that fails leaves the file as it was.
    ///
    /// # Errors
    /// Those of reading, of `change`, and of writing.
    pub fn update<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, KeyFileError>,
    ) -> Result<T, KeyFileError> {
        let unwritable = |source| KeyFileError::Unwritable { path: path.to_owned(), source };
        let folder = folder_of(path);
        create_private(folder).map_err(unwritable)?;
        let folder = File::open(folder).map_err(unwritable)?;
        // Given back when `folder` is closed, also by a process that dies.
        folder.lock().map_err(unwritable)?;
        let mut file = Self::read(path)?.unwrap_or_default();
        let outcome = change(&mut file)?;
        file.write(path, &folder).map_err(unwritable)?;
        Ok(outcome)
    }

    /// Makes a key. Its text is in what is returned and nowhere else.
    ///
    /// # Errors
    /// The name will not do or is taken, or there are no random bytes.
    pub fn add(&mut self, name: &str, limits: Limits) -> Result<ApiKey, KeyFileError> {
        if name.is_empty() || name.chars().count() > 64 || name.contains(char::is_control) {
            return Err(KeyFileError::BadName(name.to_owned()));
        }
        if self.keys.iter().any(|key| key.name == name) {
            return Err(KeyFileError::NameTaken(name.to_owned()));
        }
        let key = loop {
            let key = ApiKey::generate()?;
            if self.keys.iter().all(|other| other.id != key.id()) {
                break key;
            }
        };
        let now = Timestamp::now();
        self.keys.push(KeyEntry {
            id: key.id(),
            name: name.to_owned(),
            created: Timestamp::from_second(now.as_second()).unwrap_or(now),
            hash: key.hash(),
            quota_per_minute: limits.per_minute,
            quota_open: limits.open,
        });
        Ok(key)
    }

    /// Takes away the key with this id or name.
    ///
    /// # Errors
    /// No key has it, or two do.
    pub fn revoke(&mut self, id_or_name: &str) -> Result<KeyEntry, KeyFileError> {
        let meant = |key: &KeyEntry| key.id.as_str() == id_or_name || key.name == id_or_name;
        if self.keys.iter().filter(|key| meant(key)).count() > 1 {
            return Err(KeyFileError::Ambiguous(id_or_name.to_owned()));
        }
        let at = self.keys.iter().position(meant);
        at.map(|at| self.keys.remove(at)).ok_or_else(|| KeyFileError::NotFound(id_or_name.to_owned()))
    }

    /// The keys, oldest first.
    #[must_use]
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    fn write(&self, path: &Path, folder: &File) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        // What a process left that died between these lines. We hold the lock: nobody writes it now.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(MODE).open(&fresh)?;
        give_to_owner(&file, path);
        file.write_all(format!("{HEAD}{text}").as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        folder.sync_all()
    }
}

/// Root adds a key for a server that runs as somebody else: the file, which we have just made, belongs
/// to the owner of the one before it, or of the folder, else the server could not read it. Whoever is
/// not root owns both already, and cannot give anything away: that it fails then changes nothing.
fn give_to_owner(file: &File, path: &Path) {
    let Ok(owner) = fs::metadata(path).or_else(|_| fs::metadata(folder_of(path))) else { return };
    let _ = std::os::unix::fs::fchown(file, Some(owner.uid()), Some(owner.gid()));
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn add(path: &Path, name: &str) -> Result<ApiKey, KeyFileError> {
        KeyFile::update(path, |file| file.add(name, Limits::default()))
    }

    #[test]
    fn a_key_is_kept_without_its_text_in_a_file_of_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/keys.toml");
        assert!(KeyFile::read(&path).unwrap().is_none());
        let limits = Limits { per_minute: NonZeroU32::new(60), open: None };
        let key = KeyFile::update(&path, |file| file.add("build server", limits)).unwrap();

        let text = fs::read_to_string(&path).unwrap();
        let secret = key.expose().split_off(12);
        assert!(!text.contains(&secret), "{text}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let file = KeyFile::read(&path).unwrap().unwrap();
        let [entry] = file.keys() else { panic!("{text}") };
        assert_eq!((entry.id, entry.name.as_str(), entry.limits()), (key.id(), "build server", limits));
        assert!(key.matches(&entry.hash));
    }

    #[test]
    fn a_name_is_given_once_and_has_no_control_characters() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        add(&path, "ci").unwrap();
        assert!(matches!(add(&path, "ci"), Err(KeyFileError::NameTaken(_))));
        for wrong in ["", "two\nlines", "\u{1b}[31m", &"x".repeat(65)] {
            assert!(matches!(add(&path, wrong), Err(KeyFileError::BadName(_))), "{wrong:?}");
        }
        assert_eq!(KeyFile::read(&path).unwrap().unwrap().keys().len(), 1);
    }

    #[test]
    fn a_key_is_revoked_by_id_or_by_name_and_the_file_stays_when_it_was_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let by_id = add(&path, "one").unwrap().id();
        add(&path, "two").unwrap();
        for (word, name) in [(by_id.as_str(), "one"), ("two", "two")] {
            let gone = KeyFile::update(&path, |file| file.revoke(word)).unwrap();
            assert_eq!(gone.name, name);
        }
        assert!(matches!(KeyFile::update(&path, |file| file.revoke("two")), Err(KeyFileError::NotFound(_))));
        assert_eq!(KeyFile::read(&path).unwrap().unwrap().keys().len(), 0);
    }

    #[test]
    fn a_word_that_means_two_keys_revokes_neither() {
        let mut file = KeyFile::default();
        let id = file.add("one", Limits::default()).unwrap().id();
        file.add(id.as_str(), Limits::default()).unwrap();
        assert!(matches!(file.revoke(id.as_str()), Err(KeyFileError::Ambiguous(_))));
        assert_eq!(file.keys().len(), 2);
    }

    #[test]
    fn changes_at_the_same_time_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        std::thread::scope(|threads| {
            for thread in 0..4 {
                let path = &path;
                threads.spawn(move || {
                    for step in 0..5 {
                        add(path, &format!("{thread}-{step}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(KeyFile::read(&path).unwrap().unwrap().keys().len(), 20);
    }

    #[test]
    fn what_is_left_of_a_change_that_was_interrupted_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        fs::write(dir.path().join("keys.toml.new"), "half a fi").unwrap();
        add(&path, "one").unwrap();
        assert_eq!(KeyFile::read(&path).unwrap().unwrap().keys().len(), 1);
    }

    #[test]
    fn an_id_or_a_name_that_is_there_twice_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let id = add(&path, "one").unwrap().id();
        let text = fs::read_to_string(&path).unwrap();
        let (_, entry) = text.split_at(text.find("[[key]]").unwrap());
        for (copy, says) in [
            (entry.replace("\"one\"", "\"two\""), id.to_string()),
            (entry.replace(id.as_str(), "00000000"), "one".to_owned()),
        ] {
            fs::write(&path, format!("{text}\n{copy}")).unwrap();
            let error = KeyFile::read(&path).unwrap_err();
            assert!(matches!(&error, KeyFileError::Twice { what, .. } if *what == says), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_not_ours_is_refused_with_its_line_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        for (text, says) in [
            ("version = 1\n[[key]]\nid = \"x\"\n", ":3: "),
            ("version = 1\nkeys = []\n", ":2: "),
            ("version = 2\n", "version is 2"),
            ("", "version"),
        ] {
            fs::write(&path, text).unwrap();
            let error = add(&path, "one").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
