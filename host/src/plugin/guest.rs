//! What the host keeps beside a running guest, and what the guest's calls do to it.

use std::sync::Arc;

use super::guest_log::{GuestLog, Level};
use super::interrupt::Interrupt;
use super::limits::RunLimits;
use super::memory::MemoryLimiter;
use super::wasi::{LineSink, Wasi};

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
        let done = (index as f32 + done.min(1.0)) / of as f32;
        // NaN compares false.
        if done > self.progress {
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
