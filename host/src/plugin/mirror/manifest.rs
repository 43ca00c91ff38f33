//! The manifest of a published set of plugins: which files it has, and what each of them must be. The set is
//! known by the digest of the manifest, so the same files always make the same set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The manifest's own name.
pub const MANIFEST: &str = "manifest.json";
/// The most bytes of a manifest: twice what [`MOST_FILES`] take with the longest names.
pub const LONGEST: u64 = 512 << 10;
/// The most files of a set: some hundred plugins with their settings.
const MOST_FILES: usize = 1000;
/// The longest name of a file: with what is added to it while it is fetched, every file system takes it.
const LONGEST_NAME: usize = 128;
/// The form of manifests that this version writes, and the only one that it reads.
const FORMAT: u32 = 1;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: u32,
    /// By name.
    files: BTreeMap<String, Pinned>,
}

/// What a file must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinned {
    /// Of its bytes.
    pub sha256: Digest,
    /// How many they are.
    pub size: u64,
}

/// Why a manifest will not do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// It is no manifest.
    #[error("{MANIFEST} is no manifest of plugins ({0}): publish them again with `tintype plugin publish`")]
    Unreadable(String),
    /// A later version has written it.
    #[error("{MANIFEST} has format {0}, and this version knows {FORMAT}: upgrade this server first")]
    Newer(u32),
    /// A file's name would lead elsewhere, or means nothing here.
    #[error(
        "{0:?} cannot be a file of plugins: its name must end with .wasm or .toml, begin with a letter or digit, have \
         only a-z, A-Z, 0-9, -, _ and . in it, and at most {LONGEST_NAME} of them"
    )]
    Name(String),
    /// There are too many.
    #[error("there are {0} files, and {MOST_FILES} are the most: publish fewer plugins")]
    Many(usize),
    /// A file is too large.
    #[error(
        "{name} has {size} bytes, more than max_plugin_size {most}: raise it, or make the plugin smaller"
    )]
    Large {
        /// The file.
        name: String,
        /// Its bytes.
        size: u64,
        /// How many it may have.
        most: u64,
    },
}

#[derive(Deserialize)]
struct Head {
    format: u32,
}

impl Manifest {
    /// Of these files.
    ///
    /// # Errors
    /// They cannot be a set.
    pub fn of(files: BTreeMap<String, Pinned>, max_size: u64) -> Result<Self, BadManifest> {
        Self { format: FORMAT, files }.checked(max_size)
    }

    /// Reads a manifest of files of at most `max_size` bytes. Believes nothing: whoever can write to the
    /// place has written it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8], max_size: u64) -> Result<Self, BadManifest> {
        let unreadable = |error: serde_json::Error| BadManifest::Unreadable(error.to_string());
        let head: Head = serde_json::from_slice(bytes).map_err(unreadable)?;
        if head.format != FORMAT {
            return Err(BadManifest::Newer(head.format));
        }
        serde_json::from_slice::<Self>(bytes).map_err(unreadable)?.checked(max_size)
    }

    fn checked(self, most: u64) -> Result<Self, BadManifest> {
        if self.files.len() > MOST_FILES {
            return Err(BadManifest::Many(self.files.len()));
        }
        for (name, file) in &self.files {
            if !is_file_name(name) {
                return Err(BadManifest::Name(name.clone()));
            }
            if file.size > most {
                return Err(BadManifest::Large { name: name.clone(), size: file.size, most });
            }
        }
        Ok(self)
    }

    /// As it is written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        // Names, digests and numbers: nothing that JSON cannot say.
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// Its files, by name.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, Pinned> {
        &self.files
    }

    /// Where in the place the bytes of this digest are. They stay when another set is published, so that a
    /// server never finds the half of each.
    #[must_use]
    pub fn object(digest: Digest) -> String {
        format!("files/{digest}")
    }
}

fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= LONGEST_NAME
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
        && (name.ends_with(".wasm") || name.ends_with(".toml"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn one(name: &str, size: u64) -> Result<Manifest, BadManifest> {
        Manifest::of([(name.to_owned(), Pinned { sha256: Digest::of(b""), size })].into(), 10)
    }

    #[test]
    fn a_manifest_is_read_as_it_was_written_and_the_same_files_make_the_same() {
        let manifest = one("a.wasm", 9).unwrap();
        assert_eq!(Manifest::parse(&manifest.bytes(), 10).unwrap(), manifest);
        assert_eq!(one("a.wasm", 9).unwrap().bytes(), manifest.bytes());
    }

    #[test]
    fn a_name_that_leads_out_of_the_folder_or_to_another_kind_of_file_is_refused() {
        for name in
            ["../a.wasm", "/a.wasm", "b/a.wasm", "..", ".a.wasm", "a.so", "manifest.json", "a\\b.wasm", ""]
        {
            assert_eq!(one(name, 0), Err(BadManifest::Name(name.to_owned())), "{name}");
        }
        assert!(one("My_plugin-1.0.toml", 0).is_ok());
    }

    #[test]
    fn garbage_another_format_and_what_is_too_large_are_refused_in_words() {
        let refused = |text: &str| Manifest::parse(text.as_bytes(), 10).unwrap_err().to_string();
        for text in ["", "[]", "<html>", "{\"format\": 1}", "{\"format\": 1, \"files\": {}, \"more\": 1}"] {
            assert!(refused(text).contains("is no manifest of plugins"), "{text}");
        }
        assert!(refused("{\"format\": 2, \"other\": 1}").contains("upgrade this server first"));
        assert!(one("a.wasm", 11).unwrap_err().to_string().contains("max_plugin_size 10"));
    }
}
