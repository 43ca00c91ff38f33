//! Animated GIF: of each frame the rectangle that changes, and within it only
//! the pixels that do.
//!
//! A frame can only paint over what is there. Where the next one shows less, the
//! rectangle of this one is grown over that and cleared after it was shown: each
//! frame is therefore kept until the next is known.

use ::gif::{DisposalMethod, Encoder, Repeat};

use super::{Options, frame, hardened, side};
use crate::animation::Frame;
use crate::encode::difference::Rect;
use crate::encode::sink::Sink;
use crate::{Error, Format, Limits};

/// The longest that a frame can be shown, in whole hundredths of a second.
const MOST_MS: u32 = u16::MAX as u32 * 10;

pub(in crate::encode) struct Moving {
    encoder: Encoder<Sink>,
    options: Options,
    limits: Limits,
    width: usize,
    /// What is seen before `waiting` is drawn.
    canvas: Vec<[u8; 4]>,
    waiting: Waiting,
    /// How much longer than the file says the frames so far were to be shown, in
    /// milliseconds; a frame's time is a multiple of 10 ms.
    owed_ms: i64,
}

struct Waiting {
    pixels: Vec<[u8; 4]>,
    delay_ms: u32,
}

/// What is to be cleared: shown before, and no longer.
fn vanishes([.., before]: [u8; 4], [.., after]: [u8; 4]) -> bool {
    before != 0 && after == 0
}

impl Moving {
    pub(in crate::encode) fn new(
        first: Frame,
        plays: u32,
        options: Options,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let (width, height) = (side(first.picture.width)?, side(first.picture.height)?);
        let waiting = Waiting { pixels: hardened(first.picture, limits)?, delay_ms: first.delay_ms };
        let refused = |error| Error::encoding(Format::Gif, error);
        let mut encoder = Encoder::new(Sink::new(limits), width, height, &[]).map_err(refused)?;
        match plays {
            0 => encoder.set_repeat(Repeat::Infinite).map_err(refused)?,
            // What says nothing is played once.
            1 => {}
            plays => {
                let repeats = u16::try_from(plays - 1).unwrap_or(u16::MAX);
                encoder.set_repeat(Repeat::Finite(repeats)).map_err(refused)?;
            }
        }
        let canvas = vec![[0; 4]; waiting.pixels.len()];
        Ok(Self { encoder, options, limits: *limits, width: width.into(), canvas, waiting, owed_ms: 0 })
    }

    pub(in crate::encode) fn push(&mut self, next: Frame) -> Result<(), Error> {
        let next = Waiting { pixels: hardened(next.picture, &self.limits)?, delay_ms: next.delay_ms };
        let together = self.waiting.delay_ms.saturating_add(next.delay_ms);
        if next.pixels == self.waiting.pixels && together <= MOST_MS {
            // Nothing changes: what is seen is seen for longer.
            self.waiting.delay_ms = together;
            return Ok(());
        }
        let vanishing = Rect::around(self.width, &self.waiting.pixels, &next.pixels, vanishes);
        let shown = std::mem::replace(&mut self.waiting, next);
        self.write(shown, vanishing)
    }

    pub(in crate::encode) fn finish(mut self) -> Result<Vec<u8>, Error> {
        let last = Waiting { pixels: std::mem::take(&mut self.waiting.pixels), ..self.waiting };
        self.write(last, None)?;
        // Writes the trailer, which dropping would do too and hide its errors.
        let sink = self.encoder.into_inner().map_err(|error| Error::encoding(Format::Gif, error))?;
        sink.finish(Format::Gif, Ok::<(), Error>(()))
    }

    fn write(&mut self, shown: Waiting, vanishing: Option<Rect>) -> Result<(), Error> {
        let changed = Rect::around(self.width, &self.canvas, &shown.pixels, |a, b| a != b);
        let place = match (changed, vanishing) {
            (Some(changed), Some(vanishing)) => changed.joined(vanishing),
            (Some(place), None) | (None, Some(place)) => place,
            (None, None) => Rect::CORNER,
        };
        let under = place.cut(&self.canvas, self.width);
        let mut pixels = place.cut(&shown.pixels, self.width);
        for (pixel, under) in pixels.iter_mut().zip(under) {
            if *pixel == under {
                // Long runs of the same nothing compress better than what they would repeat.
                *pixel = [0; 4];
            }
        }
        let dispose = if vanishing.is_some() { DisposalMethod::Background } else { DisposalMethod::Keep };
        let delay = self.hundredths(shown.delay_ms);
        let frame = frame(&pixels, place, self.options, dispose, delay);
        if let Err(error) = self.encoder.write_frame(&frame) {
            let refused = self.encoder.get_ref().refusal();
            return Err(refused.unwrap_or_else(|| Error::encoding(Format::Gif, error)));
        }
        self.canvas = shown.pixels;
        if vanishing.is_some() {
            place.clear(&mut self.canvas, self.width);
        }
        Ok(())
    }

    /// The nearest that the file can say, what was rounded away before included.
    fn hundredths(&mut self, delay_ms: u32) -> u16 {
        let wanted = i64::from(delay_ms) + self.owed_ms;
        let hundredths = ((wanted + 5) / 10).clamp(0, u16::MAX.into());
        self.owed_ms = (wanted - hundredths * 10).clamp(-5, 5);
        hundredths as u16
    }
}
