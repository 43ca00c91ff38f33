//! BMP and TIFF, through the `image` crate, which knows their many variants.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::codecs::tiff::TiffDecoder;
use image::{ColorType, ImageDecoder, ImageError};

use crate::{Channels, Error, Format, Limits, Orientation, Picture};

pub(super) fn decode_bmp(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|error| refused(Format::Bmp, error))?;
    decode(Format::Bmp, decoder, limits)
}

pub(super) fn decode_tiff(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let decoder = TiffDecoder::new(Cursor::new(bytes)).map_err(|error| refused(Format::Tiff, error))?;
    decode(Format::Tiff, decoder, limits)
}

fn decode(format: Format, mut decoder: impl ImageDecoder, limits: &Limits) -> Result<Picture, Error> {
    let (width, height) = decoder.dimensions();
    limits.check_size(width, height)?;
    let (channels, sixteen) = match decoder.color_type() {
        ColorType::L8 => (Channels::Gray, false),
        ColorType::La8 => (Channels::GrayAlpha, false),
        ColorType::Rgb8 => (Channels::Rgb, false),
        ColorType::Rgba8 => (Channels::Rgba, false),
        ColorType::L16 => (Channels::Gray, true),
        ColorType::La16 => (Channels::GrayAlpha, true),
        ColorType::Rgb16 => (Channels::Rgb, true),
        ColorType::Rgba16 => (Channels::Rgba, true),
        _ => return Err(Error::unsupported(format, "samples of 32 bits")),
    };
    let icc = decoder.icc_profile().ok().flatten();
    let orientation = decoder
        .orientation()
        .map_or(Orientation::Upright, |o| Orientation::from_exif_value(o.to_exif().into()));

    let mut picture = if sixteen {
        let mut samples = vec![0u16; limits.check(width, height, channels, 2)?];
        decoder.read_image(bytemuck::cast_slice_mut(&mut samples)).map_err(|error| refused(format, error))?;
        Picture::sixteen(width, height, channels, samples)?
    } else {
        let mut samples = vec![0u8; limits.check(width, height, channels, 1)?];
        decoder.read_image(&mut samples).map_err(|error| refused(format, error))?;
        Picture::eight(width, height, channels, samples)?
    };
    picture.icc = icc;
    picture.orientation = orientation;
    Ok(picture)
}

fn refused(format: Format, error: ImageError) -> Error {
    match error {
        ImageError::IoError(_) => Error::damaged(format, "they end early"),
        ImageError::Unsupported(error) => Error::unsupported(format, error),
        other => Error::damaged(format, other),
    }
}
