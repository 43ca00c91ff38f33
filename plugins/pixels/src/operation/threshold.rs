//! `threshold`: black and white and nothing between, in place.

use super::grayscale::Grayscale;
use super::tone::bend;
use super::{Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "threshold",
    summary: "Makes every pixel black or white, by its gray value.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "value": {
      "description": "The least gray, of 0 to 255, that becomes white.",
      "type": "integer", "minimum": 0, "maximum": 255, "default": 128
    }
  },
  "additionalProperties": false
}"#,
    read: |parameters| {
        let value = parameters.size("value", 0..=255)?.unwrap_or(128);
        Ok(Threshold { least: f64::from(value) / 255.0 }.into())
    },
};

struct Threshold {
    /// From 0, black, to 1, white.
    least: f64,
}

impl Transform for Threshold {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let mut picture = Grayscale.apply(picture, limits)?;
        bend(&mut picture, |x| if x >= self.least { 1.0 } else { 0.0 });
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Samples, Value};

    #[test]
    fn the_value_itself_is_white_at_either_depth() {
        for value in [0, 1, 77, 128, 255u8] {
            let samples: Vec<u8> = (0..=255).collect();
            let parameters = Parameters::from_iter([("value", Value::Integer(value.into()))]);
            let eight = Picture::eight(16, 16, Channels::Gray, samples).unwrap();
            let sixteen = eight.clone().into_sixteen(&Limits::default()).unwrap();
            let split: Vec<u8> = (0..=255).map(|x| if x >= value { 255 } else { 0 }).collect();
            assert_eq!(OPERATION.apply(&parameters, eight).unwrap().bytes(), split);
            let sixteen = OPERATION.apply(&parameters, sixteen).unwrap();
            assert_eq!(sixteen.into_eight().samples, Samples::Eight(split));
        }
    }

    #[test]
    fn colours_are_judged_by_their_gray_and_alpha_stays() {
        let picture = Picture::eight(2, 1, Channels::Rgba, vec![0, 255, 0, 9, 255, 0, 0, 8]).unwrap();
        assert_eq!(OPERATION.apply(&Parameters::default(), picture).unwrap().bytes(), [255, 9, 0, 8]);
    }
}
