//! Along one axis: which pixels of the picture lie under which of the overlay.

/// An overlay along one axis; all numbers in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// The picture's length.
    pub(super) room: u32,
    /// The overlay's, at least 1.
    pub(super) length: u32,
    /// Where the overlay begins in the picture; perhaps before it or behind.
    pub(super) first: i64,
    /// From the beginning of one to that of the next, if it is repeated.
    pub(super) period: Option<i64>,
}

/// A stretch of the picture that is covered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// The first pixel of the picture.
    pub(super) under: usize,
    /// The first pixel of the overlay.
    pub(super) over: usize,
    /// How many.
    pub(super) length: usize,
}

impl Axis {
    /// All stretches within the picture.
    pub(super) fn spans(self) -> Vec<Span> {
        let room = i64::from(self.room);
        let length = i64::from(self.length);
        let (mut begin, step) = match self.period {
            // The last that begins at the picture's edge or before it.
            Some(period) => (self.first.rem_euclid(period) - period, period),
            None => (self.first, i64::MAX),
        };
        let mut spans = vec![];
        while begin < room {
            let (from, to) = (begin.max(0), begin.saturating_add(length).min(room));
            if from < to {
                spans.push(Span {
                    under: from as usize,
                    over: (from - begin) as usize,
                    length: (to - from) as usize,
                });
            }
            begin = begin.saturating_add(step);
        }
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(room: u32, length: u32, first: i64, period: Option<i64>) -> Vec<(usize, usize, usize)> {
        let spans = Axis { room, length, first, period }.spans();
        spans.into_iter().map(|span| (span.under, span.over, span.length)).collect()
    }

    #[test]
    fn what_sticks_out_is_cut_off_at_either_end() {
        assert_eq!(spans(10, 4, 3, None), [(3, 0, 4)]);
        assert_eq!(spans(10, 4, -1, None), [(0, 1, 3)]);
        assert_eq!(spans(10, 4, 8, None), [(8, 0, 2)]);
        assert_eq!(spans(10, 40, -7, None), [(0, 7, 10)]);
    }

    #[test]
    fn beside_the_picture_there_is_nothing() {
        assert_eq!(spans(10, 4, 10, None), []);
        assert_eq!(spans(10, 4, -4, None), []);
    }

    #[test]
    fn repetitions_go_both_ways_from_the_first() {
        assert_eq!(spans(10, 4, 3, Some(4)), [(0, 1, 3), (3, 0, 4), (7, 0, 3)]);
        assert_eq!(spans(10, 2, 2, Some(5)), [(2, 0, 2), (7, 0, 2)]);
        assert_eq!(spans(10, 2, -1, Some(5)), [(0, 1, 1), (4, 0, 2), (9, 0, 1)]);
        assert_eq!(spans(3, 1, 70_000, Some(1)).len(), 3);
        assert_eq!(spans(3, 9, 70_000, Some(70_009)), []);
    }
}
