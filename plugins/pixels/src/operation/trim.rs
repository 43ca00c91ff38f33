//! `trim`: takes a border of one colour away, in place.

use super::crop::{Crop, Rectangle};
use super::{Operation, Transform};
use crate::picture::{Sample, with_pixels};
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "trim",
    summary: "Takes away a border of one colour; a picture that is nothing else stays as it is.",
    schema: r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "background": {
      "description": "The border's colour: #rrggbb or #rrggbbaa. Without it that of the pixel at the top left.",
      "type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"
    },
    "threshold": {
      "description": "How far red, green, blue or alpha may be off and still be border, in levels of 256.",
      "type": "number", "minimum": 0, "maximum": 255, "default": 10
    }
  },
  "additionalProperties": false
}"##,
    read: |parameters| {
        let trim = Trim {
            background: parameters.color("background")?,
            // As sharp has it: what a JPEG's noise is at its usual quality.
            threshold: parameters.number("threshold", 0.0..=255.0)?.unwrap_or(10.0),
        };
        Ok(trim.into())
    },
};

struct Trim {
    background: Option<[u8; 4]>,
    /// In levels of 256.
    threshold: f64,
}

impl Transform for Trim {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        Ok(match self.inside(&mut picture) {
            Some(rectangle) => rectangle.cut_out(picture),
            None => picture,
        })
    }

    fn settled(&self, first: &Picture, _: &Limits) -> Result<Option<Box<dyn Transform>>, Error> {
        let whole = Rectangle { left: 0, top: 0, width: first.width, height: first.height };
        let inside = self.inside(&mut first.clone());
        Ok(Some(Box::new(Crop::to(inside.unwrap_or(whole)))))
    }
}

impl Trim {
    /// What remains, unless all is border.
    fn inside(&self, picture: &mut Picture) -> Option<Rectangle> {
        let width = picture.width as usize;
        with_pixels!(&mut picture.samples, picture.channels, |pixels| {
            self.border(pixels).and_then(|border| border.inside(pixels, width))
        })
    }

    fn border<T: Sample, const N: usize>(&self, pixels: &[[T; N]]) -> Option<Border> {
        // From levels of 256 to those of the picture.
        let levels = T::MAX / 255;
        let color = match self.background {
            Some(color) => multiplied::<T>(color.map(|sample| u32::from(sample) * levels)),
            None => seen(pixels.first()?),
        };
        Some(Border { color, most: (self.threshold * f64::from(levels)) as u32 })
    }
}

/// What counts as border.
struct Border {
    /// Red, green and blue, multiplied by alpha, and alpha.
    color: [u32; 4],
    /// How far off each may be.
    most: u32,
}

impl Border {
    /// The smallest rectangle with all that is no border, if there is any.
    fn inside<T: Sample, const N: usize>(&self, pixels: &[[T; N]], width: usize) -> Option<Rectangle> {
        let is_border = |pixel: &[T; N]| {
            let differs = |(a, b): (u32, u32)| a.abs_diff(b) > self.most;
            !seen(pixel).into_iter().zip(self.color).any(differs)
        };
        let rows = || pixels.chunks_exact(width);
        let is_empty = |row: &[[T; N]]| row.iter().all(is_border);
        let top = rows().position(|row| !is_empty(row))?;
        let bottom = rows().rposition(|row| !is_empty(row))?;
        // Only what lies outside of the rectangle so far can make it wider.
        let (mut left, mut right) = (width, 0);
        for row in rows().take(bottom + 1).skip(top) {
            let before = row.iter().take(left).position(|pixel| !is_border(pixel));
            left = before.unwrap_or(left);
            let behind = row.iter().skip(right).rposition(|pixel| !is_border(pixel));
            right = behind.map_or(right, |offset| right + offset + 1);
        }
        Some(Rectangle {
            left: left as u32,
            top: top as u32,
            width: (right - left) as u32,
            height: (bottom + 1 - top) as u32,
        })
    }
}

/// A pixel as it is seen: what is transparent has no colour.
fn seen<T: Sample, const N: usize>(pixel: &[T; N]) -> [u32; 4] {
    let samples = pixel.map(Into::into);
    match *samples.as_slice() {
        [gray] => [gray, gray, gray, T::MAX],
        [gray, alpha] => multiplied::<T>([gray, gray, gray, alpha]),
        [r, g, b] => [r, g, b, T::MAX],
        [r, g, b, alpha] => multiplied::<T>([r, g, b, alpha]),
        _ => [0; 4],
    }
}

fn multiplied<T: Sample>([r, g, b, alpha]: [u32; 4]) -> [u32; 4] {
    let [r, g, b] = [r, g, b].map(|color| T::normalized(color * alpha));
    [r, g, b, alpha]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Parameters, Value};

    fn trimmed(parameters: &[(&str, Value)], picture: Picture) -> (u32, u32, Vec<u8>) {
        let parameters = Parameters::from_iter(parameters.iter().cloned());
        let trimmed = OPERATION.apply(&parameters, picture).unwrap();
        (trimmed.width, trimmed.height, trimmed.bytes().to_vec())
    }

    fn gray(width: u32, samples: &[u8]) -> Picture {
        let height = samples.len() as u32 / width;
        Picture::eight(width, height, Channels::Gray, samples.to_vec()).unwrap()
    }

    #[test]
    fn what_remains_is_the_smallest_rectangle_around_all_that_is_no_border() {
        #[rustfmt::skip]
        let picture = gray(5, &[
            9, 9, 9, 9, 9,
            9, 9, 9, 80, 9,
            9, 70, 9, 9, 9,
            9, 9, 9, 9, 9,
        ]);
        assert_eq!(trimmed(&[], picture), (3, 2, vec![9, 9, 80, 70, 9, 9]));
        assert_eq!(trimmed(&[], gray(2, &[9, 9, 70, 70])), (2, 1, vec![70, 70]));
    }

    #[test]
    fn a_picture_that_is_all_border_stays() {
        assert_eq!(trimmed(&[], gray(2, &[9, 9, 9, 12])), (2, 2, vec![9, 9, 9, 12]));
    }

    #[test]
    fn the_threshold_is_how_far_off_the_border_may_be() {
        let picture = gray(3, &[100, 110, 111]);
        assert_eq!(trimmed(&[], picture.clone()), (1, 1, vec![111]));
        assert_eq!(trimmed(&[("threshold", Value::Integer(9))], picture.clone()), (2, 1, vec![110, 111]));
        assert_eq!(trimmed(&[("threshold", Value::Integer(255))], picture).0, 3);
        let wide = gray(3, &[100, 110, 111]).into_sixteen(&Limits::default()).unwrap();
        assert_eq!(trimmed(&[], wide).2, [111, 111]);
    }

    #[test]
    fn a_background_may_be_of_another_colour_than_the_first_pixel() {
        let red = ("background", Value::Text("#ff0000".into()));
        let samples = vec![255, 0, 0, 255, 0, 200, 0, 255, 255, 0, 0, 255];
        let picture = Picture::eight(3, 1, Channels::Rgba, samples).unwrap();
        assert_eq!(trimmed(std::slice::from_ref(&red), picture), (1, 1, vec![0, 200, 0, 255]));
        assert_eq!(trimmed(&[red], gray(2, &[255, 255])), (2, 1, vec![255, 255]));
    }

    #[test]
    fn what_is_transparent_is_all_of_one_colour() {
        let samples = vec![255, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 30];
        let picture = Picture::eight(3, 1, Channels::Rgba, samples).unwrap();
        assert_eq!(trimmed(&[], picture), (1, 1, vec![0, 0, 0, 30]));
    }
}
