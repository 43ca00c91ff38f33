//! What operations make of pictures, against the plainest way to compute the
//! same: pixel by pixel, in 64 bits, without tables, blocks or grids.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use tintype_pixels::{Channels, Format, Limits, Picture, Samples, Value};

/// By way of files that lose nothing.
fn done(picture: &Picture, operation: &str, parameters: &[(&str, Value)]) -> Picture {
    decode(&run(file(picture, Format::Png), &[step(operation, parameters)], None).unwrap().bytes)
}

/// A picture computed pixel by pixel, of values from 0 to 1.
fn computed(of: &Picture, pixel: impl Fn(i64, i64, &dyn Fn(i64, i64) -> Vec<f64>) -> Vec<f64>) -> Picture {
    let (width, height, count) = (i64::from(of.width), i64::from(of.height), of.channels.count());
    let Samples::Eight(samples) = &of.samples else { panic!("made of 8 bits") };
    let at = |x: i64, y: i64| {
        let (x, y) = (x.clamp(0, width - 1), y.clamp(0, height - 1));
        let start = (y * width + x) as usize * count;
        samples[start..start + count].iter().map(|&sample| f64::from(sample) / 255.0).collect()
    };
    let made = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| pixel(x, y, &at));
    let made: Vec<u8> = made.map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let channels = ALL_CHANNELS[made.len() / (width * height) as usize - 1];
    Picture::eight(of.width, of.height, channels, made).unwrap()
}

/// A Gaussian in two dimensions at once, premultiplied.
fn gaussian(of: &Picture, sigma: f64) -> Picture {
    let radius = (4.0 * sigma).ceil() as i64;
    let alpha = of.channels.has_alpha();
    computed(of, |x, y, at| {
        let (mut sum, mut whole) = (vec![0.0; of.channels.count()], 0.0);
        for dy in -radius..=radius {
            for dx in -radius..=radius {
                let weight = (-0.5 * ((dx * dx + dy * dy) as f64) / (sigma * sigma)).exp();
                let pixel = at(x + dx, y + dy);
                let (last, share) = (pixel.len() - 1, if alpha { *pixel.last().unwrap() } else { 1.0 });
                for (index, value) in pixel.iter().enumerate() {
                    sum[index] += weight * value * if alpha && index == last { 1.0 } else { share };
                }
                whole += weight;
            }
        }
        let share = if alpha { sum.last().unwrap() / whole } else { 1.0 };
        let last = sum.len() - 1;
        let straight =
            |(index, value): (usize, f64)| value / whole / if alpha && index == last { 1.0 } else { share };
        sum.into_iter().enumerate().map(straight).collect()
    })
}

#[test]
fn a_blur_is_a_gaussian_with_and_without_a_grid() {
    for channels in ALL_CHANNELS {
        for sigma in [0.8, 3.0, 4.5, 7.0] {
            let picture = scene(60, 44, channels);
            let expected = gaussian(&picture, sigma);
            let blurred = done(&picture, "blur", &[("sigma", Value::Number(sigma))]);
            let (worst, ssim) = (worst(&blurred, &expected), ssim(&blurred, &expected));
            assert!(worst <= 1 && ssim > 0.999, "{channels:?}, sigma {sigma}: {worst} levels, SSIM {ssim}");
        }
    }
}

fn luma(pixel: &[f64]) -> f64 {
    match pixel {
        [r, g, b, ..] => 0.2126 * r + 0.7152 * g + 0.0722 * b,
        _ => pixel[0],
    }
}

/// The same done to all that is not alpha.
fn colors(pixel: Vec<f64>, change: impl Fn(f64) -> f64) -> Vec<f64> {
    let alpha = pixel.len().is_multiple_of(2);
    let count = pixel.len() - usize::from(alpha);
    pixel.into_iter().enumerate().map(|(i, value)| if i < count { change(value) } else { value }).collect()
}

#[test]
fn sharpening_adds_what_a_blur_of_the_luminance_takes_away() {
    for channels in ALL_CHANNELS {
        for (sigma, amount) in [(1.0, 1.0), (2.5, 0.6), (5.0, 1.5)] {
            let picture = scene(60, 44, channels);
            let opaque = computed(&picture, |x, y, at| vec![luma(&at(x, y))]);
            let blurred = gaussian(&opaque, sigma);
            let expected = computed(&picture, |x, y, at| {
                let pixel = at(x, y);
                let blurred = f64::from(blurred.bytes()[(y * 60 + x) as usize]) / 255.0;
                let added = amount * (luma(&pixel) - blurred);
                colors(pixel, |value| value + added)
            });
            let parameters = [("sigma", Value::Number(sigma)), ("amount", Value::Number(amount))];
            let sharp = done(&picture, "sharpen", &parameters);
            let (worst, ssim) = (worst(&sharp, &expected), ssim(&sharp, &expected));
            // The reference's own blur is rounded to a level before it is multiplied.
            assert!(worst <= 2 && ssim > 0.999, "{channels:?}, {sigma}, {amount}: {worst}, {ssim}");
        }
    }
}

#[test]
fn pixels_that_are_changed_one_by_one_are_changed_as_defined() {
    for channels in ALL_CHANNELS {
        let picture = scene(40, 30, channels);
        let each = |change: fn(f64) -> f64| computed(&picture, |x, y, at| colors(at(x, y), change));
        let cases = [
            ("negate", vec![], each(|value| 1.0 - value)),
            ("contrast", vec![("factor", Value::Number(1.7))], each(|value| (value - 0.5) * 1.7 + 0.5)),
            ("gamma", vec![("gamma", Value::Number(2.2))], each(|value| value.powf(1.0 / 2.2))),
        ];
        for (operation, parameters, expected) in cases {
            let found = done(&picture, operation, &parameters);
            assert!(worst(&found, &expected) <= 1, "{operation}, {channels:?}");
        }
    }
}

/// Oklab, as its author writes it down.
fn modulated(pixel: &[f64], brightness: f64, saturation: f64, hue: f64) -> Vec<f64> {
    let light = |v: f64| if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
    let sample = |v: f64| if v <= 0.0031308 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    let [r, g, b] = [light(pixel[0]), light(pixel[1]), light(pixel[2])];
    let l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b).cbrt();
    let m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b).cbrt();
    let s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b).cbrt();
    let lightness = brightness * (0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s);
    let a = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    let b = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
    let (chroma, angle) = (a.hypot(b) * saturation, b.atan2(a) + hue.to_radians());
    let (a, b) = (chroma * angle.cos(), chroma * angle.sin());
    let l = (lightness + 0.3963377774 * a + 0.2158037573 * b).powi(3);
    let m = (lightness - 0.1055613458 * a - 0.0638541728 * b).powi(3);
    let s = (lightness - 0.0894841775 * a - 1.2914855480 * b).powi(3);
    let linear = [
        4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
        -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
        -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s,
    ];
    linear.map(|v| sample(v.clamp(0.0, 1.0))).into_iter().chain(pixel.get(3).copied()).collect()
}

#[test]
fn modulating_is_done_in_oklab() {
    for channels in [Channels::Rgb, Channels::Rgba] {
        for (brightness, saturation, hue) in
            [(1.2, 1.0, 0.0), (1.0, 1.6, 0.0), (1.0, 1.0, 75.0), (0.7, 0.4, -200.0)]
        {
            let picture = scene(40, 30, channels);
            let expected = computed(&picture, |x, y, at| modulated(&at(x, y), brightness, saturation, hue));
            let parameters = [
                ("brightness", Value::Number(brightness)),
                ("saturation", Value::Number(saturation)),
                ("hue", Value::Number(hue)),
            ];
            assert!(worst(&done(&picture, "modulate", &parameters), &expected) <= 1);
            let wide = picture.into_sixteen(&Limits::default()).unwrap();
            assert!(worst(&done(&wide, "modulate", &parameters), &expected) <= 1);
        }
    }
}

#[test]
fn a_crop_by_attention_shows_what_stands_out() {
    // A small bright disc near the right end of a long, dim room.
    let mut picture = Picture::eight(400, 100, Channels::Rgb, vec![60; 400 * 100 * 3]).unwrap();
    if let Samples::Eight(samples) = &mut picture.samples {
        for (index, pixel) in samples.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = ((index % 400) as f64, (index / 400) as f64);
            if (x - 330.0).hypot(y - 50.0) < 20.0 {
                *pixel = [230, 60, 30];
            }
        }
    }
    for gravity in ["attention", "entropy"] {
        let parameters = [("width", int(50)), ("height", int(50)), ("gravity", text(gravity))];
        let shown = done(&picture, "resize", &parameters);
        let red = shown.bytes().as_chunks::<3>().0.iter().filter(|pixel| pixel[0] > 200).count();
        // All of the disc, which was halved: about 314 pixels.
        assert!((280..350).contains(&red), "{gravity}: {red}");
    }
}
