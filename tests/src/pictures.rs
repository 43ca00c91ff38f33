//! Pictures, made here: a smooth gradient with a red square, so that a test can see what was done.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

/// A gradient from dark to light, with an opaque red square in its top left eighth.
#[must_use]
pub fn gradient(width: u32, height: u32) -> DynamicImage {
    let side = width.min(height) / 8;
    let channel = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap_or(255);
    RgbaImage::from_fn(width, height, |x, y| {
        if x < side && y < side {
            Rgba([255, 0, 0, 255])
        } else {
            Rgba([channel(x, width), channel(y, height), 128, 255])
        }
    })
    .into()
}

/// The gradient as a file.
#[must_use]
pub fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let picture = gradient(width, height);
    let picture = if format == ImageFormat::Jpeg { picture.to_rgb8().into() } else { picture };
    let mut bytes = Cursor::new(vec![]);
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// The gradient as PNG.
#[must_use]
pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Png)
}

/// The gradient as JPEG.
#[must_use]
pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(width, height, ImageFormat::Jpeg)
}

/// What a file holds.
#[must_use]
pub fn decode(bytes: &[u8]) -> DynamicImage {
    image::load_from_memory(bytes).unwrap()
}

/// A PNG that claims to be this large, with next to nothing in it.
#[must_use]
pub fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut png = png(1, 1);
    // IHDR: width and height follow the signature, a length and a name; its CRC follows 13 bytes of it.
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&crc.to_be_bytes());
    png
}

/// ISO 3309, as PNG uses it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}
