//! What one run may use.

use std::time::Duration;

use crate::config;

/// What a run may use.
#[derive(Clone, Debug)]
pub struct RunLimits {
    /// Time.
    pub deadline: Duration,
    /// Bytes, of all linear memories and tables together.
    pub memory: usize,
    /// Bytes.
    pub stack: usize,
    /// Bytes of all results together.
    pub max_output: usize,
    /// Width times height of one picture; the plugin is told.
    pub max_pixels: u64,
    /// Width or height; the plugin is told.
    pub max_side: u32,
    /// Frames of an animation; the plugin is told.
    pub max_frames: u32,
}

impl RunLimits {
    /// As the operator has set them.
    #[must_use]
    pub fn from_settings(settings: &config::Plugins) -> Self {
        Self {
            deadline: settings.deadline,
            memory: settings.memory.as_usize(),
            stack: settings.stack.as_usize(),
            max_output: settings.max_output.as_usize(),
            max_pixels: settings.max_pixels.get(),
            max_side: settings.max_side.get(),
            max_frames: settings.max_frames.get(),
        }
    }
}

#[cfg(test)]
impl RunLimits {
    /// Next to nothing, for tests that say what matters to them.
    pub(super) fn least() -> Self {
        Self {
            deadline: Duration::from_secs(1),
            memory: 1,
            stack: 1,
            max_output: 1,
            max_pixels: 1,
            max_side: 1,
            max_frames: 1,
        }
    }
}
