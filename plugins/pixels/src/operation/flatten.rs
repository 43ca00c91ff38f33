//! `flatten`: onto a background, in place.

use super::{Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "flatten",
    summary: "Lays the picture onto a background, so that nothing of it is transparent.",
    schema: r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "background": {
      "description": "The colour that shows where the picture is transparent: #rrggbb.",
      "type": "string", "pattern": "^#[0-9a-fA-F]{6}$", "default": "#000000"
    }
  },
  "additionalProperties": false
}"##,
    read: |parameters| {
        let [r, g, b, alpha] = parameters.color("background")?.unwrap_or([0, 0, 0, u8::MAX]);
        if alpha != u8::MAX {
            return Err(Error::parameter("background", "must be opaque, of the form #rrggbb"));
        }
        Ok(Flatten { background: [r, g, b] }.into())
    },
};

struct Flatten {
    background: [u8; 3],
}

impl Transform for Flatten {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let [r, g, b] = self.background;
        let shows = !picture.is_opaque();
        let mut picture = picture.widened(shows && (r != g || g != b), false, limits)?;
        picture.flatten(self.background);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Parameters, Value};

    fn flat(background: &str, channels: Channels, samples: Vec<u8>) -> Result<Picture, Error> {
        let width = (samples.len() / channels.count()) as u32;
        let parameters = Parameters::from_iter([("background", Value::Text(background.into()))]);
        OPERATION.apply(&parameters, Picture::eight(width, 1, channels, samples)?)
    }

    #[test]
    fn the_background_shows_as_much_as_the_picture_is_transparent() {
        let flat =
            flat("#ff8000", Channels::Rgba, vec![0, 0, 255, 0, 0, 0, 255, 51, 0, 0, 255, 255]).unwrap();
        assert_eq!(
            (flat.channels, flat.bytes()),
            (Channels::Rgb, [255, 128, 0, 204, 102, 51, 0, 0, 255].as_slice())
        );
    }

    #[test]
    fn a_gray_picture_gets_colour_only_where_a_coloured_background_shows() {
        let channels =
            |background, alpha| flat(background, Channels::GrayAlpha, vec![7, alpha]).unwrap().channels;
        assert_eq!(channels("#ff0000", 0), Channels::Rgb);
        assert_eq!(channels("#ff0000", 255), Channels::Gray);
        assert_eq!(channels("#808080", 0), Channels::Gray);
    }

    #[test]
    fn a_background_that_is_transparent_itself_is_refused() {
        let error = flat("#ff000080", Channels::Rgb, vec![0; 3]).unwrap_err();
        assert_eq!(error.to_string(), "background: must be opaque, of the form #rrggbb.");
    }
}
