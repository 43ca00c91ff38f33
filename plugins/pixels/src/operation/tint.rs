//! `tint`: one hue for all of the picture.

use super::grayscale::Grayscale;
use super::oklab::{self, light_of, sample_of};
use super::{Operation, Transform};
use crate::picture::Sample;
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "tint",
    summary: "Makes the picture one of a single hue, as dark and bright as it was.",
    schema: r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "color": {
      "description": "The colour whose hue and saturation the middle tones get: #rrggbb. Black and white stay.",
      "type": "string", "pattern": "^#[0-9a-fA-F]{6}$", "examples": ["#704214"]
    }
  },
  "required": ["color"],
  "additionalProperties": false
}"##,
    read: |parameters| {
        let [r, g, b, alpha] =
            parameters.color("color")?.ok_or_else(|| Error::parameter("color", "is missing"))?;
        if alpha != u8::MAX {
            return Err(Error::parameter("color", "must be opaque, of the form #rrggbb"));
        }
        let light = [r, g, b].map(|sample| light_of(f64::from(sample) / 255.0) as f32);
        let [_, x, y] = oklab::of_linear(light);
        Ok(Tint { axes: [x, y] }.into())
    },
};

struct Tint {
    /// Where the colour lies between green and red, and between blue and yellow.
    axes: [f32; 2],
}

impl Transform for Tint {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let channels = Channels::Rgb.with_alpha(picture.channels.has_alpha());
        limits.check(picture.width, picture.height, channels, picture.bytes_per_sample())?;
        let gray = Grayscale.apply(picture, limits)?;
        let alpha = channels.has_alpha();
        let samples = match &gray.samples {
            Samples::Eight(samples) => Samples::Eight(self.color(samples, alpha)),
            Samples::Sixteen(samples) => Samples::Sixteen(self.color(samples, alpha)),
        };
        Ok(Picture { channels, samples, ..gray })
    }
}

impl Tint {
    fn color<T: Sample>(&self, samples: &[T], alpha: bool) -> Vec<T> {
        let max = f64::from(T::MAX);
        let table: Vec<[T; 3]> = (0..=T::MAX).map(|gray| self.tone(f64::from(gray) / max)).collect();
        let tone = |gray: T| {
            let index: u32 = gray.into();
            table.get(index as usize).copied().unwrap_or_default()
        };
        if alpha {
            let pixels = samples.as_chunks::<2>().0.iter();
            let colored: Vec<[T; 4]> = pixels
                .map(|&[gray, alpha]| {
                    let [r, g, b] = tone(gray);
                    [r, g, b, alpha]
                })
                .collect();
            colored.into_flattened()
        } else {
            let colored: Vec<[T; 3]> = samples.iter().map(|&gray| tone(gray)).collect();
            colored.into_flattened()
        }
    }

    /// What a gray, from 0 to 1, becomes.
    fn tone<T: Sample>(&self, gray: f64) -> [T; 3] {
        let lightness = light_of(gray).cbrt() as f32;
        // All of the colour in the middle and none at the ends, as sharp weighs it.
        let weight = 4.0 * lightness * (1.0 - lightness);
        let [x, y] = self.axes;
        let light = oklab::to_linear([lightness, weight * x, weight * y]);
        light.map(|light| T::nearest((sample_of(f64::from(light).max(0.0)) * f64::from(T::MAX)) as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    fn tinted(color: &str, picture: Picture) -> Picture {
        let parameters = Parameters::from_iter([("color", Value::Text(color.into()))]);
        OPERATION.apply(&parameters, picture).unwrap()
    }

    #[test]
    fn black_and_white_stay_and_the_middle_gets_the_hue() {
        let picture = Picture::eight(3, 1, Channels::GrayAlpha, vec![0, 1, 120, 2, 255, 3]).unwrap();
        let sepia = tinted("#704214", picture);
        let pixels = sepia.bytes().as_chunks::<4>().0;
        assert_eq!((pixels[0], pixels[2]), ([0, 0, 0, 1], [255, 255, 255, 3]));
        let [r, g, b, alpha] = pixels[1];
        assert!(r > g && g > b && alpha == 2, "{pixels:?}");
    }

    #[test]
    fn a_gray_tint_takes_the_colour_out() {
        let picture = Picture::eight(2, 1, Channels::Rgb, vec![200, 30, 70, 9, 99, 199]).unwrap();
        let gray = Grayscale.apply(picture.clone(), &Limits::default()).unwrap();
        let expected = gray.widened(true, false, &Limits::default()).unwrap();
        for (found, expected) in tinted("#808080", picture).bytes().iter().zip(expected.bytes()) {
            assert!(found.abs_diff(*expected) <= 1);
        }
    }

    #[test]
    fn sixteen_bits_stay_sixteen() {
        let picture = Picture::sixteen(1, 1, Channels::Gray, vec![30_000]).unwrap();
        let Samples::Sixteen(samples) = tinted("#0000ff", picture).samples else { panic!() };
        assert!(samples[2] > samples[0] && samples.iter().any(|sample| sample % 257 != 0));
    }
}
