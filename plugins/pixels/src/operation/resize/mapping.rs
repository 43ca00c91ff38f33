//! Where the parts of a picture lie in what was decoded of it at a reduced size.

use tintype_jpeg::Scale;

use super::plan::{Part, Size};
use crate::{Orientation, Picture};

/// A picture, upright, of which perhaps no more was decoded than is needed.
#[derive(Debug)]
pub(crate) struct Reduced {
    pub(crate) picture: Picture,
    pub(crate) mapping: Mapping,
}

impl Reduced {
    /// One that was not reduced.
    pub(crate) fn in_full(picture: Picture) -> Self {
        Self { mapping: Mapping::in_full(&picture), picture }
    }
}

/// Where the samples of a plane that was decoded at some scale lie in the
/// upright picture.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// The size of the whole picture.
    pub(crate) source: Size,
    /// Samples of the plane for each pixel of the picture.
    factor: [f64; 2],
    length: Size,
    /// Whether the plane's incomplete samples are at its beginning.
    reversed: (bool, bool),
}

impl Mapping {
    /// Each sample is a pixel.
    pub(crate) fn in_full(picture: &Picture) -> Self {
        let source = Size(picture.width, picture.height);
        Self { source, factor: [1.0; 2], length: source, reversed: (false, false) }
    }

    /// For an upright plane that has one sample for so many pixels in the file,
    /// and was decoded at this scale.
    pub(crate) fn new(
        source: Size,
        plane: &Picture,
        scale: Scale,
        sampling: Size,
        turn: Orientation,
    ) -> Self {
        Self {
            source,
            factor: [sampling.0, sampling.1].map(|times| scale.block() as f64 / 8.0 / f64::from(times)),
            length: Size(plane.width, plane.height),
            reversed: turn.reverses(),
        }
    }

    pub(crate) fn of(&self, part: Part) -> Part {
        let axis = |(start, side): (f64, f64), whole: f64, factor: f64, length: f64, reversed: bool| {
            let at = if reversed { length - (whole - start) * factor } else { start * factor };
            let at = at.clamp(0.0, length);
            (at, (side * factor).min(length - at))
        };
        let [across, down] = self.factor;
        let (left, width) =
            axis((part.left, part.width), self.source.width(), across, self.length.width(), self.reversed.0);
        let (top, height) =
            axis((part.top, part.height), self.source.height(), down, self.length.height(), self.reversed.1);
        Part { left, top, width, height }
    }

    /// The same of a plan's part, where none is the whole picture: what is
    /// behind the end of it is not part of that.
    pub(crate) fn of_planned(&self, part: Option<Part>) -> Option<Part> {
        if self.length == self.source {
            return part;
        }
        Some(self.of(part.unwrap_or(Part::whole(self.source))))
    }
}
