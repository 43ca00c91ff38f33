//! A JPEG that is resized first is decoded at a reduced size. Nobody may see
//! that: every result is compared with the long way, by a PNG of all pixels.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::*;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tintype_pixels::{Channels, Format, Limits, Picture, Samples, Value, upright};

/// How a file's samples are stored.
#[derive(Debug, Clone, Copy)]
struct Stored {
    color: ColorType,
    sampling: SamplingFactor,
    progressive: bool,
}

const fn baseline(color: ColorType, sampling: SamplingFactor) -> Stored {
    Stored { color, sampling, progressive: false }
}

const STORED: [Stored; 9] = [
    baseline(ColorType::Rgb, SamplingFactor::F_1_1),
    baseline(ColorType::Rgb, SamplingFactor::F_2_1),
    baseline(ColorType::Rgb, SamplingFactor::F_1_2),
    baseline(ColorType::Rgb, SamplingFactor::F_2_2),
    baseline(ColorType::Rgb, SamplingFactor::F_4_1),
    baseline(ColorType::Luma, SamplingFactor::F_1_1),
    baseline(ColorType::Cmyk, SamplingFactor::F_1_1),
    Stored { color: ColorType::Rgb, sampling: SamplingFactor::F_2_2, progressive: true },
    Stored { color: ColorType::Rgb, sampling: SamplingFactor::F_1_1, progressive: true },
];

/// Around each of the sizes that a decoder can give.
const SHARES: [f64; 10] = [1.0, 0.96, 0.52, 0.5, 0.48, 0.26, 0.25, 0.24, 0.13, 0.12];

/// Odd ones, ones of whole blocks, and ones whose last MCU has a single line.
const SIZES: [(u32, u32); 4] = [(211, 157), (192, 160), (161, 209), (225, 177)];

/// A scene as a lens draws it: no grain is as fine as the pixels, and no edge
/// as sharp. What is finer than the smaller picture can show looks different
/// with every filter.
fn photograph(width: u32, height: u32, channels: Channels) -> Picture {
    let scene = scene(width, height, channels);
    let (wide, high, count) = (i64::from(width), i64::from(height), channels.count() as i64);
    let mut samples = Vec::new();
    for y in 0..high {
        for x in 0..wide {
            for channel in 0..count {
                let at = |x: i64, y: i64| {
                    let (x, y) = (x.clamp(0, wide - 1), y.clamp(0, high - 1));
                    u32::from(scene.bytes()[((y * wide + x) * count + channel) as usize])
                };
                let row = |y: i64| at(x - 1, y) + 2 * at(x, y) + at(x + 1, y);
                samples.push(((row(y - 1) + 2 * row(y) + row(y + 1) + 8) / 16) as u8);
            }
        }
    }
    Picture::eight(width, height, channels, samples).unwrap()
}

fn jpeg((width, height): (u32, u32), stored: Stored, orientation: u8) -> Vec<u8> {
    let channels = match stored.color {
        ColorType::Luma => Channels::Gray,
        ColorType::Cmyk => Channels::Rgba,
        _ => Channels::Rgb,
    };
    let mut bytes = vec![];
    let mut encoder = Encoder::new(&mut bytes, 95);
    encoder.set_sampling_factor(stored.sampling);
    encoder.set_progressive(stored.progressive);
    encoder.add_app_segment(1, [b"Exif\0\0", exif(orientation).as_slice()].concat()).unwrap();
    let mut photograph = photograph(width, height, channels);
    if let (Channels::Rgba, Samples::Eight(inks)) = (channels, &mut photograph.samples) {
        // What is opaque has no black ink.
        inks.as_chunks_mut::<4>().0.iter_mut().for_each(|ink| ink[3] = 255 - ink[3]);
    }
    encoder.encode(photograph.bytes(), width as u16, height as u16, stored.color).unwrap();
    bytes
}

/// The same picture in a file that is decoded in full.
fn in_full(jpeg: &[u8]) -> Vec<u8> {
    let picture = upright(decode(jpeg), &Limits::default()).unwrap();
    file(&picture, Format::Png)
}

/// The short way's picture and the long way's.
fn both(jpeg: &[u8], parameters: &[(&str, Value)], to: Format) -> (Picture, Picture) {
    let quality: &[_] = if to == Format::Jpeg { &[("quality", int(95))] } else { &[] };
    let resized = |bytes| {
        let steps = [step("resize", parameters)];
        decode(&run(bytes, &steps, target(to, quality)).unwrap().bytes)
    };
    (resized(jpeg.to_vec()), resized(in_full(jpeg)))
}

/// How far a picture lies to the right of and below another, in pixels of it:
/// the shift that explains most of their difference, for small ones.
fn shift(of: &Picture, from: &Picture) -> (f64, f64) {
    let (width, count) = (from.width as usize, from.channels.count());
    let level = |picture: &Picture, x: usize, y: usize| {
        let at = (y * width + x) * count;
        let colors = count - usize::from(picture.channels.has_alpha());
        picture.bytes()[at..at + colors].iter().map(|&sample| f64::from(sample)).sum::<f64>()
    };
    let (mut xx, mut xy, mut yy, mut xd, mut yd) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for y in 1..from.height as usize - 1 {
        for x in 1..width - 1 {
            let slope_x = (level(from, x + 1, y) - level(from, x - 1, y)) / 2.0;
            let slope_y = (level(from, x, y + 1) - level(from, x, y - 1)) / 2.0;
            let apart = level(from, x, y) - level(of, x, y);
            (xx, xy, yy) = (xx + slope_x * slope_x, xy + slope_x * slope_y, yy + slope_y * slope_y);
            (xd, yd) = (xd + slope_x * apart, yd + slope_y * apart);
        }
    }
    let whole = xx * yy - xy * xy;
    ((yy * xd - xy * yd) / whole, (xx * yd - xy * xd) / whole)
}

/// What the eye sees sharply of a picture: its luma, without alpha.
fn luma(of: &Picture) -> Picture {
    let levels = of.bytes().chunks_exact(of.channels.count()).map(|pixel| match pixel {
        [r, g, b, ..] => {
            (0.299 * f64::from(*r) + 0.587 * f64::from(*g) + 0.114 * f64::from(*b)).round() as u8
        }
        _ => pixel[0],
    });
    Picture::eight(of.width, of.height, Channels::Gray, levels.collect()).unwrap()
}

/// What is wrong with a picture made the short way, if anything is.
fn fault(short: &Picture, long: &Picture) -> Option<String> {
    let shape = |picture: &Picture| (picture.width, picture.height, picture.channels);
    if shape(short) != shape(long) {
        return Some(format!("{:?} instead of {:?}", shape(short), shape(long)));
    }
    let colors = psnr(short, long);
    let (short, long) = (luma(short), luma(long));
    let (ssim, (right, down)) = (ssim(&short, &long), shift(&short, &long));
    // Chroma of half the size is averaged on one way and resampled on the other.
    let is_like = ssim >= 0.98 && colors > 29.0 && right.abs() < 0.2 && down.abs() < 0.2;
    (!is_like).then(|| format!("SSIM {ssim:.4}, {colors:.1} dB, {right:.2} to the right, {down:.2} down"))
}

#[test]
fn every_picture_looks_as_if_it_had_been_decoded_in_full() {
    let mut faults = vec![];
    let mut turn = 0;
    for stored in STORED {
        for orientation in 1..=8 {
            // All of them with each orientation and each way to store; those that go with a share differ.
            for share in SHARES {
                turn += 1;
                let size = SIZES[turn % SIZES.len()];
                let fit = ["cover", "contain", "fill", "inside", "outside"][turn / 3 % 5];
                let gravity = ["southeast", "northwest", "southwest", "northeast", "centre"][turn / 2 % 5];
                let to = [Format::Png, Format::Jpeg][turn / 7 % 2];
                let (wide, high) = if orientation > 4 { (size.1, size.0) } else { size };
                let asked = |side: u32, less: f64| int((f64::from(side) * share * less).round() as i64);
                let (less_wide, less_high) = [(1.0, 1.0), (1.0, 0.7), (0.7, 1.0)][turn / 5 % 3];
                let parameters = [
                    ("width", asked(wide, less_wide)),
                    ("height", asked(high, less_high)),
                    ("fit", text(fit)),
                    ("gravity", text(gravity)),
                ];
                let (short, long) = both(&jpeg(size, stored, orientation), &parameters, to);
                if let Some(fault) = fault(&short, &long) {
                    faults.push(format!(
                        "{stored:?} of {size:?}, orientation {orientation}, to {to:?}, {parameters:?}: {fault}"
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} of {turn}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_size_that_the_decoder_gives_is_as_good_as_a_resampled_one() {
    for (stored, share) in STORED.into_iter().flat_map(|stored| [2, 4, 8].map(|share| (stored, share))) {
        let bytes = jpeg((384, 320), stored, 1);
        let (short, long) = both(&bytes, &[("width", int(384 / share))], Format::Png);
        assert_eq!(i64::from(short.width), 384 / share);
        assert_eq!(fault(&short, &long), None, "{stored:?}, 1/{share}");
    }
}

#[test]
fn nearest_takes_the_pixels_of_the_whole_picture() {
    for stored in STORED {
        for orientation in 1..=8 {
            let bytes = jpeg((121, 75), stored, orientation);
            let parameters = [
                ("width", int(31)),
                ("height", int(17)),
                ("gravity", text("southeast")),
                ("kernel", text("nearest")),
            ];
            let (short, long) = both(&bytes, &parameters, Format::Png);
            assert!(short == long, "{stored:?}, orientation {orientation}");
        }
    }
}

#[test]
fn the_border_lies_where_it_would_and_is_as_transparent() {
    for (stored, orientation) in STORED.into_iter().zip([1, 2, 3, 4, 5, 6, 7, 8, 1]) {
        let parameters = [
            ("width", int(60)),
            ("height", int(60)),
            ("fit", text("contain")),
            ("gravity", text("southeast")),
            ("background", text("#20406080")),
        ];
        let (short, long) = both(&jpeg((211, 157), stored, orientation), &parameters, Format::Png);
        assert_eq!(short.channels, Channels::Rgba);
        let alpha = |picture: &Picture| -> Vec<u8> {
            picture.bytes().as_chunks::<4>().0.iter().map(|pixel| pixel[3]).collect()
        };
        assert!(alpha(&short) == alpha(&long), "{stored:?}, orientation {orientation}");
        assert_eq!(fault(&short, &long), None, "{stored:?}, orientation {orientation}");
    }
}

#[test]
fn what_is_sought_is_found_in_the_reduced_picture_as_well() {
    // A bright disc near one end of a long, dim room.
    let (width, height) = (800, 200);
    let samples = (0..width * height).flat_map(|at| {
        let (x, y) = (f64::from(at % width), f64::from(at / width));
        if (x - 660.0).hypot(y - 100.0) < 40.0 { [230, 60, 30] } else { [60, 60, 60] }
    });
    let picture = Picture::eight(width, height, Channels::Rgb, samples.collect()).unwrap();
    let bytes = file(&picture, Format::Jpeg);
    for gravity in ["entropy", "attention"] {
        let parameters = [("width", int(50)), ("height", int(50)), ("gravity", text(gravity))];
        let (short, long) = both(&bytes, &parameters, Format::Png);
        assert_eq!(fault(&short, &long), None, "{gravity}");
    }
}

#[test]
fn a_single_line_and_a_single_pixel_are_resized_too() {
    for size in [(1, 1), (1, 37), (37, 1), (9, 2), (17, 17)] {
        for stored in STORED {
            for (width, height) in [(1, 1), (2, 3), (40, 40)] {
                let parameters = [("width", int(width)), ("height", int(height)), ("fit", text("fill"))];
                for to in [Format::Png, Format::Jpeg] {
                    let (short, long) = both(&jpeg(size, stored, 6), &parameters, to);
                    assert_eq!((short.width, short.height), (width as u32, height as u32));
                    // Chroma of a quarter of the width is replicated there, and resampled here.
                    let far = worst(&short, &long);
                    assert!(far < 64, "{stored:?} of {size:?} to {to:?}, {parameters:?}: {far}");
                }
            }
        }
    }
}

#[test]
fn thumbnails_are_those_of_the_whole_picture_in_their_order() {
    let mut faults = vec![];
    for (stored, orientation) in STORED.into_iter().flat_map(|stored| (1..=8).map(move |turn| (stored, turn)))
    {
        let bytes = jpeg((283, 211), stored, orientation);
        for (sizes, kernel) in [("40,190x170,90x61", "lanczos3"), ("50,100", "linear"), ("30,60", "nearest")]
        {
            for (fit, gravity) in [("inside", "centre"), ("cover", "southeast"), ("contain", "northwest")] {
                let parameters = [
                    ("sizes", text(sizes)),
                    ("kernel", text(kernel)),
                    ("fit", text(fit)),
                    ("gravity", text(gravity)),
                ];
                let made =
                    |bytes| run_all(bytes, &[step("thumbnails", &parameters)], target(Format::Png, &[]));
                let (short, long) = (made(bytes.clone()).unwrap(), made(in_full(&bytes)).unwrap());
                assert_eq!(short.len(), long.len());
                for (short, long) in short.iter().zip(&long) {
                    let (short, long) = (decode(&short.bytes), decode(&long.bytes));
                    let fault = match kernel {
                        "nearest" => (short != long).then(|| "other pixels".to_owned()),
                        _ => fault(&short, &long),
                    };
                    faults.extend(
                        fault.map(|fault| format!("{stored:?}, {orientation}, {parameters:?}: {fault}")),
                    );
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}:\n{}", faults.len(), faults.join("\n"));
}
