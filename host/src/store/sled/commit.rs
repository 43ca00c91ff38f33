//! Group commit: one flush makes durable what many writers wrote meanwhile.
//!
//! `Db::flush` hands sled's log to the operating system with `sync_file_range`, which is no barrier
//! against a power cut; so `fdatasync` on a handle of our own to the same file follows it. After an
//! error nothing is known of what reached the disk, and a second fsync may report success for pages
//! that the kernel has thrown away: the store is failed for good and says so.

use std::fs::File;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::trees::failed;
use crate::task::StoreError;

type Waiter = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

pub(super) struct GroupCommit {
    /// Taken when the value is dropped: that ends the thread.
    waiters: Mutex<Option<Sender<Waiter>>>,
    failure: Arc<Mutex<Option<StoreError>>>,
    thread: Option<JoinHandle<()>>,
}

impl GroupCommit {
    /// Starts the flushing thread, which ends when the value is dropped.
    pub(super) fn start(db: sled::Db, file: File) -> Arc<Self> {
        let (waiters, inbox) = mpsc::channel::<Waiter>();
        let failure = Arc::new(Mutex::new(None));
        let known = Arc::clone(&failure);
        let work = move || {
            while let Some(group) = next_group(&inbox) {
                // Waiters joined after their write, so this flush covers every one of the group.
                let mut failed = lock(&known).clone();
                if failed.is_none()
                    && let Err(error) = flush(&db, &file)
                {
                    *lock(&known) = Some(error.clone());
                    failed = Some(error);
                }
                for waiter in group {
                    waiter(failed.clone().map_or(Ok(()), Err));
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-flusher".to_owned())
            .spawn(work)
            .expect("a thread can be started at start-up");
        Arc::new(Self { waiters: Mutex::new(Some(waiters)), failure, thread: Some(thread) })
    }

    /// Calls `waiter` once everything written before is durable, or can't be.
    pub(super) fn when_durable(&self, waiter: Waiter) {
        let refused = match lock(&self.waiters).as_ref().map(|waiters| waiters.send(waiter)) {
            Some(Ok(())) => return,
            Some(Err(mpsc::SendError(waiter))) => waiter,
            None => return,
        };
        refused(Err(StoreError::Failed("its flushing thread has stopped".to_owned())));
    }

    /// Waits, on this thread, until everything written before is durable.
    pub(super) fn settle_blocking(&self) -> Result<(), StoreError> {
        let (answer, answered) = mpsc::channel();
        self.when_durable(Box::new(move |settled| {
            let _ = answer.send(settled);
        }));
        answered
            .recv()
            .unwrap_or_else(|_| Err(StoreError::Failed("its flushing thread has stopped".to_owned())))
    }

    /// The error that ended it.
    pub(super) fn failure(&self) -> Option<StoreError> {
        lock(&self.failure).clone()
    }
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

fn next_group(inbox: &Receiver<Waiter>) -> Option<Vec<Waiter>> {
    let first = inbox.recv().ok()?;
    Some(std::iter::once(first).chain(inbox.try_iter()).collect())
}

fn flush(db: &sled::Db, file: &File) -> Result<(), StoreError> {
    db.flush().map_err(|error| failed(&error))?;
    file.sync_data().map_err(|error| StoreError::Failed(format!("fdatasync: {error}")))
}
