//! `crop`: cutting out a rectangle, in place.

use super::{Operation, Transform};
use crate::{Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "crop",
    summary: "Cuts out a rectangle, which must lie within the picture.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "left": {
      "description": "Pixels between the left edges of the picture and the rectangle.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "top": {
      "description": "Pixels between the top edges of the picture and the rectangle.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "width": {
      "description": "The rectangle's width in pixels.",
      "type": "integer", "minimum": 1, "maximum": 65535
    },
    "height": {
      "description": "The rectangle's height in pixels.",
      "type": "integer", "minimum": 1, "maximum": 65535
    }
  },
  "required": ["width", "height"],
  "additionalProperties": false
}"#,
    read: |parameters| {
        let side =
            |name| parameters.size(name, 1..=65_535)?.ok_or_else(|| Error::parameter(name, "is missing"));
        let crop = Crop {
            left: parameters.size("left", 0..=65_535)?.unwrap_or(0),
            top: parameters.size("top", 0..=65_535)?.unwrap_or(0),
            width: side("width")?,
            height: side("height")?,
        };
        Ok(crop.into())
    },
};

struct Crop {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Transform for Crop {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        let Self { left, top, width, height } = *self;
        // Each is at most 65535, so that the sums cannot overflow.
        if left + width > picture.width || top + height > picture.height {
            return Err(Error::parameter(
                "crop",
                format!(
                    "the rectangle of {width} by {height} pixels at {left},{top} is not within \
                     the picture, which is {} by {}",
                    picture.width, picture.height
                ),
            ));
        }
        let count = picture.channels.count();
        let rows = Rows {
            stride: picture.width as usize * count,
            skip: left as usize * count,
            length: width as usize * count,
            first: top as usize,
            count: height as usize,
        };
        match &mut picture.samples {
            Samples::Eight(samples) => rows.keep(samples),
            Samples::Sixteen(samples) => rows.keep(samples),
        }
        Ok(Picture { width, height, ..picture })
    }
}

/// Which samples of which rows remain; all numbers in samples or rows.
struct Rows {
    stride: usize,
    skip: usize,
    length: usize,
    first: usize,
    count: usize,
}

impl Rows {
    /// Moves what remains to the front: no row's target lies behind its source.
    fn keep<T: Copy>(&self, samples: &mut Vec<T>) {
        for row in 0..self.count {
            let from = (self.first + row) * self.stride + self.skip;
            samples.copy_within(from..from + self.length, row * self.length);
        }
        samples.truncate(self.count * self.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    fn cropped(left: i64, top: i64, width: i64, height: i64) -> Result<Picture, Error> {
        let picture = Picture::eight(3, 3, Channels::Gray, (1..=9).collect())?;
        let parameters = Parameters::from_iter([
            ("left", Value::Integer(left)),
            ("top", Value::Integer(top)),
            ("width", Value::Integer(width)),
            ("height", Value::Integer(height)),
        ]);
        OPERATION.apply(&parameters, picture)
    }

    #[test]
    fn the_rectangle_is_cut_out() {
        assert_eq!(cropped(1, 1, 2, 2).unwrap().bytes(), [5, 6, 8, 9]);
        assert_eq!(cropped(0, 0, 3, 3).unwrap().bytes(), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(cropped(2, 0, 1, 3).unwrap().bytes(), [3, 6, 9]);
    }

    #[test]
    fn a_rectangle_outside_is_refused_and_told_the_pictures_size() {
        for (left, top, width, height) in [(1, 0, 3, 1), (0, 3, 1, 1), (3, 3, 65_535, 65_535)] {
            let error = cropped(left, top, width, height).unwrap_err();
            assert!(error.to_string().ends_with("the picture, which is 3 by 3."), "{error}");
        }
    }
}
