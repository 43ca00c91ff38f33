//! `extend`: more picture around the picture.

use super::{Operation, Transform};
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "extend",
    summary: "Adds pixels at the sides: of a background, or of what the picture shows there.",
    schema: r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "top": {
      "description": "Rows to add above.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "right": {
      "description": "Columns to add on the right.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "bottom": {
      "description": "Rows to add below.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "left": {
      "description": "Columns to add on the left.",
      "type": "integer", "minimum": 0, "maximum": 65535, "default": 0
    },
    "extend-with": {
      "description": "What to add. background: one colour. copy: the pixels at the edge, again and again. repeat: the picture itself, again and again. mirror: the picture, mirrored at each edge.",
      "type": "string", "enum": ["background", "copy", "repeat", "mirror"], "default": "background"
    },
    "background": {
      "description": "The background: #rrggbb or #rrggbbaa. Without it transparent for pictures with an alpha channel, else black.",
      "type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"
    }
  },
  "additionalProperties": false
}"##,
    read: |parameters| {
        let side = |name| Ok::<_, Error>(parameters.size(name, 0..=65_535)?.unwrap_or(0));
        let extend = Extend {
            columns: [side("left")?, side("right")?],
            rows: [side("top")?, side("bottom")?],
            with: parameters.choice("extend-with", &WAYS)?.unwrap_or(With::Background),
            background: parameters.color("background")?,
        };
        Ok(extend.into())
    },
};

#[derive(Debug, Clone, Copy)]
enum With {
    Background,
    Copy,
    Repeat,
    Mirror,
}

const WAYS: [(&str, With); 4] = [
    ("background", With::Background),
    ("copy", With::Copy),
    ("repeat", With::Repeat),
    ("mirror", With::Mirror),
];

struct Extend {
    /// How many before and behind.
    columns: [u32; 2],
    rows: [u32; 2],
    with: With,
    background: Option<[u8; 4]>,
}

impl Transform for Extend {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        if (self.columns, self.rows) == ([0; 2], [0; 2]) {
            return Ok(picture);
        }
        let sum =
            |middle: u32, [before, behind]: [u32; 2]| before.saturating_add(middle).saturating_add(behind);
        let (width, height) = (sum(picture.width, self.columns), sum(picture.height, self.rows));
        let [r, g, b, alpha] = self.background.unwrap_or(match picture.channels.has_alpha() {
            true => [0; 4],
            false => [0, 0, 0, u8::MAX],
        });
        // Before the picture is made wider for a background that has no room then.
        limits.check(width, height, picture.channels, picture.bytes_per_sample())?;
        let picture = match self.with {
            With::Background => picture.widened(r != g || g != b, alpha != u8::MAX, limits)?,
            _ => picture,
        };
        let length = limits.check(width, height, picture.channels, picture.bytes_per_sample())?;
        let pixel: &[u8] = match picture.channels {
            Channels::Gray => &[r],
            Channels::GrayAlpha => &[r, alpha],
            Channels::Rgb => &[r, g, b],
            Channels::Rgba => &[r, g, b, alpha],
        };
        let size = (picture.width as usize, picture.height as usize);
        let samples = match &picture.samples {
            Samples::Eight(samples) => Samples::Eight(self.around(samples, size, pixel, length)),
            Samples::Sixteen(samples) => {
                let pixel: Vec<u16> = pixel.iter().map(|&sample| u16::from(sample) * 257).collect();
                Samples::Sixteen(self.around(samples, size, &pixel, length))
            }
        };
        Ok(Picture { width, height, samples, ..picture })
    }
}

impl Extend {
    fn around<T: Copy>(
        &self,
        samples: &[T],
        (width, height): (usize, usize),
        background: &[T],
        length: usize,
    ) -> Vec<T> {
        let count = background.len();
        let stride = width * count;
        let [left, right] = self.columns.map(i64::from);
        let [top, bottom] = self.rows.map(i64::from);
        let mut extended = Vec::with_capacity(length);
        for y in -top..height as i64 + bottom {
            let row = self.shown(y, height).and_then(|y| samples.get(y * stride..(y + 1) * stride));
            let Some(row) = row else {
                let columns = width + (left + right) as usize;
                extended.extend(background.iter().copied().cycle().take(columns * count));
                continue;
            };
            let pixel = |x: i64| {
                let shown = self.shown(x, width).and_then(|x| row.get(x * count..(x + 1) * count));
                shown.unwrap_or(background)
            };
            extended.extend((-left..0).flat_map(pixel));
            extended.extend_from_slice(row);
            extended.extend((width as i64..width as i64 + right).flat_map(pixel));
        }
        extended
    }

    /// Which of `length` rows or columns is shown at a place that may lie
    /// before or behind them; none is, where the background is.
    fn shown(&self, place: i64, length: usize) -> Option<usize> {
        let length = length as i64;
        let shown = match self.with {
            _ if (0..length).contains(&place) => place,
            With::Background => return None,
            With::Copy => place.clamp(0, length - 1),
            With::Repeat => place.rem_euclid(length),
            With::Mirror => {
                // There and back again; the pixel at the edge comes twice.
                let there = place.rem_euclid(2 * length);
                there.min(2 * length - 1 - there)
            }
        };
        usize::try_from(shown).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    fn extended(parameters: &[(&str, Value)], picture: Picture) -> Result<Picture, Error> {
        OPERATION.apply(&Parameters::from_iter(parameters.iter().cloned()), picture)
    }

    fn row(with: &str) -> Vec<u8> {
        let picture = Picture::eight(3, 1, Channels::Gray, vec![1, 2, 3]).unwrap();
        let four = Value::Integer(4);
        let parameters = [("left", four.clone()), ("right", four), ("extend-with", Value::Text(with.into()))];
        extended(&parameters, picture).unwrap().bytes().to_vec()
    }

    #[test]
    fn each_way_to_extend_shows_what_it_says() {
        assert_eq!(row("background"), [0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0]);
        assert_eq!(row("copy"), [1, 1, 1, 1, 1, 2, 3, 3, 3, 3, 3]);
        assert_eq!(row("repeat"), [3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1]);
        assert_eq!(row("mirror"), [3, 3, 2, 1, 1, 2, 3, 3, 2, 1, 1]);
    }

    #[test]
    fn every_side_gets_its_own_and_a_coloured_background_brings_colour() {
        let picture = Picture::sixteen(1, 1, Channels::Gray, vec![7]).unwrap();
        let parameters = [
            ("top", Value::Integer(1)),
            ("right", Value::Integer(1)),
            ("background", Value::Text("#ff0000".into())),
        ];
        let extended = extended(&parameters, picture).unwrap();
        let red = [u16::MAX, 0, 0];
        assert_eq!((extended.width, extended.height, extended.channels), (2, 2, Channels::Rgb));
        assert_eq!(extended.samples, Samples::Sixteen([red, red, [7; 3], red].concat()));
    }

    #[test]
    fn transparent_pictures_are_extended_transparently() {
        let picture = Picture::eight(1, 1, Channels::GrayAlpha, vec![7, 9]).unwrap();
        let extended = extended(&[("left", Value::Integer(1))], picture).unwrap();
        assert_eq!(extended.bytes(), [0, 0, 7, 9]);
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        let picture = Picture::eight(1, 1, Channels::Gray, vec![7]).unwrap();
        let most = Value::Integer(65_535);
        assert!(matches!(extended(&[("bottom", most)], picture), Err(Error::TooLarge { .. })));
    }
}
