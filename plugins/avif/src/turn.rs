//! Cutting, turning and mirroring what was decoded, as its file says.

use crate::container::{Clap, Turn};
use crate::error::Error;

/// Pixels in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<[u8; 4]>,
}

impl Raster {
    pub(crate) fn turned(self, turn: Turn) -> Result<Self, Error> {
        Ok(match turn {
            Turn::Clap(clap) => return self.cut(clap),
            Turn::Rotate(0) => self,
            Turn::Rotate(1) => self.quarter(),
            Turn::Rotate(2) => self.half(),
            Turn::Rotate(_) => self.half().quarter(),
            Turn::Flip => self.flipped(),
            Turn::Flop => self.flopped(),
        })
    }

    fn half(mut self) -> Self {
        self.pixels.reverse();
        self
    }

    /// Against the clock: the last column becomes the first row.
    fn quarter(self) -> Self {
        let columns = (0..self.width).rev();
        let column = |x: usize| self.pixels.iter().skip(x).step_by(self.width).copied();
        let pixels = columns.flat_map(column).collect();
        Self { width: self.height, height: self.width, pixels }
    }

    fn flopped(mut self) -> Self {
        self.pixels.chunks_exact_mut(self.width).for_each(<[_]>::reverse);
        self
    }

    fn flipped(self) -> Self {
        self.half().flopped()
    }

    fn cut(mut self, clap: Clap) -> Result<Self, Error> {
        let outside = Error::Damaged("what is to remain of it lies outside");
        let (left, width) = remaining(self.width, clap.width, clap.right).ok_or(outside.clone())?;
        let (top, height) = remaining(self.height, clap.height, clap.down).ok_or(outside)?;
        for y in 0..height {
            let start = (top + y) * self.width + left;
            self.pixels.copy_within(start..start + width, y * width);
        }
        self.pixels.truncate(width * height);
        Ok(Self { width, height, ..self })
    }
}

/// Where what remains of a side begins, and how long it is: whole pixels, at least one, all of them inside.
fn remaining(side: usize, length: (u32, u32), offset: (i32, u32)) -> Option<(usize, usize)> {
    let side = i128::try_from(side).ok()?;
    let (length, of) = (i128::from(length.0), i128::from(length.1));
    let length = length.checked_div(of)?;
    let (offset, of) = (i128::from(offset.0), i128::from(offset.1));
    // The centre of what remains lies `offset` from the centre of the side.
    let start = ((side - length) * of + 2 * offset).checked_div_euclid(2 * of)?;
    let is_inside = length > 0 && start >= 0 && start + length <= side;
    is_inside.then_some((usize::try_from(start).ok()?, usize::try_from(length).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(turns: &[Turn]) -> Vec<String> {
        let pixels = (b'a'..=b'f').map(|letter| [letter; 4]).collect();
        let raster = Raster { width: 3, height: 2, pixels };
        let raster = turns.iter().try_fold(raster, |raster, turn| raster.turned(*turn)).unwrap();
        let row = |row: &[[u8; 4]]| row.iter().map(|pixel| char::from(pixel[0])).collect();
        raster.pixels.chunks(raster.width).map(row).collect()
    }

    #[test]
    fn turns_go_against_the_clock_and_mirrors_by_their_names() {
        assert_eq!(shown(&[Turn::Rotate(0)]), ["abc", "def"]);
        assert_eq!(shown(&[Turn::Rotate(1)]), ["cf", "be", "ad"]);
        assert_eq!(shown(&[Turn::Rotate(2)]), ["fed", "cba"]);
        assert_eq!(shown(&[Turn::Rotate(3)]), ["da", "eb", "fc"]);
        assert_eq!(shown(&[Turn::Flip]), ["def", "abc"]);
        assert_eq!(shown(&[Turn::Flop, Turn::Rotate(1)]), ["ad", "be", "cf"]);
    }

    #[test]
    fn what_remains_is_cut_around_its_centre() {
        let clap = |width, right, height, down| {
            Turn::Clap(Clap { width: (width, 1), height: (height, 1), right: (right, 2), down: (down, 2) })
        };
        assert_eq!(shown(&[clap(1, 0, 2, 0)]), ["b", "e"]);
        assert_eq!(shown(&[clap(2, 1, 1, 1)]), ["ef"]);
        assert_eq!(shown(&[clap(2, -1, 1, -1)]), ["ab"]);
    }

    #[test]
    fn what_lies_outside_cannot_remain() {
        assert_eq!(remaining(3, (4, 1), (0, 1)), None);
        assert_eq!(remaining(3, (2, 1), (3, 2)), None);
        assert_eq!(remaining(3, (0, 1), (0, 1)), None);
        assert_eq!(remaining(3, (1, 0), (0, 1)), None);
        assert_eq!(remaining(3, (1, 1), (0, 0)), None);
        assert_eq!(
            remaining(usize::MAX, (u32::MAX, 1), (i32::MIN, u32::MAX)).map(|(_, length)| length),
            Some(u32::MAX as usize)
        );
    }
}
