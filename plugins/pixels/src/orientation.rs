//! Exif orientation: reading it, and turning pixels by it.
//!
//! Cameras store pixels as the sensor delivers them and note how they were
//! held. Must never know which file format carried the note.

use crate::picture::with_pixels;
use crate::{Channels, Error, Limits, Picture, Samples};

/// How stored pixels have to be turned to be upright: the eight values of
/// Exif 2.32, tag 0x0112.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright,
    /// 2: mirror left and right.
    FlipHorizontal,
    /// 3: half a turn.
    Rotate180,
    /// 4: mirror top and bottom.
    FlipVertical,
    /// 5: mirror along the diagonal from the top left.
    Transpose,
    /// 6: a quarter turn clockwise.
    Rotate90,
    /// 7: mirror along the diagonal from the top right.
    Transverse,
    /// 8: a quarter turn counter-clockwise.
    Rotate270,
}

impl Orientation {
    /// The orientation of an Exif value; anything but 1 to 8 means upright.
    #[must_use]
    pub fn from_exif_value(value: u16) -> Self {
        match value {
            2 => Self::FlipHorizontal,
            3 => Self::Rotate180,
            4 => Self::FlipVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    pub(crate) fn swaps_sides(self) -> bool {
        matches!(self, Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270)
    }

    /// Whether the stored picture's first corner comes to the far end of the
    /// upright x axis, and of the y axis.
    pub(crate) fn reverses(self) -> (bool, bool) {
        match self {
            Self::Upright | Self::Transpose => (false, false),
            Self::FlipHorizontal | Self::Rotate90 => (true, false),
            Self::Rotate180 | Self::Transverse => (true, true),
            Self::FlipVertical | Self::Rotate270 => (false, true),
        }
    }

    /// From 1 to 8; they stand in their order here.
    pub(crate) fn exif_value(self) -> u8 {
        self as u8 + 1
    }

    /// Reads the orientation from an Exif block: a small TIFF file, of which
    /// only the first directory matters. A block that makes no sense says
    /// nothing, as a picture is worth more than its metadata.
    #[must_use]
    pub fn from_exif(block: &[u8]) -> Self {
        exif_orientation(block).map_or(Self::Upright, Self::from_exif_value)
    }
}

/// Tag 0x0112 of the first directory. Offsets count from the byte order mark.
fn exif_orientation(block: &[u8]) -> Option<u16> {
    const ORIENTATION: u16 = 0x0112;
    const TYPE_SHORT: u16 = 3;
    const ENTRY_LEN: usize = 12;

    let tiff = block.strip_prefix(b"Exif\0\0").unwrap_or(block);
    let little_endian = match tiff.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let bytes = tiff.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| -> Option<u32> {
        let bytes = tiff.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    };

    let directory = usize::try_from(long(4)?).ok()?;
    let entries = usize::from(short(directory)?);
    (0..entries)
        .map(|index| directory.checked_add(2 + index * ENTRY_LEN))
        .map_while(|entry| entry)
        .map_while(|entry| Some((short(entry)?, entry)))
        .find(|&(tag, _)| tag == ORIENTATION)
        .and_then(|(_, entry)| {
            let is_short = short(entry.checked_add(2)?)? == TYPE_SHORT;
            is_short.then(|| short(entry.checked_add(8)?))?
        })
}

impl Picture {
    /// Turns the pixels, in place where width and height don't swap.
    ///
    /// # Errors
    /// [`Error::TooLarge`], if width and height swap and thereby pass a limit.
    pub fn turned(mut self, by: Orientation, limits: &Limits) -> Result<Self, Error> {
        match by {
            Orientation::Upright => {}
            Orientation::FlipHorizontal => self.flop(),
            Orientation::FlipVertical => self.flip(),
            Orientation::Rotate180 => {
                with_pixels!(&mut self.samples, self.channels, |pixels| pixels.reverse());
            }
            Orientation::Transpose => self = self.swapped(Swap::default(), limits)?,
            Orientation::Rotate90 => {
                self = self.swapped(Swap { from_bottom: true, from_right: false }, limits)?;
            }
            Orientation::Transverse => {
                self = self.swapped(Swap { from_bottom: true, from_right: true }, limits)?;
            }
            Orientation::Rotate270 => {
                self = self.swapped(Swap { from_bottom: false, from_right: true }, limits)?;
            }
        }
        Ok(self)
    }

    /// Mirrors left and right, in place.
    pub fn flop(&mut self) {
        let width = self.width as usize;
        with_pixels!(&mut self.samples, self.channels, |pixels| {
            pixels.chunks_exact_mut(width).for_each(<[_]>::reverse);
        });
    }

    /// Mirrors top and bottom, in place.
    pub fn flip(&mut self) {
        let width = self.width as usize;
        with_pixels!(&mut self.samples, self.channels, |pixels| {
            let mut rows = pixels.chunks_exact_mut(width);
            while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
                upper.swap_with_slice(lower);
            }
        });
    }

    fn swapped(mut self, swap: Swap, limits: &Limits) -> Result<Self, Error> {
        let (width, height) = (self.width, self.height);
        limits.check(height, width, self.channels, self.bytes_per_sample())?;
        self.samples = match &self.samples {
            Samples::Eight(s) => Samples::Eight(swapped(s, self.channels, width, height, swap)),
            Samples::Sixteen(s) => Samples::Sixteen(swapped(s, self.channels, width, height, swap)),
        };
        Ok(Self { width: height, height: width, ..self })
    }
}

/// From which ends of the source the rows and columns of the result are read,
/// when rows become columns.
#[derive(Debug, Clone, Copy, Default)]
struct Swap {
    from_bottom: bool,
    from_right: bool,
}

fn swapped<T: Copy + Default>(
    samples: &[T],
    channels: Channels,
    width: u32,
    height: u32,
    swap: Swap,
) -> Vec<T> {
    let (width, height) = (width as usize, height as usize);
    match channels {
        Channels::Gray => swap_pixels::<T, 1>(samples, width, height, swap),
        Channels::GrayAlpha => swap_pixels::<T, 2>(samples, width, height, swap),
        Channels::Rgb => swap_pixels::<T, 3>(samples, width, height, swap),
        Channels::Rgba => swap_pixels::<T, 4>(samples, width, height, swap),
    }
}

fn swap_pixels<T: Copy + Default, const N: usize>(
    samples: &[T],
    width: usize,
    height: usize,
    swap: Swap,
) -> Vec<T> {
    /// A block of 32 by 32 pixels of source and result fits the first-level
    /// cache; without blocks every pixel read is a cache miss.
    const BLOCK: usize = 32;

    let source = samples.as_chunks::<N>().0;
    let mut result = vec![[T::default(); N]; width * height];
    for (block, band) in result.chunks_mut(height * BLOCK).enumerate() {
        for left in (0..height).step_by(BLOCK) {
            for (offset, row) in band.chunks_exact_mut(height).enumerate() {
                let y = block * BLOCK + offset;
                let source_x = if swap.from_right { width - 1 - y } else { y };
                for (x, pixel) in row.iter_mut().enumerate().skip(left).take(BLOCK) {
                    let source_y = if swap.from_bottom { height - 1 - x } else { x };
                    if let Some(found) = source.get(source_y * width + source_x) {
                        *pixel = *found;
                    }
                }
            }
        }
    }
    result.into_flattened()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two columns, three rows: every pixel different.
    fn upright() -> Picture {
        Picture::eight(2, 3, Channels::Gray, vec![1, 2, 3, 4, 5, 6]).unwrap()
    }

    fn turned(by: Orientation) -> (u32, u32, Vec<u8>) {
        let picture = upright().turned(by, &Limits::default()).unwrap();
        (picture.width, picture.height, picture.bytes().to_vec())
    }

    #[test]
    fn each_of_the_eight_orientations_turns_as_exif_says() {
        use Orientation::*;
        assert_eq!(turned(Upright), (2, 3, vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(turned(FlipHorizontal), (2, 3, vec![2, 1, 4, 3, 6, 5]));
        assert_eq!(turned(Rotate180), (2, 3, vec![6, 5, 4, 3, 2, 1]));
        assert_eq!(turned(FlipVertical), (2, 3, vec![5, 6, 3, 4, 1, 2]));
        assert_eq!(turned(Transpose), (3, 2, vec![1, 3, 5, 2, 4, 6]));
        assert_eq!(turned(Rotate90), (3, 2, vec![5, 3, 1, 6, 4, 2]));
        assert_eq!(turned(Transverse), (3, 2, vec![6, 4, 2, 5, 3, 1]));
        assert_eq!(turned(Rotate270), (3, 2, vec![2, 4, 6, 1, 3, 5]));
    }

    #[test]
    fn four_quarter_turns_lead_back_for_any_size_and_layout() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            for (width, height) in [(1, 1), (1, 70), (33, 31), (64, 65)] {
                let count = (width * height) as usize * channels.count();
                let samples = (0..count).map(|i| (i * 7) as u16).collect();
                let original = Picture::sixteen(width, height, channels, samples).unwrap();
                let mut picture = original.clone();
                for _ in 0..4 {
                    picture = picture.turned(Orientation::Rotate90, &Limits::default()).unwrap();
                }
                assert_eq!(picture, original);
            }
        }
    }

    fn exif(little_endian: bool, value: u16) -> Vec<u8> {
        let short = |v: u16| {
            if little_endian { v.to_le_bytes() } else { v.to_be_bytes() }
        };
        let long = |v: u32| {
            if little_endian { v.to_le_bytes() } else { v.to_be_bytes() }
        };
        let mut block = if little_endian { b"II".to_vec() } else { b"MM".to_vec() };
        block.extend(short(42));
        block.extend(long(8));
        block.extend(short(2));
        for (tag, value) in [(0x0100, 640), (0x0112, value)] {
            block.extend(short(tag));
            block.extend(short(3));
            block.extend(long(1));
            block.extend(short(value));
            block.extend(short(0));
        }
        block
    }

    #[test]
    fn exif_is_read_in_both_byte_orders_with_and_without_its_header() {
        assert_eq!(Orientation::from_exif(&exif(true, 6)), Orientation::Rotate90);
        assert_eq!(Orientation::from_exif(&exif(false, 8)), Orientation::Rotate270);
        let with_header = [b"Exif\0\0".as_slice(), &exif(false, 3)].concat();
        assert_eq!(Orientation::from_exif(&with_header), Orientation::Rotate180);
    }

    #[test]
    fn exif_cut_off_anywhere_means_upright_or_what_it_says() {
        let whole = exif(true, 5);
        for length in 0..whole.len() {
            let orientation = Orientation::from_exif(&whole[..length]);
            assert!(matches!(orientation, Orientation::Upright | Orientation::Transpose));
        }
    }

    #[test]
    fn an_orientation_that_does_not_exist_means_upright() {
        assert_eq!(Orientation::from_exif(&exif(true, 9)), Orientation::Upright);
        assert_eq!(Orientation::from_exif(&exif(true, 0)), Orientation::Upright);
        assert!((1..=8).all(|value| Orientation::from_exif_value(value.into()).exif_value() == value));
    }
}
