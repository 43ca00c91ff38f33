//! What one run may use.

use std::time::Duration;

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
