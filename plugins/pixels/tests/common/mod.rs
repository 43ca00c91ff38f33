//! Pictures made for the tests, and how far two of them are apart.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tintype_pixels::{
    AnimationEncoder, Channels, Error, Format, Frame, Limits, Output, Parameters, Picture, Product, Samples,
    Step, Target, Unwatched, Value, animation, encode, process,
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

/// The file of a picture, in the default way of its format; without loss, if
/// the format can do that.
pub fn file(picture: &Picture, format: Format) -> Vec<u8> {
    encode(picture.clone(), format, &unchanged(format), &Limits::default()).unwrap().bytes
}

fn unchanged(format: Format) -> Parameters {
    let lossless = (format == Format::WebP).then_some(("lossless", Value::Boolean(true)));
    Parameters::from_iter(lossless)
}

/// The file of an animation, without loss if the format can do that.
pub fn moving(frames: &[(Picture, u32)], plays: u32, format: Format) -> Vec<u8> {
    let mut encoder =
        AnimationEncoder::new(format, &unchanged(format), plays, &Limits::default()).unwrap().unwrap();
    for (picture, delay_ms) in frames {
        encoder.push(Frame { picture: picture.clone(), delay_ms: *delay_ms }).unwrap();
    }
    encoder.finish().unwrap().bytes
}

/// All frames of an animation, and how often it is played.
pub fn frames(bytes: &[u8]) -> (Vec<(Picture, u32)>, u32) {
    let mut animation = animation(bytes, &Limits::default()).unwrap().unwrap();
    let mut frames = vec![];
    while let Some(Frame { picture, delay_ms }) = animation.next_frame().unwrap() {
        frames.push((picture, delay_ms));
    }
    (frames, animation.plays())
}

/// A red square that wanders over transparent ground, in steps of its side.
pub fn wanderer(side: u32, steps: u32) -> Vec<(Picture, u32)> {
    let frame = |step: u32| {
        let mut samples = vec![];
        for y in 0..side {
            for x in 0..side * steps {
                let inside = x / side == step && y > 0;
                samples.extend(if inside { [220, 20, 20, 255] } else { [0; 4] });
            }
        }
        Picture::eight(side * steps, side, Channels::Rgba, samples).unwrap()
    };
    (0..steps).map(|step| (frame(step), 50 + 10 * step)).collect()
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
    let products = process(input, steps, target.into().as_ref(), &Limits::default(), &Unwatched)?;
    let picture = |product| match product {
        Product::Picture(output) => output,
        Product::Document(text) => panic!("{text} is no picture"),
    };
    Ok(products.into_iter().map(picture).collect())
}

/// Runs steps of which the last describes the picture.
pub fn describe(input: Vec<u8>, steps: &[Step]) -> serde_json::Value {
    let products = process(input, steps, None, &Limits::default(), &Unwatched).unwrap();
    let [Product::Document(text)] = products.as_slice() else { panic!("{products:?}") };
    serde_json::from_str(text).unwrap()
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

/// Structural similarity of two pictures' samples (Wang et al., 2004), over
/// squares of 8 by 8 pixels, half overlapping: 1 if they are equal, 0.99 if
/// nobody sees a difference.
pub fn ssim(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let (width, height, count) = (a.width as usize, a.height as usize, a.channels.count());
    let levels = |picture: &Picture| -> Vec<f64> {
        picture.clone().into_eight().bytes().iter().map(|&sample| f64::from(sample)).collect()
    };
    let (a, b) = (levels(a), levels(b));
    let (mut sum, mut windows) = (0.0, 0.0);
    for channel in 0..count {
        for top in (0..height.saturating_sub(7)).step_by(4) {
            for left in (0..width.saturating_sub(7)).step_by(4) {
                let window = (0..64).map(|i| ((top + i / 8) * width + left + i % 8) * count + channel);
                sum += similarity(window.map(|at| (a[at], b[at])));
                windows += 1.0;
            }
        }
    }
    assert!(windows > 0.0, "too small a picture");
    sum / windows
}

fn similarity(samples: impl Iterator<Item = (f64, f64)>) -> f64 {
    let samples: Vec<_> = samples.collect();
    let mean = |of: fn(&(f64, f64)) -> f64| samples.iter().map(of).sum::<f64>() / samples.len() as f64;
    let (x, y) = (mean(|s| s.0), mean(|s| s.1));
    let (xx, yy) = (mean(|s| s.0 * s.0) - x * x, mean(|s| s.1 * s.1) - y * y);
    let xy = mean(|s| s.0 * s.1) - x * y;
    // The paper's constants for 8 bits: (0.01 * 255)² and (0.03 * 255)².
    let (c1, c2) = (6.5025, 58.5225);
    (2.0 * x * y + c1) * (2.0 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2))
}

/// The largest difference between two samples, in levels of 256.
pub fn worst(a: &Picture, b: &Picture) -> u8 {
    assert_eq!((a.width, a.height, a.channels), (b.width, b.height, b.channels));
    let (a, b) = (a.clone().into_eight(), b.clone().into_eight());
    a.bytes().iter().zip(b.bytes()).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or(0)
}

/// Something like a photograph: shapes with edges, a gradient, texture.
pub fn scene(width: u32, height: u32, channels: Channels) -> Picture {
    let mut state = 7u32;
    let mut samples = vec![];
    for y in 0..height {
        for x in 0..width {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let texture = f64::from(state >> 28);
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let color = if (u - 0.4).hypot(v - 0.5) < 0.25 {
                [200.0, 120.0 + 60.0 * u, 90.0]
            } else if v > 0.8 {
                [30.0, 90.0, 40.0 + 100.0 * u]
            } else {
                [80.0 + 120.0 * u, 140.0 + 60.0 * v, 210.0]
            };
            let alpha = if u > 0.9 { 90.0 } else { 255.0 };
            let pixel = color.map(|color| (color + texture) as u8);
            match channels {
                Channels::Gray => samples.push(pixel[1]),
                Channels::GrayAlpha => samples.extend([pixel[1], alpha as u8]),
                Channels::Rgb => samples.extend(pixel),
                Channels::Rgba => samples.extend(pixel.into_iter().chain([alpha as u8])),
            }
        }
    }
    Picture::eight(width, height, channels, samples).unwrap()
}

pub const ALL_CHANNELS: [Channels; 4] = [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba];
