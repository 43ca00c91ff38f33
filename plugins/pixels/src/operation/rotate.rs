//! `rotate`: quarter turns, which lose nothing.

use super::{Operation, Transform};
use crate::{Error, Limits, Orientation, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "rotate",
    summary: "Turns the picture clockwise by a multiple of 90 degrees.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "angle": {
      "description": "Degrees, clockwise; negative turns counter-clockwise.",
      "type": "integer", "multipleOf": 90, "minimum": -3600, "maximum": 3600
    }
  },
  "required": ["angle"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        let angle = parameters
            // Ten turns: a bound only so that nobody has to think about larger ones.
            .integer("angle", -3_600..=3_600)?
            .ok_or_else(|| Error::parameter("angle", "is missing"))?;
        let by = match angle.rem_euclid(360) {
            0 => Orientation::Upright,
            90 => Orientation::Rotate90,
            180 => Orientation::Rotate180,
            270 => Orientation::Rotate270,
            _ => {
                return Err(Error::parameter("angle", format!("{angle} is not a multiple of 90")));
            }
        };
        Ok(Rotate { by }.into())
    },
};

struct Rotate {
    by: Orientation,
}

impl Transform for Rotate {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        picture.turned(self.by, limits)
    }
}
