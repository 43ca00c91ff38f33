//! The bundled codecs: the file formats of `tintype-pixels` for everybody's
//! filters.
//!
//! Glue only.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use tintype_bridge::{failure, limits, parameters};
use tintype_pixels::{self as pixels, AnimationEncoder, Channels, Format};
use tintype_plugin::{Animation, Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target};

struct Codecs;

impl Codec for Codecs {
    fn describe() -> Descriptor {
        let descriptor = Descriptor::new(
            "standard-codecs",
            env!("CARGO_PKG_VERSION"),
            "The everyday file formats, for filters.",
        );
        pixels::output_formats().into_iter().fold(descriptor, |descriptor, format| {
            let media_type = format.format.media_type();
            descriptor.accepts(media_type).produces_with(media_type, format.schema)
        })
    }

    fn probe(head: &[u8]) -> Option<&'static str> {
        Format::sniff(head).map(Format::media_type)
    }

    fn decode(file: Vec<u8>, hint: Option<SizeHint>) -> Result<Picture, Failure> {
        let limits = limits();
        if let Some(animation) = pixels::animation(&file, &limits).map_err(failure)? {
            return moving(animation, &limits);
        }
        let (_, picture) = match hint {
            Some(SizeHint { width, height }) => {
                // A side of which nothing is said doesn't matter.
                let least = (width.unwrap_or(1), height.unwrap_or(1));
                pixels::decode_at_least(&file, least, &limits)
            }
            None => pixels::decode(&file, &limits),
        }
        .map_err(failure)?;
        drop(file);
        let (frame, color_profile) = uncompressed(picture, &limits)?;
        Ok(Picture { color_profile, ..Picture::still(frame) })
    }

    fn encode(picture: Picture, target: Target) -> Result<Vec<u8>, Failure> {
        let format = Format::from_media_type(&target.media_type)
            .ok_or_else(|| Failure::failed("No format of this codec's."))?;
        let parameters = parameters(&target.params, &[])?;
        let limits = limits();
        let icc = picture.color_profile.clone();
        if let Some(Animation { delays_ms, plays }) = picture.animation.clone()
            && picture.frames.len() > 1
            && let Some(mut encoder) =
                AnimationEncoder::new(format, &parameters, plays, &limits).map_err(failure)?
        {
            for (frame, delay_ms) in picture.frames.into_iter().zip(delays_ms) {
                let picture = compressible(frame, icc.clone())?;
                encoder.push(pixels::Frame { picture, delay_ms }).map_err(failure)?;
            }
            return Ok(encoder.finish().map_err(failure)?.bytes);
        }
        let picture = compressible(picture.into_first()?, icc)?;
        let encoded = pixels::encode(picture.narrowed(), format, &parameters, &limits);
        Ok(encoded.map_err(failure)?.bytes)
    }
}

/// All frames, which the host and filters want at once.
fn moving(mut animation: pixels::Animation<'_>, limits: &pixels::Limits) -> Result<Picture, Failure> {
    let plays = animation.plays();
    let (mut frames, mut delays_ms, mut color_profile) = (vec![], vec![], None);
    let mut bytes = 0u64;
    while let Some(pixels::Frame { picture, delay_ms }) = animation.next_frame().map_err(failure)? {
        let (frame, profile) = uncompressed(picture, limits)?;
        bytes += frame.pixels().as_flattened().len() as u64;
        if bytes > limits.max_frame_bytes / FRAMES_SHARE {
            return Err(Failure::too_large(format!(
                "The frames of the animation together have more than {} bytes; at most as many can be \
                 handed to a filter.",
                limits.max_frame_bytes / FRAMES_SHARE
            )));
        }
        frames.push(frame);
        delays_ms.push(delay_ms);
        color_profile = color_profile.or(profile);
    }
    Ok(Picture { frames, animation: Some(Animation { delays_ms, plays }), color_profile })
}

/// One half of the memory is for the frames, the other for the file and for what decoding needs.
const FRAMES_SHARE: u64 = 2;

/// A picture as filters have it, and its profile.
fn uncompressed(
    picture: pixels::Picture,
    limits: &pixels::Limits,
) -> Result<(Frame, Option<Vec<u8>>), Failure> {
    let picture = pixels::upright(picture, limits).map_err(failure)?;
    let wide = picture.into_eight().widened(true, true, limits).map_err(failure)?;
    let pixels::Samples::Eight(rgba) = wide.samples else {
        return Err(Failure::failed("The picture could not be brought to 8 bits."));
    };
    Ok((Frame::new(wide.width, wide.height, rgba)?, wide.icc))
}

/// A picture as encoders have it.
fn compressible(frame: Frame, icc: Option<Vec<u8>>) -> Result<pixels::Picture, Failure> {
    let (width, height) = (frame.width(), frame.height());
    let picture =
        pixels::Picture::eight(width, height, Channels::Rgba, frame.into_rgba()).map_err(failure)?;
    Ok(pixels::Picture { icc, ..picture })
}

tintype_plugin::export_codec!(Codecs);

#[cfg(test)]
mod tests {
    use tintype_plugin::Value;

    use super::*;

    /// A file of one red pixel, which any test can write down.
    const RED: &[u8] = b"qoif\0\0\0\x01\0\0\0\x01\x03\0\xfe\xff\0\0\0\0\0\0\0\0\0\x01";

    fn target(media_type: &str) -> Target {
        Target {
            media_type: media_type.to_owned(),
            params: [("compression", Value::from(9))].into_iter().collect(),
        }
    }

    #[test]
    fn what_is_decoded_is_encoded_again() {
        assert_eq!(Codecs::probe(RED), Some("image/qoi"));
        let picture = Codecs::decode(RED.to_vec(), None).unwrap();
        assert_eq!(picture.frames[0].pixels(), [[255, 0, 0, 255]]);
        let png = Codecs::encode(picture.clone(), target("image/png")).unwrap();
        assert_eq!(Codecs::probe(&png), Some("image/png"));
        assert_eq!(Codecs::decode(png, None).unwrap(), picture);
    }

    #[test]
    fn an_animation_keeps_its_frames_its_times_and_how_often_it_is_played() {
        let frame = |red| Frame::new(1, 1, vec![red, 0, 0, 255]).unwrap();
        let moving = Picture {
            frames: vec![frame(1), frame(200)],
            animation: Some(Animation { delays_ms: vec![40, 70], plays: 3 }),
            color_profile: None,
        };
        let gif = Codecs::encode(moving.clone(), target("image/gif")).unwrap();
        assert_eq!(Codecs::decode(gif, None).unwrap(), moving);
        let png = Codecs::encode(moving, target("image/png")).unwrap();
        assert_eq!(Codecs::decode(png, None).unwrap(), Picture::still(frame(1)));
    }

    #[test]
    fn a_photograph_is_decoded_no_larger_than_it_has_to_be() {
        let picture = Picture::still(Frame::new(400, 300, [9, 99, 199, 255].repeat(400 * 300)).unwrap());
        let jpeg = Codecs::encode(picture, target("image/jpeg")).unwrap();
        let size = |width, height| {
            let hint = Some(SizeHint { width, height });
            let frame = Codecs::decode(jpeg.clone(), hint).unwrap().into_first().unwrap();
            (frame.width(), frame.height())
        };
        assert_eq!(size(Some(50), None), (50, 38));
        assert_eq!(size(Some(51), None), (100, 75));
        assert_eq!(size(Some(20), Some(76)), (200, 150));
        assert_eq!(size(None, Some(151)), (400, 300));
        assert_eq!(size(Some(5000), None), (400, 300));
    }

    #[test]
    fn what_is_no_picture_is_refused_as_such() {
        assert_eq!(Codecs::probe(b"no picture"), None);
        assert!(matches!(Codecs::decode(b"qoif".to_vec(), None), Err(Failure::InvalidImage(_))));
    }
}
