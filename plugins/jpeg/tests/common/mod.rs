//! Files to decode, and another decoder to compare with.

#![allow(dead_code, reason = "each of the tests needs some of it")]

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Smooth surfaces, edges and some grain: what a photograph is made of.
pub fn scene(width: u32, height: u32, channels: usize) -> Vec<u8> {
    let mut grain = 1_u32;
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (fx, fy) = (f64::from(x) / 40.0, f64::from(y) / 30.0);
            let inside = (fx.sin() + fy.cos()) > 0.4;
            for channel in 0..channels {
                let surface = 128.0 + 80.0 * (fx + fy / 2.0 + channel as f64).sin();
                let level = if inside { surface } else { 255.0 - surface / 2.0 };
                pixels.push((level + f64::from(grain >> 29) - 3.5).clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub sampling: SamplingFactor,
    pub progressive: bool,
    pub restart_interval: u16,
    pub optimized: bool,
}

pub const PLAIN: Manner =
    Manner { sampling: SamplingFactor::F_1_1, progressive: false, restart_interval: 0, optimized: false };

pub fn file(pixels: &[u8], width: u32, height: u32, color: ColorType, manner: Manner) -> Vec<u8> {
    let mut bytes = vec![];
    let mut encoder = Encoder::new(&mut bytes, 92);
    encoder.set_sampling_factor(manner.sampling);
    encoder.set_progressive(manner.progressive);
    encoder.set_optimized_huffman_tables(manner.optimized);
    if manner.restart_interval != 0 {
        encoder.set_restart_interval(manner.restart_interval);
    }
    encoder.encode(pixels, width as u16, height as u16, color).unwrap();
    bytes
}

/// What zune-jpeg makes of it.
pub fn reference(bytes: &[u8], color: ColorSpace) -> Vec<u8> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(color);
    JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode().unwrap()
}

/// The mean and the greatest difference.
pub fn difference(a: &[u8], b: &[u8]) -> (f64, u8) {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let sum: u64 = differences.clone().map(u64::from).sum();
    (sum as f64 / a.len() as f64, differences.max().unwrap_or(0))
}

/// Means of squares of pixels; at the far ends of what is left.
pub fn averaged(pixels: &[u8], width: u32, height: u32, channels: usize, square: u32) -> Vec<u8> {
    let mut means = vec![];
    for top in (0..height).step_by(square as usize) {
        for left in (0..width).step_by(square as usize) {
            for channel in 0..channels {
                let (mut sum, mut count) = (0_u32, 0_u32);
                for y in top..(top + square).min(height) {
                    for x in left..(left + square).min(width) {
                        sum += u32::from(pixels[(y * width + x) as usize * channels + channel]);
                        count += 1;
                    }
                }
                means.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    means
}
