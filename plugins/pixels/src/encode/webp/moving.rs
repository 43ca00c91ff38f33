//! Animated WebP: of each frame the rectangle that changes.

use super::Options;
use super::container::{self, Chunks};
use crate::animation::Frame;
use crate::encode::difference::Rect;
use crate::encode::sink::Sink;
use crate::limits::at_most;
use crate::{Channels, Error, Format, Limits, Samples};

/// The longest that a frame can be shown: 24 bits.
const MOST_MS: u32 = (1 << 24) - 1;

pub(in crate::encode) struct Moving {
    options: Options,
    limits: Limits,
    size: (u32, u32),
    plays: u32,
    icc: Option<Vec<u8>>,
    /// The file's chunks so far.
    frames: Vec<u8>,
    /// What is seen, once a frame was written.
    canvas: Vec<[u8; 4]>,
    /// The rectangle and the time of the frame that may still be prolonged.
    waiting: Option<(Rect, Chunks, u32)>,
}

impl Moving {
    pub(in crate::encode) fn new(
        first: Frame,
        plays: u32,
        options: Options,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let mut moving = Self {
            options,
            limits: *limits,
            size: (first.picture.width, first.picture.height),
            plays,
            icc: first.picture.icc.clone().filter(|_| !first.picture.channels.is_gray()),
            frames: vec![],
            canvas: vec![],
            waiting: None,
        };
        moving.push(first)?;
        Ok(moving)
    }

    pub(in crate::encode) fn push(&mut self, next: Frame) -> Result<(), Error> {
        let width = self.size.0 as usize;
        let picture = next.picture.into_eight().widened(true, true, &self.limits)?;
        let Samples::Eight(samples) = picture.samples else {
            return Err(Error::encoding(Format::WebP, "samples of 16 bits"));
        };
        let pixels = samples.as_chunks::<4>().0;
        let place = if self.canvas.is_empty() {
            Some(Rect { left: 0, top: 0, width, height: self.size.1 as usize })
        } else {
            Rect::around(width, &self.canvas, pixels, |a, b| a != b).map(even)
        };
        match (place, &mut self.waiting) {
            // Nothing changes: what is seen is seen for longer.
            (None, Some((.., delay_ms))) if next.delay_ms <= MOST_MS.saturating_sub(*delay_ms) => {
                *delay_ms += next.delay_ms;
            }
            (place, _) => {
                let place = place.unwrap_or(Rect::CORNER);
                let cut = place.cut(pixels, width);
                let size = (place.width as u32, place.height as u32);
                let opaque = cut.iter().all(|[.., alpha]| *alpha == u8::MAX);
                let chunks = if opaque {
                    let rgb: Vec<u8> = cut.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
                    Chunks::of(Channels::Rgb, &rgb, size, self.options)?
                } else {
                    Chunks::of(Channels::Rgba, cut.as_flattened(), size, self.options)?
                };
                self.write_waiting()?;
                self.waiting = Some((place, chunks, next.delay_ms));
                self.canvas = pixels.to_vec();
            }
        }
        Ok(())
    }

    pub(in crate::encode) fn finish(mut self) -> Result<Vec<u8>, Error> {
        self.write_waiting()?;
        let mut sink = Sink::new(&self.limits);
        let outcome =
            container::write_moving(&mut sink, self.size, self.plays, &self.frames, self.icc.as_deref());
        sink.finish(Format::WebP, outcome)
    }

    fn write_waiting(&mut self) -> Result<(), Error> {
        if let Some((place, chunks, delay_ms)) = self.waiting.take() {
            container::write_frame(&mut self.frames, place, delay_ms, &chunks)
                .map_err(|error| Error::encoding(Format::WebP, error))?;
            let length = self.frames.len() as u64;
            at_most("The encoded result in bytes, at least,", length, self.limits.max_output_bytes)?;
        }
        Ok(())
    }
}

/// A frame's left and top are even in the file.
fn even(place: Rect) -> Rect {
    let (left, top) = (place.left & !1, place.top & !1);
    let width = place.width + (place.left - left);
    let height = place.height + (place.top - top);
    Rect { left, top, width, height }
}
