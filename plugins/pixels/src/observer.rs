//! Who watches the work: hears of progress and can stop it.
//!
//! Must never know what it is that is being done.

use crate::Error;

/// Hears how far the work is, and may stop it.
pub trait Observer {
    /// `done` grows from 0.0 to 1.0.
    fn progress(&self, done: f32);

    /// Whether to stop at the next opportunity.
    fn cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unwatched;

impl Observer for Unwatched {
    fn progress(&self, _done: f32) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// Reports `done`, unless the work shall stop.
pub(crate) fn reached(observer: &dyn Observer, done: f32) -> Result<(), Error> {
    if observer.cancelled() {
        return Err(Error::Cancelled);
    }
    observer.progress(done);
    Ok(())
}
