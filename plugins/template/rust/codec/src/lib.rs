//! What the server sees: which formats there are, and how a picture is read and written.
//!
//! The format itself is in `ppm.rs`. Replace it with yours.

mod ppm;

use tintype_plugin::{Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target};
use tintype_plugin::{descriptor, limits};

const MEDIA_TYPE: &str = "image/x-portable-pixmap";

struct Ppm;

impl Codec for Ppm {
    fn describe() -> Descriptor {
        // Name and version are those in Cargo.toml.
        descriptor!("Reads and writes PPM, with 8 bits a channel.")
            .accepts(MEDIA_TYPE)
            .produces(MEDIA_TYPE)
    }

    fn probe(head: &[u8]) -> Option<&'static str> {
        ppm::is_ppm(head).then_some(MEDIA_TYPE)
    }

    // PPM is read at its full size or not at all: a hint that less would do changes nothing.
    fn decode(file: Vec<u8>, _: Option<SizeHint>) -> Result<Picture, Failure> {
        let header = ppm::header(&file)?;
        let limits = limits();
        let (width, height) = (header.width, header.height);
        // Before there is memory for the pixels: a header can claim anything.
        if width > limits.max_width.into()
            || height > limits.max_height.into()
            || width * height > limits.max_pixels
        {
            return Err(Failure::too_large(format!(
                "The picture has {width} by {height} pixels; {} by {}, and {} together, are permitted.",
                limits.max_width, limits.max_height, limits.max_pixels
            )));
        }
        let rgba = ppm::pixels(&file, &header)?;
        Frame::new(width as u32, height as u32, rgba).map(Picture::still)
    }

    fn encode(picture: Picture, _: Target) -> Result<Vec<u8>, Failure> {
        let frame = picture.into_first()?;
        let file = ppm::file(frame.width(), frame.height(), frame.pixels());
        // The sandbox would stop a result that is too large; this says it better.
        let limit = limits().max_output_bytes;
        if file.len() as u64 > limit {
            return Err(Failure::too_large(format!(
                "The result has {} bytes; {limit} are permitted.",
                file.len()
            )));
        }
        Ok(file)
    }
}

tintype_plugin::export_codec!(Ppm);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_recognized_and_read_again() {
        let picture = Picture::still(Frame::new(1, 2, vec![1, 2, 3, 255, 4, 5, 6, 255]).unwrap());
        let target = Target {
            media_type: MEDIA_TYPE.into(),
            params: Default::default(),
        };
        let file = Ppm::encode(picture.clone(), target).unwrap();
        assert_eq!(Ppm::probe(&file), Some(MEDIA_TYPE));
        assert_eq!(Ppm::decode(file, None), Ok(picture));
    }

    #[test]
    fn a_header_that_claims_millions_is_refused() {
        for header in ["P6 70000 1 255 ", "P6 1 70000 255 ", "P6 60000 60000 255 "] {
            let refused = Ppm::decode(header.into(), None);
            assert!(matches!(refused, Err(Failure::TooLarge(_))), "{header}");
        }
    }
}
