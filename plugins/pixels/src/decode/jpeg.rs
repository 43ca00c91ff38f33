//! JPEG: baseline, extended and progressive; gray, colour, CMYK and YCCK.
//!
//! Decoding is strict: a file that ends early or has bytes where none belong
//! is refused rather than delivered with a gray half.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;

use crate::{Channels, Error, Format, Limits, Orientation, Picture};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let survey = Survey::of(bytes);
    if !survey.complete {
        return Err(Error::damaged(Format::Jpeg, "they end early"));
    }

    // Our own limits are checked below; the decoder's would give its own text.
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(refused)?;
    let info = decoder.info().ok_or_else(|| Error::damaged(Format::Jpeg, "no frame header"))?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));

    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    let (wanted, channels) = match stored {
        ColorSpace::Luma => (ColorSpace::Luma, Channels::Gray),
        // Taken as it is, because whether it is inverted is ours to find out.
        ColorSpace::CMYK => (ColorSpace::CMYK, Channels::Rgba),
        _ => (ColorSpace::RGB, Channels::Rgb),
    };
    let length = limits.check(width, height, channels, 1)?;
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(wanted));

    let mut samples = vec![0; length];
    decoder.decode_into(&mut samples).map_err(refused)?;
    let channels = if stored == ColorSpace::CMYK {
        cmyk_to_rgb(&mut samples, survey.adobe);
        Channels::Rgb
    } else {
        channels
    };

    let mut picture = Picture::eight(width, height, channels, samples)?;
    picture.orientation = decoder.exif().map_or(Orientation::Upright, |block| Orientation::from_exif(block));
    picture.icc = decoder.icc_profile();
    Ok(picture)
}

fn refused(error: DecodeErrors) -> Error {
    match error {
        DecodeErrors::Unsupported(scheme) => Error::unsupported(Format::Jpeg, format!("{scheme:?}")),
        DecodeErrors::ExhaustedData => Error::damaged(Format::Jpeg, "they end early"),
        // These carry the words of the byte reader, which mean nothing to a client.
        DecodeErrors::IoErrors(_) => Error::damaged(Format::Jpeg, "they end early"),
        other => Error::damaged(Format::Jpeg, other),
    }
}

/// Converts in place, without a profile: four samples become three.
///
/// Adobe's programs store CMYK inverted and say so by their APP14 marker
/// (libjpeg.txt, "Special color spaces"); without it 255 is full ink.
fn cmyk_to_rgb(samples: &mut Vec<u8>, inverted: bool) {
    let pixels = samples.len() / 4;
    for index in 0..pixels {
        let [c, m, y, k] = samples.as_chunks::<4>().0.get(index).copied().unwrap_or_default();
        let light = |ink: u8| u32::from(if inverted { ink } else { 255 - ink });
        let rgb = [c, m, y].map(|ink| ((light(ink) * light(k) + 127) / 255) as u8);
        if let Some(target) = samples.as_chunks_mut::<3>().0.get_mut(index) {
            *target = rgb;
        }
    }
    samples.truncate(pixels * 3);
}

/// What the decoder doesn't tell: whether Adobe's marker is there, and whether
/// the file has its end.
#[derive(Debug, Default)]
struct Survey {
    adobe: bool,
    complete: bool,
}

impl Survey {
    /// Walks the segments up to the first scan. Thumbnails lie within segments,
    /// so that an end-of-image marker after the scan began is the picture's own.
    fn of(bytes: &[u8]) -> Self {
        const ADOBE: u8 = 0xEE;
        const START_OF_SCAN: u8 = 0xDA;
        const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];

        let mut survey = Self::default();
        let mut rest = bytes.get(2..).unwrap_or_default();
        loop {
            match rest {
                // Fill bytes may stand before any marker.
                [0xFF, 0xFF, ..] => rest = rest.get(1..).unwrap_or_default(),
                [0xFF, START_OF_SCAN, ..] => break,
                // Markers that stand alone.
                [0xFF, 0x01 | 0xD0..=0xD8, ..] => rest = rest.get(2..).unwrap_or_default(),
                [0xFF, marker, high, low, segment @ ..] => {
                    survey.adobe |= *marker == ADOBE && segment.starts_with(b"Adobe");
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    rest = rest.get(2 + length..).unwrap_or_default();
                }
                [_, _, ..] => rest = rest.get(1..).unwrap_or_default(),
                _ => return survey,
            }
        }
        // From the back, because the end is nearly always the very end.
        survey.complete = rest.windows(2).rev().any(|pair| pair == END_OF_IMAGE);
        survey
    }
}
