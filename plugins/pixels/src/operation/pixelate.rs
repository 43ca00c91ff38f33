//! `pixelate`: squares of one colour each, in place.

use super::{Operation, Transform};
use crate::picture::{Sample, with_pixels};
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "pixelate",
    summary: "Turns the picture into squares, each of the mean of the colours in it.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "size": {
      "description": "The side of a square in pixels. Squares begin at the top left; those at the other sides are cut off.",
      "type": "integer", "minimum": 1, "maximum": 65535
    }
  },
  "required": ["size"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        let size =
            parameters.size("size", 1..=65_535)?.ok_or_else(|| Error::parameter("size", "is missing"))?;
        Ok(Pixelate { size: size as usize }.into())
    },
};

struct Pixelate {
    size: usize,
}

impl Transform for Pixelate {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        let width = picture.width as usize;
        let alpha = picture.channels.has_alpha();
        with_pixels!(&mut picture.samples, picture.channels, |pixels| {
            pixels.chunks_mut(width * self.size).for_each(|band| self.flatten(band, width, alpha));
        });
        Ok(picture)
    }
}

impl Pixelate {
    /// Makes a band of rows, as high as a square, one of squares.
    fn flatten<T: Sample, const N: usize>(&self, band: &mut [[T; N]], width: usize, alpha: bool) {
        let mut sums = vec![Sum::<N>::default(); width.div_ceil(self.size)];
        for row in band.chunks_exact(width) {
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(self.size)) {
                pixels.iter().for_each(|pixel| sum.add(pixel, alpha));
            }
        }
        let means: Vec<[T; N]> = sums.iter().map(|sum| sum.mean(alpha)).collect();
        for row in band.chunks_exact_mut(width) {
            for (mean, pixels) in means.iter().zip(row.chunks_mut(self.size)) {
                pixels.fill(*mean);
            }
        }
    }
}

/// The pixels of a square, summed up; colours weigh as much as they are seen.
/// A hundred million products of two 16-bit samples stay far below 2^64.
#[derive(Clone)]
struct Sum<const N: usize> {
    samples: [u64; N],
    pixels: u64,
}

impl<const N: usize> Default for Sum<N> {
    fn default() -> Self {
        Self { samples: [0; N], pixels: 0 }
    }
}

impl<const N: usize> Sum<N> {
    fn add<T: Sample>(&mut self, pixel: &[T; N], alpha: bool) {
        self.pixels += 1;
        let samples = pixel.map(|sample| u64::from(sample.into()));
        let weight = if alpha { samples[N - 1] } else { 1 };
        for (index, (sum, sample)) in self.samples.iter_mut().zip(samples).enumerate() {
            *sum += if alpha && index == N - 1 { sample } else { sample * weight };
        }
    }

    fn mean<T: Sample>(&self, alpha: bool) -> [T; N] {
        let rounded = |sum: u64, by: u64| (sum + by / 2).checked_div(by).unwrap_or(0) as u32;
        let weight = if alpha { self.samples[N - 1] } else { self.pixels };
        let mut mean = self.samples.map(|sum| T::narrow(rounded(sum, weight)));
        if alpha {
            mean[N - 1] = T::narrow(rounded(self.samples[N - 1], self.pixels));
        }
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    fn pixelated(size: i64, picture: Picture) -> Picture {
        OPERATION.apply(&Parameters::from_iter([("size", Value::Integer(size))]), picture).unwrap()
    }

    #[test]
    fn every_square_has_its_mean_and_those_at_the_sides_are_cut_off() {
        let picture = Picture::eight(3, 3, Channels::Gray, vec![0, 10, 7, 20, 30, 9, 50, 60, 3]).unwrap();
        let squares = pixelated(2, picture.clone());
        assert_eq!(squares.bytes(), [15, 15, 8, 15, 15, 8, 55, 55, 3]);
        assert_eq!(pixelated(1, picture.clone()), picture);
        assert_eq!(pixelated(65_535, picture).bytes(), [21; 9]);
    }

    #[test]
    fn what_is_transparent_adds_no_colour() {
        let samples = vec![200, 10, 10, 255, 0, 255, 0, 0];
        let picture = Picture::eight(2, 1, Channels::Rgba, samples).unwrap();
        assert_eq!(pixelated(2, picture).bytes(), [200, 10, 10, 128, 200, 10, 10, 128]);
        let nothing = Picture::sixteen(2, 1, Channels::GrayAlpha, vec![9, 0, 7, 0]).unwrap();
        assert_eq!(pixelated(2, nothing).samples, Samples::Sixteen(vec![0; 4]));
    }
}
