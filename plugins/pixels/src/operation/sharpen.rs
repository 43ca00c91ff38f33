//! `sharpen`: an unsharp mask, in place.
//!
//! The mask is of luminance alone and is added to red, green and blue alike, so
//! that edges become crisp and not colourful.

use super::gaussian::{self, Rows};
use super::{Operation, Transform};
use crate::picture::{LUMA, Sample};
use crate::{Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "sharpen",
    summary: "Sharpens by an unsharp mask of the luminance, so that colours stay what they are.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "sigma": {
      "description": "How wide the edges are that become crisper: the standard deviation of the mask's Gaussian, in pixels.",
      "type": "number", "minimum": 0.3, "maximum": 1000, "default": 1
    },
    "amount": {
      "description": "How much of the mask is added; 0 changes nothing.",
      "type": "number", "minimum": 0, "maximum": 10, "default": 1
    },
    "threshold": {
      "description": "Differences of luminance smaller than this, in levels of 256, stay as they are: they are noise more often than detail.",
      "type": "number", "minimum": 0, "maximum": 255, "default": 0
    }
  },
  "additionalProperties": false
}"#,
    read: |parameters| {
        let sharpen = Sharpen {
            sigma: parameters.number("sigma", 0.3..=1_000.0)?.unwrap_or(1.0),
            // Ten times the difference leaves black and white only.
            amount: parameters.number("amount", 0.0..=10.0)?.unwrap_or(1.0) as f32,
            threshold: parameters.number("threshold", 0.0..=255.0)?.unwrap_or(0.0) as f32,
        };
        Ok(sharpen.into())
    },
};

struct Sharpen {
    sigma: f64,
    amount: f32,
    /// In levels of 256, whatever the depth.
    threshold: f32,
}

impl Transform for Sharpen {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        gaussian::blur(&mut Luminance { picture: &mut picture, mask: self }, self.sigma);
        Ok(picture)
    }
}

/// The picture's luminance, as its blur asks for it; what is written is
/// sharpened by the difference between the two.
struct Luminance<'a> {
    picture: &'a mut Picture,
    mask: &'a Sharpen,
}

impl Rows for Luminance<'_> {
    fn width(&self) -> usize {
        self.picture.width as usize
    }

    fn height(&self) -> usize {
        self.picture.height as usize
    }

    fn channels(&self) -> usize {
        1
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        let count = self.picture.channels.count();
        let start = y * row.len() * count;
        match (&self.picture.samples, count) {
            (Samples::Eight(samples), 1) => read::<u8, 1>(samples.get(start..), row),
            (Samples::Eight(samples), 2) => read::<u8, 2>(samples.get(start..), row),
            (Samples::Eight(samples), 3) => read::<u8, 3>(samples.get(start..), row),
            (Samples::Eight(samples), _) => read::<u8, 4>(samples.get(start..), row),
            (Samples::Sixteen(samples), 1) => read::<u16, 1>(samples.get(start..), row),
            (Samples::Sixteen(samples), 2) => read::<u16, 2>(samples.get(start..), row),
            (Samples::Sixteen(samples), 3) => read::<u16, 3>(samples.get(start..), row),
            (Samples::Sixteen(samples), _) => read::<u16, 4>(samples.get(start..), row),
        }
    }

    fn write(&mut self, y: usize, row: &[f32]) {
        let (count, mask) = (self.picture.channels.count(), self.mask);
        let start = y * row.len() * count;
        match (&mut self.picture.samples, count) {
            (Samples::Eight(samples), 1) => mask.add::<u8, 1>(samples.get_mut(start..), row),
            (Samples::Eight(samples), 2) => mask.add::<u8, 2>(samples.get_mut(start..), row),
            (Samples::Eight(samples), 3) => mask.add::<u8, 3>(samples.get_mut(start..), row),
            (Samples::Eight(samples), _) => mask.add::<u8, 4>(samples.get_mut(start..), row),
            (Samples::Sixteen(samples), 1) => mask.add::<u16, 1>(samples.get_mut(start..), row),
            (Samples::Sixteen(samples), 2) => mask.add::<u16, 2>(samples.get_mut(start..), row),
            (Samples::Sixteen(samples), 3) => mask.add::<u16, 3>(samples.get_mut(start..), row),
            (Samples::Sixteen(samples), _) => mask.add::<u16, 4>(samples.get_mut(start..), row),
        }
    }
}

impl Sharpen {
    fn add<T: Sample, const N: usize>(&self, samples: Option<&mut [T]>, blurred: &[f32]) {
        let threshold = self.threshold * (T::MAX / 255) as f32;
        let pixels = samples.unwrap_or_default().as_chunks_mut::<N>().0;
        for (pixel, blurred) in pixels.iter_mut().zip(blurred) {
            let difference = luminance(pixel) - blurred;
            let added = if difference.abs() < threshold { 0.0 } else { difference * self.amount };
            for color in pixel.iter_mut().take(colors(N)) {
                *color = T::nearest(color.as_f32() + added);
            }
        }
    }
}

fn read<T: Sample, const N: usize>(samples: Option<&[T]>, row: &mut [f32]) {
    for (target, pixel) in row.iter_mut().zip(samples.unwrap_or_default().as_chunks::<N>().0) {
        *target = luminance(pixel);
    }
}

/// How many of so many channels are not alpha.
const fn colors(channels: usize) -> usize {
    if channels < 3 { 1 } else { 3 }
}

fn luminance<T: Sample, const N: usize>(pixel: &[T; N]) -> f32 {
    match pixel.as_slice() {
        [r, g, b, ..] => {
            let [red, green, blue] = LUMA.map(|weight| weight as f32 / 65_536.0);
            r.as_f32() * red + g.as_f32() * green + b.as_f32() * blue
        }
        [gray, ..] => gray.as_f32(),
        [] => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    fn sharpened(parameters: &[(&str, f64)], picture: Picture) -> Picture {
        let parameters = parameters.iter().map(|&(name, value)| (name, Value::Number(value)));
        OPERATION.apply(&Parameters::from_iter(parameters), picture).unwrap()
    }

    fn step(low: [u8; 3], high: [u8; 3]) -> Picture {
        let row: Vec<u8> = (0..16).flat_map(|x| if x < 8 { low } else { high }).collect();
        Picture::eight(16, 1, Channels::Rgb, row).unwrap()
    }

    #[test]
    fn an_edge_becomes_steeper_and_what_is_even_stays() {
        let sharp = sharpened(&[], step([100; 3], [150; 3]));
        let samples: Vec<u8> = sharp.bytes().iter().step_by(3).copied().collect();
        assert!(samples[7] < 95 && samples[8] > 155);
        assert_eq!((samples[0], samples[15]), (100, 150));
    }

    #[test]
    fn the_differences_between_the_colours_stay() {
        let sharp = sharpened(&[("amount", 2.0)], step([100, 80, 60], [150, 130, 110]));
        for [r, g, b] in sharp.bytes().as_chunks::<3>().0 {
            assert_eq!((r - g, g - b), (20, 20));
        }
    }

    #[test]
    fn below_the_threshold_nothing_changes() {
        let soft = step([100; 3], [110; 3]);
        assert_eq!(sharpened(&[("threshold", 6.0)], soft.clone()), soft);
        assert_ne!(sharpened(&[("threshold", 3.0)], soft.clone()), soft);
        assert_eq!(sharpened(&[("amount", 0.0)], soft.clone()), soft);
    }

    #[test]
    fn alpha_stays_and_sixteen_bits_are_used() {
        let samples = (0..16).flat_map(|x| [if x < 8 { 20_000 } else { 30_000 }, x * 4_000]).collect();
        let picture = Picture::sixteen(16, 1, Channels::GrayAlpha, samples).unwrap();
        let Samples::Sixteen(sharp) = sharpened(&[("sigma", 5.0)], picture).samples else { panic!() };
        assert!(sharp.iter().skip(1).step_by(2).copied().eq((0..16).map(|x| x * 4_000)));
        assert!(sharp[14] < 19_000 && sharp[16] > 31_000, "{sharp:?}");
    }
}
