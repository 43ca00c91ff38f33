//! TIFF: gray or colour, the latter with or without alpha, 8 or 16 bits.

use ::tiff::TiffResult;
use ::tiff::encoder::colortype::{ColorType, Gray8, Gray16, RGB8, RGB16};
use ::tiff::encoder::{Compression, DeflateLevel, Predictor, TiffEncoder, TiffValue};
use ::tiff::tags::{ExtraSamples, Tag};

use super::sink::Sink;
use crate::{Channels, Error, Format, Limits, Parameters, Picture, Samples};

pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "compression": {
      "description": "The picture is the same with each; deflate is smallest, none is read by everything.",
      "type": "string", "enum": ["none", "lzw", "deflate"], "default": "lzw"
    }
  },
  "additionalProperties": false
}"#;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Options {
    None,
    Lzw,
    Deflate,
}

impl Options {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Error> {
        let choices = [("none", Self::None), ("lzw", Self::Lzw), ("deflate", Self::Deflate)];
        Ok(parameters.choice("compression", &choices)?.unwrap_or(Self::Lzw))
    }

    fn compression(self) -> Compression {
        match self {
            Self::None => Compression::Uncompressed,
            Self::Lzw => Compression::Lzw,
            Self::Deflate => Compression::Deflate(DeflateLevel::Balanced),
        }
    }
}

pub(super) fn encode(mut picture: Picture, options: Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    if picture.channels == Channels::GrayAlpha {
        // The format has it, but many readers don't, ours among them.
        picture = picture.widened(true, true, limits)?;
        picture.icc = None;
    }
    let picture = &picture;
    let mut sink = Sink::new(limits);
    let gray = picture.channels.is_gray();
    let outcome = match &picture.samples {
        Samples::Eight(s) if gray => write::<Gray8>(&mut sink, picture, s, options),
        Samples::Eight(s) => write::<RGB8>(&mut sink, picture, s, options),
        Samples::Sixteen(s) if gray => write::<Gray16>(&mut sink, picture, s, options),
        Samples::Sixteen(s) => write::<RGB16>(&mut sink, picture, s, options),
    };
    sink.finish(Format::Tiff, outcome)
}

fn write<C: ColorType>(
    sink: &mut Sink,
    picture: &Picture,
    samples: &[C::Inner],
    options: Options,
) -> TiffResult<()>
where
    [C::Inner]: TiffValue,
{
    let mut tiff = TiffEncoder::new(sink)?.with_compression(options.compression());
    // The crate's own differences of neighbouring pixels skip an extra sample.
    if !picture.channels.has_alpha() && !matches!(options, Options::None) {
        tiff = tiff.with_predictor(Predictor::Horizontal);
    }
    let mut image = tiff.new_image::<C>(picture.width, picture.height)?;
    if picture.channels.has_alpha() {
        image.extra_samples(&[ExtraSamples::UnassociatedAlpha])?;
    }
    if let Some(profile) = picture.icc.as_deref() {
        image.encoder().write_tag(Tag::IccProfile, profile)?;
    }
    image.write_data(samples)
}
