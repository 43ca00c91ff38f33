//! The bundled codecs: the file formats of `tintype-pixels` for everybody's
//! filters.
//!
//! Glue only. Of an animation the first frame is read.

#![cfg_attr(test, allow(clippy::unwrap_used))]

use tintype_bridge::{failure, limits, parameters};
use tintype_pixels::{self as pixels, Channels, Format};
use tintype_plugin::{Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target};

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

    fn decode(file: Vec<u8>, _: Option<SizeHint>) -> Result<Picture, Failure> {
        let limits = limits();
        let (_, picture) = pixels::decode(&file, &limits).map_err(failure)?;
        drop(file);
        let picture = pixels::upright(picture, &limits).map_err(failure)?;
        let wide = picture.into_eight().widened(true, true, &limits).map_err(failure)?;
        let (width, height, color_profile) = (wide.width, wide.height, wide.icc);
        let pixels::Samples::Eight(rgba) = wide.samples else {
            return Err(Failure::failed("The picture could not be brought to 8 bits."));
        };
        Ok(Picture { color_profile, ..Picture::still(Frame::new(width, height, rgba)?) })
    }

    fn encode(picture: Picture, target: Target) -> Result<Vec<u8>, Failure> {
        let format = Format::from_media_type(&target.media_type)
            .ok_or_else(|| Failure::failed("No format of this codec's."))?;
        let icc = picture.color_profile.clone();
        let frame = picture.into_first()?;
        let (width, height) = (frame.width(), frame.height());
        let mut picture =
            pixels::Picture::eight(width, height, Channels::Rgba, frame.into_rgba()).map_err(failure)?;
        picture.icc = icc;
        let parameters = parameters(&target.params, &[])?;
        let encoded = pixels::encode(picture.narrowed(), format, &parameters, &limits());
        Ok(encoded.map_err(failure)?.bytes)
    }
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
    fn what_is_no_picture_is_refused_as_such() {
        assert_eq!(Codecs::probe(b"no picture"), None);
        assert!(matches!(Codecs::decode(b"qoif".to_vec(), None), Err(Failure::InvalidImage(_))));
    }
}
