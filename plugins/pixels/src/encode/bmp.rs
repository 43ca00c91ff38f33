//! BMP: 8 bits; gray as a palette, alpha with the fourth version's header.

use image::ExtendedColorType;
use image::codecs::bmp::BmpEncoder;

use super::sink::Sink;
use crate::{Channels, Error, Format, Limits, Picture};

pub(super) fn encode(picture: Picture, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight();
    if picture.channels == Channels::GrayAlpha {
        // The format has no gray with alpha.
        picture = picture.widened(true, true, limits)?;
    }
    let color = match picture.channels {
        Channels::Gray => ExtendedColorType::L8,
        Channels::Rgb => ExtendedColorType::Rgb8,
        Channels::GrayAlpha | Channels::Rgba => ExtendedColorType::Rgba8,
    };
    let mut sink = Sink::new(limits);
    let outcome = BmpEncoder::new(&mut sink).encode(picture.bytes(), picture.width, picture.height, color);
    sink.finish(Format::Bmp, outcome)
}
