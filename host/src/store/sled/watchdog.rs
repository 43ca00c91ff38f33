//! Wakes a flush that sled has forgotten.
//!
//! When a write of its log fails, sled 0.34.7 notes the error and wakes nobody (`pagecache/logger.rs`,
//! where the global error is set): who waits for that write in `Db::flush` waits for ever. Whoever flushes
//! next finds the error, and wakes all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// A flush that lasts from one look to the next is helped; one that is only slow takes no harm.
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Watchdog {
    /// Odd while a flush is under way.
    flushes: Arc<AtomicU64>,
    /// Taken when the value is dropped: that ends the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    pub(super) fn start(db: sled::Db) -> Self {
        let flushes = Arc::<AtomicU64>::default();
        let (stop, stopped) = mpsc::channel::<()>();
        let seen = Arc::clone(&flushes);
        let watch = move || {
            let mut before = 0;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
                let now = seen.load(Ordering::Acquire);
                if now == before && now % 2 == 1 {
                    // What it says is said to the one that waits as well.
                    let _ = db.flush();
                }
                before = now;
            }
        };
        let thread = std::thread::Builder::new()
            .name("store-watchdog".to_owned())
            .spawn(watch)
            .expect("a thread can be started at start-up");
        Self { flushes, stop: Some(stop), thread: Some(thread) }
    }

    /// Runs a flush under watch.
    pub(super) fn watch<T>(&self, flush: impl FnOnce() -> T) -> T {
        self.flushes.fetch_add(1, Ordering::Release);
        let flushed = flush();
        self.flushes.fetch_add(1, Ordering::Release);
        flushed
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It can't panic, and nothing waits for what it did.
            let _ = thread.join();
        }
    }
}
