//! How large a picture may be.
//!
//! Decoders ask here with the numbers of the header before they allocate a
//! pixel, operations before they allocate their result. Must never know where
//! the limits come from.

use crate::{Channels, Error};

/// The limits of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Pixels along the x axis.
    pub max_width: u32,
    /// Pixels along the y axis.
    pub max_height: u32,
    /// Width times height.
    pub max_pixels: u64,
    /// Frames of an animation.
    pub max_frames: u32,
    /// Width times height, over all frames of an animation.
    pub max_animation_pixels: u64,
    /// Bytes of one uncompressed picture.
    pub max_frame_bytes: u64,
    /// Bytes of the encoded result.
    pub max_output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // What JPEG can express; nothing that a camera makes is wider.
            max_width: 65_535,
            max_height: 65_535,
            // The largest sensors on sale have 100 to 150 megapixels, and 100
            // million RGBA pixels still fit the sandbox's 512 MiB.
            max_pixels: 100_000_000,
            // More than a minute at 15 frames a second.
            max_frames: 1_000,
            // Reading, resizing and writing a frame takes about 30 ns for each of its pixels, and a
            // task has half a minute.
            max_animation_pixels: 400_000_000,
            max_frame_bytes: 512 << 20,
            max_output_bytes: 256 << 20,
        }
    }
}

impl Limits {
    /// Checks the size of a picture about to be allocated, and says how many
    /// samples it has.
    ///
    /// # Errors
    /// [`Error::TooLarge`], naming the first limit passed.
    pub fn check(
        &self,
        width: u32,
        height: u32,
        channels: Channels,
        bytes_per_sample: usize,
    ) -> Result<usize, Error> {
        self.check_size(width, height)?;
        let pixels = u64::from(width) * u64::from(height);
        let samples = pixels.saturating_mul(channels.count() as u64);
        let bytes = samples.saturating_mul(bytes_per_sample as u64);
        // No allocation can pass isize::MAX, which is 2 GiB in the sandbox.
        let limit = self.max_frame_bytes.min(isize::MAX as u64);
        at_most("The uncompressed picture in bytes", bytes, limit)?;
        Ok(samples as usize)
    }

    /// Checks width, height and pixels alone, where the header says no more.
    ///
    /// # Errors
    /// [`Error::TooLarge`], naming the first limit passed.
    pub fn check_size(&self, width: u32, height: u32) -> Result<(), Error> {
        at_most("The picture's width in pixels", width.into(), self.max_width.into())?;
        at_most("The picture's height in pixels", height.into(), self.max_height.into())?;
        let pixels = u64::from(width) * u64::from(height);
        at_most("The picture's number of pixels", pixels, self.max_pixels)
    }
}

pub(crate) fn at_most(subject: &'static str, found: u64, limit: u64) -> Result<(), Error> {
    if found > limit {
        return Err(Error::TooLarge { subject, found, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_which_limit_and_its_value() {
        let limits = Limits { max_width: 100, ..Limits::default() };
        let error = limits.check(101, 1, Channels::Rgb, 1).unwrap_err();
        assert_eq!(error.to_string(), "The picture's width in pixels is 101; the limit is 100.");
    }

    #[test]
    fn sizes_beyond_any_address_space_are_refused_and_do_not_overflow() {
        let limits = Limits {
            max_width: u32::MAX,
            max_height: u32::MAX,
            max_pixels: u64::MAX,
            max_frame_bytes: u64::MAX,
            ..Limits::default()
        };
        assert!(limits.check(u32::MAX, u32::MAX, Channels::Rgba, 2).is_err());
    }

    #[test]
    fn a_picture_of_exactly_the_limit_passes() {
        let limits = Limits { max_pixels: 50, ..Limits::default() };
        assert_eq!(limits.check(10, 5, Channels::Rgb, 1), Ok(150));
        assert!(limits.check(10, 6, Channels::Rgb, 1).is_err());
    }
}
