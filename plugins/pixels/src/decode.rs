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

use tintype_jpeg::Scale;

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

/// Reads a file like [`decode`], or smaller, with the same ratio of its sides,
/// where that is less work: upright it has at least as many pixels along x and
/// y as are said here, if there are so many.
///
/// # Errors
/// Those of [`decode`]; the limits are compared with the whole picture.
pub fn decode_at_least(bytes: &[u8], least: (u32, u32), limits: &Limits) -> Result<(Format, Picture), Error> {
    if Format::sniff(bytes) != Some(Format::Jpeg) {
        return decode(bytes, limits);
    }
    let file = jpeg::File::open(bytes, limits)?;
    let (width, height) = file.size();
    let least = if file.orientation().swaps_sides() { (least.1, least.0) } else { least };
    // What is left of an incomplete block at the edge doesn't count.
    let samples = |scale: &Scale, side: u32| u64::from(side) * scale.block() as u64 / 8;
    let enough =
        |scale: &Scale| samples(scale, width) >= least.0.into() && samples(scale, height) >= least.1.into();
    let scale = Scale::ALL.into_iter().find(enough).unwrap_or(Scale::Full);
    Ok((Format::Jpeg, file.picture(scale)?))
}
