//! The frame: how large the picture is, and how its components lie in it.

use crate::Error;

/// How the components make a colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorModel {
    /// One component.
    Gray,
    /// Luma and two of chroma (JFIF: ITU-R BT.601, full range).
    YCbCr,
    /// As it is.
    Rgb,
    /// Four inks as they are stored.
    Cmyk,
    /// Four inks, of which three are stored as luma and chroma.
    Ycck,
}

impl ColorModel {
    /// Components that are stored, and samples of a pixel.
    #[must_use]
    pub fn components(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::YCbCr | Self::Rgb => 3,
            Self::Cmyk | Self::Ycck => 4,
        }
    }
}

/// How much of each side of a block is decoded: reducing the size costs no
/// quality that a later resampling would keep, and saves most of the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scale {
    /// An eighth of each side: the mean of each block.
    Eighth,
    /// A quarter of each side.
    Quarter,
    /// Half of each side.
    Half,
    /// All of it.
    Full,
}

impl Scale {
    /// From the smallest to the largest.
    pub const ALL: [Self; 4] = [Self::Eighth, Self::Quarter, Self::Half, Self::Full];

    /// Samples along each side of a block.
    #[must_use]
    pub fn block(self) -> usize {
        match self {
            Self::Eighth => 1,
            Self::Quarter => 2,
            Self::Half => 4,
            Self::Full => 8,
        }
    }

    /// This scale, so many times larger, if there is such a one.
    fn times(self, factor: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|scale| scale.block() == self.block() * factor)
    }

    /// What remains of a side, rounded up: the last block may be incomplete.
    #[must_use]
    pub fn of(self, side: u32) -> u32 {
        (u64::from(side) * self.block() as u64).div_ceil(8) as u32
    }
}

/// One component of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub(crate) id: u8,
    /// Blocks of an MCU along x and y.
    pub(crate) horizontal: usize,
    pub(crate) vertical: usize,
    /// Which quantization table.
    pub(crate) table: usize,
    /// Blocks that hold samples of the picture.
    pub(crate) blocks_wide: usize,
    pub(crate) blocks_high: usize,
}

/// How coefficients are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    Sequential,
    Progressive,
}

/// The picture as its header describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) process: Process,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) components: Vec<Component>,
    /// The greatest sampling factors.
    pub(crate) horizontal: usize,
    pub(crate) vertical: usize,
    pub(crate) mcus_wide: usize,
    pub(crate) mcus_high: usize,
}

impl Frame {
    /// Reads the body of a start-of-frame segment (ITU T.81, B.2.2).
    pub(crate) fn read(marker: u8, body: &[u8]) -> Result<Self, Error> {
        let process = match marker {
            0xC0 | 0xC1 => Process::Sequential,
            0xC2 => Process::Progressive,
            0xC3 => return Err(Error::Unsupported("it is lossless JPEG")),
            0xC9..=0xCB => return Err(Error::Unsupported("it is arithmetically coded")),
            _ => return Err(Error::Unsupported("it is hierarchical JPEG")),
        };
        let [precision, h1, h0, w1, w0, count, rest @ ..] = body else {
            return Err(Error::Damaged("the frame header is too short"));
        };
        if *precision != 8 {
            return Err(Error::Unsupported("its samples have other than 8 bits"));
        }
        let height = u32::from(u16::from_be_bytes([*h1, *h0]));
        let width = u32::from(u16::from_be_bytes([*w1, *w0]));
        if height == 0 {
            return Err(Error::Unsupported("its height is not in its header"));
        }
        if width == 0 {
            return Err(Error::Damaged("its width is 0"));
        }
        let (described, _) = rest.as_chunks::<3>();
        if described.len() != usize::from(*count) {
            return Err(Error::Damaged("the frame header's length is wrong"));
        }
        if ![1, 3, 4].contains(count) {
            return Err(Error::Unsupported("it has neither 1, 3 nor 4 components"));
        }

        let mut components = Vec::with_capacity(described.len());
        for &[id, sampling, table] in described {
            let (horizontal, vertical) = (usize::from(sampling >> 4), usize::from(sampling & 15));
            if !(1..=4).contains(&horizontal) || !(1..=4).contains(&vertical) || table > 3 {
                return Err(Error::Damaged("the frame header makes no sense"));
            }
            components.push(Component {
                id,
                horizontal,
                vertical,
                table: usize::from(table),
                blocks_wide: 0,
                blocks_high: 0,
            });
        }
        if let [only] = components.as_mut_slice() {
            // Its factors say nothing: a scan of one component is in its own order.
            (only.horizontal, only.vertical) = (1, 1);
        }
        let greatest = |of: fn(&Component) -> usize| components.iter().map(of).max().unwrap_or(1);
        let (horizontal, vertical) = (greatest(|c| c.horizontal), greatest(|c| c.vertical));
        for component in &mut components {
            let blocks =
                |side: u32, own: usize, greatest: usize| (side as usize * own).div_ceil(greatest).div_ceil(8);
            component.blocks_wide = blocks(width, component.horizontal, horizontal);
            component.blocks_high = blocks(height, component.vertical, vertical);
        }
        Ok(Self {
            process,
            width,
            height,
            components,
            horizontal,
            vertical,
            mcus_wide: (width as usize).div_ceil(8 * horizontal),
            mcus_high: (height as usize).div_ceil(8 * vertical),
        })
    }

    /// Rows of samples that a row of MCUs has of each component.
    pub(crate) fn heights(&self, scales: &[Scale]) -> Vec<usize> {
        let of = |(component, scale): (&Component, &Scale)| component.vertical * scale.block();
        self.components.iter().zip(scales).map(of).collect()
    }

    /// How a component is decoded for a picture of this scale: one that is
    /// stored at half the resolution gives as many samples with blocks twice as
    /// large, and need not be enlarged.
    pub(crate) fn shape(&self, component: &Component, scale: Scale) -> Shape {
        let mut shape = Shape {
            scale,
            across: Ratio { own: component.horizontal, whole: self.horizontal },
            down: Ratio { own: component.vertical, whole: self.vertical },
        };
        while let (Some(larger), true) =
            (shape.scale.times(2), shape.across.is_halved() && shape.down.is_halved())
        {
            shape.scale = larger;
            shape.across.own *= 2;
            shape.down.own *= 2;
        }
        shape
    }
}

/// A component's share of the picture's samples along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    pub(crate) own: usize,
    pub(crate) whole: usize,
}

impl Ratio {
    pub(crate) fn is_one(self) -> bool {
        self.own == self.whole
    }

    pub(crate) fn is_half(self) -> bool {
        self.own * 2 == self.whole
    }

    /// Whether twice as many samples are still not too many.
    fn is_halved(self) -> bool {
        self.whole.is_multiple_of(self.own * 2)
    }

    /// How many of so many samples.
    pub(crate) fn of(self, samples: usize) -> usize {
        (samples * self.own).div_ceil(self.whole)
    }
}

/// How a component is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) scale: Scale,
    /// What enlarging remains to be done.
    pub(crate) across: Ratio,
    pub(crate) down: Ratio,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three components, the chroma ones with a factor of 1.
    fn frame(luma: u8) -> Frame {
        let body = [8, 0, 50, 0, 100, 3, 1, luma, 0, 2, 0x11, 1, 3, 0x11, 1];
        Frame::read(0xC0, &body).unwrap()
    }

    #[test]
    fn blocks_and_mcus_cover_the_picture() {
        let frame = frame(0x22);
        assert_eq!((frame.mcus_wide, frame.mcus_high), (7, 4));
        assert_eq!((frame.components[0].blocks_wide, frame.components[0].blocks_high), (13, 7));
        assert_eq!((frame.components[1].blocks_wide, frame.components[1].blocks_high), (7, 4));
    }

    #[test]
    fn at_half_the_size_subsampled_chroma_is_decoded_in_full() {
        let shape = |luma, scale| {
            let frame = frame(luma);
            frame.shape(&frame.components[1], scale)
        };
        let half = shape(0x22, Scale::Half);
        assert_eq!((half.scale, half.across.is_one(), half.down.is_one()), (Scale::Full, true, true));
        let full = shape(0x22, Scale::Full);
        assert_eq!((full.scale, full.across.is_half(), full.down.is_half()), (Scale::Full, true, true));
        let wide = shape(0x21, Scale::Half);
        assert_eq!((wide.scale, wide.across.is_half(), wide.down.is_one()), (Scale::Half, true, true));
    }

    #[test]
    fn a_frame_that_makes_no_sense_is_refused() {
        let good = [8, 0, 50, 0, 100, 1, 1, 0x11, 0];
        assert!(Frame::read(0xC0, &good).is_ok());
        for (at, wrong) in [(0, 12), (2, 0), (4, 0), (5, 2), (5, 3), (7, 0x01), (7, 0x15), (8, 4)] {
            let mut body = good;
            body[at] = wrong;
            assert!(Frame::read(0xC0, &body).is_err(), "{at}");
        }
        for marker in [0xC3, 0xC5, 0xC9, 0xCF] {
            assert!(matches!(Frame::read(marker, &good), Err(Error::Unsupported(_))));
        }
    }
}
