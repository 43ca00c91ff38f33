//! `modulate`: brightness, saturation and hue, in place.
//!
//! In Oklab, where the three are independent of each other. Colours that sRGB
//! cannot show come out as the nearest it can, colour by colour.

use super::oklab::{self, Transfer, light_of, sample_of};
use super::tone::bend;
use super::{Operation, Transform};
use crate::picture::Sample;
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "modulate",
    summary: "Changes brightness, saturation and hue independently of each other, in the Oklab colour space.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "brightness": {
      "description": "What lightness is multiplied by: 2 is twice as bright to the eye.",
      "type": "number", "minimum": 0, "maximum": 100, "default": 1
    },
    "saturation": {
      "description": "What the distance from gray is multiplied by: 0 takes the colour out.",
      "type": "number", "minimum": 0, "maximum": 100, "default": 1
    },
    "hue": {
      "description": "Degrees that all hues are turned by: 180 makes each colour its opposite.",
      "type": "number", "minimum": -360, "maximum": 360, "default": 0
    },
    "lightness": {
      "description": "What is added to lightness, of which black has 0 and white 100.",
      "type": "number", "minimum": -100, "maximum": 100, "default": 0
    }
  },
  "additionalProperties": false
}"#,
    read: |parameters| {
        let hue = parameters.number("hue", -360.0..=360.0)?.unwrap_or(0.0);
        // A hundred times anything visible is white, or as strong as sRGB can show.
        let factor = |name| Ok::<_, Error>(parameters.number(name, 0.0..=100.0)?.unwrap_or(1.0) as f32);
        let modulate = Modulate {
            brightness: factor("brightness")?,
            saturation: factor("saturation")?,
            hue: hue.to_radians() as f32,
            lightness: parameters.number("lightness", -100.0..=100.0)?.unwrap_or(0.0) as f32 / 100.0,
        };
        Ok(modulate.into())
    },
};

#[derive(PartialEq)]
struct Modulate {
    brightness: f32,
    saturation: f32,
    /// Radians.
    hue: f32,
    /// From -1 to 1.
    lightness: f32,
}

const NOTHING: Modulate = Modulate { brightness: 1.0, saturation: 1.0, hue: 0.0, lightness: 0.0 };

impl Transform for Modulate {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        if *self == NOTHING {
            return Ok(picture);
        }
        match (picture.channels, &mut picture.samples) {
            (Channels::Rgb, Samples::Eight(samples)) => self.change::<u8, 3>(samples),
            (Channels::Rgb, Samples::Sixteen(samples)) => self.change::<u16, 3>(samples),
            (Channels::Rgba, Samples::Eight(samples)) => self.change::<u8, 4>(samples),
            (Channels::Rgba, Samples::Sixteen(samples)) => self.change::<u16, 4>(samples),
            (Channels::Gray | Channels::GrayAlpha, _) => bend(&mut picture, |x| self.change_gray(x)),
        }
        Ok(picture)
    }
}

/// Pixels computed at a time: their three colours fit the first-level cache.
const BLOCK: usize = 512;

impl Modulate {
    fn change<T: Sample, const N: usize>(&self, samples: &mut [T]) {
        let transfer = Transfer::new::<T>();
        let (sin, cos) = self.hue.sin_cos();
        let (sin, cos) = (sin * self.saturation, cos * self.saturation);
        let mut block = [[0.0; BLOCK]; 3];
        for pixels in samples.as_chunks_mut::<N>().0.chunks_mut(BLOCK) {
            for (channel, lights) in block.iter_mut().enumerate() {
                for (light, pixel) in lights.iter_mut().zip(pixels.iter()) {
                    *light = transfer.light(pixel[channel]);
                }
            }
            let [reds, greens, blues] = &mut block;
            for ((r, g), b) in reds.iter_mut().zip(greens).zip(blues) {
                let [lightness, x, y] = oklab::of_linear([*r, *g, *b]);
                let lightness = lightness * self.brightness + self.lightness;
                let changed = [lightness, cos * x - sin * y, sin * x + cos * y];
                [*r, *g, *b] = oklab::to_linear(changed);
            }
            for (channel, lights) in block.iter().enumerate() {
                for (light, pixel) in lights.iter().zip(pixels.iter_mut()) {
                    pixel[channel] = transfer.sample(*light);
                }
            }
        }
    }

    /// A gray has neither saturation nor hue.
    fn change_gray(&self, sample: f64) -> f64 {
        let lightness = light_of(sample).cbrt() * f64::from(self.brightness) + f64::from(self.lightness);
        sample_of(lightness.max(0.0).powi(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    fn modulated(parameters: &[(&str, f64)], channels: Channels, samples: Vec<u8>) -> Vec<u8> {
        let width = (samples.len() / channels.count()) as u32;
        let parameters = parameters.iter().map(|&(name, value)| (name, Value::Number(value)));
        let picture = Picture::eight(width, 1, channels, samples).unwrap();
        OPERATION.apply(&Parameters::from_iter(parameters), picture).unwrap().bytes().to_vec()
    }

    #[test]
    fn without_saturation_all_is_gray_of_the_lightness_it_had() {
        let gray = modulated(&[("saturation", 0.0)], Channels::Rgb, vec![255, 0, 0, 0, 0, 255]);
        // Oklab's lightness of red is 0.628, of blue 0.452.
        assert_eq!(gray, [136, 136, 136, 86, 86, 86]);
    }

    #[test]
    fn turning_hues_keeps_their_lightness_and_a_full_turn_keeps_all() {
        let color = vec![150, 110, 90];
        assert_eq!(modulated(&[("hue", 360.0)], Channels::Rgb, color.clone()), color);
        let opposite = modulated(&[("hue", 180.0)], Channels::Rgb, color.clone());
        assert!(opposite[2] > opposite[0]);
        let gray = |color: Vec<u8>| modulated(&[("saturation", 0.0)], Channels::Rgb, color)[0];
        assert!(gray(opposite).abs_diff(gray(color)) <= 1);
    }

    #[test]
    fn gray_pictures_change_as_gray_pixels_do() {
        for parameters in [[("brightness", 1.4)], [("brightness", 0.3)], [("lightness", -20.0)]] {
            let grays: Vec<u8> = (0..=255).collect();
            let alone = modulated(&parameters, Channels::Gray, grays.clone());
            let colors = grays.iter().flat_map(|&gray| [gray, gray, gray, 7]).collect();
            let pixels = modulated(&parameters, Channels::Rgba, colors);
            for (gray, pixel) in alone.iter().zip(pixels.as_chunks::<4>().0) {
                assert!(pixel[..3].iter().all(|sample| sample.abs_diff(*gray) <= 1) && pixel[3] == 7);
            }
        }
    }

    #[test]
    fn what_changes_nothing_changes_nothing() {
        let samples: Vec<u8> = (0..=254).collect();
        assert_eq!(modulated(&[], Channels::Rgb, samples.clone()), samples);
        assert_eq!(modulated(&[("lightness", 100.0)], Channels::Gray, samples), [255; 255]);
    }
}
