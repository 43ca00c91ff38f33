//! JPEG: gray or colour, baseline or progressive. Alpha is laid onto white, as
//! paper is.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};
use tintype_jpeg::{EncodeError, Picture as Planar, PlaneRef, Separated, from_rgb};

use super::sink::Sink;
use crate::metadata;
use crate::{Error, Format, Limits, Parameters, Picture, Planes};

pub(super) const SCHEMA: &str = concat!(
    r#"{
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
    },
    "metadata": "#,
    metadata::schema!(),
    r#"
  },
  "additionalProperties": false
}"#
);

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

    fn halves_chroma(&self) -> bool {
        self.sampling == SamplingFactor::F_2_2
    }

    /// Whether planes with halved chroma can be written as they are.
    pub(super) fn takes_planes(&self) -> bool {
        self.halves_chroma() && !self.progressive
    }
}

pub(super) fn encode(picture: Picture, options: &Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight();
    picture.flatten([u8::MAX; 3]);
    if options.progressive {
        return progressive(&picture, options, limits);
    }
    let (width, height) = (picture.width, picture.height);
    let icc = picture.icc.as_deref();
    if picture.channels.is_gray() {
        return baseline(&Planar::Gray(plane(&picture)), icc, options, limits);
    }
    let Separated { luma, chroma: [blue, red], chroma_size } =
        from_rgb(picture.bytes(), width, options.halves_chroma());
    let chroma = |samples| PlaneRef { width: chroma_size.0, height: chroma_size.1, samples };
    let luma = PlaneRef { width, height, samples: &luma };
    baseline(&Planar::YCbCr([luma, chroma(&blue), chroma(&red)]), icc, options, limits)
}

/// Planes as they are: for [options that take them](Options::takes_planes).
pub(super) fn encode_planes(planes: &Planes, options: &Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let [blue, red] = &planes.chroma;
    let picture = Planar::YCbCr([plane(&planes.luma), plane(blue), plane(red)]);
    baseline(&picture, planes.icc.as_deref(), options, limits)
}

fn plane(picture: &Picture) -> PlaneRef<'_> {
    PlaneRef { width: picture.width, height: picture.height, samples: picture.bytes() }
}

/// Bytes of a profile that one segment can hold (ICC.1:2022, annex B.4).
const ICC_PART: usize = 65_519;

fn baseline(
    picture: &Planar<'_>,
    icc: Option<&[u8]>,
    options: &Options,
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let parts: Vec<&[u8]> = icc.map(|icc| icc.chunks(ICC_PART).collect()).unwrap_or_default();
    let parts: Vec<Vec<u8>> = match u8::try_from(parts.len()) {
        Ok(count) => (1..)
            .zip(parts)
            .map(|(number, part)| [b"ICC_PROFILE\0", &[number, count][..], part].concat())
            .collect(),
        // A profile beyond 16 MB has no place; the picture goes without.
        Err(_) => vec![],
    };
    let segments: Vec<(u8, &[u8])> = parts.iter().map(|part| (0xE2, part.as_slice())).collect();
    let most = usize::try_from(limits.max_output_bytes).unwrap_or(usize::MAX);
    tintype_jpeg::encode(picture, options.quality, &segments, most).map_err(|error| match error {
        EncodeError::TooLarge(found) => Error::TooLarge {
            subject: "The encoded result in bytes, at least,",
            found: found as u64,
            limit: limits.max_output_bytes,
        },
        other => Error::encoding(Format::Jpeg, other),
    })
}

fn progressive(picture: &Picture, options: &Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let color = if picture.channels.is_gray() { ColorType::Luma } else { ColorType::Rgb };
    let side =
        |pixels: u32| u16::try_from(pixels).map_err(|_| Error::encoding(Format::Jpeg, "a side is too long"));
    let (width, height) = (side(picture.width)?, side(picture.height)?);

    let mut sink = Sink::new(limits);
    let mut encoder = Encoder::new(&mut sink, options.quality);
    encoder.set_sampling_factor(options.sampling);
    // The other method takes one pixel of four and drops the rest.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_progressive(true);
    if let Some(profile) = &picture.icc {
        // Only a profile beyond 16 MB can be refused; the picture goes without.
        let _ = encoder.add_icc_profile(profile);
    }
    let outcome = encoder.encode(picture.bytes(), width, height, color);
    sink.finish(Format::Jpeg, outcome)
}
