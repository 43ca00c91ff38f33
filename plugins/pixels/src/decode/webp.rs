//! WebP: lossy, lossless, with alpha; of an animation the first frame.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use crate::{Channels, Error, Format, Limits, Orientation, Picture};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(refused)?;
    // For frames that don't fill their canvas, which need a buffer of their own.
    decoder.set_memory_limit(usize::try_from(limits.max_frame_bytes).unwrap_or(usize::MAX));
    let (width, height) = decoder.dimensions();
    let channels = if decoder.has_alpha() { Channels::Rgba } else { Channels::Rgb };

    let mut samples = vec![0; limits.check(width, height, channels, 1)?];
    decoder.read_image(&mut samples).map_err(refused)?;
    let mut picture = Picture::eight(width, height, channels, samples)?;
    // Damaged metadata doesn't spoil a picture that decoded.
    picture.icc = decoder.icc_profile().ok().flatten();
    picture.orientation = decoder
        .exif_metadata()
        .ok()
        .flatten()
        .map_or(Orientation::Upright, |block| Orientation::from_exif(&block));
    Ok(picture)
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(_) => Error::damaged(Format::WebP, "they end early"),
        DecodingError::UnsupportedFeature(feature) => Error::unsupported(Format::WebP, feature),
        other => Error::damaged(Format::WebP, other),
    }
}
