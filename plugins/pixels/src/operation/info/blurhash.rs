//! Blurhash: some thirty characters that a client can show as a blurred picture
//! until the picture itself is there (github.com/woltapp/blurhash, Algorithm.md).

use std::f64::consts::PI;

use crate::operation::focus::Miniature;
use crate::operation::oklab::{light_of, sample_of};

/// Base 83: what is safe in JSON, HTML and shells.
const DIGITS: &[u8; 83] =
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/// Waves along the longer and the shorter side: what the algorithm's authors
/// advise; more are longer to send and hardly seen.
const LONG: usize = 4;
const SHORT: usize = 3;

pub(super) fn encode(miniature: &Miniature) -> String {
    let (columns, rows) = if miniature.width >= miniature.height { (LONG, SHORT) } else { (SHORT, LONG) };
    let waves: Vec<[f64; 3]> = (0..rows)
        .flat_map(|y| (0..columns).map(move |x| (x, y)))
        .map(|(x, y)| wave(miniature, x, y))
        .collect();
    let mut hash = String::new();
    digits(&mut hash, (columns - 1) + (rows - 1) * 9, 1);
    let Some((mean, others)) = waves.split_first() else { return hash };
    let strongest = others.iter().flatten().fold(0.0f64, |most, part| most.max(part.abs()));
    let scale = ((strongest * 166.0 - 0.5).floor().clamp(0.0, 82.0)) as usize;
    digits(&mut hash, scale, 1);
    let [r, g, b] = mean.map(|light| (sample_of(light.clamp(0.0, 1.0)) * 255.0).round() as usize);
    digits(&mut hash, (r << 16) + (g << 8) + b, 4);
    let most = (scale + 1) as f64 / 166.0;
    for wave in others {
        let [r, g, b] = wave.map(|part| {
            let part = part / most;
            (part.signum() * part.abs().sqrt() * 9.0 + 9.5).floor().clamp(0.0, 18.0) as usize
        });
        digits(&mut hash, (r * 19 + g) * 19 + b, 2);
    }
    hash
}

/// How much of a wave is in the picture's light, colour by colour: taken at the
/// middle of each cell, so that one of a single colour has no waves at all.
fn wave(miniature: &Miniature, x: usize, y: usize) -> [f64; 3] {
    let (width, height) = (miniature.width as f64, miniature.height as f64);
    let normal = if (x, y) == (0, 0) { 1.0 } else { 2.0 };
    let mut sum = [0.0; 3];
    for (row, cells) in miniature.cells.chunks_exact(miniature.width).enumerate() {
        let vertical = (PI * y as f64 * (row as f64 + 0.5) / height).cos();
        for (column, cell) in cells.iter().enumerate() {
            let basis = vertical * (PI * x as f64 * (column as f64 + 0.5) / width).cos();
            sum.iter_mut().zip(cell).for_each(|(sum, &color)| *sum += basis * light_of(f64::from(color)));
        }
    }
    sum.map(|sum| normal * sum / (width * height))
}

fn digits(hash: &mut String, value: usize, count: u32) {
    for place in (0..count).rev() {
        let digit = DIGITS.get(value / 83usize.pow(place) % 83).copied().unwrap_or(b'0');
        hash.push(char::from(digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Picture};

    fn of(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> String {
        let samples =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).flat_map(|(x, y)| color(x, y));
        encode(&Miniature::of(&Picture::eight(width, height, Channels::Rgb, samples.collect()).unwrap()))
    }

    /// As the algorithm's document says how to show a hash; the colour at a place
    /// from 0 to 1 along either side.
    fn shown(hash: &str, x: f64, y: f64) -> [f64; 3] {
        let number = |range: std::ops::Range<usize>| {
            let digit = |byte: &u8| DIGITS.iter().position(|known| known == byte).unwrap();
            hash.as_bytes()[range].iter().fold(0, |number, byte| number * 83 + digit(byte))
        };
        let (columns, rows) = (number(0..1) % 9 + 1, number(0..1) / 9 + 1);
        assert_eq!(hash.len(), 4 + 2 * columns * rows);
        let most = (number(1..2) + 1) as f64 / 166.0;
        let mut light = [0.0; 3];
        for wave in 0..columns * rows {
            let basis = (PI * x * (wave % columns) as f64).cos() * (PI * y * (wave / columns) as f64).cos();
            let parts = if wave == 0 {
                let mean = number(2..6);
                [mean >> 16, mean >> 8 & 255, mean & 255].map(|part| light_of(part as f64 / 255.0))
            } else {
                let parts = number(4 + 2 * wave..6 + 2 * wave);
                [parts / 361, parts / 19 % 19, parts % 19].map(|part| {
                    let part = (part as f64 - 9.0) / 9.0;
                    part.signum() * part * part * most
                })
            };
            light.iter_mut().zip(parts).for_each(|(light, part)| *light += basis * part);
        }
        light.map(|light| sample_of(light.clamp(0.0, 1.0)) * 255.0)
    }

    #[test]
    fn what_is_shown_is_the_picture_blurred() {
        let color = |x: u32, y: u32| [(x * 8) as u8, (y * 10) as u8, 128];
        let hash = of(32, 24, color);
        for (x, y) in [(4, 4), (16, 12), (28, 4), (4, 20), (28, 20)] {
            let found = shown(&hash, (f64::from(x) + 0.5) / 32.0, (f64::from(y) + 0.5) / 24.0);
            for (found, expected) in found.iter().zip(color(x, y)) {
                assert!((found - f64::from(expected)).abs() < 25.0, "{x},{y}: {found} for {expected}");
            }
        }
        let halves = of(20, 30, |_, y| if y < 15 { [255, 0, 0] } else { [0, 0, 255] });
        let (above, below) = (shown(&halves, 0.5, 0.2), shown(&halves, 0.5, 0.8));
        assert!(above[0] > 220.0 && above[2] < 80.0 && below[0] < 80.0 && below[2] > 220.0);
    }

    #[test]
    fn one_colour_is_a_mean_and_no_waves() {
        // 4 by 3 waves, the weakest scale, white, and eleven times nothing.
        assert_eq!(of(8, 8, |_, _| [255; 3]), format!("L0TSUA{}", "fQ".repeat(11)));
    }
}
