//! Against the definition of a Gaussian blur, in 64 bits and without any grid.

use super::*;

struct Plane {
    width: usize,
    channels: usize,
    samples: Vec<f32>,
}

impl Rows for Plane {
    fn width(&self) -> usize {
        self.width
    }

    fn height(&self) -> usize {
        self.samples.len() / self.width / self.channels
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        row.copy_from_slice(&self.samples[y * row.len()..(y + 1) * row.len()]);
    }

    fn write(&mut self, y: usize, row: &[f32]) {
        self.samples[y * row.len()..(y + 1) * row.len()].copy_from_slice(row);
    }
}

/// The worst of pictures: noise, a step and a single bright pixel.
fn harsh(width: usize, height: usize, channels: usize) -> Plane {
    let mut state = 1u32;
    let mut samples = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = state >> 24;
                let step = if x * 3 > width + channel { 255 } else { 0 };
                samples.push(if y * 2 < height { step } else { noise } as f32);
            }
        }
    }
    Plane { width, channels, samples }
}

fn defined(plane: &Plane, sigma: f64) -> Vec<f64> {
    let radius = (6.0 * sigma).ceil() as isize;
    let weight = |d: isize| (-0.5 * (d as f64 / sigma).powi(2)).exp();
    let sum: f64 = (-radius..=radius).map(weight).sum();
    let (width, height, count) = (plane.width, plane.height(), plane.channels);
    let pass = |samples: &[f64], along_x: bool| -> Vec<f64> {
        (0..samples.len())
            .map(|index| {
                let (channel, x, y) = (index % count, index / count % width, index / count / width);
                let at = |d: isize| {
                    let x = if along_x { x.saturating_add_signed(d).min(width - 1) } else { x };
                    let y = if along_x { y } else { y.saturating_add_signed(d).min(height - 1) };
                    samples[(y * width + x) * count + channel]
                };
                (-radius..=radius).map(|d| weight(d) * at(d)).sum::<f64>() / sum
            })
            .collect()
    };
    let samples: Vec<f64> = plane.samples.iter().map(|&sample| f64::from(sample)).collect();
    pass(&pass(&samples, true), false)
}

#[test]
fn no_sample_is_more_than_half_a_level_of_256_from_the_definition() {
    for sigma in [0.3, 0.5, 1.0, 2.7, 2.99, 3.0, 3.99, 4.0, 4.49, 4.5, 5.9, 6.0, 9.7, 17.3, 40.0] {
        for (width, height, channels) in [(90, 70, 1), (61, 33, 3)] {
            let mut plane = harsh(width, height, channels);
            let expected = defined(&plane, sigma);
            blur(&mut plane, sigma);
            let worst = plane
                .samples
                .iter()
                .zip(expected)
                .map(|(&sample, expected)| (f64::from(sample) - expected).abs())
                .fold(0.0, f64::max);
            assert!(worst < 0.5, "sigma {sigma}, {channels} channels: {worst}");
        }
    }
}

#[test]
fn what_is_all_the_same_stays_so_at_any_size_and_sigma() {
    for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (40, 30)] {
        for channels in 1..=4 {
            for sigma in [0.3, 3.0, 4.0, 5.0, 33.3, 1000.0] {
                let samples = vec![100.0; width * height * channels];
                let mut plane = Plane { width, channels, samples };
                blur(&mut plane, sigma);
                let off = plane.samples.iter().map(|sample| (sample - 100.0).abs()).fold(0.0, f32::max);
                assert!(off < 0.01, "{width} by {height}, sigma {sigma}: {off}");
            }
        }
    }
}
