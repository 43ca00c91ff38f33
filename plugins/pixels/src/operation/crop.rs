//! `crop`: cutting out a rectangle, in place.

use super::focus::{Focus, Window, focus_names};
use super::gravity::Gravity;
use super::{Operation, Transform};
use crate::{Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "crop",
    summary: "Cuts out a rectangle, which must lie within the picture.",
    schema: concat!(
        r#"{
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
    },
    "gravity": {
      "description": "Where the rectangle lies, instead of left and top: at a side or corner, in the centre, where most detail is (entropy), or where the eye goes first (attention).",
      "type": "string",
      "enum": "#,
        focus_names!(),
        r#"
    }
  },
  "required": ["width", "height"],
  "additionalProperties": false
}"#
    ),
    read: |parameters| {
        let side =
            |name| parameters.size(name, 1..=65_535)?.ok_or_else(|| Error::parameter(name, "is missing"));
        let left = parameters.size("left", 0..=65_535)?.unwrap_or(0);
        let top = parameters.size("top", 0..=65_535)?.unwrap_or(0);
        let place = match Focus::read(parameters)? {
            None => Place::At { left, top },
            Some(focus) if (left, top) == (0, 0) => Place::By(focus),
            Some(_) => {
                let reason = "it says where the rectangle lies; leave out left and top, or gravity";
                return Err(Error::parameter("gravity", reason));
            }
        };
        let crop = Crop { width: side("width")?, height: side("height")?, place };
        Ok(crop.into())
    },
};

pub(super) struct Crop {
    width: u32,
    height: u32,
    place: Place,
}

/// Where the rectangle lies.
enum Place {
    At { left: u32, top: u32 },
    By(Focus),
}

impl Crop {
    pub(super) fn to(Rectangle { left, top, width, height }: Rectangle) -> Self {
        Self { width, height, place: Place::At { left, top } }
    }

    /// Where the rectangle lies on this picture; anywhere, if it doesn't fit.
    fn corner(&self, picture: &Picture) -> (u32, u32) {
        match self.place {
            Place::At { left, top } => (left, top),
            Place::By(_) if self.width > picture.width || self.height > picture.height => (0, 0),
            Place::By(focus) => {
                let window = Window { width: f64::from(self.width), height: f64::from(self.height) };
                let Gravity { x, y } = focus.on(picture, window);
                let before = |all: u32, part: u32, share: f64| (f64::from(all - part) * share).floor() as u32;
                (before(picture.width, self.width, x), before(picture.height, self.height, y))
            }
        }
    }
}

impl Transform for Crop {
    fn settled(&self, first: &Picture, _: &Limits) -> Result<Option<Box<dyn Transform>>, Error> {
        let (left, top) = self.corner(first);
        Ok(Some(Box::new(Self { place: Place::At { left, top }, ..*self })))
    }

    fn apply(&self, picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        let Self { width, height, .. } = *self;
        let fits = width <= picture.width && height <= picture.height;
        let (left, top) = self.corner(&picture);
        // Each is at most 65535, so that the sums cannot overflow.
        if !fits || left + width > picture.width || top + height > picture.height {
            return Err(Error::parameter(
                "crop",
                format!(
                    "the rectangle of {width} by {height} pixels at {left},{top} is not within \
                     the picture, which is {} by {}",
                    picture.width, picture.height
                ),
            ));
        }
        Ok(Rectangle { left, top, width, height }.cut_out(picture))
    }
}

/// A rectangle of a picture, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rectangle {
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Rectangle {
    /// Must lie within the picture.
    pub(super) fn cut_out(self, mut picture: Picture) -> Picture {
        let Self { left, top, width, height } = self;
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
        Picture { width, height, ..picture }
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

    #[test]
    fn gravity_says_where_the_rectangle_lies() {
        let cropped = |gravity: &str, left: i64, side: i64| {
            let picture = Picture::eight(3, 3, Channels::Gray, vec![9, 9, 9, 9, 9, 9, 9, 1, 240])?;
            let parameters = Parameters::from_iter([
                ("width", Value::Integer(side)),
                ("height", Value::Integer(side)),
                ("left", Value::Integer(left)),
                ("gravity", Value::Text(gravity.into())),
            ]);
            OPERATION.apply(&parameters, picture)
        };
        assert_eq!(cropped("southeast", 0, 1).unwrap().bytes(), [240]);
        assert_eq!(cropped("centre", 0, 1).unwrap().bytes(), [9]);
        assert_eq!(cropped("entropy", 0, 2).unwrap().bytes(), [9, 9, 1, 240]);
        assert!(cropped("centre", 1, 1).unwrap_err().to_string().starts_with("gravity: it says where"));
        assert!(cropped("attention", 0, 4).unwrap_err().to_string().contains("which is 3 by 3"));
    }
}
