//! Why a file is not a plugin that can be used here. What to do about it stands in `advice.rs`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::descriptor::DescriptorError;
use super::ending::Ending;
use super::interface;
use super::settings::FixedError;
use crate::config::ConfigError;
use crate::config::located::Place;
use crate::digest::Digest;

/// Why a file is not a plugin that can be used here.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}{advice}", advice = self.advice())]
    Unreadable(#[from] std::io::Error),
    /// It, or what the operator says of it, is a link to where nothing may be read.
    #[error("{} leads to {}, which cannot be read: {source}{advice}", file.display(), target.display(), advice = self.advice())]
    Outside {
        /// The link.
        file: PathBuf,
        /// Where it leads.
        target: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is larger than allowed.
    #[error("it has {size} bytes, more than the limit of {limit}{advice}", advice = self.advice())]
    TooLarge {
        /// Bytes.
        size: u64,
        /// Bytes.
        limit: u64,
    },
    /// What the operator says of it cannot be used.
    #[error("its settings cannot be used: {0}{advice}", advice = self.advice())]
    Settings(#[from] ConfigError),
    /// It is another file than the one that it is to be.
    #[error("its sha256 is {found}, and {place} wants {expected}{advice}", advice = self.advice())]
    Pinned {
        /// Of the file.
        found: Digest,
        /// The only one that will do.
        expected: Digest,
        /// Where that is said.
        place: Place,
    },
    /// What is fixed doesn't fit it.
    #[error("its settings do not fit it: {0}{advice}", advice = self.advice())]
    Fixed(#[from] FixedError),
    /// It is a module that was not made into a component.
    #[error("it is a core WebAssembly module, not a component{}", self.advice())]
    CoreModule,
    /// It is no WebAssembly at all, or is damaged.
    #[error("it is not a valid WebAssembly component: {0}{advice}", advice = self.advice())]
    Invalid(String),
    /// It wants something that no plugin gets.
    #[error("it imports {}{}", .names.join(", "), self.advice())]
    Imports {
        /// What it may not import.
        names: Vec<String>,
        /// Whether `allow_wasi` would help.
        wasi_refused: bool,
    },
    /// It doesn't export what a plugin exports.
    #[error(
        "it does not export tintype:plugin/processor@0.1, filter@0.1 or codec@0.1 but {}{}",
        if .0.is_empty() { "nothing".to_owned() } else { .0.join(", ") },
        self.advice()
    )]
    Exports(Vec<String>),
    /// It is several plugins in one.
    #[error("it exports {}{}", .0.join(" and "), self.advice())]
    Worlds(Vec<String>),
    /// It wants what only a later version of the contract has.
    #[error("it needs {wanted:?} of {import}, which this server's {version} doesn't have{advice}",
        version = interface::PACKAGE_VERSION, advice = self.advice())]
    Newer {
        /// The import.
        import: String,
        /// What is missing of it.
        wanted: String,
    },
    /// Names fit and types do not.
    #[error("it was built against another version of tintype:plugin: {0}{advice}", advice = self.advice())]
    Contract(String),
    /// It could not be asked what it is.
    #[error("it could not say what it is when describe() was called: {0}{advice}", advice = self.advice())]
    Describe(Ending),
    /// What it says of itself is wrong.
    #[error("{0}{advice}", advice = self.advice())]
    Descriptor(#[from] DescriptorError),
}

impl LoadError {
    /// Why `file` cannot be read. If it is a link out of its folder and that is denied, the server most
    /// likely denied it to itself.
    pub(super) fn of_reading(file: &Path, error: impl Into<Self>) -> Self {
        match (error.into(), leads_outside(file)) {
            (
                Self::Unreadable(source) | Self::Settings(ConfigError::Unreadable { source, .. }),
                Some(target),
            ) if source.kind() == ErrorKind::PermissionDenied => {
                Self::Outside { file: file.to_owned(), target, source }
            }
            (error, _) => error,
        }
    }
}

fn leads_outside(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?.canonicalize().ok()?;
    file.canonicalize().ok().filter(|target| !target.starts_with(folder))
}
