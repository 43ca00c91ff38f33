//! The pictures that are worked at: made here, the same on every machine, and kept in `target`.
//!
//! A photo is light, shapes with edges, and noise at several scales, so that a JPEG of it has about the
//! bytes a pixel of one from a camera: decoding costs by the byte as much as by the pixel. A drawing is flat
//! shapes with soft edges over nothing, with a little grain.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use tintype_pixels::{Format, Limits, Parameters, decode, encode};

use crate::server::target;

/// Belongs to the names of files, so that what another version made is not taken.
const VERSION: u32 = 2;
/// As cameras and editors save.
const QUALITY: u8 = 90;

/// A JPEG, 4:2:0, of this size.
pub fn photo(width: u16, height: u16) -> anyhow::Result<PathBuf> {
    kept(&format!("photo-{width}x{height}.jpg"), || {
        let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 3);
        for (x, y) in positions(width, height) {
            pixels.extend(photo_pixel(f32::from(x), f32::from(y), f32::from(width), f32::from(height)));
        }
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, QUALITY);
        encoder.set_sampling_factor(SamplingFactor::F_2_2);
        encoder.encode(&pixels, width, height, ColorType::Rgb)?;
        Ok(file)
    })
}

/// A PNG with alpha, of this size.
pub fn drawing(width: u16, height: u16) -> anyhow::Result<PathBuf> {
    kept(&format!("drawing-{width}x{height}.png"), || {
        let mut pixels = Vec::with_capacity(usize::from(width) * usize::from(height) * 4);
        for (x, y) in positions(width, height) {
            pixels.extend(drawing_pixel(f32::from(x), f32::from(y), f32::from(width), f32::from(height)));
        }
        let mut file = vec![];
        let mut encoder = png::Encoder::new(&mut file, width.into(), height.into());
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(file)
    })
}

/// The same picture in another format, as our own encoder writes it unless told otherwise.
pub fn recoded(file: &Path, format: Format) -> anyhow::Result<PathBuf> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    // Told apart by what is in it: a file that was given may have any name.
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let name = format!("{:016x}.{}", hasher.finish(), format.media_type().trim_start_matches("image/"));
    kept(&name, || {
        let (_, picture) = decode(&bytes, &Limits::default())?;
        Ok(encode(picture, format, &Parameters::default(), &Limits::default())?.bytes)
    })
}

fn kept(name: &str, make: impl FnOnce() -> anyhow::Result<Vec<u8>>) -> anyhow::Result<PathBuf> {
    let folder = target().join("bench-pictures");
    let path = folder.join(format!("{VERSION}-{name}"));
    if !path.exists() {
        fs::create_dir_all(&folder)?;
        // Renamed when it is whole: a bench that is stopped leaves no half a picture.
        let part = path.with_extension("part");
        fs::write(&part, make()?).and_then(|()| fs::rename(&part, &path)).context("keeping a picture")?;
    }
    Ok(path)
}

fn positions(width: u16, height: u16) -> impl Iterator<Item = (u16, u16)> {
    (0..height).flat_map(move |y| (0..width).map(move |x| (x, y)))
}

fn photo_pixel(x: f32, y: f32, width: f32, height: f32) -> [u8; 3] {
    let unit = width.min(height);
    // A sky that becomes lighter downwards, and hills before it, each nearer one darker.
    let sky = y / height;
    let mut colour = [90.0 + 90.0 * sky, 130.0 + 70.0 * sky, 200.0 + 20.0 * sky];
    let clouds = octaves(x / unit * 4.0, y / unit * 7.0, 5, 1);
    colour = mix(colour, [250.0, 248.0, 245.0], ((clouds - 0.5) * 3.0).clamp(0.0, 1.0));
    // What is seen of the ground's grain: more than of the sky's, as in a photo.
    let mut grain = 9.0;
    for hill in 0..4_u16 {
        let near = f32::from(hill);
        let top = height * (0.42 + 0.13 * near)
            - unit * 0.22 * octaves(x / unit * (2.0 + near), near * 9.0, 6, 2 + u32::from(hill));
        if y > top {
            let leaves = octaves(x / unit * 110.0, y / unit * 110.0, 4, 9 + u32::from(hill));
            let light = 0.45 + 0.9 * leaves - 0.08 * near;
            colour =
                [(70.0 + 22.0 * near) * light, (105.0 + 6.0 * near) * light, (60.0 - 6.0 * near) * light];
            grain = 22.0;
        }
    }
    // Something made by people: straight edges, and windows.
    let (left, top, side) = (width * 0.62, height * 0.38, unit * 0.28);
    if (left..left + side).contains(&x) && (top..top + side * 1.3).contains(&y) {
        let window = ((x - left) / side * 7.0).fract() > 0.5 && ((y - top) / side * 6.0).fract() > 0.45;
        colour = if window { [42.0, 52.0, 70.0] } else { [196.0, 172.0, 140.0] };
        grain = 12.0;
    }
    let noise = (hash(bits(x), bits(y), 77) - 0.5) * grain;
    colour.map(|value| byte(value + noise))
}

fn drawing_pixel(x: f32, y: f32, width: f32, height: f32) -> [u8; 4] {
    let unit = width.min(height);
    let mut colour = [0.0; 3];
    let mut alpha = 0.0_f32;
    for disc in 0..24_u32 {
        let at = |salt: u32| hash(disc, salt, 5);
        let (left, top, radius) = (at(0) * width, at(1) * height, unit * (0.05 + 0.2 * at(2)));
        let distance = (x - left).hypot(y - top);
        // A soft edge of a few pixels; every third one fades out slowly.
        let soft = if disc % 3 == 0 { radius * 0.6 } else { 2.0 };
        let cover = ((radius - distance) / soft).clamp(0.0, 1.0);
        if cover > 0.0 {
            let shade = 1.0 - 0.3 * distance / radius;
            let paint = [at(3), at(4), at(5)].map(|part| (60.0 + 190.0 * part) * shade);
            colour = mix(colour, paint, cover);
            alpha = alpha.max(cover);
        }
    }
    let grain = (octaves(x / unit * 160.0, y / unit * 160.0, 2, 31) - 0.5) * 10.0 * alpha;
    let [red, green, blue] = colour.map(|value| byte(value + grain));
    [red, green, blue, byte(alpha * 255.0)]
}

fn mix(under: [f32; 3], over: [f32; 3], part: f32) -> [f32; 3] {
    let mut mixed = under;
    for (under, over) in mixed.iter_mut().zip(over) {
        *under += (over - *under) * part;
    }
    mixed
}

/// Smooth noise from 0 to 1, summed over scales: each half as large and half as strong as the last.
fn octaves(x: f32, y: f32, count: u32, salt: u32) -> f32 {
    let (mut sum, mut most, mut strength, mut scale) = (0.0, 0.0, 1.0, 1.0);
    for octave in 0..count {
        sum += strength * smooth(x * scale, y * scale, salt * 101 + octave);
        most += strength;
        strength *= 0.5;
        scale *= 2.0;
    }
    sum / most
}

/// Between random values at whole numbers.
fn smooth(x: f32, y: f32, salt: u32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let ease = |part: f32| part * part * (3.0 - 2.0 * part);
    let (right_part, lower_part) = (ease(x - left), ease(y - top));
    let corner = |right: f32, lower: f32| hash(bits(left + right), bits(top + lower), salt);
    let upper = corner(0.0, 0.0) + (corner(1.0, 0.0) - corner(0.0, 0.0)) * right_part;
    let lower = corner(0.0, 1.0) + (corner(1.0, 1.0) - corner(0.0, 1.0)) * right_part;
    upper + (lower - upper) * lower_part
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positions are small, none is negative
fn bits(value: f32) -> u32 {
    value as u32
}

/// From 0 to 1, the same for the same numbers: multiplications and shifts that spread every bit.
#[allow(clippy::cast_precision_loss)] // 24 bits fit
fn hash(x: u32, y: u32, salt: u32) -> f32 {
    let mut word = x
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(y.wrapping_mul(0x85eb_ca77))
        .wrapping_add(salt.wrapping_mul(0xc2b2_ae3d));
    for multiplier in [0x7feb_352d_u32, 0x846c_a68b] {
        word = (word ^ (word >> 15)).wrapping_mul(multiplier);
    }
    ((word ^ (word >> 16)) >> 8) as f32 / 16_777_216.0
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped
fn byte(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}
