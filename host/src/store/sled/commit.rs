//! Group commit: one transaction and one flush for all that came while the last one was under way.
//!
//! `Db::flush` hands sled's log to the operating system with `sync_file_range`, which is no barrier
//! against a power cut; so `fdatasync` on a handle of our own to the same file follows it. After an
//! error nothing is known of what reached the disk, and a second fsync may report success for pages
//! that the kernel has thrown away: the store is failed for good and says so.
//!
//! An operator may choose [`Durability::Relaxed`]: then nobody waits, and a flush follows within the
//! time that the operator has set.

use std::fs::File;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::{Clock, Moment};
use super::open::{close, leave_open};
use super::pending::Pending;
use super::trees::{Batch, failed, guarded};
use super::watchdog::Watchdog;
use super::witness::Witness;
use crate::figures::Latency;
use crate::task::StoreError;

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it would survive a power cut.
    Full,
    /// At once. A power cut, or a death of the process, takes away what came in the last such time.
    Relaxed(Duration),
}

/// What makes things durable.
pub(super) struct Committer {
    pub(super) watchdog: Watchdog,
    pub(super) db: sled::Db,
    /// sled's log, for `fdatasync`.
    pub(super) log: File,
    /// The store's folder: in relaxed mode its whole file system is synced, pictures included.
    pub(super) folder: File,
    /// Where the last commit is noted inside sled.
    pub(super) notes: sled::Tree,
    pub(super) last: Commit,
    pub(super) clock: Arc<Clock>,
    pub(super) witness: Witness,
    pub(super) durability: Durability,
    pub(super) failure: Failure,
    /// How long flushes took.
    pub(super) flushed: Latency,
}

/// What is noted of a commit, in sled itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) number: u64,
    /// When, so that the store's clock goes on from there.
    pub(super) at: Moment,
}

impl Commit {
    const KEY: &[u8] = b"commit";

    /// The last one that `notes` know of.
    pub(super) fn last(notes: &sled::Tree) -> sled::Result<Option<Self>> {
        let Some(value) = notes.get(Self::KEY)? else { return Ok(None) };
        let word = value.as_ref().try_into().map(u128::from_be_bytes).unwrap_or_default();
        Ok(Some(Self { number: (word >> 64) as u64, at: Moment::from_millis(word as u64) }))
    }

    fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.number) << 64) | u128::from(self.at.millis())).to_be_bytes()
    }
}

impl Committer {
    /// Hands to sled what is pending, with a note of the commit that will make it durable.
    pub(super) fn write<'a>(&'a self, pending: &Pending<'a>) -> Result<(), StoreError> {
        let commit = self.next();
        pending.apply(Batch::default().put(&self.notes, Commit::KEY, &commit.to_bytes()))?;
        guarded(|| pending.write())
    }

    /// Makes durable what was written.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let began = Instant::now();
        let commit = self.next();
        let flushed = self.sync(commit);
        match &flushed {
            Ok(()) => {
                self.last = commit;
                self.flushed.observe(began.elapsed());
            }
            // Dropping sled would try to write again.
            Err(_) => leave_open(self.db.clone()),
        }
        flushed
    }

    fn sync(&self, commit: Commit) -> Result<(), StoreError> {
        self.watchdog.watch(|| self.db.flush()).map_err(|error| failed(&error))?;
        match self.durability {
            Durability::Full => self
                .log
                .sync_data()
                .map_err(|error| StoreError::Failed(format!("fdatasync of its log: {error}")))?,
            // Pictures were not synced one by one either.
            Durability::Relaxed(_) => rustix::fs::syncfs(&self.folder)
                .map_err(|error| StoreError::Failed(format!("syncfs: {error}")))?,
        }
        self.witness
            .saw(commit.number)
            .map_err(|error| StoreError::Failed(format!("{}: {error}", self.witness.path().display())))
    }

    fn next(&self) -> Commit {
        Commit { number: self.last.number + 1, at: self.clock.now() }
    }

    /// Ends the database.
    pub(super) fn close(self) {
        close(self.db, &self.log);
    }
}

/// The error that ended the store, once there is one: after it nothing more may be written.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure(Arc<Mutex<Option<StoreError>>>);

impl Failure {
    pub(super) fn get(&self) -> Option<StoreError> {
        self.lock().clone()
    }

    /// Notes an error that ends the store, and gives the one that did: the first counts.
    pub(super) fn set(&self, error: StoreError) -> StoreError {
        self.lock()
            .get_or_insert_with(|| {
                tracing::error!(
                    %error,
                    "nothing can be recorded any more: mend the disk, then start the server again; \
                     what was acknowledged is kept"
                );
                error
            })
            .clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<StoreError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
