//! `watermark`: laying a picture that came along over the picture.
//!
//! Where it lies is computed here, in whole pixels; how two pixels become one
//! stands in `blend.rs`.

mod blend;
mod overlay;
mod spans;
#[cfg(test)]
mod tests;

use self::overlay::Overlay;
use self::spans::Axis;
use super::gravity::{Gravity, gravity_names};
use super::{Operation, Transform};
use crate::decode::decode;
use crate::parameters::Attachment;
use crate::{Error, Limits, Parameters, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "watermark",
    summary: "Lays a picture that came along over the picture, once or repeated.",
    schema: concat!(
        r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "image": {
      "description": "The overlay: a further part of the message. Its transparent parts stay so. What sticks out of the picture is cut off.",
      "type": "string", "format": "attachment"
    },
    "gravity": {
      "description": "The side or corner that the overlay lies at.",
      "type": "string",
      "enum": "##,
        gravity_names!(),
        r##",
      "default": "southeast"
    },
    "x": {
      "description": "Pixels that the overlay is moved away from the left or right side that gravity names; to the right, if it names neither. Negative moves the other way.",
      "type": "integer", "minimum": -65535, "maximum": 65535, "default": 0
    },
    "y": {
      "description": "Pixels that the overlay is moved away from the upper or lower side that gravity names; down, if it names neither. Negative moves the other way.",
      "type": "integer", "minimum": -65535, "maximum": 65535, "default": 0
    },
    "opacity": {
      "description": "From 0, invisible, to 1, as opaque as it is.",
      "type": "number", "minimum": 0, "maximum": 1, "default": 1
    },
    "scale": {
      "description": "The overlay's width as a share of the picture's; its height follows. Without it the overlay has its own size.",
      "type": "number", "minimum": 0.001, "maximum": 1
    },
    "tile": {
      "description": "Whether the overlay is repeated over the whole picture; gravity, x and y then say where one of them lies.",
      "type": "boolean", "default": false
    },
    "spacing": {
      "description": "Pixels between the repetitions.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    }
  },
  "required": ["image"],
  "additionalProperties": false
}"##
    ),
    read: |parameters| Ok(Watermark::read(parameters)?.into()),
};

#[derive(Debug)]
struct Watermark {
    image: Attachment,
    gravity: Gravity,
    /// Pixels, away from where gravity puts it.
    x: i64,
    y: i64,
    opacity: f64,
    scale: Option<f64>,
    /// Pixels between two, if it is repeated.
    repeat: Option<u32>,
}

impl Watermark {
    fn read(parameters: &Parameters) -> Result<Self, Error> {
        let image = parameters.attachment("image")?.ok_or_else(|| Error::parameter("image", "is missing"))?;
        let spacing = parameters.size("spacing", 0..=65_535)?.unwrap_or(0);
        Ok(Self {
            image: image.clone(),
            gravity: Gravity::read(parameters)?.unwrap_or(Gravity::SOUTHEAST),
            x: parameters.integer("x", -65_535..=65_535)?.unwrap_or(0),
            y: parameters.integer("y", -65_535..=65_535)?.unwrap_or(0),
            opacity: parameters.number("opacity", 0.0..=1.0)?.unwrap_or(1.0),
            scale: parameters.number("scale", 0.001..=1.0)?,
            repeat: parameters.boolean("tile")?.unwrap_or(false).then_some(spacing),
        })
    }

    fn overlay(&self, picture: &Picture, limits: &Limits) -> Result<Overlay, Error> {
        let (_, overlay) = decode(self.image.bytes(), limits)?;
        let width = self.scale.map(|scale| (f64::from(picture.width) * scale).round().max(1.0) as u32);
        Overlay::prepare(overlay, width, self.opacity, picture, limits)
    }
}

impl Transform for Watermark {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let overlay = self
            .overlay(&picture, limits)
            .map_err(|cause| Error::Attachment { parameter: "image", cause: Box::new(cause) })?;
        let mut picture = picture.widened(overlay.has_color(), false, limits)?;
        let axis = |room, length, share, offset| Axis {
            room,
            length,
            first: gravitate(room, length, share, offset),
            period: self.repeat.map(|spacing| i64::from(length) + i64::from(spacing)),
        };
        let columns = axis(picture.width, overlay.width(), self.gravity.x, self.x);
        let rows = axis(picture.height, overlay.height(), self.gravity.y, self.y);
        overlay.lay_over(&mut picture, &columns.spans(), &rows.spans());
        Ok(picture)
    }
}

/// Where an overlay of this length begins, when this share of the room that is
/// left lies before it. The offset leads away from the side that it is at.
fn gravitate(room: u32, length: u32, share: f64, offset: i64) -> i64 {
    let surplus = f64::from(room) - f64::from(length);
    let offset = if share == 1.0 { -offset } else { offset };
    (surplus * share).floor() as i64 + offset
}
