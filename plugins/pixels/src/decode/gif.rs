//! GIF: the first frame, at its place on its canvas. What no frame covers is
//! transparent, as browsers show it.

use std::io::Cursor;

use ::gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use crate::{Channels, Error, Format, Limits, Picture};

const CHANNELS: Channels = Channels::Rgba;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Sizes are checked here; what remains inside are rows.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(refused)?;

    let canvas = (u32::from(decoder.width()), u32::from(decoder.height()));
    limits.check_size(canvas.0, canvas.1)?;
    let frame = decoder
        .next_frame_info()
        .map_err(refused)?
        .ok_or_else(|| Error::damaged(Format::Gif, "there is no frame"))?;
    let place = Place {
        left: usize::from(frame.left),
        top: usize::from(frame.top),
        width: usize::from(frame.width),
        height: usize::from(frame.height),
    };
    let length = limits.check(frame.width.into(), frame.height.into(), CHANNELS, 1)?;
    if length == 0 {
        return Err(Error::damaged(Format::Gif, "the first frame is empty"));
    }
    // Some writers leave the canvas out; it is then as large as the frame.
    let (width, height) = match canvas {
        (0, _) | (_, 0) => ((place.left + place.width) as u32, (place.top + place.height) as u32),
        canvas => canvas,
    };
    let canvas_length = limits.check(width, height, CHANNELS, 1)?;

    let mut frame = vec![0; length];
    decoder.read_into_buffer(&mut frame).map_err(refused)?;
    let samples = if place.covers(width, height) {
        frame
    } else {
        let mut canvas = vec![0; canvas_length];
        place.draw(&frame, &mut canvas, width as usize);
        canvas
    };

    let mut picture = Picture::eight(width, height, CHANNELS, samples)?;
    if picture.is_opaque() {
        // Three samples are resized and encoded faster than four.
        picture.flatten([0; 3]);
    }
    Ok(picture)
}

/// Where on the canvas a frame lies, in pixels.
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn covers(&self, width: u32, height: u32) -> bool {
        (self.left, self.top, self.width, self.height) == (0, 0, width as usize, height as usize)
    }

    /// Copies what lies on the canvas; the rest of the frame is cut off.
    fn draw(&self, frame: &[u8], canvas: &mut [u8], canvas_width: usize) {
        let frame_rows = frame.as_chunks::<4>().0.chunks_exact(self.width);
        let canvas_rows = canvas.as_chunks_mut::<4>().0.chunks_exact_mut(canvas_width);
        for (target, source) in canvas_rows.skip(self.top).zip(frame_rows) {
            let target = target.iter_mut().skip(self.left);
            target.zip(source).for_each(|(target, source)| *target = *source);
        }
    }
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::Io(_) => Error::damaged(Format::Gif, "they end early"),
        other => Error::damaged(Format::Gif, other),
    }
}
