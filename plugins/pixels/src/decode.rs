//! Reading files: the format is found out by content, then a decoder per
//! format makes a [`Picture`].
//!
//! An animation can be read frame by frame, or its first frame alone. Every decoder learns the size from
//! the header, asks [`Limits`], and only then allocates. Must never trust the
//! type that a client declared.

mod gif;
pub(crate) mod jpeg;
mod other;
mod png;
mod qoi;
mod webp;

use crate::{Animation, Error, Format, Limits, Picture};

/// Reads a file's (first) picture, as stored: its orientation is noted, not
/// applied.
///
/// # Errors
/// [`Error::UnknownFormat`], [`Error::Damaged`] or [`Error::Unsupported`], if
/// the bytes are no picture that can be read, and [`Error::TooLarge`], if the
/// picture passes one of the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<(Format, Picture), Error> {
    let format = Format::sniff(bytes).ok_or(Error::UnknownFormat)?;
    let picture = match format {
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Png => png::decode(bytes, limits),
        Format::WebP => webp::decode(bytes, limits),
        Format::Gif => gif::decode(bytes, limits),
        Format::Bmp => other::decode_bmp(bytes, limits),
        Format::Tiff => other::decode_tiff(bytes, limits),
        Format::Qoi => qoi::decode(bytes, limits),
    }?;
    Ok((format, picture))
}

/// Opens a file that holds several frames; `None`, if it holds a single picture.
///
/// # Errors
/// As [`decode`]; [`Error::TooLarge`] too, if there are too many frames, or too
/// many pixels in all of them together.
pub fn animation<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Option<Animation<'a>>, Error> {
    match Format::sniff(bytes).ok_or(Error::UnknownFormat)? {
        Format::Gif => gif::animation(bytes, limits),
        Format::WebP => webp::animation(bytes, limits),
        _ => Ok(None),
    }
}
