//! Focus: which part of a picture is worth seeing, where a rectangle cannot
//! show all of it. Either it is said, by a gravity, or looked for: where most
//! detail is (entropy), or where the eye goes first (attention), as sharp calls
//! them.
//!
//! The search is on a miniature, so that it costs the same for any picture.

mod attention;
mod entropy;
mod miniature;
#[cfg(test)]
mod tests;

pub(super) use self::miniature::Miniature;
use super::gravity::{GRAVITIES, Gravity};
use crate::{Error, Parameters, Picture};

/// The JSON Schema of the names, for the schemas of operations.
macro_rules! focus_names {
    () => {
        r#"["centre", "center", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest", "entropy", "attention"]"#
    };
}
pub(super) use focus_names;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Focus {
    At(Gravity),
    Entropy,
    Attention,
}

/// The size of what remains visible, in pixels or fractions of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Focus {
    pub(super) const CENTRE: Self = Self::At(Gravity::CENTRE);

    pub(super) fn read(parameters: &Parameters) -> Result<Option<Self>, Error> {
        let gravities = GRAVITIES.map(|(name, gravity)| (name, Self::At(gravity)));
        let sought = [("entropy", Self::Entropy), ("attention", Self::Attention)];
        parameters.choice("gravity", &[gravities.as_slice(), &sought].concat())
    }

    /// Whether it takes pixels to know.
    pub(super) fn is_sought(self) -> bool {
        matches!(self, Self::Entropy | Self::Attention)
    }

    /// Where something lies that all of can be seen of: nothing is sought then.
    pub(super) fn gravity(self) -> Gravity {
        match self {
            Self::At(gravity) => gravity,
            Self::Entropy | Self::Attention => Gravity::CENTRE,
        }
    }

    /// Where a window onto this picture shows what it shall.
    pub(super) fn on(self, picture: &Picture, window: Window) -> Gravity {
        let search: fn(&Miniature, [usize; 2]) -> [usize; 2] = match self {
            Self::At(gravity) => return gravity,
            Self::Entropy => entropy::search,
            Self::Attention => attention::search,
        };
        let miniature = Miniature::of(picture);
        let size = [
            cells(window.width / f64::from(picture.width), miniature.width),
            cells(window.height / f64::from(picture.height), miniature.height),
        ];
        let [left, top] = search(&miniature, size);
        Gravity { x: share(left, miniature.width - size[0]), y: share(top, miniature.height - size[1]) }
    }
}

/// How much of `all` a window shows, at least one cell.
fn cells(share: f64, all: usize) -> usize {
    ((share * all as f64).round() as usize).clamp(1, all)
}

/// Without any room the window lies in the middle, which is everywhere.
fn share(before: usize, room: usize) -> f64 {
    if room == 0 { 0.5 } else { before as f64 / room as f64 }
}

/// Of all places of a window, the one with the highest score; of several, the
/// one nearest to the middle, where photographers put what matters.
fn best(miniature: &Miniature, size: [usize; 2], mut score: impl FnMut(usize, usize) -> f64) -> [usize; 2] {
    let room = [miniature.width - size[0], miniature.height - size[1]];
    let off_middle =
        |[left, top]: [usize; 2]| (2 * left).abs_diff(room[0]).pow(2) + (2 * top).abs_diff(room[1]).pow(2);
    let mut found = ([room[0] / 2, room[1] / 2], f64::NEG_INFINITY);
    for top in 0..=room[1] {
        for left in 0..=room[0] {
            let (place, score) = ([left, top], score(left, top));
            if score > found.1 || (score == found.1 && off_middle(place) < off_middle(found.0)) {
                found = (place, score);
            }
        }
    }
    found.0
}
