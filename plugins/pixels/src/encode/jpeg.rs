//! JPEG: baseline, gray or colour. Alpha is laid onto white, as paper is.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::sink::Sink;
use crate::{Channels, Error, Format, Limits, Parameters, Picture};

pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "quality": {
      "description": "Higher is better and larger.",
      "type": "integer", "minimum": 1, "maximum": 100, "default": 80
    },
    "chroma-subsampling": {
      "description": "Whether colour is stored at half the resolution (4:2:0) or in full (4:4:4), which keeps coloured edges crisp.",
      "type": "string", "enum": ["4:2:0", "4:4:4"], "default": "4:2:0"
    },
    "progressive": {
      "description": "Whether the picture appears coarse first while it loads; smaller, and slower to write.",
      "type": "boolean", "default": false
    }
  },
  "additionalProperties": false
}"#;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    quality: u8,
    sampling: SamplingFactor,
    progressive: bool,
}

impl Options {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Error> {
        let sampling = [("4:2:0", SamplingFactor::F_2_2), ("4:4:4", SamplingFactor::F_1_1)];
        Ok(Self {
            quality: parameters.integer("quality", 1..=100)?.map_or(80, |value| value as u8),
            sampling: parameters.choice("chroma-subsampling", &sampling)?.unwrap_or(SamplingFactor::F_2_2),
            progressive: parameters.boolean("progressive")?.unwrap_or(false),
        })
    }
}

pub(super) fn encode(picture: Picture, options: Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight();
    picture.flatten([u8::MAX; 3]);
    let color = match picture.channels {
        Channels::Gray | Channels::GrayAlpha => ColorType::Luma,
        Channels::Rgb | Channels::Rgba => ColorType::Rgb,
    };
    let side =
        |pixels: u32| u16::try_from(pixels).map_err(|_| Error::encoding(Format::Jpeg, "a side is too long"));
    let (width, height) = (side(picture.width)?, side(picture.height)?);

    let mut sink = Sink::new(limits);
    let mut encoder = Encoder::new(&mut sink, options.quality);
    encoder.set_sampling_factor(options.sampling);
    // The other method takes one pixel of four and drops the rest.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_progressive(options.progressive);
    if let Some(profile) = &picture.icc {
        // Only a profile beyond 16 MB can be refused; the picture goes without.
        let _ = encoder.add_icc_profile(profile);
    }
    let outcome = encoder.encode(picture.bytes(), width, height, color);
    sink.finish(Format::Jpeg, outcome)
}
