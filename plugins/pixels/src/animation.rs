//! Pictures that move: frames that come one after the other, so that never all
//! of them are in memory at once.
//!
//! Must never know which file format they come from or go to.

use crate::limits::at_most;
use crate::{Error, Limits, Picture};

/// One of an animation's pictures: whole, whatever the file stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What is shown.
    pub picture: Picture,
    /// For how long, in milliseconds.
    pub delay_ms: u32,
}

/// Where frames come from: the next one, or none after the last.
pub(crate) trait Frames {
    fn next(&mut self) -> Result<Option<Frame>, Error>;
}

/// An animation that is being read.
pub struct Animation<'a> {
    count: u32,
    plays: u32,
    read: u32,
    source: Box<dyn Frames + 'a>,
}

impl<'a> Animation<'a> {
    /// All frames have the size of the canvas. How many there are was found out
    /// without decoding them.
    pub(crate) fn new(
        canvas: (u32, u32),
        count: u32,
        plays: u32,
        limits: &Limits,
        source: impl Frames + 'a,
    ) -> Result<Self, Error> {
        at_most("The number of frames", count.into(), limits.max_frames.into())?;
        let pixels = (u64::from(canvas.0) * u64::from(canvas.1)).saturating_mul(count.into());
        at_most("The number of pixels of all frames", pixels, limits.max_animation_pixels)?;
        Ok(Self { count, plays, read: 0, source: Box::new(source) })
    }

    /// How many frames there are, at least two.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How often the whole is shown; 0 is for ever.
    #[must_use]
    pub fn plays(&self) -> u32 {
        self.plays
    }

    /// Decodes the next frame; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Unsupported`] or [`Error::TooLarge`].
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        // The limits were asked for this many.
        if self.read == self.count {
            return Ok(None);
        }
        self.read += 1;
        self.source.next()
    }
}

impl std::fmt::Debug for Animation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Animation({} of {} frames read)", self.read, self.count)
    }
}
