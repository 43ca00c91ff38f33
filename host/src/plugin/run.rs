//! One run: a fresh store and instance, its limits, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;

use super::ending::{self, Ending};
use super::engine::Sandbox;
use super::guest::{GuestState, OnProgress};
use super::guest_log::GuestLog;
use super::interface::{Called, RawDescriptor, WrongTypes, Contract};
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
}

/// Everything that a run needs beside the component.
pub(super) struct Run<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) limits: &'a RunLimits,
    pub(super) plugin: &'a str,
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
        self.enter(|store| contract.describe(store)).map(|(descriptor, _)| descriptor).map_err(
            |(ending, error)| match error.downcast::<WrongTypes>() {
                Ok(wrong) => Undescribed::WrongTypes(wrong.to_string()),
                Err(_) => Undescribed::Ended(ending),
            },
        )
    }

    /// Has a component work.
    pub(super) fn call<T>(
        self,
        call: impl FnOnce(&mut Store<GuestState>) -> Called<T>,
    ) -> Result<(T, Usage), Ending> {
        let interrupt = Arc::clone(self.context.interrupt);
        let (result, usage) = self.enter(call).map_err(|(ending, _)| ending)?;
        if result.is_err() {
            // A guest that saw that it should end, and did, ends as one that was made to.
            interrupt.check()?;
        }
        Ok((result?, usage))
    }

    /// Runs `call` in a fresh store, which is gone afterwards whatever happens.
    fn enter<T>(
        self,
        call: impl FnOnce(&mut Store<GuestState>) -> wasmtime::Result<T>,
    ) -> Result<(T, Usage), (Ending, wasmtime::Error)> {
        let began = Instant::now();
        let RunContext { subject, interrupt, on_progress } = self.context;
        let log = GuestLog::new(self.plugin, subject);
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
        let usage = Usage { peak_memory: memory.peak(), took: began.elapsed() };
        tracing::debug!(
            plugin = self.plugin,
            task = subject,
            ms = usage.took.as_millis(),
            peak_memory = usage.peak_memory,
            "a run is over"
        );
        result.map(|value| (value, usage)).map_err(|error| {
            tracing::debug!(target: "tintype::guest", plugin = self.plugin, task = subject, "ended by: {error:?}");
            (ending::of_error(&error, memory, self.limits, self.most), error)
        })
    }
}
