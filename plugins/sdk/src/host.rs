//! Words with the host: log lines, progress, cancelling, limits.
//!
//! Where there is no host, as in a plugin's own unit tests, harmless answers
//! take its place; the generated imports would panic there.

use std::fmt::Display;

#[cfg(target_family = "wasm")]
use crate::bindings::tintype::plugin::host;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every detail.
    Trace,
    /// For the plugin's author.
    Debug,
    /// For the operator, in passing.
    Info,
    /// For the operator, to look at.
    Warn,
    /// Something is broken.
    Error,
}

/// What the host permits in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Pixels along the x axis of any picture decoded or made.
    pub max_width: u32,
    /// Pixels along the y axis of any picture decoded or made.
    pub max_height: u32,
    /// Width times height, of one frame. Check it from the file's header,
    /// before memory for the pixels is allocated.
    pub max_pixels: u64,
    /// Frames of an animation.
    pub max_frames: u32,
    /// Bytes of all results together.
    pub max_output_bytes: u64,
    /// Bytes of linear memory. Growing past it fails.
    pub max_memory_bytes: u64,
}

/// Writes a line into the server's log, beside the task's id and the plugin's
/// name. Clients never see it. The macros [`info!`](crate::info) and its like
/// are shorter.
pub fn log(level: Level, message: impl Display) {
    #[cfg(target_family = "wasm")]
    host::log(
        match level {
            Level::Trace => host::Level::Trace,
            Level::Debug => host::Level::Debug,
            Level::Info => host::Level::Info,
            Level::Warn => host::Level::Warn,
            Level::Error => host::Level::Error,
        },
        &message.to_string(),
    );
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
}

/// Says how much of the work is done, from 0.0 to 1.0. Cheap: call it for every
/// band or frame.
pub fn progress(done: f32) {
    #[cfg(target_family = "wasm")]
    host::progress(done);
    #[cfg(not(target_family = "wasm"))]
    let _ = done;
}

/// Whether the client has cancelled the task or its time is up. Returning early
/// is polite; a plugin that doesn't is interrupted anyway.
#[must_use]
pub fn cancelled() -> bool {
    #[cfg(target_family = "wasm")]
    return host::cancelled();
    #[cfg(not(target_family = "wasm"))]
    return false;
}

/// The limits of this run. They don't change while it lasts.
#[must_use]
pub fn limits() -> Limits {
    #[cfg(target_family = "wasm")]
    {
        let limits = host::limits();
        Limits {
            max_width: limits.max_width,
            max_height: limits.max_height,
            max_pixels: limits.max_pixels,
            max_frames: limits.max_frames,
            max_output_bytes: limits.max_output_bytes,
            max_memory_bytes: limits.max_memory_bytes,
        }
    }
    #[cfg(not(target_family = "wasm"))]
    Limits {
        max_width: 65_535,
        max_height: 65_535,
        max_pixels: 100_000_000,
        max_frames: 1_000,
        max_output_bytes: 256 << 20,
        max_memory_bytes: 512 << 20,
    }
}

/// A panic aborts the instance without a word; this gives it its last one.
pub(crate) fn log_panics() {
    #[cfg(target_family = "wasm")]
    std::panic::set_hook(Box::new(|panic| log(Level::Error, panic)));
}

/// Logs a line at level trace; takes what `format!` takes.
#[macro_export]
macro_rules! trace {
    ($($line:tt)+) => { $crate::log($crate::Level::Trace, ::core::format_args!($($line)+)) };
}

/// Logs a line at level debug; takes what `format!` takes.
#[macro_export]
macro_rules! debug {
    ($($line:tt)+) => { $crate::log($crate::Level::Debug, ::core::format_args!($($line)+)) };
}

/// Logs a line at level info; takes what `format!` takes.
#[macro_export]
macro_rules! info {
    ($($line:tt)+) => { $crate::log($crate::Level::Info, ::core::format_args!($($line)+)) };
}

/// Logs a line at level warn; takes what `format!` takes.
#[macro_export]
macro_rules! warn {
    ($($line:tt)+) => { $crate::log($crate::Level::Warn, ::core::format_args!($($line)+)) };
}

/// Logs a line at level error; takes what `format!` takes.
#[macro_export]
macro_rules! error {
    ($($line:tt)+) => { $crate::log($crate::Level::Error, ::core::format_args!($($line)+)) };
}
