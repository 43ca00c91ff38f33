//! GIF: one frame with a palette of its own: exact up to 256 colours, else
//! chosen by a neural network (NeuQuant). Alpha becomes all or nothing.

use ::gif::{Encoder, EncodingError, Frame};

use super::sink::Sink;
use crate::{Error, Format, Limits, Picture, Samples};

/// Of 1 to 30, higher is faster and coarser; the crate recommends 10.
const QUANTISER_SPEED: i32 = 10;

pub(super) fn encode(picture: Picture, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight().widened(true, true, limits)?;
    let side =
        |pixels: u32| u16::try_from(pixels).map_err(|_| Error::encoding(Format::Gif, "a side is too long"));
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    let mut sink = Sink::new(limits);
    let outcome = match &mut picture.samples {
        Samples::Eight(samples) => {
            harden(samples);
            let frame = Frame::from_rgba_speed(width, height, samples, QUANTISER_SPEED);
            write(&mut sink, width, height, &frame)
        }
        Samples::Sixteen(_) => return Err(Error::encoding(Format::Gif, "samples of 16 bits")),
    };
    sink.finish(Format::Gif, outcome)
}

/// Makes every pixel either opaque or the same nothing, so that transparent
/// pixels take only one place in the palette.
fn harden(samples: &mut [u8]) {
    for pixel in samples.as_chunks_mut::<4>().0 {
        let [r, g, b, alpha] = *pixel;
        *pixel = if alpha < 128 { [0; 4] } else { [r, g, b, u8::MAX] };
    }
}

fn write(sink: &mut Sink, width: u16, height: u16, frame: &Frame<'_>) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(sink, width, height, &[])?;
    encoder.write_frame(frame)?;
    // Dropping would write the trailer as well and hide its errors.
    encoder.into_inner()?;
    Ok(())
}
