//! Where files keep Exif, without a look at their pixels.

use crate::Format;

/// What Exif in a JPEG begins with, and some writers put before it elsewhere.
const MARK: &[u8] = b"Exif\0\0";

/// The Exif block of a file, from its byte order mark on.
pub(super) fn exif(file: &[u8]) -> Option<&[u8]> {
    let block = match Format::sniff(file)? {
        Format::Jpeg => {
            jpeg_segments(file).find_map(|(marker, data)| data.strip_prefix(MARK).filter(|_| marker == APP1))
        }
        Format::Png => chunks_of_png(file).find(|(name, _)| name == b"eXIf").map(data),
        Format::WebP => chunks_of_webp(file).find(|(name, _)| name == b"EXIF").map(data),
        _ => None,
    }?;
    Some(block.strip_prefix(MARK).unwrap_or(block))
}

/// The same file with an Exif block; `None`, if its format has no place for one.
pub(super) fn with_exif(format: Format, file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    match format {
        Format::Jpeg => jpeg_with(file, exif),
        Format::Png => png_with(file, exif),
        Format::WebP => webp_with(file, exif),
        _ => None,
    }
}

fn data((_, data): ([u8; 4], &[u8])) -> &[u8] {
    data
}

const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
const START_OF_SCAN: u8 = 0xDA;

/// The segments before the pixels, each with its marker.
fn jpeg_segments(file: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut rest = file.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let [0xFF, marker, high, low, ..] = *rest else { return None };
        // Its own two bytes count.
        let length = usize::from(u16::from_be_bytes([high, low]));
        let data = rest.get(4..2 + length).filter(|_| marker != START_OF_SCAN)?;
        rest = rest.get(2 + length..)?;
        Some((marker, data))
    })
}

/// Behind the first segment, if that is JFIF's, which wants to be the first.
fn jpeg_with(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    let at = match jpeg_segments(file).next() {
        Some((APP0, data)) => 2 + 4 + data.len(),
        _ => 2,
    };
    let length = u16::try_from(2 + MARK.len() + exif.len()).ok()?;
    let (before, after) = file.split_at_checked(at)?;
    Some([before, &[0xFF, APP1], &length.to_be_bytes(), MARK, exif, after].concat())
}

/// Each chunk's name and data; the length stands before the name, a check behind
/// the data.
fn chunks_of_png(file: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = file.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (name, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        rest = after.get(length.checked_add(4)?..)?;
        Some((*name, data))
    })
}

/// Behind the header, which has a fixed length.
fn png_with(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    const HEADER_END: usize = 8 + 12 + 13;
    let (before, after) = file.split_at_checked(HEADER_END)?;
    let mut chunk = b"eXIf".to_vec();
    chunk.extend(exif);
    let length = u32::try_from(exif.len()).ok()?.to_be_bytes();
    let check = crc32(&chunk).to_be_bytes();
    Some([before, &length, &chunk, &check, after].concat())
}

/// As chunks of PNG end with (PNG specification, annex D).
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 },
        )
    })
}

/// Each chunk's name and data; the length stands between them.
fn chunks_of_webp(file: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    let mut rest = file.get(12..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (name, after) = rest.split_first_chunk::<4>()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let data = after.get(..length)?;
        rest = after.get(length.checked_next_multiple_of(2)?..).unwrap_or_default();
        Some((*name, data))
    })
}

/// Behind all others, and announced in the first (RFC 9649, section 2.7).
fn webp_with(file: &[u8], exif: &[u8]) -> Option<Vec<u8>> {
    const HAS_EXIF: u8 = 1 << 3;
    let (name, first) = chunks_of_webp(file).next()?;
    let mut parts = vec![];
    match &name {
        b"VP8X" => {
            parts.extend(file.get(12..)?);
            *parts.get_mut(8)? |= HAS_EXIF;
        }
        // A simple file becomes an extended one.
        _ => {
            const HAS_ALPHA: u8 = 1 << 4;
            let (width, height, alpha) = if &name == b"VP8L" {
                let bits = u32::from_le_bytes(*first.get(1..)?.first_chunk()?);
                ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bits >> 28 & 1 == 1)
            } else {
                let [w0, w1, h0, h1] = *first.get(6..)?.first_chunk()?;
                let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
                (side(w0, w1), side(h0, h1), false)
            };
            let flags = HAS_EXIF | if alpha { HAS_ALPHA } else { 0 };
            parts.extend(b"VP8X");
            parts.extend(10u32.to_le_bytes());
            parts.extend([flags, 0, 0, 0]);
            for side in [width, height] {
                parts.extend(side.checked_sub(1)?.to_le_bytes().first_chunk::<3>()?);
            }
            parts.extend(file.get(12..)?);
        }
    }
    parts.extend(b"EXIF");
    parts.extend(u32::try_from(exif.len()).ok()?.to_le_bytes());
    parts.extend(exif);
    if exif.len() % 2 == 1 {
        parts.push(0);
    }
    let length = u32::try_from(parts.len() + 4).ok()?.to_le_bytes();
    Some([&b"RIFF"[..], &length, b"WEBP", &parts].concat())
}
