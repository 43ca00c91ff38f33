//! Pictures made for the tests, and how far two of them are apart.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tintype_pixels::{
    Channels, Error, Format, Limits, Output, Parameters, Picture, Samples, Step, Target, Unwatched, Value,
    encode, process,
};

/// A smooth two-dimensional gradient with a different direction per channel,
/// and with it every value a sample can have.
pub fn gradient(width: u32, height: u32, channels: Channels) -> Picture {
    let samples = gradient_samples(width, height, channels, 255.0).map(|v| v as u8).collect();
    Picture::eight(width, height, channels, samples).unwrap()
}

/// The same with 16 bits, using all of them.
pub fn gradient_16(width: u32, height: u32, channels: Channels) -> Picture {
    let samples = gradient_samples(width, height, channels, 65_535.0).map(|v| v as u16).collect();
    Picture::sixteen(width, height, channels, samples).unwrap()
}

fn gradient_samples(width: u32, height: u32, channels: Channels, max: f64) -> impl Iterator<Item = f64> {
    let unit = |at: u32, of: u32| f64::from(at) / f64::from(of.saturating_sub(1).max(1));
    let count = channels.count();
    (0..height).flat_map(move |y| {
        (0..width).flat_map(move |x| {
            let (x, y) = (unit(x, width), unit(y, height));
            [x, y, 1.0 - x, (1.0 + x - y) / 2.0].into_iter().take(count).map(move |v| v * max)
        })
    })
}

/// An opaque red disc on transparent ground.
pub fn disc(side: u32) -> Picture {
    let radius = f64::from(side) / 2.0;
    let mut samples = Vec::new();
    for y in 0..side {
        for x in 0..side {
            let (dx, dy) = (f64::from(x) + 0.5 - radius, f64::from(y) + 0.5 - radius);
            let inside = dx.hypot(dy) < radius;
            samples.extend(if inside { [220, 20, 20, 255] } else { [0, 0, 0, 0] });
        }
    }
    Picture::eight(side, side, Channels::Rgba, samples).unwrap()
}

/// Squares of black and white.
pub fn checkerboard(side: u32, square: u32) -> Picture {
    let white = |x: u32, y: u32| (x / square + y / square) % 2 == 1;
    let samples = (0..side).flat_map(|y| (0..side).map(move |x| if white(x, y) { 255 } else { 0 })).collect();
    Picture::eight(side, side, Channels::Gray, samples).unwrap()
}

/// The file of a picture, in the default way of its format.
pub fn file(picture: &Picture, format: Format) -> Vec<u8> {
    encode(picture.clone(), format, &Parameters::default(), &Limits::default()).unwrap().bytes
}

pub fn decode(bytes: &[u8]) -> Picture {
    tintype_pixels::decode(bytes, &Limits::default()).unwrap().1
}

pub fn step(operation: &str, parameters: &[(&str, Value)]) -> Step {
    Step { operation: operation.into(), parameters: Parameters::from_iter(parameters.iter().cloned()) }
}

pub fn target(format: Format, parameters: &[(&str, Value)]) -> Target {
    Target {
        media_type: format.media_type().into(),
        parameters: Parameters::from_iter(parameters.iter().cloned()),
    }
}

/// Runs steps that give one result.
pub fn run(input: Vec<u8>, steps: &[Step], target: impl Into<Option<Target>>) -> Result<Output, Error> {
    run_all(input, steps, target).map(|mut outputs| {
        assert_eq!(outputs.len(), 1);
        outputs.remove(0)
    })
}

pub fn run_all(
    input: Vec<u8>,
    steps: &[Step],
    target: impl Into<Option<Target>>,
) -> Result<Vec<Output>, Error> {
    process(input, steps, target.into().as_ref(), &Limits::default(), &Unwatched)
}

pub fn int(value: i64) -> Value {
    Value::Integer(value)
}

pub fn text(value: &str) -> Value {
    Value::Text(value.into())
}

/// Peak signal-to-noise ratio in decibels of two pictures of the same shape;
/// infinite if they are equal. 40 is hard to see, 30 easy.
pub fn psnr(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let unit = |picture: &Picture| -> Vec<f64> {
        match &picture.samples {
            Samples::Eight(s) => s.iter().map(|&s| f64::from(s) / 255.0).collect(),
            Samples::Sixteen(s) => s.iter().map(|&s| f64::from(s) / 65_535.0).collect(),
        }
    };
    let (a, b) = (unit(a), unit(b));
    let error: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).powi(2)).sum();
    -10.0 * (error / a.len() as f64).log10()
}

/// A CRC-32 as PNG chunks end with (PNG specification, annex D).
pub fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(
            crc ^ u32::from(byte),
            |crc, _| {
                if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 }
            },
        )
    })
}

/// An Exif block that says nothing but an orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

/// Puts a chunk behind the header of a PNG.
pub fn with_png_chunk(png: &[u8], name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    const HEADER_END: usize = 8 + 8 + 13 + 4;
    let mut chunk = (data.len() as u32).to_be_bytes().to_vec();
    chunk.extend(name);
    chunk.extend(data);
    chunk.extend(crc32(&chunk[4..]).to_be_bytes());
    [&png[..HEADER_END], &chunk, &png[HEADER_END..]].concat()
}
