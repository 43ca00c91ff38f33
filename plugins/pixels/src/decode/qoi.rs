//! QOI.

use ::qoi::{Channels as Stored, Decoder, Error as DecodingError};

use crate::{Channels, Error, Format, Limits, Picture};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut decoder = Decoder::new(bytes).map_err(refused)?;
    let header = *decoder.header();
    let channels = match header.channels {
        Stored::Rgb => Channels::Rgb,
        Stored::Rgba => Channels::Rgba,
    };
    let mut samples = vec![0; limits.check(header.width, header.height, channels, 1)?];
    decoder.decode_to_buf(&mut samples).map_err(refused)?;
    Picture::eight(header.width, header.height, channels, samples)
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::UnexpectedBufferEnd => Error::damaged(Format::Qoi, "they end early"),
        other => Error::damaged(Format::Qoi, other),
    }
}
