//! WebP: lossless, 8 bits.

use image_webp::{ColorType, WebPEncoder};

use super::sink::Sink;
use crate::{Channels, Error, Format, Limits, Picture};

pub(super) const SCHEMA: &str = super::NO_PARAMETERS;

pub(super) fn encode(picture: Picture, limits: &Limits) -> Result<Vec<u8>, Error> {
    let mut picture = picture.into_eight();
    let color = match picture.channels {
        Channels::Gray => ColorType::L8,
        Channels::GrayAlpha => ColorType::La8,
        Channels::Rgb => ColorType::Rgb8,
        Channels::Rgba => ColorType::Rgba8,
    };
    let mut sink = Sink::new(limits);
    let mut encoder = WebPEncoder::new(&mut sink);
    if let Some(profile) = picture.icc.take()
        // WebP has no gray, so that a gray profile would contradict the file.
        && !picture.channels.is_gray()
    {
        encoder.set_icc_profile(profile);
    }
    let outcome = encoder.encode(picture.bytes(), picture.width, picture.height, color);
    sink.finish(Format::WebP, outcome)
}
