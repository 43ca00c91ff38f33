//! Where a run's deadline is enforced, and where a cancel reaches it.
//!
//! wasmtime's compiled code compares a counter, the epoch, at every loop and function entry. A clock
//! thread moves it on while anything runs; at each tick the running guest asks its [`Interrupt`]
//! whether to go on. A guest that waits inside the host (WASI's `poll`) is woken by the same.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use wasmtime::{Engine, EngineWeak, Store, UpdateDeadline};

/// How late a deadline or a cancel may come. Each tick costs a running guest about a microsecond.
const TICK: Duration = Duration::from_millis(5);

/// Ends a run from outside: at its deadline, or because somebody cancels it.
#[derive(Debug, Default)]
pub struct Interrupt {
    deadline: Option<Instant>,
    cancel: Arc<Cancel>,
}

/// Shared by all that one cancel ends.
#[derive(Debug, Default)]
struct Cancel {
    cancelled: AtomicBool,
    wake: Notify,
}

/// Why a run was ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// Its time was up.
    #[error("the deadline has passed")]
    Deadline,
    /// Somebody called [`Interrupt::cancel`].
    #[error("cancelled")]
    Cancelled,
}

impl Interrupt {
    /// An interrupt that comes in `time`, unless [`cancel`](Self::cancel) comes before.
    #[must_use]
    pub fn within(time: Duration) -> Arc<Self> {
        Self::default().narrowed(time)
    }

    /// An interrupt for a part of the work: it comes in `time`, or when this one does.
    #[must_use]
    pub fn narrowed(&self, time: Duration) -> Arc<Self> {
        // A time beyond what the clock can express is none.
        let own = Instant::now().checked_add(time);
        let deadline = [self.deadline, own].into_iter().flatten().min();
        Arc::new(Self { deadline, cancel: Arc::clone(&self.cancel) })
    }

    /// Ends the run at the next tick.
    pub fn cancel(&self) {
        self.cancel.cancelled.store(true, Ordering::Relaxed);
        self.cancel.wake.notify_waiters();
    }

    /// Whether the run should end, and why.
    ///
    /// # Errors
    /// The reason, if it should.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.cancel.cancelled.load(Ordering::Relaxed) {
            Err(Interrupted::Cancelled)
        } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            Err(Interrupted::Deadline)
        } else {
            Ok(())
        }
    }

    /// Waits for `future`, but no longer than the run may last.
    pub(super) async fn bound<F: Future>(&self, future: F) -> Result<F::Output, Interrupted> {
        let woken = self.cancel.wake.notified();
        // A cancel between here and the wait finds `woken` registered already.
        self.check()?;
        tokio::select! {
            output = future => Ok(output),
            () = woken => Err(Interrupted::Cancelled),
            () = sleep_until(self.deadline) => Err(Interrupted::Deadline),
        }
    }

    /// Makes `store` ask this interrupt at every tick.
    pub(super) fn watch<T>(self: &Arc<Self>, store: &mut Store<T>) {
        let interrupt = Arc::clone(self);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            interrupt.check()?;
            Ok(UpdateDeadline::Continue(1))
        });
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// The clock thread. It stands still while nothing runs, so that an idle server is idle.
pub(super) struct Ticker {
    running: Arc<Running>,
}

#[derive(Default)]
struct Running {
    count: Mutex<usize>,
    changed: Condvar,
}

/// The clock goes on while one of these exists.
pub(super) struct Ticking<'a>(&'a Running);

impl Ticker {
    pub(super) fn start(engine: &Engine) -> Self {
        let running = Arc::new(Running::default());
        let (watched, engine) = (Arc::downgrade(&running), engine.weak());
        let tick = move || {
            while let Some(running) = watched.upgrade() {
                if !running.wait() || !tick(&engine) {
                    return;
                }
                drop(running);
                std::thread::sleep(TICK);
            }
        };
        std::thread::Builder::new()
            .name("epoch".to_owned())
            .spawn(tick)
            .expect("a thread can be started at start-up");
        Self { running }
    }

    pub(super) fn tick_while(&self) -> Ticking<'_> {
        self.running.change(1);
        Ticking(&self.running)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // usize::MAX runs tell the thread that there will be none.
        *self.running.count.lock().unwrap_or_else(PoisonError::into_inner) = usize::MAX;
        self.running.changed.notify_all();
    }
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        self.0.change(-1);
    }
}

impl Running {
    fn change(&self, by: isize) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        *count = count.saturating_add_signed(by);
        self.changed.notify_all();
    }

    /// Waits until something runs; false when nothing ever will.
    fn wait(&self) -> bool {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let count =
            self.changed.wait_while(count, |count| *count == 0).unwrap_or_else(PoisonError::into_inner);
        *count != usize::MAX
    }
}

fn tick(engine: &EngineWeak) -> bool {
    engine.upgrade().map(|engine| engine.increment_epoch()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_ends_at_the_deadline_or_when_cancelled() {
        let interrupt = Interrupt::within(Duration::from_millis(20));
        assert_eq!(interrupt.bound(std::future::pending::<()>()).await, Err(Interrupted::Deadline));
        assert_eq!(interrupt.bound(async { 1 }).await, Err(Interrupted::Deadline));

        let interrupt = Interrupt::within(Duration::from_secs(60));
        assert_eq!(interrupt.bound(async { 1 }).await, Ok(1));
        let waiting = Arc::clone(&interrupt);
        let wait = tokio::spawn(async move { waiting.bound(std::future::pending::<()>()).await });
        tokio::task::yield_now().await;
        interrupt.cancel();
        assert_eq!(wait.await.ok(), Some(Err(Interrupted::Cancelled)));
        assert_eq!(interrupt.check(), Err(Interrupted::Cancelled));
    }

    #[test]
    fn a_part_of_the_work_ends_with_the_whole_and_never_later() {
        let whole = Interrupt::within(Duration::ZERO);
        assert_eq!(whole.narrowed(Duration::from_secs(60)).check(), Err(Interrupted::Deadline));

        let whole = Interrupt::default();
        let (short, long) = (whole.narrowed(Duration::ZERO), whole.narrowed(Duration::MAX));
        assert_eq!((short.check(), long.check()), (Err(Interrupted::Deadline), Ok(())));
        whole.cancel();
        assert_eq!(long.check(), Err(Interrupted::Cancelled));
    }

    #[test]
    fn the_clock_ticks_only_while_something_runs() {
        let running = Running::default();
        running.change(1);
        assert!(running.wait());
        running.change(-1);
        *running.count.lock().unwrap_or_else(PoisonError::into_inner) = usize::MAX;
        assert!(!running.wait());
    }
}
