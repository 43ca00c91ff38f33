//! How objects are named: `{prefix}/{period}/{task}.{part}`, as the files of the folder are. A listing by
//! `/` then gives the periods, and one below a period its blobs.

use object_store::path::Path;

use crate::blob::{BlobKey, Listed, Period};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    prefix: Path,
}

impl Layout {
    pub(super) fn below(prefix: Path) -> Self {
        Self { prefix }
    }

    pub(super) fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub(super) fn period(&self, period: Period) -> Path {
        self.prefix.clone().join(period.to_string())
    }

    pub(super) fn blob(&self, key: BlobKey) -> Path {
        self.period(Period::of(key.task)).join(key.to_string())
    }

    /// Where pictures whose task is lost are put.
    pub(super) fn lost(&self, key: BlobKey) -> Path {
        self.prefix.clone().join("lost").join(key.to_string())
    }

    /// Where it is written whose the place is.
    pub(super) fn owner(&self) -> Path {
        self.prefix.clone().join("owner")
    }

    /// Something that is written to see whether that can be done. No other server has the name.
    pub(super) fn probe(&self) -> Path {
        self.prefix.clone().join("probe").join(uuid::Uuid::new_v4().to_string())
    }

    /// The period that a listing's folder is, if it is one.
    pub(super) fn period_of(folder: &Path) -> Option<Period> {
        Period::parse(folder.filename()?)
    }

    /// What an object below `period` is.
    pub(super) fn listed(&self, period: Period, path: &Path) -> Listed {
        let folder = self.period(period);
        let key = path.filename().and_then(BlobKey::parse).filter(|key| self.blob(*key) == *path);
        key.map_or_else(
            || {
                let below = path.as_ref().strip_prefix(folder.as_ref()).unwrap_or(path.as_ref());
                Listed::Stray(below.trim_start_matches('/').to_owned())
            },
            Listed::Blob,
        )
    }
}
