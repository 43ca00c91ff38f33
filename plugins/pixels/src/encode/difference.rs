//! What changes from one frame of an animation to the next, so that only that
//! is written.

/// A part of a frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Rect {
    /// One pixel, for a frame in which nothing changes: formats have no empty one.
    pub(super) const CORNER: Self = Self { left: 0, top: 0, width: 1, height: 1 };

    /// The smallest around all pixels of two frames of this width that differ.
    pub(super) fn around(
        width: usize,
        before: &[[u8; 4]],
        after: &[[u8; 4]],
        differ: impl Fn([u8; 4], [u8; 4]) -> bool,
    ) -> Option<Self> {
        let (mut left, mut right) = (usize::MAX, 0);
        let (mut top, mut bottom) = (None, 0);
        for (y, (before, after)) in before.chunks_exact(width).zip(after.chunks_exact(width)).enumerate() {
            let differs = |(before, after): (&[u8; 4], &[u8; 4])| differ(*before, *after);
            let Some(first) = before.iter().zip(after).position(differs) else { continue };
            let last = before.iter().zip(after).rposition(differs).unwrap_or(first);
            (left, right) = (left.min(first), right.max(last));
            top.get_or_insert(y);
            bottom = y;
        }
        top.map(|top| Self { left, top, width: right + 1 - left, height: bottom + 1 - top })
    }

    /// The smallest around both.
    pub(super) fn joined(self, other: Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self { left, top, width: right - left, height: bottom - top }
    }

    /// The pixels of a frame of this width that lie within.
    pub(super) fn cut(self, pixels: &[[u8; 4]], width: usize) -> Vec<[u8; 4]> {
        let rows = pixels.chunks_exact(width).skip(self.top).take(self.height);
        rows.filter_map(|row| row.get(self.left..self.left + self.width)).flatten().copied().collect()
    }

    /// Makes everything within transparent.
    pub(super) fn clear(self, pixels: &mut [[u8; 4]], width: usize) {
        let rows = pixels.chunks_exact_mut(width).skip(self.top).take(self.height);
        rows.filter_map(|row| row.get_mut(self.left..self.left + self.width))
            .for_each(|row| row.fill([0; 4]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rectangle_is_around_all_that_differs_and_no_larger() {
        let before = [[0; 4]; 12];
        let mut after = before;
        let around = |after: &[_; 12]| Rect::around(4, &before, after, |a, b| a != b);
        assert_eq!(around(&after), None);
        after[6] = [1; 4];
        assert_eq!(around(&after), Some(Rect { left: 2, top: 1, width: 1, height: 1 }));
        after[9] = [1; 4];
        assert_eq!(around(&after), Some(Rect { left: 1, top: 1, width: 2, height: 2 }));
    }
}
