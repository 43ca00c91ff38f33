//! One run: a fresh store and instance, its limits, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;

use super::ending::{self, Ending};
use super::engine::Sandbox;
use super::guest::{GuestState, OnProgress};
use super::guest_log::{GuestLog, LogRate};
use super::interface::{Called, Contract, RawDescriptor, WrongTypes};
use super::interrupt::Interrupt;
use super::limits::RunLimits;

/// Bytes beside a result's own that cross the boundary with it: lengths, media types, a message.
const OUTPUT_SLACK: usize = 64 << 10;

/// For whom a run is, and how it can be watched and ended.
pub struct RunContext<'a> {
    /// Names it in the log.
    pub subject: &'a str,
    /// Ends it.
    pub interrupt: &'a Arc<Interrupt>,
    /// Is told how far it is.
    pub on_progress: OnProgress,
}

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// The most bytes of memory that the guest had.
    pub peak_memory: usize,
    /// How long it took, instantiation included.
    pub took: Duration,
    /// Processor time that it took.
    pub cpu: Duration,
}

/// Everything that a run needs beside the component.
pub(super) struct Run<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) limits: &'a RunLimits,
    pub(super) plugin: &'a str,
    pub(super) log_rate: &'a Arc<LogRate>,
    pub(super) context: RunContext<'a>,
    /// Most bytes that the guest may hand over.
    pub(super) most: usize,
}

/// Why a component cannot say what it is.
pub(super) enum Undescribed {
    /// It was built against another contract.
    WrongTypes(String),
    /// It ended.
    Ended(Ending),
}

impl Run<'_> {
    /// Asks a component what it is.
    pub(super) fn describe(self, contract: &Contract) -> Result<RawDescriptor, Undescribed> {
        let (described, _) = self.enter(|store| contract.describe(store));
        described.map_err(|(ending, error)| match error.downcast::<WrongTypes>() {
            Ok(wrong) => Undescribed::WrongTypes(wrong.to_string()),
            Err(_) => Undescribed::Ended(ending),
        })
    }

    /// Has a component work. What it took is known however it ends.
    pub(super) fn call<T>(
        self,
        call: impl FnOnce(&mut Store<GuestState>) -> Called<T>,
    ) -> (Result<T, Ending>, Usage) {
        let interrupt = Arc::clone(self.context.interrupt);
        let (result, usage) = self.enter(call);
        let result = match result {
            Ok(Ok(value)) => Ok(value),
            // A guest that saw that it should end, and did, ends as one that was made to.
            Ok(Err(failure)) => Err(interrupt.check().err().map_or_else(|| failure.into(), Ending::from)),
            Err((ending, _)) => Err(ending),
        };
        (result, usage)
    }

    /// Runs `call` in a fresh store, which is gone afterwards whatever happens.
    fn enter<T>(
        self,
        call: impl FnOnce(&mut Store<GuestState>) -> wasmtime::Result<T>,
    ) -> (Result<T, (Ending, wasmtime::Error)>, Usage) {
        let _in_sandbox = self.sandbox.figures.enter();
        let (began, cpu) = (Instant::now(), cpu_time());
        let RunContext { subject, interrupt, on_progress } = self.context;
        let log = GuestLog::new(self.plugin, subject, self.log_rate);
        let state = GuestState::new(self.limits, interrupt, log, on_progress);
        let mut store = Store::new(&self.sandbox.engine, state);
        store.limiter(|state| state.memory());
        store.set_hostcall_fuel(self.most.saturating_add(OUTPUT_SLACK));
        interrupt.watch(&mut store);
        let result = {
            let _ticking = self.sandbox.ticker.tick_while();
            call(&mut store)
        };
        store.data_mut().log_output();
        let memory = store.data_mut().memory();
        let usage =
            Usage { peak_memory: memory.peak(), took: began.elapsed(), cpu: cpu_time().saturating_sub(cpu) };
        tracing::debug!(
            plugin = self.plugin,
            task = subject,
            ms = usage.took.as_millis(),
            peak_memory = usage.peak_memory,
            "a run is over"
        );
        let result = result.map_err(|error| {
            tracing::debug!(target: "tintype::guest", plugin = self.plugin, task = subject, "ended by: {error:?}");
            (ending::of_error(&error, memory, self.limits, self.most), error)
        });
        (result, usage)
    }
}

/// Of this thread, on which the whole run is.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}
