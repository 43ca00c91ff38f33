//! How a run can end without a result, told apart.

use std::fmt;

use super::interface::GuestFailure;
use super::interrupt::Interrupted;
use super::limits::RunLimits;
use super::memory::MemoryLimiter;

/// The end of a run that gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The plugin: the bytes are no image it can read.
    InvalidImage(String),
    /// The plugin: a value is impossible.
    InvalidParameters(String),
    /// The plugin, or the host looking at its output: a limit is passed.
    TooLarge(String),
    /// The plugin returned another error, or a result that breaks the contract.
    PluginError(String),
    /// The plugin trapped, with wasmtime's name of the trap.
    Trap(String),
    /// It ran past its time.
    Deadline,
    /// It asked for more memory than its limit, in bytes, and stopped.
    Memory(usize),
    /// Somebody cancelled it.
    Cancelled,
    /// The host's own fault.
    Internal(String),
}

impl Ending {
    /// What it is called where ends are counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::InvalidImage(_) => "invalid-image",
            Self::InvalidParameters(_) => "invalid-parameters",
            Self::TooLarge(_) => "too-large",
            Self::PluginError(_) => "plugin-error",
            Self::Trap(_) => "trap",
            Self::Deadline => "deadline",
            Self::Memory(_) => "memory",
            Self::Cancelled => "cancelled",
            Self::Internal(_) => "internal",
        }
    }
}

/// For authors and operators; what a client is told stands with the task's failure.
impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidImage(words) => write!(f, "it calls the picture invalid: {words}"),
            Self::InvalidParameters(words) => write!(f, "it calls the parameters impossible: {words}"),
            Self::TooLarge(words) => write!(f, "it passed a limit: {words}"),
            Self::PluginError(words) => write!(f, "it failed: {words}"),
            Self::Trap(trap) => write!(f, "it trapped: {trap}"),
            Self::Deadline => f.write_str("it ran past its deadline"),
            Self::Memory(limit) => write!(f, "it asked for more than its limit of {limit} bytes of memory"),
            Self::Cancelled => f.write_str("it was cancelled"),
            Self::Internal(error) => write!(f, "the host has a fault: {error}"),
        }
    }
}

impl From<GuestFailure> for Ending {
    fn from(failure: GuestFailure) -> Self {
        match failure {
            GuestFailure::InvalidImage(words) => Self::InvalidImage(words),
            GuestFailure::InvalidParameters(words) => Self::InvalidParameters(words),
            GuestFailure::TooLarge(words) => Self::TooLarge(words),
            GuestFailure::Failed(words) => Self::PluginError(words),
        }
    }
}

impl From<Interrupted> for Ending {
    fn from(interrupted: Interrupted) -> Self {
        match interrupted {
            Interrupted::Deadline => Self::Deadline,
            Interrupted::Cancelled => Self::Cancelled,
        }
    }
}

/// wasmtime's words for a guest that hands over more than `set_hostcall_fuel` allows: the error's
/// type is private.
const OUTPUT_FUEL_EXHAUSTED: &str = "fuel allocated for hostcalls has been exhausted";

/// What `error`, with which a call into the guest ended, means. `most` bytes might be handed over.
pub(super) fn of_error(
    error: &wasmtime::Error,
    memory: &MemoryLimiter,
    limits: &RunLimits,
    most: usize,
) -> Ending {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        return Ending::from(*interrupted);
    }
    // A guest that cannot get memory stops in its own way, mostly by `unreachable`.
    if memory.refused() {
        return Ending::Memory(limits.memory);
    }
    if error.chain().any(|cause| cause.to_string().contains(OUTPUT_FUEL_EXHAUSTED)) {
        return Ending::TooLarge(format!("The result is larger than the limit of {most} bytes."));
    }
    // The machine cannot give a guest what it may have, such as address space for its memory.
    if error.chain().any(|cause| cause.is::<rustix::io::Errno>() || cause.is::<std::io::Error>()) {
        return Ending::Internal(format!("{error:#}"));
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Ending::Trap(format!("it exited with status {}", exit.0));
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(trap) => Ending::Trap(trap.to_string()),
        // Neither a trap nor ours: the guest broke the canonical ABI (a bad pointer, a string that is
        // not UTF-8). The root cause says which; what surrounds it are the host's own frames.
        None => Ending::Trap(error.root_cause().to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_cannot_give_is_no_fault_of_the_guests() {
        let limits = RunLimits::least();
        let ending = |error| of_error(&error, &MemoryLimiter::new(1), &limits, limits.max_output);
        let refused = wasmtime::Error::from(rustix::io::Errno::NOMEM).context("mapping memory");
        assert!(matches!(ending(refused), Ending::Internal(_)));
        assert!(matches!(ending(std::io::Error::other("no more").into()), Ending::Internal(_)));
        assert!(matches!(ending(wasmtime::Error::from(wasmtime::Trap::StackOverflow)), Ending::Trap(_)));
    }
}
