//! `blur`: Gaussian, in place.

use super::gaussian::{self, premultiplied::Premultiplied};
use super::{Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "blur",
    summary: "Blurs the picture, as a Gaussian does; a strong blur takes no longer than a weak one.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "sigma": {
      "description": "How far a pixel spreads: the standard deviation of the Gaussian, in pixels.",
      "type": "number", "minimum": 0.3, "maximum": 1000
    }
  },
  "required": ["sigma"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        // Below 0.3 nothing changes, beyond 1000 nothing remains; sharp has the same bounds.
        let sigma = parameters
            .number("sigma", 0.3..=1_000.0)?
            .ok_or_else(|| Error::parameter("sigma", "is missing"))?;
        Ok(Blur { sigma }.into())
    },
};

struct Blur {
    sigma: f64,
}

impl Transform for Blur {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        gaussian::blur(&mut Premultiplied::new(&mut picture), self.sigma);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    fn blurred(picture: Picture, sigma: f64) -> Picture {
        OPERATION.apply(&Parameters::from_iter([("sigma", Value::Number(sigma))]), picture).unwrap()
    }

    #[test]
    fn what_is_transparent_has_no_colour_that_could_bleed() {
        // Red that is seen beside green that is not.
        let row = [[255, 0, 0, 255]; 8].into_iter().chain([[0, 255, 0, 0]; 8]);
        let samples: Vec<u8> = row.flatten().collect();
        for sigma in [1.0, 6.0] {
            let picture = Picture::eight(16, 1, Channels::Rgba, samples.clone()).unwrap();
            let blurred = blurred(picture, sigma);
            let pixels = blurred.bytes().as_chunks::<4>().0;
            assert!(pixels[0][3] > 180 && pixels[15][3] < 80);
            for pixel in pixels.iter().filter(|pixel| pixel[3] > 0) {
                assert_eq!(pixel[..3], [255, 0, 0]);
            }
        }
    }

    #[test]
    fn both_depths_are_blurred_alike() {
        let step: Vec<u8> = (0..64).map(|x| if x % 8 < 4 { 10 } else { 240 }).collect();
        let wide: Vec<u16> = step.iter().map(|&sample| u16::from(sample) * 257).collect();
        for sigma in [1.5, 5.0] {
            let eight = blurred(Picture::eight(8, 8, Channels::Gray, step.clone()).unwrap(), sigma);
            let sixteen = blurred(Picture::sixteen(8, 8, Channels::Gray, wide.clone()).unwrap(), sigma);
            assert_eq!(eight.samples, sixteen.into_eight().samples);
        }
    }
}
