//! WebP: lossy, lossless, with alpha, animated.

use std::io::Cursor;

use image_webp::{DecodingError, LoopCount, WebPDecoder};

use crate::animation::{Animation, Frame, Frames};
use crate::{Channels, Error, Format, Limits, Orientation, Picture};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut reader = Reader::open(bytes, limits)?;
    let mut samples = reader.samples(limits)?;
    reader.decoder.read_image(&mut samples).map_err(refused)?;
    reader.picture(samples)
}

pub(super) fn animation<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Option<Animation<'a>>, Error> {
    let mut reader = Reader::open(bytes, limits)?;
    let (canvas, count) = (reader.decoder.dimensions(), reader.decoder.num_frames());
    if !reader.decoder.is_animated() || count < 2 {
        return Ok(None);
    }
    // Asked before there is a canvas.
    reader.limits.check(canvas.0, canvas.1, Channels::Rgba, 1)?;
    // The file's own colour is a hint that browsers don't follow.
    reader.decoder.set_background_color([0; 4]).map_err(refused)?;
    let plays = match reader.decoder.loop_count() {
        LoopCount::Forever => 0,
        LoopCount::Times(plays) => plays.get().into(),
    };
    Animation::new(canvas, count, plays, limits, reader).map(Some)
}

struct Reader<'a> {
    decoder: WebPDecoder<Cursor<&'a [u8]>>,
    icc: Option<Vec<u8>>,
    orientation: Orientation,
    limits: Limits,
}

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refused)?;
        // For metadata, of which there cannot be more than the file has bytes.
        decoder.set_memory_limit(bytes.len());
        // Damaged metadata doesn't spoil a picture that can be decoded.
        let icc = decoder.icc_profile().ok().flatten();
        let exif = decoder.exif_metadata().ok().flatten();
        let orientation = exif.map_or(Orientation::Upright, |block| Orientation::from_exif(&block));
        Ok(Self { decoder, icc, orientation, limits: *limits })
    }

    fn channels(&self) -> Channels {
        Channels::Rgb.with_alpha(self.decoder.has_alpha())
    }

    /// Room for a picture.
    fn samples(&self, limits: &Limits) -> Result<Vec<u8>, Error> {
        let (width, height) = self.decoder.dimensions();
        Ok(vec![0; limits.check(width, height, self.channels(), 1)?])
    }

    fn picture(&self, samples: Vec<u8>) -> Result<Picture, Error> {
        let (width, height) = self.decoder.dimensions();
        let mut picture = Picture::eight(width, height, self.channels(), samples)?;
        picture.icc = self.icc.clone();
        picture.orientation = self.orientation;
        Ok(picture)
    }
}

impl Frames for Reader<'_> {
    fn next(&mut self) -> Result<Option<Frame>, Error> {
        let mut samples = self.samples(&self.limits)?;
        let delay_ms = match self.decoder.read_frame(&mut samples) {
            Ok(delay_ms) => delay_ms,
            Err(DecodingError::NoMoreFrames) => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        Ok(Some(Frame { picture: self.picture(samples)?, delay_ms }))
    }
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(_) => Error::damaged(Format::WebP, "they end early"),
        DecodingError::UnsupportedFeature(feature) => Error::unsupported(Format::WebP, feature),
        other => Error::damaged(Format::WebP, other),
    }
}
