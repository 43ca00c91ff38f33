//! JPEG: baseline, extended and progressive; gray, colour, CMYK and YCCK.
//!
//! Decoding is strict: a file that ends early or has bytes where none belong
//! is refused rather than delivered with a gray half.

use tintype_jpeg::{ColorModel, Decoder, Error as JpegError, Plane, Scale};

use crate::{Channels, Error, Format, Limits, Orientation, Picture, Planes};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    File::open(bytes, limits)?.picture(Scale::Full)
}

/// A JPEG file whose header was read and is within the limits.
pub(crate) struct File<'a>(Decoder<'a>);

impl<'a> File<'a> {
    pub(crate) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let decoder = Decoder::new(bytes).map_err(refused)?;
        let (width, height) = decoder.size();
        // Inks need more room while they are decoded.
        let channels = match decoder.color_model() {
            ColorModel::Gray => Channels::Gray,
            ColorModel::YCbCr | ColorModel::Rgb => Channels::Rgb,
            ColorModel::Cmyk | ColorModel::Ycck => Channels::Rgba,
        };
        limits.check(width, height, channels, 1)?;
        Ok(Self(decoder))
    }

    /// Width and height in pixels, as stored.
    pub(crate) fn size(&self) -> (u32, u32) {
        self.0.size()
    }

    /// What the pixels will be.
    pub(crate) fn channels(&self) -> Channels {
        if self.0.color_model() == ColorModel::Gray { Channels::Gray } else { Channels::Rgb }
    }

    pub(crate) fn orientation(&self) -> Orientation {
        self.0.exif().map_or(Orientation::Upright, Orientation::from_exif)
    }

    /// Whether it can be taken as [`File::planes`]: luma with chroma of the same
    /// size, or of a whole fraction of it.
    pub(crate) fn has_planes(&self) -> bool {
        self.0.color_model() == ColorModel::YCbCr && self.0.chroma_sampling().is_some()
    }

    /// How many times more samples luma has than chroma, along x and y.
    pub(crate) fn chroma_sampling(&self) -> (u32, u32) {
        self.0.chroma_sampling().unwrap_or((1, 1))
    }

    pub(crate) fn picture(self, scale: Scale) -> Result<Picture, Error> {
        let (model, channels, (width, height)) = (self.0.color_model(), self.channels(), self.size());
        let (is_adobe, orientation, icc) = (self.0.is_adobe(), self.orientation(), self.0.icc_profile());
        let mut samples = self.0.pixels(scale).map_err(refused)?;
        if matches!(model, ColorModel::Cmyk | ColorModel::Ycck) {
            cmyk_to_rgb(&mut samples, is_adobe);
        }
        let picture = Picture::eight(scale.of(width), scale.of(height), channels, samples)?;
        Ok(Picture { icc, orientation, ..picture })
    }

    /// Luma at one scale and chroma at another.
    pub(crate) fn planes(self, luma: Scale, chroma: Scale) -> Result<Planes, Error> {
        let (orientation, icc) = (self.orientation(), self.0.icc_profile());
        let planes = self.0.planes(luma, chroma).map_err(refused)?;
        let planes = planes.into_iter().map(|Plane { width, height, samples }| {
            let plane = Picture::eight(width, height, Channels::Gray, samples)?;
            Ok(Picture { orientation, ..plane })
        });
        Planes::new(planes.collect::<Result<Vec<_>, Error>>()?, icc)
    }
}

fn refused(error: JpegError) -> Error {
    match error {
        JpegError::Unsupported(reason) => Error::unsupported(Format::Jpeg, reason),
        other => Error::damaged(Format::Jpeg, other),
    }
}

/// Converts in place, without a profile: four samples become three.
///
/// Adobe's programs store CMYK inverted and say so by their APP14 marker
/// (libjpeg.txt, "Special color spaces"); without it 255 is full ink.
fn cmyk_to_rgb(samples: &mut Vec<u8>, inverted: bool) {
    let pixels = samples.len() / 4;
    for index in 0..pixels {
        let [c, m, y, k] = samples.as_chunks::<4>().0.get(index).copied().unwrap_or_default();
        let light = |ink: u8| u32::from(if inverted { ink } else { 255 - ink });
        let rgb = [c, m, y].map(|ink| ((light(ink) * light(k) + 127) / 255) as u8);
        if let Some(target) = samples.as_chunks_mut::<3>().0.get_mut(index) {
            *target = rgb;
        }
    }
    samples.truncate(pixels * 3);
}
