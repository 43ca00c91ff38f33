//! `contrast`: away from middle gray or towards it, in place.

use super::tone::bend;
use super::{Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "contrast",
    summary: "Multiplies the distance of each colour from middle gray, as the CSS filter does.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "factor": {
      "description": "1 changes nothing, 0 gives gray, more than 1 makes the dark darker and the bright brighter.",
      "type": "number", "minimum": 0, "maximum": 100
    }
  },
  "required": ["factor"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        // From 100 on there are only black, white and one gray between them.
        let factor = parameters
            .number("factor", 0.0..=100.0)?
            .ok_or_else(|| Error::parameter("factor", "is missing"))?;
        Ok(Contrast { factor }.into())
    },
};

struct Contrast {
    factor: f64,
}

impl Transform for Contrast {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        bend(&mut picture, |x| (x - 0.5) * self.factor + 0.5);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    #[test]
    fn the_middle_stays_and_the_rest_moves_away_from_it() {
        let contrasted = |factor: f64| {
            let picture = Picture::eight(4, 1, Channels::Gray, vec![0, 100, 128, 200]).unwrap();
            let parameters = Parameters::from_iter([("factor", Value::Number(factor))]);
            OPERATION.apply(&parameters, picture).unwrap().bytes().to_vec()
        };
        assert_eq!(contrasted(1.0), [0, 100, 128, 200]);
        assert_eq!(contrasted(2.0), [0, 73, 129, 255]);
        assert_eq!(contrasted(0.0), [128; 4]);
    }
}
