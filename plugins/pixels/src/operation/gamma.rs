//! `gamma`: brighter or darker in the middle, in place.

use super::tone::bend;
use super::{Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "gamma",
    summary: "Brightens or darkens what is neither black nor white, by a power of each sample.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "gamma": {
      "description": "Each sample is raised to 1/gamma: more than 1 brightens, less darkens, 1 changes nothing.",
      "type": "number", "minimum": 0.1, "maximum": 10
    }
  },
  "required": ["gamma"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        // ImageMagick's own advice is 0.8 to 2.3; ten either way leaves nearly nothing.
        let gamma =
            parameters.number("gamma", 0.1..=10.0)?.ok_or_else(|| Error::parameter("gamma", "is missing"))?;
        Ok(Gamma { gamma }.into())
    },
};

struct Gamma {
    gamma: f64,
}

impl Transform for Gamma {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        bend(&mut picture, |x| x.powf(1.0 / self.gamma));
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    #[test]
    fn more_than_one_brightens_and_the_ends_stay() {
        let bent = |gamma: f64| {
            let picture = Picture::eight(3, 1, Channels::Gray, vec![0, 64, 255]).unwrap();
            let parameters = Parameters::from_iter([("gamma", Value::Number(gamma))]);
            OPERATION.apply(&parameters, picture).unwrap().bytes().to_vec()
        };
        assert_eq!(bent(1.0), [0, 64, 255]);
        assert_eq!(bent(2.0), [0, 128, 255]);
        assert_eq!(bent(0.5), [0, 16, 255]);
    }
}
