//! Who is calling, and how much they may ask for. Knows headers; never tasks, routes or answers.
//!
//! | what | file |
//! |---|---|
//! | what a key looks like, and what of it is kept | `key.rs` |
//! | the file that keeps them, and how it changes | `key_file.rs` |
//! | the keys of a running server | `keys.rs` |
//! | how many tasks a caller may submit | `quota.rs` |

mod key;
mod key_file;
mod keys;
mod quota;

use std::num::NonZeroU32;
use std::sync::Arc;

pub use self::key::{ApiKey, KeyId, NotAKeyId};
pub use self::key_file::{KeyEntry, KeyFile, KeyFileError};
pub use self::keys::{AuthError, Keys};
pub use self::quota::{Admission, Quota, QuotaError};
use crate::config::Auth;

/// Who sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Anybody: the server has no keys file.
    Anonymous,
    /// The holder of a key.
    Key {
        /// The key's public part.
        id: KeyId,
        /// What the operator calls it, for the log.
        name: Arc<str>,
        /// What is said of this key alone; where it says nothing the server's defaults hold.
        limits: Limits,
    },
}

impl Caller {
    /// What a task keeps as its owner.
    #[must_use]
    pub fn owner(&self) -> Option<KeyId> {
        match self {
            Self::Anonymous => None,
            Self::Key { id, .. } => Some(*id),
        }
    }

    /// Whether the task of `owner` exists for this caller. A task that was submitted before there
    /// were keys belongs to nobody who has one, and with the keys file gone nobody inherits the
    /// tasks of its keys.
    #[must_use]
    pub fn owns(&self, owner: Option<KeyId>) -> bool {
        self.owner() == owner
    }
}

/// How much a caller may ask for; `None` sets no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Tasks accepted within a minute.
    pub per_minute: Option<NonZeroU32>,
    /// Tasks that have not ended yet.
    pub open: Option<NonZeroU32>,
}

impl Limits {
    /// What the operator has set for every caller.
    #[must_use]
    pub fn from_settings(settings: &Auth) -> Self {
        Self { per_minute: settings.quota_per_minute, open: settings.quota_open }
    }

    /// These limits, and where they say nothing the `defaults`.
    #[must_use]
    pub fn or(self, defaults: Self) -> Self {
        Self { per_minute: self.per_minute.or(defaults.per_minute), open: self.open.or(defaults.open) }
    }
}
