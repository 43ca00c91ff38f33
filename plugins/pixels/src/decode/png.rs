//! PNG: every colour type and depth, interlaced or not. 16 bits stay 16 bits,
//! fewer than 8 and palettes become 8.

mod usual;

use std::io::Cursor;

use ::png::{BitDepth, ColorType, Decoder, DecodingError, Limits as Budget, Transformations};

use crate::{Channels, Error, Format, Limits, Orientation, Picture};

/// For everything but the pixels: text chunks, profiles, rows. The crate's own
/// default; a profile larger than this is no profile.
const BUDGET: Budget = Budget { bytes: 64 << 20 };

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let mut decoder = Decoder::new_with_limits(Cursor::new(bytes), BUDGET);
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(Transformations::EXPAND);

    let header = decoder.read_header_info().map_err(refused)?;
    limits.check_size(header.width, header.height)?;
    let mut reader = decoder.read_info().map_err(refused)?;
    let (width, height) = reader.info().size();
    let (color, depth) = reader.output_color_type();
    let channels = match color {
        ColorType::Grayscale => Channels::Gray,
        ColorType::GrayscaleAlpha => Channels::GrayAlpha,
        ColorType::Rgb => Channels::Rgb,
        ColorType::Rgba => Channels::Rgba,
        ColorType::Indexed => return Err(Error::damaged(Format::Png, "the palette is missing")),
    };

    let mut picture = if depth == BitDepth::Sixteen {
        let mut samples = vec![0u16; limits.check(width, height, channels, 2)?];
        reader.next_frame(bytemuck::cast_slice_mut(&mut samples)).map_err(refused)?;
        // Files are big-endian (PNG specification, section 7.1).
        samples.iter_mut().for_each(|sample| *sample = u16::from_be(*sample));
        Picture::sixteen(width, height, channels, samples)?
    } else {
        let mut samples = vec![0u8; limits.check(width, height, channels, 1)?];
        let info = reader.info();
        // Nothing has to be expanded, and no row comes in parts.
        let is_usual = (info.color_type, info.bit_depth, info.interlaced) == (color, depth, false)
            && info.trns.is_none()
            && info.animation_control.is_none();
        if !is_usual || usual::read(bytes, channels, width, &mut samples).is_none() {
            reader.next_frame(&mut samples).map_err(refused)?;
        }
        Picture::eight(width, height, channels, samples)?
    };

    let info = reader.info();
    picture.icc = info.icc_profile.as_deref().map(<[u8]>::to_vec);
    picture.orientation = info.exif_metadata.as_deref().map_or(Orientation::Upright, Orientation::from_exif);
    Ok(picture)
}

fn refused(error: DecodingError) -> Error {
    match error {
        DecodingError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Error::damaged(Format::Png, "they end early")
        }
        other => Error::damaged(Format::Png, other),
    }
}
