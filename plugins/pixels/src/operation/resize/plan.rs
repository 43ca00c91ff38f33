//! The sizes of a resizing, planned in whole pixels and without touching any.

use super::manner::{Fit, Manner};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size(pub(crate) u32, pub(crate) u32);

impl Size {
    pub(crate) fn width(self) -> f64 {
        f64::from(self.0)
    }

    pub(crate) fn height(self) -> f64 {
        f64::from(self.1)
    }

    /// Rounded to whole pixels, of which at least one remains.
    fn scaled(self, scale: f64) -> Self {
        let side = |pixels: f64| (pixels * scale).round().max(1.0) as u32;
        Self(side(self.width()), side(self.height()))
    }

    pub(crate) fn at_most(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.min(other.1))
    }
}

/// A rectangle of the source, in fractions of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// What becomes of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// The size of the resampled picture.
    pub(crate) drawn: Size,
    /// The part of the source that is resampled, if not all of it.
    pub(crate) part: Option<Part>,
    /// The size of the result, if it has a border.
    pub(crate) canvas: Option<Size>,
}

impl Plan {
    fn whole(drawn: Size) -> Self {
        Self { drawn, part: None, canvas: None }
    }

    /// Plans for a rectangle of which one side may be missing.
    pub(super) fn make(source: Size, width: Option<u32>, height: Option<u32>, manner: &Manner) -> Self {
        let cap = |scale: f64| if manner.enlarge { scale } else { scale.min(1.0) };
        let (width, height) = match (width, height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => {
                return Self::whole(source.scaled(cap(f64::from(width) / source.width())));
            }
            (None, Some(height)) => {
                return Self::whole(source.scaled(cap(f64::from(height) / source.height())));
            }
            (None, None) => return Self::whole(source),
        };
        let asked = Size(width, height);
        let (x, y) = (asked.width() / source.width(), asked.height() / source.height());
        match manner.fit {
            Fit::Fill if manner.enlarge => Self::whole(asked),
            Fit::Fill => Self::whole(asked.at_most(source)),
            Fit::Inside => Self::whole(source.scaled(cap(x.min(y)))),
            Fit::Outside => Self::whole(source.scaled(cap(x.max(y)))),
            Fit::Contain => {
                let drawn = source.scaled(cap(x.min(y))).at_most(asked);
                Self { drawn, canvas: Some(asked), part: None }
            }
            Fit::Cover => {
                let scale = cap(x.max(y));
                let drawn = source.scaled(scale).at_most(asked);
                let part = Part::shown(source, drawn, scale, manner);
                Self { drawn, canvas: None, part: Some(part) }
            }
        }
    }

    /// Whether the pixels of a source of this size stay what they are.
    pub(crate) fn keeps(&self, source: Size) -> bool {
        self.drawn == source && self.part.is_none_or(|part| part.covers(source))
    }
}

impl Part {
    /// What `drawn` shows of the source at this scale.
    fn shown(source: Size, drawn: Size, scale: f64, manner: &Manner) -> Self {
        let width = (drawn.width() / scale).min(source.width());
        let height = (drawn.height() / scale).min(source.height());
        let gravity = manner.gravity.gravity();
        let mut left = (source.width() - width) * gravity.x;
        let mut top = (source.height() - height) * gravity.y;
        if scale == 1.0 {
            // Half a pixel aside would blur a picture that is only cut.
            (left, top) = (left.floor(), top.floor());
        }
        Self { left, top, width, height }
    }

    pub(crate) fn whole(source: Size) -> Self {
        Self { left: 0.0, top: 0.0, width: source.width(), height: source.height() }
    }

    pub(crate) fn covers(self, source: Size) -> bool {
        self.width == source.width() && self.height == source.height()
    }

    /// What some rows show, of `all` that show this part.
    pub(crate) fn rows(self, first: u32, count: u32, all: u32) -> Self {
        let row = self.height / f64::from(all);
        let above = f64::from(first) * row;
        // The last one ends where the part does, whatever was rounded.
        let height = if first + count == all { self.height - above } else { f64::from(count) * row };
        Self { top: self.top + above, height, ..self }
    }

    /// The same part of the same picture in another size.
    pub(crate) fn within(self, source: Size, other: Size) -> Self {
        let (x, y) = (other.width() / source.width(), other.height() / source.height());
        Self { left: self.left * x, top: self.top * y, width: self.width * x, height: self.height * y }
    }
}
