//! `negate`: the negative, in place.

use super::tone::bend;
use super::{Operation, Transform};
use crate::picture::{Sample, with_pixels};
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "negate",
    summary: "Makes the negative: black becomes white, and each colour its opposite.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "alpha": {
      "description": "Whether opaque becomes transparent, too.",
      "type": "boolean", "default": false
    }
  },
  "additionalProperties": false
}"#,
    read: |parameters| Ok(Negate { alpha: parameters.boolean("alpha")?.unwrap_or(false) }.into()),
};

struct Negate {
    alpha: bool,
}

impl Transform for Negate {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        bend(&mut picture, |x| 1.0 - x);
        if self.alpha && picture.channels.has_alpha() {
            with_pixels!(&mut picture.samples, picture.channels, |pixels| negate_last(pixels));
        }
        Ok(picture)
    }
}

fn negate_last<T: Sample, const N: usize>(pixels: &mut [[T; N]]) {
    for pixel in pixels {
        pixel[N - 1] = T::narrow(T::MAX - pixel[N - 1].into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    #[test]
    fn alpha_is_negated_only_when_asked_for() {
        let negated = |alpha: bool| {
            let picture = Picture::eight(1, 1, Channels::Rgba, vec![0, 255, 10, 1]).unwrap();
            let parameters = Parameters::from_iter([("alpha", Value::Boolean(alpha))]);
            OPERATION.apply(&parameters, picture).unwrap().bytes().to_vec()
        };
        assert_eq!(negated(false), [255, 0, 245, 1]);
        assert_eq!(negated(true), [255, 0, 245, 254]);
    }
}
