//! The setting `blobs`: in which object store pictures are kept, as a URL. It names a place and nothing
//! else: whoever may go there is known by the environment variables of each engine.

use std::fmt;
use std::path::{Path, PathBuf};

use object_store::path::Path as ObjectPath;

use crate::config::SettingValue;

/// What is said of a URL that will not do.
const RULE: &str = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or file:///FOLDER (the prefix may be left out)";

/// Who keeps the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Amazon S3, or whoever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
    /// A folder, such as a network file system that several servers share.
    Folder,
}

impl Engine {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
            Self::Folder => "file",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    engine: Engine,
    /// Or container; empty for a folder.
    bucket: String,
    /// Within the bucket, without slashes around it; of a folder its whole path.
    prefix: String,
}

impl Location {
    /// Who keeps the objects.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The bucket, or container.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The folder, if it is one of this machine.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        (self.engine == Engine::Folder).then(|| Path::new(&self.prefix))
    }

    /// What the names of all objects begin with.
    pub(super) fn prefix(&self) -> ObjectPath {
        match self.engine {
            Engine::Folder => ObjectPath::default(),
            _ => ObjectPath::from(self.prefix.as_str()),
        }
    }
}

impl SettingValue for Location {
    fn parse(text: &str) -> Result<Self, String> {
        let rule = || RULE.to_owned();
        let (scheme, rest) = text.split_once("://").ok_or_else(rule)?;
        if rest.contains('@') {
            return Err(format!("{RULE}, without a name or password: those are environment variables"));
        }
        let engine = match scheme {
            "s3" => Engine::S3,
            "gs" => Engine::Google,
            "az" => Engine::Azure,
            "file" => Engine::Folder,
            _ => return Err(rule()),
        };
        if engine == Engine::Folder {
            let folder = PathBuf::from(rest);
            let is_whole = folder.is_absolute() && folder.parent().is_some();
            return if is_whole {
                Ok(Self { engine, bucket: String::new(), prefix: rest.to_owned() })
            } else {
                Err(rule())
            };
        }
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_name = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !name.is_empty() && name.chars().all(plain) && !matches!(name, "." | "..")
        };
        let is_good = is_name(bucket) && (prefix.is_empty() || prefix.split('/').all(is_name));
        is_good
            .then(|| Self { engine, bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            .ok_or_else(rule)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, bucket, prefix } = self;
        let slash = if prefix.is_empty() || *engine == Engine::Folder { "" } else { "/" };
        write!(f, "{}://{bucket}{slash}{prefix}", engine.scheme())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_place_is_shown_as_it_was_written() {
        for text in
            ["s3://pictures", "s3://pictures/tintype/one", "gs://a.b-c_d/x", "az://c", "file:///srv/b"]
        {
            assert_eq!(Location::parse(text).unwrap().show(), text);
        }
        assert_eq!(Location::parse("s3://pictures/below/").unwrap().show(), "s3://pictures/below");
        assert_eq!(Location::parse("file:///srv/b").unwrap().folder(), Some(Path::new("/srv/b")));
    }

    #[test]
    fn what_is_no_place_or_tells_a_secret_is_refused() {
        for text in [
            "pictures",
            "s3://",
            "s3:///x",
            "s3://a//b",
            "s3://a/../b",
            "s3://a/b?key=hush",
            "http://a/b",
            "file://srv/b",
            "file:///",
        ] {
            assert_eq!(Location::parse(text).unwrap_err(), RULE, "{text}");
        }
        let refused = Location::parse("s3://me:hush@a/b").unwrap_err();
        assert!(refused.contains("environment variables") && !refused.contains("hush"), "{refused}");
    }
}
