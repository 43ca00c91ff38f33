//! GIF: frames at their places on their canvas. What no frame covers is
//! transparent, as browsers show it.

use std::io::Cursor;

use ::gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit, Repeat};

use crate::animation::{Animation, Frame, Frames};
use crate::{Channels, Error, Format, Limits, Picture};

const CHANNELS: Channels = Channels::Rgba;

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut reader = Reader::open(bytes, limits)?;
    let patch = reader.next()?.ok_or_else(|| Error::damaged(Format::Gif, "there is no frame"))?;
    let (width, height) = (reader.width, reader.height);
    let samples = if patch.place.covers(width, height) {
        patch.samples
    } else {
        let mut canvas = vec![0; limits.check(width, height, CHANNELS, 1)?];
        patch.draw(&mut canvas, width as usize);
        canvas
    };
    let mut picture = Picture::eight(width, height, CHANNELS, samples)?;
    if picture.is_opaque() {
        // Three samples are resized and encoded faster than four.
        picture.flatten([0; 3]);
    }
    Ok(picture)
}

pub(super) fn animation<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Option<Animation<'a>>, Error> {
    let (count, plays) = survey(bytes, limits)?;
    if count < 2 {
        return Ok(None);
    }
    let player = Player { reader: Reader::open(bytes, limits)?, canvas: vec![], before: Before::Stays };
    Animation::new((player.reader.width, player.reader.height), count, plays, limits, player).map(Some)
}

/// Frames, and how often they are played, found by skipping over all pixels.
fn survey(bytes: &[u8], limits: &Limits) -> Result<(u32, u32), Error> {
    let mut options = DecodeOptions::new();
    options.skip_frame_decoding(true);
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(refused)?;
    let mut count = 0;
    // One more than permitted is all that matters. Where the file is damaged, reading it will say so.
    while count <= limits.max_frames && matches!(decoder.next_frame_info(), Ok(Some(_))) {
        count += 1;
    }
    let plays = match decoder.repeat() {
        Repeat::Infinite => 0,
        // The file says how often it is repeated after the first time.
        Repeat::Finite(repeats) => u32::from(repeats) + 1,
    };
    Ok((count, plays))
}

/// Gives each frame as it is stored.
struct Reader<'a> {
    decoder: Decoder<Cursor<&'a [u8]>>,
    /// Of the canvas, as the first frame's header leaves them.
    width: u32,
    height: u32,
    /// Whose header has been read already, by opening.
    first: Option<Place>,
    limits: Limits,
}

impl<'a> Reader<'a> {
    /// Reads up to the first frame's header.
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::RGBA);
        // Sizes are checked here; what remains inside are rows.
        options.set_memory_limit(MemoryLimit::Unlimited);
        let mut decoder = options.read_info(Cursor::new(bytes)).map_err(refused)?;
        let (width, height) = (u32::from(decoder.width()), u32::from(decoder.height()));
        limits.check_size(width, height)?;
        let first = Place::next(&mut decoder)?;
        // Some writers leave the canvas out; it is then as large as the frame.
        let (width, height) = match first {
            Some(place) if width == 0 || height == 0 => {
                ((place.left + place.width) as u32, (place.top + place.height) as u32)
            }
            _ => (width, height),
        };
        if let Some(place) = first {
            place.check(limits)?;
            limits.check(width, height, CHANNELS, 1)?;
        }
        Ok(Self { decoder, width, height, first, limits: *limits })
    }

    fn next(&mut self) -> Result<Option<Patch>, Error> {
        let place = match self.first.take() {
            Some(place) => place,
            None => match Place::next(&mut self.decoder)? {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        let mut samples = vec![0; place.check(&self.limits)?];
        self.decoder.read_into_buffer(&mut samples).map_err(refused)?;
        let (disposal, hundredths) = self
            .decoder
            .current_frame_info()
            .map_or((DisposalMethod::Any, 0), |frame| (frame.dispose, frame.delay));
        Ok(Some(Patch { place, samples, disposal, delay_ms: u32::from(hundredths) * 10 }))
    }
}

/// A frame's own pixels.
struct Patch {
    place: Place,
    samples: Vec<u8>,
    disposal: DisposalMethod,
    delay_ms: u32,
}

impl Patch {
    /// Lays what isn't transparent onto the canvas; what sticks out is cut off.
    fn draw(&self, canvas: &mut [u8], canvas_width: usize) {
        let rows = self.samples.as_chunks::<4>().0.chunks_exact(self.place.width);
        for (target, source) in self.place.rows(canvas, canvas_width).zip(rows) {
            for (target, source) in target.iter_mut().zip(source).filter(|(_, [.., alpha])| *alpha != 0) {
                *target = *source;
            }
        }
    }
}

/// Where on the canvas a frame lies, in pixels.
#[derive(Debug, Clone, Copy)]
struct Place {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl Place {
    fn next(decoder: &mut Decoder<Cursor<&[u8]>>) -> Result<Option<Self>, Error> {
        let frame = decoder.next_frame_info().map_err(refused)?;
        Ok(frame.map(|frame| Self {
            left: usize::from(frame.left),
            top: usize::from(frame.top),
            width: usize::from(frame.width),
            height: usize::from(frame.height),
        }))
    }

    /// How many samples the frame has.
    fn check(&self, limits: &Limits) -> Result<usize, Error> {
        match limits.check(self.width as u32, self.height as u32, CHANNELS, 1)? {
            0 => Err(Error::damaged(Format::Gif, "a frame is empty")),
            length => Ok(length),
        }
    }

    fn covers(&self, width: u32, height: u32) -> bool {
        (self.left, self.top, self.width, self.height) == (0, 0, width as usize, height as usize)
    }

    /// The parts of the canvas's rows that lie under the frame.
    fn rows<'c>(
        &self,
        canvas: &'c mut [u8],
        canvas_width: usize,
    ) -> impl Iterator<Item = &'c mut [[u8; 4]]> + use<'c> {
        let Self { left, top, width, height } = *self;
        let (left, right) = (left.min(canvas_width), (left + width).min(canvas_width));
        let rows = canvas.as_chunks_mut::<4>().0.chunks_exact_mut(canvas_width);
        rows.skip(top).take(height).filter_map(move |row| row.get_mut(left..right))
    }
}

/// What happens to the canvas before the next frame is drawn.
enum Before {
    Stays,
    Cleared(Place),
    /// Taken back to what it was.
    Restored(Vec<u8>),
}

/// Gives each frame as it is seen.
struct Player<'a> {
    reader: Reader<'a>,
    canvas: Vec<u8>,
    before: Before,
}

impl Frames for Player<'_> {
    fn next(&mut self) -> Result<Option<Frame>, Error> {
        let (width, height) = (self.reader.width, self.reader.height);
        if self.canvas.is_empty() {
            self.canvas = vec![0; self.reader.limits.check(width, height, CHANNELS, 1)?];
        }
        let Some(patch) = self.reader.next()? else { return Ok(None) };
        match std::mem::replace(&mut self.before, Before::Stays) {
            Before::Stays => {}
            Before::Cleared(place) => {
                place.rows(&mut self.canvas, width as usize).for_each(|row| row.fill([0; 4]));
            }
            Before::Restored(canvas) => self.canvas = canvas,
        }
        self.before = match patch.disposal {
            DisposalMethod::Any | DisposalMethod::Keep => Before::Stays,
            DisposalMethod::Background => Before::Cleared(patch.place),
            DisposalMethod::Previous => Before::Restored(self.canvas.clone()),
        };
        patch.draw(&mut self.canvas, width as usize);
        // Alpha stays even where all is opaque: what comes after shall find all frames alike.
        let picture = Picture::eight(width, height, CHANNELS, self.canvas.clone())?;
        Ok(Some(Frame { picture, delay_ms: patch.delay_ms }))
    }
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::Io(_) => Error::damaged(Format::Gif, "they end early"),
        other => Error::damaged(Format::Gif, other),
    }
}
