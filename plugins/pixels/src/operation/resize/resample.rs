//! Resampling: the pixels of a rectangle computed from those of another.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{Filter, FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::kernel::{Kernel, lanczos};
use super::plan::{Part, Size};
use super::rows;
use crate::{Channels, Error, Picture, Samples};

impl Kernel {
    fn algorithm(self) -> Result<ResizeAlg, Error> {
        Ok(ResizeAlg::Convolution(match self {
            Self::Nearest => return Ok(ResizeAlg::Nearest),
            Self::Linear => FilterType::Bilinear,
            Self::Cubic => FilterType::CatmullRom,
            Self::Mitchell => FilterType::Mitchell,
            Self::Lanczos3 => FilterType::Lanczos3,
            Self::Lanczos2 => {
                FilterType::Custom(Filter::new("Lanczos2", |x| lanczos(x, 2.0), 2.0).map_err(failed)?)
            }
        }))
    }
}

/// Bytes between the resampling of one axis and of the other: what a picture of
/// a megapixel with alpha takes, so that most results need one band.
const BETWEEN: usize = 4 << 20;

/// Each band computes the weights of all columns anew: fewer rows aren't worth
/// that.
const LEAST_ROWS: u32 = 64;

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Processing(error.to_string())
}

/// A picture to resample from, once or often. Its colours are multiplied by its
/// alpha where that matters, or transparent pixels would bleed theirs.
#[derive(Debug)]
pub(crate) struct Source {
    picture: Picture,
    premultiplied: bool,
    kernel: Kernel,
}

impl Source {
    /// The picture is premultiplied in place: with a copy of it the peak would
    /// be a whole picture higher.
    pub(crate) fn new(mut picture: Picture, kernel: Kernel) -> Result<Self, Error> {
        // Nearest takes pixels as they are, and opaque ones have nothing to multiply.
        let premultiplied = kernel != Kernel::Nearest && !picture.is_opaque();
        if premultiplied {
            let (width, height, pixel_type) = (picture.width, picture.height, pixel_type(&picture));
            let mut image =
                Image::from_slice_u8(width, height, bytes_mut(&mut picture), pixel_type).map_err(failed)?;
            MulDiv::new().multiply_alpha_inplace(&mut image).map_err(failed)?;
        }
        Ok(Self { picture, premultiplied, kernel })
    }

    pub(crate) fn size(&self) -> Size {
        Size(self.picture.width, self.picture.height)
    }

    /// The pixels of `part` as a rectangle of this size. The profile stays
    /// behind: it can be as large as the file, and not everybody wants it.
    pub(crate) fn resampled(&self, drawn: Size, part: Option<Part>) -> Result<Self, Error> {
        let Size(width, height) = drawn;
        let picture = &self.picture;
        let pixel_type = pixel_type(picture);
        let count = width as usize * height as usize * picture.channels.count();
        let mut resized = Picture {
            width,
            height,
            channels: picture.channels,
            samples: match picture.samples {
                Samples::Eight(_) => Samples::Eight(vec![0; count]),
                Samples::Sixteen(_) => Samples::Sixteen(vec![0; count]),
            },
            icc: None,
            orientation: picture.orientation,
        };
        let options = ResizeOptions::new().resize_alg(self.kernel.algorithm()?).use_alpha(false);
        let part = part.unwrap_or(Part::whole(self.size()));
        let rows = self.rows_at_once(drawn);
        let row_bytes = width as usize * pixel_type.size();
        let mut resizer = Resizer::new();
        for (first, band) in (0..height)
            .step_by(rows as usize)
            .zip(bytes_mut(&mut resized).chunks_mut(rows as usize * row_bytes))
        {
            let rows = rows.min(height - first);
            let mut part = part.rows(first, rows, height);
            let flattened = match &picture.samples {
                Samples::Eight(samples)
                    if self.kernel != Kernel::Nearest && f64::from(rows) < part.height =>
                {
                    Some(self.flattened(samples, Size(width, rows), &mut part)?)
                }
                _ => None,
            };
            let source = match &flattened {
                Some((width, samples)) => ImageRef::new(*width, rows, samples, pixel_type),
                None => ImageRef::new(picture.width, picture.height, picture.bytes(), pixel_type),
            }
            .map_err(failed)?;
            let mut band = Image::from_slice_u8(width, rows, band, pixel_type).map_err(failed)?;
            let options = options.crop(part.left, part.top, part.width, part.height);
            resizer.resize(&source, &mut band, &options).map_err(failed)?;
        }
        Ok(Self { picture: resized, ..*self })
    }

    /// How many rows of the result are computed at once. One axis is resampled
    /// after the other, and what lies in between is as large as a picture.
    pub(super) fn rows_at_once(&self, drawn: Size) -> u32 {
        if self.kernel == Kernel::Nearest {
            // It has nothing in between, and takes other pixels if it begins anew.
            return drawn.1;
        }
        let pixel = self.picture.channels.count() * self.picture.bytes_per_sample();
        // Which of the axes comes first depends on the samples.
        let row = self.picture.width.max(drawn.0) as usize * pixel;
        let most = u32::try_from(BETWEEN / row)
            .map_or(drawn.1, |rows| rows.clamp(LEAST_ROWS, drawn.1.max(LEAST_ROWS)));
        // All about as high, for none would be worth the weights if it were low.
        drawn.1.div_ceil(drawn.1.div_ceil(most))
    }

    /// The part with as many rows as shall be drawn, and no more columns than
    /// matter: how wide that is, and its samples. `part` is then the part of it.
    fn flattened(&self, samples: &[u8], drawn: Size, part: &mut Part) -> Result<(u32, Vec<u8>), Error> {
        let channels = self.picture.channels.count();
        let Size(width, height) = self.size();
        let reach = self.kernel.reach(part.width / drawn.width()).ceil() + 1.0;
        let first = (part.left - reach).floor().max(0.0) as u32;
        let last = ((part.left + part.width + reach).ceil() as u32).min(width);
        let weights = self.kernel.weights((part.top, part.height), height as usize, drawn.1 as usize)?;
        let columns = first as usize * channels..last as usize * channels;
        let rows = rows::resampled(samples, width as usize * channels, columns, &weights);
        *part =
            Part { left: part.left - f64::from(first), top: 0.0, width: part.width, height: drawn.height() };
        Ok((last - first, rows))
    }

    /// The picture with straight alpha again.
    pub(crate) fn into_picture(mut self) -> Result<Picture, Error> {
        if self.premultiplied {
            let Size(width, height) = self.size();
            let pixel_type = pixel_type(&self.picture);
            let mut image = Image::from_slice_u8(width, height, bytes_mut(&mut self.picture), pixel_type)
                .map_err(failed)?;
            MulDiv::new().divide_alpha_inplace(&mut image).map_err(failed)?;
        }
        Ok(self.picture)
    }

    /// A copy of the picture with straight alpha, without its profile.
    pub(crate) fn to_picture(&self) -> Result<Picture, Error> {
        let picture = Picture { icc: None, samples: self.picture.samples.clone(), ..self.picture };
        Self { picture, ..*self }.into_picture()
    }
}

fn pixel_type(picture: &Picture) -> PixelType {
    match (&picture.samples, picture.channels) {
        (Samples::Eight(_), Channels::Gray) => PixelType::U8,
        (Samples::Eight(_), Channels::GrayAlpha) => PixelType::U8x2,
        (Samples::Eight(_), Channels::Rgb) => PixelType::U8x3,
        (Samples::Eight(_), Channels::Rgba) => PixelType::U8x4,
        (Samples::Sixteen(_), Channels::Gray) => PixelType::U16,
        (Samples::Sixteen(_), Channels::GrayAlpha) => PixelType::U16x2,
        (Samples::Sixteen(_), Channels::Rgb) => PixelType::U16x3,
        (Samples::Sixteen(_), Channels::Rgba) => PixelType::U16x4,
    }
}

fn bytes_mut(picture: &mut Picture) -> &mut [u8] {
    match &mut picture.samples {
        Samples::Eight(samples) => samples,
        Samples::Sixteen(samples) => bytemuck::cast_slice_mut(samples),
    }
}
