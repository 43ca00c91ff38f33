//! Bytes that mean harm, or were harmed on their way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use proptest::prelude::*;
use tintype_pixels::{Channels, Error, Format, Kind, Limits, decode as try_decode};

/// One small file of each format, with alpha where it can have any.
fn specimen(format: Format) -> Vec<u8> {
    file(&gradient(24, 18, Channels::Rgba), format)
}

#[test]
fn garbage_is_in_no_known_format() {
    for bytes in [&b""[..], b"hello", &[0; 4096], b"<svg xmlns='http://www.w3.org/2000/svg'/>"] {
        assert_eq!(try_decode(bytes, &Limits::default()), Err(Error::UnknownFormat));
    }
}

#[test]
fn garbage_behind_any_signature_is_an_invalid_image() {
    for format in Format::ALL {
        let mut bytes = specimen(format)[..20].to_vec();
        bytes.extend([0xA5; 500]);
        let error = try_decode(&bytes, &Limits::default()).unwrap_err();
        assert!(matches!(error.kind(), Kind::InvalidImage | Kind::TooLarge), "{format}: {error}");
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_was_complete_already() {
    for format in Format::ALL {
        let whole = specimen(format);
        let picture = decode(&whole);
        for length in 0..whole.len() {
            match try_decode(&whole[..length], &Limits::default()) {
                Ok((_, cut)) => assert_eq!(cut, picture, "{format} at {length}"),
                Err(error) => assert_eq!(error.kind(), Kind::InvalidImage, "{format}: {error}"),
            }
        }
    }
}

#[test]
fn a_progressive_jpeg_cut_off_is_refused() {
    let parameters = &[("progressive", tintype_pixels::Value::Boolean(true))];
    let input = file(&gradient(64, 64, Channels::Rgb), Format::Png);
    let whole = run(input, &[step("convert", &[])], target(Format::Jpeg, parameters)).unwrap();
    for length in (0..whole.bytes.len() - 2).step_by(7) {
        let error = try_decode(&whole.bytes[..length], &Limits::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidImage);
    }
}

/// Writes a size into the header of a small file, where each format has it.
fn claiming(format: Format, width: u32, height: u32) -> Vec<u8> {
    let mut bytes = specimen(format);
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    let (w, h) = (width as u16, height as u16);
    match format {
        Format::Png => {
            put(16, &width.to_be_bytes());
            put(20, &height.to_be_bytes());
            let crc = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        }
        Format::Qoi => {
            put(4, &width.to_be_bytes());
            put(8, &height.to_be_bytes());
        }
        Format::Bmp => {
            put(18, &width.to_le_bytes());
            put(22, &height.to_le_bytes());
        }
        Format::Gif => {
            put(6, &w.to_le_bytes());
            put(8, &h.to_le_bytes());
        }
        Format::Jpeg => {
            let frame = bytes.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
            bytes[frame + 5..frame + 7].copy_from_slice(&h.to_be_bytes());
            bytes[frame + 7..frame + 9].copy_from_slice(&w.to_be_bytes());
        }
        Format::Tiff => {
            // Width and height are the directory's first two entries; it comes last.
            let at = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize + 2;
            bytes[at + 8..at + 12].copy_from_slice(&width.to_le_bytes());
            bytes[at + 20..at + 24].copy_from_slice(&height.to_le_bytes());
        }
        Format::WebP => {
            // 14 bits each, less one, behind a byte of signature.
            let at = bytes.windows(4).position(|name| name == b"VP8L").unwrap() + 9;
            let bits = (width - 1) | (height - 1) << 14 | 1 << 28;
            bytes[at..at + 4].copy_from_slice(&bits.to_le_bytes());
        }
        _ => panic!("a new format needs its place here"),
    }
    bytes
}

#[test]
fn a_header_that_claims_hundreds_of_megapixels_is_refused_before_any_are_allocated() {
    for format in Format::ALL {
        let side = match format {
            // It cannot claim more.
            Format::WebP => 16_383,
            // More rows would contradict the number of its strips.
            Format::Tiff => 13_000,
            _ => 20_000,
        };
        let found = u64::from(side) * u64::from(side);
        match try_decode(&claiming(format, side, side), &Limits::default()) {
            Err(Error::TooLarge { found: claimed, limit: 100_000_000, .. }) => {
                assert_eq!(claimed, found, "{format}");
            }
            other => panic!("{format}: {:?}", other.map(|(_, picture)| picture.width)),
        }
    }
}

#[test]
fn a_header_that_claims_more_than_any_memory_is_refused() {
    for format in [Format::Png, Format::Qoi, Format::Bmp, Format::Tiff] {
        let generous =
            Limits { max_width: u32::MAX, max_height: u32::MAX, max_pixels: u64::MAX, ..Limits::default() };
        let claim = i32::MAX as u32;
        let error = try_decode(&claiming(format, claim, claim), &generous).unwrap_err();
        assert!(matches!(error.kind(), Kind::TooLarge | Kind::InvalidImage), "{format}: {error}");
    }
}

/// Whatever comes, there is an answer. Pictures may be small only, so that a
/// lucky header doesn't cost seconds.
fn survives(bytes: &[u8]) {
    let limits = Limits { max_pixels: 1 << 16, ..Limits::default() };
    if let Ok((_, picture)) = try_decode(bytes, &limits) {
        assert!(picture.width > 0 && picture.height > 0);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(
        format in prop::sample::select(Format::ALL.to_vec()),
        keep in 0usize..64,
        tail in prop::collection::vec(any::<u8>(), 0..2048),
    ) {
        let specimen = specimen(format);
        let mut bytes = specimen[..keep.min(specimen.len())].to_vec();
        bytes.extend(tail);
        survives(&bytes);
    }

    #[test]
    fn harmed_files_never_panic(
        format in prop::sample::select(Format::ALL.to_vec()),
        harm in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = specimen(format);
        for (at, value) in harm {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        survives(&bytes);
    }
}
