//! What the host keeps beside a running guest, and what the guest's calls do to it.

use std::sync::Arc;

use super::guest_log::{GuestLog, Level};
use super::interrupt::Interrupt;
use super::limits::RunLimits;
use super::memory::MemoryLimiter;
use super::wasi::{LineSink, Wasi};

/// Progress that is worth telling. A guest may report it millions of times a second, and whoever hears of it
/// takes a lock that all tasks share.
const STEP: f32 = 0.001;

/// Called with the progress of a run, from 0 to 1, never going back.
pub type OnProgress = Box<dyn FnMut(f32) + Send>;

/// What the host keeps beside a guest.
pub(super) struct GuestState {
    memory: MemoryLimiter,
    interrupt: Arc<Interrupt>,
    limits: RunLimits,
    log: GuestLog,
    output: LineSink,
    wasi: Option<Box<Wasi>>,
    progress: f32,
    /// Which part of how many parts of the work a guest's progress is of.
    part: (usize, usize),
    on_progress: OnProgress,
}

impl GuestState {
    pub(super) fn new(
        limits: &RunLimits,
        interrupt: &Arc<Interrupt>,
        log: GuestLog,
        on_progress: OnProgress,
    ) -> Self {
        Self {
            memory: MemoryLimiter::new(limits.memory),
            interrupt: Arc::clone(interrupt),
            limits: limits.clone(),
            log,
            output: LineSink::default(),
            wasi: None,
            progress: 0.0,
            part: (0, 1),
            on_progress,
        }
    }

    pub(super) fn memory(&mut self) -> &mut MemoryLimiter {
        &mut self.memory
    }

    pub(super) fn log_line(&mut self, level: Level, text: &str) {
        self.log.line(level, text);
    }

    /// From here on the guest speaks of this part of the work.
    pub(super) fn begin_part(&mut self, index: usize, of: usize) {
        self.part = (index, of);
    }

    #[allow(clippy::cast_precision_loss)] // parts are frames, at most thousands
    pub(super) fn report_progress(&mut self, done: f32) {
        let (index, of) = self.part;
        // NaN stays NaN, which compares false.
        let done = (index as f32 + done.clamp(0.0, 1.0)) / of as f32;
        if done >= self.progress + STEP || (done == 1.0 && self.progress < 1.0) {
            self.progress = done;
            (self.on_progress)(done);
        }
    }

    pub(super) fn should_stop(&self) -> bool {
        self.interrupt.check().is_err()
    }

    pub(super) fn run_limits(&self) -> &RunLimits {
        &self.limits
    }

    pub(super) fn interrupt(&self) -> Arc<Interrupt> {
        Arc::clone(&self.interrupt)
    }

    pub(super) fn wasi(&mut self) -> &mut Wasi {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(&self.output)))
    }

    /// Puts what the guest wrote to its standard output and error into the log.
    pub(super) fn log_output(&mut self) {
        let output = self.output.take();
        for line in String::from_utf8_lossy(&output).lines().filter(|line| !line.trim().is_empty()) {
            self.log.line(Level::Info, line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, PoisonError};

    /// What is told of progress when a guest reports these.
    fn told(reported: impl IntoIterator<Item = f32>) -> Vec<f32> {
        let told = Arc::new(Mutex::new(vec![]));
        let hears = Arc::clone(&told);
        let hear = move |done| hears.lock().unwrap_or_else(PoisonError::into_inner).push(done);
        let limits = RunLimits::least();
        let interrupt = Interrupt::within(limits.deadline);
        let mut state =
            GuestState::new(&limits, &interrupt, GuestLog::new("p", "t", &Arc::default()), Box::new(hear));
        reported.into_iter().for_each(|done| state.report_progress(done));
        drop(state);
        Arc::into_inner(told).map(|told| told.into_inner().unwrap_or_default()).unwrap_or_default()
    }

    #[test]
    fn progress_is_told_when_it_grows_and_nonsense_never() {
        assert_eq!(told([0.5, 0.25, f32::NAN, 0.5, -1.0, 0.75, f32::INFINITY, 1.0]), [0.5, 0.75, 1.0]);
    }

    #[test]
    fn the_least_progress_is_not_worth_telling_and_the_end_always_is() {
        let crept = (0..1_000_000_u32).map(|step| step as f32 / 1_000_000.0);
        assert!((900..=1000).contains(&told(crept).len()));
        assert_eq!(told([0.9995, 1.0, 1.0]), [0.9995, 1.0]);
    }
}
