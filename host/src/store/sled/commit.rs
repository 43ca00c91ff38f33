//! Group commit: one flush makes durable what many writers wrote meanwhile.
//!
//! `Db::flush` hands sled's log to the operating system with `sync_file_range`, which is no barrier
//! against a power cut; so `fdatasync` on a handle of our own to the same file follows it. After an
//! error nothing is known of what reached the disk, and a second fsync may report success for pages
//! that the kernel has thrown away: the store is failed for good and says so.
//!
//! An operator may choose [`Durability::Relaxed`]: then nobody waits, and a flush follows within the
//! time that the operator has set.

use std::fs::File;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::clock::{Clock, Moment};
use super::open::{close, leave_open};
use super::trees::failed;
use super::watchdog::Watchdog;
use super::witness::Witness;
use crate::task::StoreError;

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it would survive a power cut.
    Full,
    /// At once. A power cut, or a death of the process, takes away what came in the last such time.
    Relaxed(Duration),
}

type Waiter = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// Somebody joins the next flush.
struct Joining {
    waiter: Waiter,
    /// Whether a relaxed store shall flush now, and not at its time.
    urgent: bool,
}

pub(super) struct GroupCommit {
    durability: Durability,
    /// Taken when the value is dropped: that ends the thread.
    waiters: Mutex<Option<Sender<Joining>>>,
    failure: Arc<Mutex<Option<StoreError>>>,
    turn: Turn,
    thread: Option<JoinHandle<()>>,
}

/// Held by whoever writes and by whoever flushes. sled lets only one of them go on anyway; but a
/// transaction that waits inside sled would keep the watchdog from waking a flush.
type Turn = Arc<Mutex<()>>;

/// What makes things durable.
pub(super) struct Flusher {
    pub(super) watchdog: Watchdog,
    pub(super) turn: Turn,
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

    fn write(self, notes: &sled::Tree) -> sled::Result<()> {
        let word = (u128::from(self.number) << 64) | u128::from(self.at.millis());
        notes.insert(Self::KEY, &word.to_be_bytes()).map(drop)
    }
}

impl GroupCommit {
    /// Starts the flushing thread, which ends when the value is dropped.
    pub(super) fn start(mut flusher: Flusher) -> Arc<Self> {
        let (waiters, inbox) = mpsc::channel::<Joining>();
        let failure = Arc::new(Mutex::new(None));
        let known = Arc::clone(&failure);
        let durability = flusher.durability;
        let turn = Arc::clone(&flusher.turn);
        let work = move || {
            while let Some(group) = next_group(&inbox, durability) {
                // Waiters joined after their write, so this flush covers every one of the group.
                let mut failed = lock(&known).clone();
                if failed.is_none()
                    && let Err(error) = flusher.flush()
                {
                    failed = Some(fail(&known, error));
                    leave_open(flusher.db.clone());
                }
                for waiter in group {
                    waiter(failed.clone().map_or(Ok(()), Err));
                }
            }
            close(flusher.db, &flusher.log);
        };
        let thread = std::thread::Builder::new()
            .name("store-flusher".to_owned())
            .spawn(work)
            .expect("a thread can be started at start-up");
        Arc::new(Self { durability, waiters: Mutex::new(Some(waiters)), failure, turn, thread: Some(thread) })
    }

    /// Calls `waiter` once everything written before is as durable as the operator wants it, or can't be.
    pub(super) fn when_durable(&self, waiter: Waiter) {
        match self.durability {
            Durability::Full => self.join(Joining { waiter, urgent: false }),
            Durability::Relaxed(_) => {
                waiter(self.failure().map_or(Ok(()), Err));
                self.join(Joining { waiter: Box::new(drop), urgent: false });
            }
        }
    }

    /// Calls `waiter` once everything written before is durable, and sees to it that this is soon.
    pub(super) fn settle(&self, waiter: Waiter) {
        self.join(Joining { waiter, urgent: true });
    }

    fn join(&self, joining: Joining) {
        let refused = match lock(&self.waiters).as_ref().map(|waiters| waiters.send(joining)) {
            Some(Ok(())) => return,
            Some(Err(mpsc::SendError(joining))) => joining.waiter,
            None => return,
        };
        refused(Err(StoreError::Failed("its flushing thread has stopped".to_owned())));
    }

    /// The right to write.
    pub(super) fn turn(&self) -> MutexGuard<'_, ()> {
        lock(&self.turn)
    }

    /// The error that ended it.
    pub(super) fn failure(&self) -> Option<StoreError> {
        lock(&self.failure).clone()
    }

    /// Ends it: after `error` nothing more may be written. The first error is the one that counts.
    pub(super) fn fail(&self, error: StoreError) {
        fail(&self.failure, error);
    }
}

/// Notes the error that ends the store, and gives the one that did.
fn fail(failure: &Mutex<Option<StoreError>>, error: StoreError) -> StoreError {
    let mut first = lock(failure);
    first
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

impl Drop for GroupCommit {
    fn drop(&mut self) {
        lock(&self.waiters).take();
        if let Some(thread) = self.thread.take() {
            // Its panic has been answered with errors already.
            let _ = thread.join();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn next_group(inbox: &Receiver<Joining>, durability: Durability) -> Option<Vec<Waiter>> {
    let first = inbox.recv().ok()?;
    if let Durability::Relaxed(pause) = durability {
        // The first write of a quiet time begins the period. At the end of the process nobody sends
        // any more, and nothing is left to wait for.
        let until = Instant::now() + pause;
        let mut urgent = first.urgent;
        let mut group = vec![first.waiter];
        while !urgent && let Ok(joining) = inbox.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            urgent = joining.urgent;
            group.push(joining.waiter);
        }
        return Some(group);
    }
    Some(std::iter::once(first).chain(inbox.try_iter()).map(|joining| joining.waiter).collect())
}

impl Flusher {
    /// Makes durable what was written before.
    pub(super) fn flush(&mut self) -> Result<(), StoreError> {
        let commit = Commit { number: self.last.number + 1, at: self.clock.now() };
        {
            let _turn = lock(&self.turn);
            let flush = || commit.write(&self.notes).and_then(|()| self.db.flush());
            self.watchdog.watch(flush).map_err(|error| failed(&error))?;
        }
        match self.durability {
            Durability::Full => self
                .log
                .sync_data()
                .map_err(|error| StoreError::Failed(format!("fdatasync of its log: {error}")))?,
            // Pictures were not synced one by one either.
            Durability::Relaxed(_) => rustix::fs::syncfs(&self.folder)
                .map_err(|error| StoreError::Failed(format!("syncfs: {error}")))?,
        }
        self.last = commit;
        self.witness
            .saw(commit.number)
            .map_err(|error| StoreError::Failed(format!("{}: {error}", self.witness.path().display())))
    }
}
