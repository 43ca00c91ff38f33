//! Uncompressed pictures, for filters and codecs.

use crate::Failure;
use crate::bindings::filter::tintype::plugin::pixels as wit;

/// One uncompressed picture: rows from the top, in each row pixels from the
/// left, each pixel four bytes: red, green, blue, alpha. Alpha is straight (not
/// premultiplied), 255 is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
}

impl Frame {
    /// A frame of these pixels.
    ///
    /// # Errors
    /// [`Failure::Failed`], unless there are `width * height * 4` bytes and at
    /// least one pixel.
    pub fn new(width: u32, height: u32, rgba: Vec<u8>) -> Result<Self, Failure> {
        let bytes = (u64::from(width) * u64::from(height)).saturating_mul(4);
        if bytes == 0 || rgba.len() as u64 != bytes {
            return Err(Failure::failed(format!(
                "{} bytes make no frame of {width} by {height} pixels, which has {bytes}.",
                rgba.len()
            )));
        }
        Ok(Self { width, height, rgba })
    }

    /// Pixels along the x axis, at least 1.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels along the y axis, at least 1.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels.
    #[must_use]
    pub fn pixels(&self) -> &[[u8; 4]] {
        self.rgba.as_chunks().0
    }

    /// All pixels, to be changed.
    pub fn pixels_mut(&mut self) -> &mut [[u8; 4]] {
        self.rgba.as_chunks_mut().0
    }

    /// Its bytes.
    #[must_use]
    pub fn into_rgba(self) -> Vec<u8> {
        self.rgba
    }
}

/// How frames follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Animation {
    /// How long each frame is shown, in milliseconds: as many as frames.
    pub delays_ms: Vec<u32>,
    /// How often the whole is shown; 0 is for ever.
    pub plays: u32,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// At least one, all of one size, upright and each whole.
    pub frames: Vec<Frame>,
    /// Only where there can be several frames.
    pub animation: Option<Animation>,
    /// The ICC profile that the colours are meant in; without one, sRGB.
    pub color_profile: Option<Vec<u8>>,
}

impl Picture {
    /// A picture that is no animation, in sRGB.
    #[must_use]
    pub fn still(frame: Frame) -> Self {
        Self { frames: vec![frame], animation: None, color_profile: None }
    }

    /// The first frame.
    ///
    /// # Errors
    /// [`Failure::Failed`], if there is none, which the host rules out.
    pub fn into_first(self) -> Result<Frame, Failure> {
        self.frames.into_iter().next().ok_or_else(|| Failure::failed("A picture without a frame."))
    }
}

/// How large a decoded picture has to be at least. Where nothing is said of a
/// side, that side doesn't matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SizeHint {
    /// Pixels along the x axis.
    pub width: Option<u32>,
    /// Pixels along the y axis.
    pub height: Option<u32>,
}

/// The host checks what comes from it.
impl From<wit::Frame> for Frame {
    fn from(frame: wit::Frame) -> Self {
        Self { width: frame.width, height: frame.height, rgba: frame.rgba }
    }
}

impl From<Frame> for wit::Frame {
    fn from(frame: Frame) -> Self {
        Self { width: frame.width, height: frame.height, rgba: frame.rgba }
    }
}

impl From<wit::Picture> for Picture {
    fn from(picture: wit::Picture) -> Self {
        Self {
            frames: picture.frames.into_iter().map(Into::into).collect(),
            animation: picture
                .animation
                .map(|animation| Animation { delays_ms: animation.delays_ms, plays: animation.plays }),
            color_profile: picture.color_profile,
        }
    }
}

impl From<Picture> for wit::Picture {
    fn from(picture: Picture) -> Self {
        Self {
            frames: picture.frames.into_iter().map(Into::into).collect(),
            animation: picture
                .animation
                .map(|animation| wit::Animation { delays_ms: animation.delays_ms, plays: animation.plays }),
            color_profile: picture.color_profile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_as_many_bytes_as_its_size_says() {
        let frame = Frame::new(2, 1, vec![1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(frame.map(|frame| frame.pixels().to_vec()), Ok(vec![[1, 2, 3, 4], [5, 6, 7, 8]]));
        for (width, height, bytes) in [(2, 1, 7), (2, 1, 9), (0, 1, 0), (u32::MAX, u32::MAX, 4)] {
            assert!(Frame::new(width, height, vec![0; bytes]).is_err(), "{width} {height} {bytes}");
        }
    }
}
