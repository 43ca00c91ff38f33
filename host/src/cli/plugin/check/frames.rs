//! Pictures of pixels to try a plugin with: of every shape, and of every value.

use super::inputs::{Random, SAMPLE_SIZE};
use crate::plugin::{Animation, Frame, Picture};

/// A picture and what it is called.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) name: &'static str,
    pub(super) frame: Frame,
    /// Whether every plugin can be asked to work on it.
    pub(super) usual: bool,
}

/// What a filter is tried with, the usual one first: what is wrong with everything shows there best.
pub(super) fn all() -> Vec<Trial> {
    let (width, height) = SAMPLE_SIZE;
    let transparent = Frame { rgba: vec![0; usual().rgba.len()], width, height };
    let trial = |name, frame, usual| Trial { name, frame, usual };
    vec![
        trial("24×16", usual(), true),
        trial("all transparent", transparent, true),
        trial("random pixels", random(), true),
        trial("1×1", gradient(1, 1), false),
        // One column and one row, longer than a stack of its pixels would be.
        trial("1×3000", gradient(1, 3000), false),
        trial("3000×1", gradient(3000, 1), false),
        // A million pixels: enough to tell slow from fast, and a twentieth of a photo.
        trial("1000×1000", gradient(1000, 1000), false),
    ]
}

/// A small opaque picture.
pub(super) fn usual() -> Frame {
    let (width, height) = SAMPLE_SIZE;
    gradient(width, height)
}

/// Any values, transparency too.
pub(super) fn random() -> Frame {
    let (width, height) = SAMPLE_SIZE;
    Frame { width, height, rgba: Random(1).bytes(usual().rgba.len()) }
}

/// Colours that change from left to right and from top to bottom, opaque.
pub(super) fn gradient(width: u32, height: u32) -> Frame {
    let level = |at: u32, of: u32| u8::try_from(u64::from(at) * 255 / u64::from(of)).unwrap_or(u8::MAX);
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let rgba = pixels.flat_map(|(x, y)| [level(x, width), level(y, height), 128, 255]).collect();
    Frame { width, height, rgba }
}

/// A picture that is no animation.
pub(super) fn still(frame: Frame) -> Picture {
    Picture { frames: vec![frame], animation: None, color_profile: None }
}

/// Two different frames, each for a tenth of a second.
pub(super) fn animation() -> Picture {
    let animation = Animation { delays_ms: vec![100, 100], plays: 0 };
    Picture { frames: vec![usual(), random()], animation: Some(animation), color_profile: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_has_the_bytes_that_its_size_says_and_a_name_of_its_own() {
        let trials = all();
        for (number, Trial { name, frame, .. }) in trials.iter().enumerate() {
            assert_eq!(
                frame.rgba.len() as u64,
                u64::from(frame.width) * u64::from(frame.height) * 4,
                "{name}"
            );
            assert!(trials.iter().skip(number + 1).all(|other| other.name != *name), "{name}");
        }
        assert!(trials.first().is_some_and(|first| first.usual && first.frame == usual()));
    }
}
