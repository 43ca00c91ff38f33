//! Writing files: an encoder per format, each with the JSON Schema of its
//! parameters beside it.
//!
//! An encoder takes the picture as it is and reduces it only to what its format
//! can hold. Profiles are carried over where the format can hold them and the
//! colour model is still the one they describe; other metadata is dropped, as
//! it may say more of people and places than its sender knows.

mod animated;
mod bmp;
mod difference;
mod gif;
mod jpeg;
mod png;
mod qoi;
mod sink;
mod tiff;
mod webp;

pub use self::animated::AnimationEncoder;
use crate::limits::at_most;
use crate::{Channels, Error, Format, Limits, Parameters, Picture, Planes};

/// An encoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// What the bytes are.
    pub format: Format,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// A format that can be written.
#[derive(Debug, Clone, Copy)]
pub struct OutputFormat {
    /// Which one.
    pub format: Format,
    /// JSON Schema (2020-12) of its parameters.
    pub schema: &'static str,
}

/// The formats that can be written.
#[must_use]
pub fn output_formats() -> [OutputFormat; Format::ALL.len()] {
    Format::ALL.map(|format| {
        let schema = match format {
            Format::Jpeg => jpeg::SCHEMA,
            Format::Png => png::SCHEMA,
            Format::Tiff => tiff::SCHEMA,
            Format::WebP => webp::SCHEMA,
            Format::Gif => gif::SCHEMA,
            Format::Bmp | Format::Qoi => NO_PARAMETERS,
        };
        OutputFormat { format, schema }
    })
}

const NO_PARAMETERS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {},
  "additionalProperties": false
}"#;

/// How to write, read from the parameters before any pixel is touched.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Encoder {
    Jpeg(jpeg::Options),
    Png(png::Options),
    WebP(webp::Options),
    Gif(gif::Options),
    Bmp,
    Tiff(tiff::Options),
    Qoi,
}

impl Encoder {
    pub(crate) fn read(format: Format, parameters: &Parameters) -> Result<Self, Error> {
        Ok(match format {
            Format::Jpeg => Self::Jpeg(jpeg::Options::read(parameters)?),
            Format::Png => Self::Png(png::Options::read(parameters)?),
            Format::WebP => Self::WebP(webp::Options::read(parameters)?),
            Format::Gif => Self::Gif(gif::Options::read(parameters)?),
            Format::Bmp => Self::Bmp,
            Format::Tiff => Self::Tiff(tiff::Options::read(parameters)?),
            Format::Qoi => Self::Qoi,
        })
    }

    pub(crate) fn format(self) -> Format {
        match self {
            Self::Jpeg(_) => Format::Jpeg,
            Self::Png(_) => Format::Png,
            Self::WebP(_) => Format::WebP,
            Self::Gif(_) => Format::Gif,
            Self::Bmp => Format::Bmp,
            Self::Tiff(_) => Format::Tiff,
            Self::Qoi => Format::Qoi,
        }
    }

    pub(crate) fn is_for_animations(self) -> bool {
        matches!(self, Self::Gif(_) | Self::WebP(_))
    }

    pub(crate) fn encode(self, mut picture: Picture, limits: &Limits) -> Result<Output, Error> {
        let format = self.format();
        let side = u64::from(picture.width.max(picture.height));
        at_most("The longer side of the result in pixels", side, format.max_side().into())?;
        picture.icc = picture.icc.filter(|profile| describes(profile, picture.channels));
        let bytes = match self {
            Self::Jpeg(options) => jpeg::encode(picture, &options, limits),
            Self::Png(options) => png::encode(picture, options, limits),
            Self::WebP(options) => webp::encode(picture, options, limits),
            Self::Gif(options) => gif::encode(picture, options, limits),
            Self::Bmp => bmp::encode(picture, limits),
            Self::Tiff(options) => tiff::encode(picture, options, limits),
            Self::Qoi => qoi::encode(picture, limits),
        }?;
        Ok(Output { format, bytes })
    }
}

impl Encoder {
    /// Whether planes with halved chroma can be written as they are.
    pub(crate) fn takes_planes(self) -> bool {
        matches!(self, Self::Jpeg(options) if options.takes_planes())
    }

    /// Writes planes, where it [takes](Encoder::takes_planes) them.
    pub(crate) fn encode_planes(self, mut planes: Planes, limits: &Limits) -> Result<Output, Error> {
        let Self::Jpeg(options) = self else {
            return Err(Error::encoding(self.format(), "it has no planes"));
        };
        planes.icc = planes.icc.filter(|profile| describes(profile, Channels::Rgb));
        Ok(Output { format: Format::Jpeg, bytes: jpeg::encode_planes(&planes, &options, limits)? })
    }
}

/// Writes a picture.
///
/// # Errors
/// [`Error::InvalidParameter`], [`Error::TooLarge`] or [`Error::Encoding`].
pub fn encode(
    picture: Picture,
    format: Format,
    parameters: &Parameters,
    limits: &Limits,
) -> Result<Output, Error> {
    Encoder::read(format, parameters)?.encode(picture, limits)
}

/// Whether a profile is of the picture's colour model, by the signature in its
/// header (ICC.1:2022, section 7.2.8). A CMYK file's profile, for example, says
/// nothing about the RGB pixels that were made from it.
fn describes(profile: &[u8], channels: Channels) -> bool {
    let model: &[u8] = if channels.is_gray() { b"GRAY" } else { b"RGB " };
    profile.get(16..20) == Some(model)
}
