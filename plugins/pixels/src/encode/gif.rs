//! GIF: one frame or many, each with a palette of its own. Alpha becomes all or
//! nothing.

mod moving;
mod palette;

use ::gif::{DisposalMethod, Encoder, EncodingError, Frame};

pub(super) use self::moving::Moving;
use self::palette::Indexed;
use super::difference::Rect;
use super::sink::Sink;
use crate::{Error, Format, Limits, Parameters, Picture, Samples};

pub(super) const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "dither": {
      "description": "Whether colours that the palette of 256 lacks are mixed from dots of others; without it the file is smaller, and gradients have steps.",
      "type": "boolean", "default": true
    }
  },
  "additionalProperties": false
}"#;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    dither: bool,
}

impl Options {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Error> {
        Ok(Self { dither: parameters.boolean("dither")?.unwrap_or(true) })
    }
}

pub(super) fn encode(picture: Picture, options: Options, limits: &Limits) -> Result<Vec<u8>, Error> {
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    let pixels = hardened(picture, limits)?;
    let frame = frame(&pixels, Rect::whole(width, height), options, DisposalMethod::Keep, 0);
    let mut sink = Sink::new(limits);
    let outcome = write(&mut sink, width, height, &frame);
    sink.finish(Format::Gif, outcome)
}

fn write(sink: &mut Sink, width: u16, height: u16, frame: &Frame<'_>) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(sink, width, height, &[])?;
    encoder.write_frame(frame)?;
    // Dropping would write the trailer as well and hide its errors.
    encoder.into_inner()?;
    Ok(())
}

fn side(pixels: u32) -> Result<u16, Error> {
    u16::try_from(pixels).map_err(|_| Error::encoding(Format::Gif, "a side is too long"))
}

/// Makes every pixel either opaque or the same nothing, so that transparent
/// pixels take only one place in the palette.
fn hardened(picture: Picture, limits: &Limits) -> Result<Vec<[u8; 4]>, Error> {
    let picture = picture.into_eight().widened(true, true, limits)?;
    let Samples::Eight(samples) = picture.samples else {
        return Err(Error::encoding(Format::Gif, "samples of 16 bits"));
    };
    let harden = |&[r, g, b, alpha]: &[u8; 4]| if alpha < 128 { [0; 4] } else { [r, g, b, u8::MAX] };
    Ok(samples.as_chunks::<4>().0.iter().map(harden).collect())
}

/// A frame of the pixels of a part of the canvas.
fn frame(
    pixels: &[[u8; 4]],
    place: Rect,
    options: Options,
    dispose: DisposalMethod,
    delay: u16,
) -> Frame<'static> {
    let Indexed { palette, indices, transparent } = Indexed::of(pixels, place.width, options.dither);
    Frame {
        delay,
        dispose,
        transparent,
        left: place.left as u16,
        top: place.top as u16,
        width: place.width as u16,
        height: place.height as u16,
        palette: Some(palette),
        buffer: indices.into(),
        ..Frame::default()
    }
}

impl Rect {
    fn whole(width: u16, height: u16) -> Self {
        Self { left: 0, top: 0, width: width.into(), height: height.into() }
    }
}
