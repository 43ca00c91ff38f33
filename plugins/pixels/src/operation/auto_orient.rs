//! `auto-orient`: turning the picture upright, or leaving it as stored.

use super::{Operation, Transform};
use crate::{Error, Limits, Orientation, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "auto-orient",
    summary: "Turns the picture upright by its Exif orientation, or leaves it as stored.",
    schema: r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "enabled": {
      "description": "Pictures are turned upright before the first operation in any case. As the first operation, with false, this one prevents that; a later auto-orient with true then turns what has become of the picture.",
      "type": "boolean", "default": true
    }
  },
  "additionalProperties": false
}"#,
    read: |parameters| {
        let enabled = parameters.boolean("enabled")?.unwrap_or(true);
        Ok(AutoOrient { enabled }.into())
    },
};

struct AutoOrient {
    enabled: bool,
}

impl Transform for AutoOrient {
    fn apply(&self, mut picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        if !self.enabled {
            return Ok(picture);
        }
        let by = std::mem::take(&mut picture.orientation);
        picture.turned(by, limits)
    }

    fn keeps_upright(&self) -> bool {
        self.enabled
    }

    fn wants_stored_orientation(&self) -> bool {
        !self.enabled
    }
}

/// Turns the pixels as the file says; what happens to a picture that nobody
/// gave instructions for.
///
/// # Errors
/// [`Error::TooLarge`], if the turned picture passes a limit.
pub fn upright(mut picture: Picture, limits: &Limits) -> Result<Picture, Error> {
    let by = std::mem::replace(&mut picture.orientation, Orientation::Upright);
    picture.turned(by, limits)
}
