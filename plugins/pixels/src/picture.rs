//! The uncompressed picture that decoders make, operations change and encoders
//! read.
//!
//! Operations that need no second buffer work in place: a picture may be most
//! of what fits into the sandbox. Must never know of files.

use crate::{Error, Limits, Orientation};

/// Which channels a pixel has. Alpha is straight, not premultiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// One sample.
    Gray,
    /// Gray and alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha.
    Rgba,
}

impl Channels {
    /// Samples of a pixel.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::GrayAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Whether the last sample is alpha.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GrayAlpha | Self::Rgba)
    }

    /// Whether there is no colour.
    #[must_use]
    pub fn is_gray(self) -> bool {
        matches!(self, Self::Gray | Self::GrayAlpha)
    }

    /// The same channels with or without alpha.
    #[must_use]
    pub fn with_alpha(self, alpha: bool) -> Self {
        match (self.is_gray(), alpha) {
            (true, false) => Self::Gray,
            (true, true) => Self::GrayAlpha,
            (false, false) => Self::Rgb,
            (false, true) => Self::Rgba,
        }
    }
}

/// The samples of all pixels, row by row, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Samples {
    /// 8 bits a sample.
    Eight(Vec<u8>),
    /// 16 bits a sample, in the machine's byte order.
    Sixteen(Vec<u16>),
}

/// An uncompressed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels along the x axis, at least 1.
    pub width: u32,
    /// Pixels along the y axis, at least 1.
    pub height: u32,
    /// What each pixel consists of.
    pub channels: Channels,
    /// Exactly `width * height * channels.count()` samples.
    pub samples: Samples,
    /// The ICC profile that the file carried.
    pub icc: Option<Vec<u8>>,
    /// How the stored pixels have to be turned to be upright.
    pub orientation: Orientation,
}

/// Calls a generic function with the samples as a slice of pixels
/// (`&mut [[T; N]]`), whatever their depth and number of channels.
macro_rules! with_pixels {
    ($samples:expr, $channels:expr, |$pixels:ident| $body:expr) => {
        match $samples {
            Samples::Eight(samples) => with_pixels!(@channels samples, $channels, $pixels, $body),
            Samples::Sixteen(samples) => with_pixels!(@channels samples, $channels, $pixels, $body),
        }
    };
    (@channels $samples:ident, $channels:expr, $pixels:ident, $body:expr) => {
        match $channels {
            Channels::Gray => { let $pixels = $samples.as_chunks_mut::<1>().0; $body }
            Channels::GrayAlpha => { let $pixels = $samples.as_chunks_mut::<2>().0; $body }
            Channels::Rgb => { let $pixels = $samples.as_chunks_mut::<3>().0; $body }
            Channels::Rgba => { let $pixels = $samples.as_chunks_mut::<4>().0; $body }
        }
    };
}
pub(crate) use with_pixels;

impl Picture {
    /// Makes a picture of 8-bit samples that is upright and has no profile.
    ///
    /// # Errors
    /// [`Error::Processing`], if the samples don't match the size.
    pub fn eight(width: u32, height: u32, channels: Channels, samples: Vec<u8>) -> Result<Self, Error> {
        Self::new(width, height, channels, Samples::Eight(samples))
    }

    /// Makes a picture of 16-bit samples that is upright and has no profile.
    ///
    /// # Errors
    /// [`Error::Processing`], if the samples don't match the size.
    pub fn sixteen(width: u32, height: u32, channels: Channels, samples: Vec<u16>) -> Result<Self, Error> {
        Self::new(width, height, channels, Samples::Sixteen(samples))
    }

    fn new(width: u32, height: u32, channels: Channels, samples: Samples) -> Result<Self, Error> {
        let found = match &samples {
            Samples::Eight(samples) => samples.len(),
            Samples::Sixteen(samples) => samples.len(),
        };
        let expected = u64::from(width) * u64::from(height) * channels.count() as u64;
        if width == 0 || height == 0 || expected != found as u64 {
            return Err(Error::Processing(format!(
                "{found} samples make no picture of {width} by {height} pixels"
            )));
        }
        let orientation = Orientation::Upright;
        Ok(Self { width, height, channels, samples, icc: None, orientation })
    }

    /// Bytes of one sample.
    #[must_use]
    pub fn bytes_per_sample(&self) -> usize {
        match self.samples {
            Samples::Eight(_) => 1,
            Samples::Sixteen(_) => 2,
        }
    }

    /// The samples as they lie in memory.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.samples {
            Samples::Eight(samples) => samples,
            Samples::Sixteen(samples) => bytemuck::cast_slice(samples),
        }
    }

    /// The same picture with 8 bits a sample, rounded.
    #[must_use]
    pub fn into_eight(self) -> Self {
        let samples = match self.samples {
            Samples::Eight(samples) => samples,
            // 65535 is 255 times 257: dividing by 257 maps the ends onto the ends.
            Samples::Sixteen(samples) => {
                samples.iter().map(|&s| ((u32::from(s) + 128) / 257) as u8).collect()
            }
        };
        Self { samples: Samples::Eight(samples), ..self }
    }

    /// The same picture with 16 bits a sample.
    ///
    /// # Errors
    /// [`Error::TooLarge`], if the wider samples pass a limit.
    pub fn into_sixteen(self, limits: &Limits) -> Result<Self, Error> {
        let samples = match self.samples {
            Samples::Sixteen(samples) => samples,
            Samples::Eight(samples) => {
                limits.check(self.width, self.height, self.channels, 2)?;
                samples.iter().map(|&sample| u16::from(sample) * 257).collect()
            }
        };
        Ok(Self { samples: Samples::Sixteen(samples), ..self })
    }

    /// Whether every pixel is fully opaque.
    #[must_use]
    pub fn is_opaque(&self) -> bool {
        let count = self.channels.count();
        if !self.channels.has_alpha() {
            return true;
        }
        match &self.samples {
            Samples::Eight(s) => s.chunks_exact(count).all(|p| p.last() == Some(&u8::MAX)),
            Samples::Sixteen(s) => s.chunks_exact(count).all(|p| p.last() == Some(&u16::MAX)),
        }
    }

    /// The same picture without channels that say nothing: alpha where all is
    /// opaque, colour where all is gray.
    #[must_use]
    pub fn narrowed(mut self) -> Self {
        if self.channels.has_alpha() && self.is_opaque() {
            // There is nothing to be blended.
            self.flatten([0; 3]);
        }
        if !self.channels.is_gray() && self.is_colorless() {
            let from = self.channels.count();
            let alpha = self.channels.has_alpha();
            self.samples = match self.samples {
                Samples::Eight(samples) => Samples::Eight(without_color(&samples, from, alpha)),
                Samples::Sixteen(samples) => Samples::Sixteen(without_color(&samples, from, alpha)),
            };
            self.channels = if alpha { Channels::GrayAlpha } else { Channels::Gray };
        }
        self
    }

    /// Whether red, green and blue are the same in every pixel.
    fn is_colorless(&self) -> bool {
        fn colorless<T: PartialEq>(samples: &[T], count: usize) -> bool {
            samples.chunks_exact(count).all(|pixel| matches!(pixel, [r, g, b, ..] if r == g && g == b))
        }
        match &self.samples {
            Samples::Eight(samples) => colorless(samples, self.channels.count()),
            Samples::Sixteen(samples) => colorless(samples, self.channels.count()),
        }
    }

    /// Lays the picture onto an opaque background and drops its alpha, in place.
    pub fn flatten(&mut self, background: [u8; 3]) {
        let gray = luma(background);
        match (self.channels, &mut self.samples) {
            (Channels::Rgba, Samples::Eight(samples)) => flatten::<u8, 4, 3>(samples, background),
            (Channels::GrayAlpha, Samples::Eight(samples)) => flatten::<u8, 2, 1>(samples, [gray]),
            (Channels::Rgba, Samples::Sixteen(samples)) => {
                flatten::<u16, 4, 3>(samples, background.map(|s| u16::from(s) * 257));
            }
            (Channels::GrayAlpha, Samples::Sixteen(samples)) => {
                flatten::<u16, 2, 1>(samples, [u16::from(gray) * 257]);
            }
            (Channels::Gray | Channels::Rgb, _) => {}
        }
        self.channels = self.channels.with_alpha(false);
    }

    /// The same picture with the channels asked for: colour from gray, opaque
    /// alpha added. Colour and alpha that are there stay.
    ///
    /// # Errors
    /// [`Error::TooLarge`], if the wider pixels pass a limit.
    pub fn widened(self, color: bool, alpha: bool, limits: &Limits) -> Result<Self, Error> {
        let from = self.channels;
        let gray = from.is_gray() && !color;
        let to = if gray { Channels::Gray } else { Channels::Rgb }.with_alpha(alpha || from.has_alpha());
        if from == to {
            return Ok(self);
        }
        limits.check(self.width, self.height, to, self.bytes_per_sample())?;
        let samples = match self.samples {
            Samples::Eight(samples) => Samples::Eight(widen(&samples, from, to, u8::MAX)),
            Samples::Sixteen(samples) => Samples::Sixteen(widen(&samples, from, to, u16::MAX)),
        };
        Ok(Self { channels: to, samples, ..self })
    }
}

/// Rec. 709 luma of gamma-encoded sRGB, as CSS filters define grayscale
/// (Filter Effects Module 1, section 9.6: 0.2126, 0.7152, 0.0722), in units of
/// 1/65536.
pub(crate) const LUMA: [u32; 3] = [13_933, 46_871, 4_732];

fn luma(rgb: [u8; 3]) -> u8 {
    let [r, g, b] = rgb.map(u32::from);
    ((r * LUMA[0] + g * LUMA[1] + b * LUMA[2] + 32_768) >> 16) as u8
}

/// A sample's arithmetic, so that 8 and 16 bits share their code.
pub(crate) trait Sample: Copy + Default + Into<u32> {
    const BITS: u32;
    const MAX: u32 = (1 << Self::BITS) - 1;
    fn narrow(value: u32) -> Self;

    // By way of i32, in both directions: processors convert several of these at once, and none of u32.
    fn as_f32(self) -> f32 {
        self.into() as i32 as f32
    }

    /// The sample nearest to this value, whatever value that is.
    fn nearest(value: f32) -> Self {
        Self::narrow((value + 0.5).clamp(0.0, Self::MAX as f32) as i32 as u32)
    }

    /// A product of two samples, divided by [`MAX`](Self::MAX) and rounded:
    /// exactly, and without a division, so that a row of them can be vectorized.
    fn normalized(product: u32) -> u32 {
        let sum = product + (1 << (Self::BITS - 1));
        (sum + (sum >> Self::BITS)) >> Self::BITS
    }
}

impl Sample for u8 {
    const BITS: u32 = 8;
    fn narrow(value: u32) -> Self {
        value as Self
    }
}

impl Sample for u16 {
    const BITS: u32 = 16;
    fn narrow(value: u32) -> Self {
        value as Self
    }
}

/// Blends `FROM` channels, the last of them alpha, into `TO = FROM - 1`. The
/// result is shorter than its source, so it is written over it from the front.
fn flatten<T: Sample, const FROM: usize, const TO: usize>(samples: &mut Vec<T>, background: [T; TO]) {
    let pixels = samples.as_chunks::<FROM>().0.len();
    for index in 0..pixels {
        let mut blended = background;
        if let Some(pixel) = samples.as_chunks::<FROM>().0.get(index) {
            let alpha: u32 = pixel.last().copied().map_or(T::MAX, Into::into);
            for (under, &over) in blended.iter_mut().zip(pixel) {
                let sum = over.into() * alpha + (*under).into() * (T::MAX - alpha);
                *under = T::narrow(T::normalized(sum));
            }
        }
        if let Some(target) = samples.as_chunks_mut::<TO>().0.get_mut(index) {
            *target = blended;
        }
    }
    samples.truncate(pixels * TO);
}

fn without_color<T: Copy>(samples: &[T], from: usize, alpha: bool) -> Vec<T> {
    let mut narrow = Vec::with_capacity(samples.len() / from * if alpha { 2 } else { 1 });
    for pixel in samples.chunks_exact(from) {
        narrow.extend(pixel.first());
        if alpha {
            narrow.extend(pixel.last());
        }
    }
    narrow
}

fn widen<T: Sample>(samples: &[T], from: Channels, to: Channels, opaque: T) -> Vec<T> {
    let mut wide = Vec::with_capacity(samples.len() / from.count() * to.count());
    for pixel in samples.chunks_exact(from.count()) {
        let (color, alpha) = match pixel.split_last() {
            Some((alpha, color)) if from.has_alpha() => (color, *alpha),
            _ => (pixel, opaque),
        };
        match color {
            [gray] if !to.is_gray() => wide.extend([*gray; 3]),
            color => wide.extend_from_slice(color),
        }
        if to.has_alpha() {
            wide.push(alpha);
        }
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_left_out_and_nothing_else() {
        let narrowed = |pixels: &[[u8; 4]]| {
            let picture = Picture::eight(pixels.len() as u32, 1, Channels::Rgba, pixels.concat()).unwrap();
            let narrow = picture.narrowed();
            (narrow.channels, narrow.bytes().to_vec())
        };
        assert_eq!(narrowed(&[[7, 7, 7, 255], [9, 9, 9, 255]]), (Channels::Gray, vec![7, 9]));
        assert_eq!(narrowed(&[[7, 7, 7, 1], [9, 9, 9, 255]]), (Channels::GrayAlpha, vec![7, 1, 9, 255]));
        assert_eq!(narrowed(&[[7, 8, 7, 255], [9, 9, 9, 255]]), (Channels::Rgb, vec![7, 8, 7, 9, 9, 9]));
        assert_eq!(narrowed(&[[7, 8, 7, 1]]), (Channels::Rgba, vec![7, 8, 7, 1]));
    }

    #[test]
    fn a_product_of_samples_is_divided_as_exactly_as_numbers_can_be() {
        let exactly = |product: u32, max: u32| (u64::from(product) + u64::from(max) / 2) / u64::from(max);
        for product in 0..=255 * 255 {
            assert_eq!(u64::from(u8::normalized(product)), exactly(product, 255), "{product}");
        }
        let products = (0..=u16::MAX).map(|sample| u32::from(sample) * 65_535);
        let others = (0..=65_535 * 65_535).step_by(9_973).chain([65_535 * 65_535]);
        for product in products.chain(others) {
            assert_eq!(u64::from(u16::normalized(product)), exactly(product, 65_535), "{product}");
        }
    }
}
