//! One lossy frame: VP8 (RFC 6386) for the colours, and beside it the alpha
//! without loss.

use image_webp::ColorType as Lossless;
use webp_lossy::{ColorType, EncoderParams, WebPEncoder};

use super::container::{Chunks, chunk, write_chunk};
use crate::{Channels, Error, Format};

/// Width and height of what VP8 compresses at once.
const BLOCK: usize = 16;

/// `quality` is of the encoder's own scale; the picture is not gray.
pub(super) fn encode(
    channels: Channels,
    bytes: &[u8],
    size: (u32, u32),
    quality: u8,
) -> Result<Chunks, Error> {
    let refused = |reason: &dyn std::fmt::Display| Error::encoding(Format::WebP, reason);
    let mut parts = vec![];
    if channels.has_alpha() {
        let alpha: Vec<u8> =
            bytes.iter().skip(channels.count() - 1).step_by(channels.count()).copied().collect();
        let alpha = compressed_alpha(&alpha, size).map_err(|error| refused(&error))?;
        write_chunk(&mut parts, b"ALPH", &alpha).map_err(|error| refused(&error))?;
    }

    let (padded, width, height) = padded(channels.count(), bytes, size);
    let mut params = EncoderParams::default();
    params.use_lossy = true;
    params.lossy_quality = quality;
    let mut file = vec![];
    let mut encoder = WebPEncoder::new(&mut file);
    encoder.set_params(params);
    encoder.encode(&padded, width as u32, height as u32, ColorType::Rgb8).map_err(|error| refused(&error))?;
    drop(padded);
    let mut frame = chunk(&file, b"VP8 ").ok_or_else(|| refused(&"the frame is missing"))?.to_vec();
    // The size stands behind a tag of three bytes and a start code of three (section 9.1): what is
    // shown of the blocks, whose number the real size has too.
    for (at, side) in [(6, size.0), (8, size.1)] {
        if let Some(field) = frame.get_mut(at..at + 2) {
            field.copy_from_slice(&(side as u16).to_le_bytes());
        }
    }
    write_chunk(&mut parts, b"VP8 ", &frame).map_err(|error| refused(&error))?;
    Ok(Chunks::new(parts, channels.has_alpha()))
}

/// The colours alone, in whole blocks: the outermost pixels are repeated. The
/// encoder itself would fill up with black, and forget the last column of an odd
/// width.
fn padded(count: usize, bytes: &[u8], size: (u32, u32)) -> (Vec<u8>, usize, usize) {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let (wide, high) = (width.next_multiple_of(BLOCK), height.next_multiple_of(BLOCK));
    let mut padded = Vec::with_capacity(wide * high * 3);
    for row in bytes.chunks_exact(width * count) {
        for pixel in row.chunks_exact(count) {
            padded.extend(pixel.iter().take(3));
        }
        if let Some(last) = padded.last_chunk::<3>().copied() {
            padded.extend(last.repeat(wide - width));
        }
    }
    let last = padded.len().saturating_sub(wide * 3);
    for _ in height..high {
        padded.extend_from_within(last..last + wide * 3);
    }
    (padded, wide, high)
}

/// The alpha chunk's content (RFC 9649, section 2.7.1.2): a byte that says how,
/// then a lossless picture whose green is alpha, without a header of its own.
fn compressed_alpha(alpha: &[u8], size: (u32, u32)) -> Result<Vec<u8>, Error> {
    const LOSSLESS: u8 = 1;
    /// A signature, and width, height, a flag and a version in 32 bits.
    const HEADER: usize = 5;
    let mut file = vec![];
    image_webp::WebPEncoder::new(&mut file)
        .encode(alpha, size.0, size.1, Lossless::L8)
        .map_err(|error| Error::encoding(Format::WebP, error))?;
    let picture = chunk(&file, b"VP8L").and_then(|picture| picture.get(HEADER..)).unwrap_or_default();
    Ok([&[LOSSLESS], picture].concat())
}
