//! One run: a fresh store and instance, its limits, its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime::Store;

use super::ending::{self, Ending};
use super::engine::Sandbox;
use super::guest::{GuestState, OnProgress};
use super::guest_log::GuestLog;
use super::interface::{Call, Contract, GuestFailure, Image, RawDescriptor, Step, Target};
use super::interrupt::Interrupt;
use super::limits::RunLimits;

/// Bytes beside a result's own that cross the boundary with it: lengths, media types, a message.
const OUTPUT_SLACK: usize = 64 << 10;

/// Most results of one run: what is known of each must fit into the task's record.
const MOST_RESULTS: usize = 16;

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub struct Job {
    /// The picture.
    pub input: Image,
    /// Pictures that parameters refer to.
    pub attachments: Vec<Image>,
    /// What to do, at least one.
    pub steps: Vec<Step>,
    /// The format wanted.
    pub target: Option<Target>,
}

/// A run that gave results.
#[derive(Debug)]
pub struct Finished {
    /// At least one.
    pub images: Vec<Image>,
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
    pub(super) subject: &'a str,
    pub(super) interrupt: &'a Arc<Interrupt>,
    pub(super) on_progress: OnProgress,
}

impl Run<'_> {
    /// Asks a component what it is.
    pub(super) fn describe(self, contract: &dyn Contract) -> Result<RawDescriptor, Ending> {
        self.enter(|store| contract.describe(store)).map(|(descriptor, _)| descriptor)
    }

    /// Has a component work, and checks that what it gives keeps the contract.
    pub(super) fn process(
        self,
        contract: &dyn Contract,
        job: Job,
        produces: &[&str],
    ) -> Result<Finished, Ending> {
        let began = Instant::now();
        let (max_output, interrupt) = (self.limits.max_output, Arc::clone(self.interrupt));
        let Job { input, attachments, steps, target } = job;
        let wanted = target.as_ref().map(|target| target.media_type.clone());
        let call = Call { input, attachments, steps, target };
        let (result, peak_memory) = self.enter(|store| contract.process(store, call))?;
        if result.is_err() {
            // A guest that saw that it should end, and did, ends as one that was made to.
            interrupt.check().map_err(Ending::from)?;
        }
        let images = result.map_err(|failure| match failure {
            GuestFailure::InvalidImage(words) => Ending::InvalidImage(words),
            GuestFailure::InvalidParameters(words) => Ending::InvalidParameters(words),
            GuestFailure::TooLarge(words) => Ending::TooLarge(words),
            GuestFailure::Failed(words) => Ending::PluginError(words),
        })?;
        check_results(&images, wanted.as_deref(), produces, max_output)?;
        Ok(Finished { images, peak_memory, took: began.elapsed() })
    }

    /// Runs `call` in a fresh store, which is gone afterwards whatever happens.
    fn enter<T>(
        self,
        call: impl FnOnce(&mut Store<GuestState>) -> wasmtime::Result<T>,
    ) -> Result<(T, usize), Ending> {
        let log = GuestLog::new(self.plugin, self.subject);
        let state = GuestState::new(self.limits, self.interrupt, log, self.on_progress);
        let mut store = Store::new(&self.sandbox.engine, state);
        store.limiter(|state| state.memory());
        store.set_hostcall_fuel(self.limits.max_output.saturating_add(OUTPUT_SLACK));
        self.interrupt.watch(&mut store);
        let result = {
            let _ticking = self.sandbox.ticker.tick_while();
            call(&mut store)
        };
        store.data_mut().log_output();
        let memory = store.data_mut().memory();
        match result {
            Ok(value) => Ok((value, memory.peak())),
            Err(error) => {
                tracing::debug!(target: "tintype::guest", plugin = self.plugin, task = self.subject, "ended by: {error:?}");
                Err(ending::of_error(&error, memory, self.limits))
            }
        }
    }
}

fn check_results(
    images: &[Image],
    wanted: Option<&str>,
    produces: &[&str],
    max_output: usize,
) -> Result<(), Ending> {
    if images.is_empty() || images.len() > MOST_RESULTS {
        return Err(Ending::PluginError(format!(
            "The plugin gave {} results; it must give from 1 to {MOST_RESULTS}.",
            images.len()
        )));
    }
    for image in images {
        let given = image.media_type.as_str();
        if !produces.contains(&given) {
            return Err(Ending::PluginError(format!(
                "The plugin gave a result of type {given:?}, which it does not declare that it produces."
            )));
        }
        if let Some(wanted) = wanted.filter(|wanted| *wanted != given) {
            return Err(Ending::PluginError(format!(
                "The plugin gave a result of type {given:?} instead of {wanted:?}."
            )));
        }
    }
    let total: usize = images.iter().map(|image| image.bytes.len()).sum();
    if total > max_output {
        return Err(Ending::TooLarge(format!(
            "The result of {total} bytes is larger than the limit of {max_output} bytes."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(len: usize) -> Image {
        Image { media_type: "image/png".to_owned(), bytes: vec![0; len] }
    }

    #[test]
    fn a_result_must_be_what_was_declared_and_asked_for_and_within_the_limit() {
        let produces = ["image/png", "image/webp"];
        assert_eq!(check_results(&[png(10)], Some("image/png"), &produces, 10), Ok(()));
        assert!(matches!(check_results(&[], None, &produces, 10), Err(Ending::PluginError(_))));
        assert!(matches!(check_results(&[png(6), png(6)], None, &produces, 10), Err(Ending::TooLarge(_))));
        assert!(matches!(
            check_results(&[png(1)], Some("image/webp"), &produces, 10),
            Err(Ending::PluginError(_))
        ));
        let page = Image { media_type: "text/html".to_owned(), bytes: vec![] };
        assert!(matches!(check_results(&[page], None, &produces, 10), Err(Ending::PluginError(_))));
    }
}
