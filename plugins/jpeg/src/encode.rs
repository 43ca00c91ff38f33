//! From planes to a baseline file.
//!
//! What it does not do is what somebody else does well: progressive files and
//! Huffman tables made to measure.

use crate::forward::{Reciprocals, coefficients};
use crate::segments::ZIGZAG;
use crate::standard::{CHROMA, Code, Codes, LUMA, quantization};

/// A plane to encode.
#[derive(Debug, Clone, Copy)]
pub struct PlaneRef<'a> {
    /// Samples along the x axis, at least 1.
    pub width: u32,
    /// Samples along the y axis, at least 1.
    pub height: u32,
    /// `width * height` of them, row by row.
    pub samples: &'a [u8],
}

/// What to encode.
#[derive(Debug, Clone, Copy)]
pub enum Picture<'a> {
    /// One plane.
    Gray(PlaneRef<'a>),
    /// Luma, and two planes of chroma: as large as luma (4:4:4), or with half of
    /// each of its sides, rounded up (4:2:0).
    YCbCr([PlaneRef<'a>; 3]),
}

/// Why there is no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// JPEG has 16 bits for a side.
    #[error("a side is longer than 65,535")]
    Side,
    /// Planes must fit each other, and samples their plane.
    #[error("the planes do not fit each other")]
    Shape,
    /// It would become larger than it may; so many bytes were written.
    #[error("the file becomes larger than it may")]
    TooLarge(usize),
}

/// Writes a baseline file of at most so many bytes, with quality from 1 to 100
/// as the Independent JPEG Group counts it, and with these segments (marker and
/// body, at most 65,533 bytes) after JFIF's.
///
/// # Errors
/// Any [`EncodeError`].
pub fn encode(
    picture: &Picture<'_>,
    quality: u8,
    segments: &[(u8, &[u8])],
    most: usize,
) -> Result<Vec<u8>, EncodeError> {
    let planes: &[PlaneRef<'_>] = match picture {
        Picture::Gray(plane) => std::slice::from_ref(plane),
        Picture::YCbCr(planes) => planes,
    };
    let (width, height, halved) = shape(planes)?;
    let quantizations = [quantization(quality, &LUMA.steps), quantization(quality, &CHROMA.steps)];

    let mut bytes =
        Vec::with_capacity(planes.iter().map(|plane| plane.samples.len()).sum::<usize>() / 8 + 1024);
    bytes.extend([0xFF, 0xD8]);
    segment(&mut bytes, 0xE0, &[b"JFIF\0", &[1, 2, 0, 0, 1, 0, 1, 0, 0]]);
    for (marker, body) in segments {
        segment(&mut bytes, *marker, &[body]);
    }
    let kinds = if planes.len() == 1 { 1 } else { 2 };
    for (id, steps) in (0..).zip(quantizations.iter().take(kinds)) {
        let zigzag = ZIGZAG.map(|natural| steps[usize::from(natural)]);
        segment(&mut bytes, 0xDB, &[&[id], &zigzag]);
    }
    let sampling = |index: usize| if index == 0 && halved { 0x22 } else { 0x11 };
    let kind = |index: usize| usize::from(index > 0);
    let mut frame = vec![8];
    frame.extend((height as u16).to_be_bytes());
    frame.extend((width as u16).to_be_bytes());
    frame.push(planes.len() as u8);
    let mut scan = vec![planes.len() as u8];
    for index in 0..planes.len() {
        frame.extend([index as u8 + 1, sampling(index), kind(index) as u8]);
        scan.extend([index as u8 + 1, kind(index) as u8 * 0x11]);
    }
    scan.extend([0, 63, 0]);
    segment(&mut bytes, 0xC0, &[&frame]);
    for (id, tables) in (0..).zip([&LUMA, &CHROMA].into_iter().take(kinds)) {
        segment(&mut bytes, 0xC4, &[&[id], tables.direct.0, tables.direct.1]);
        segment(&mut bytes, 0xC4, &[&[0x10 | id], tables.alternating.0, tables.alternating.1]);
    }
    segment(&mut bytes, 0xDA, &[&scan]);

    let mut writer = Writer { bytes, window: 0, count: 0 };
    let mut components: Vec<Component<'_>> = (0..)
        .zip(planes)
        .map(|(index, &plane)| Component {
            plane,
            side: if index == 0 && halved { 2 } else { 1 },
            reciprocals: Reciprocals::of(&quantizations[kind(index)]),
            codes: if index == 0 { LUMA.codes() } else { CHROMA.codes() },
            direct: 0,
        })
        .collect();
    let unit = if halved { 16 } else { 8 };
    for row in 0..height.div_ceil(unit) as usize {
        for column in 0..width.div_ceil(unit) as usize {
            for component in &mut components {
                for down in 0..component.side {
                    for across in 0..component.side {
                        let (x, y) = (column * component.side + across, row * component.side + down);
                        component.write(x, y, &mut writer);
                    }
                }
            }
        }
        if writer.bytes.len() > most {
            return Err(EncodeError::TooLarge(writer.bytes.len()));
        }
    }
    let mut bytes = writer.finish();
    bytes.extend([0xFF, 0xD9]);
    if bytes.len() > most { Err(EncodeError::TooLarge(bytes.len())) } else { Ok(bytes) }
}

/// Width and height, and whether chroma has half of them.
fn shape(planes: &[PlaneRef<'_>]) -> Result<(u32, u32, bool), EncodeError> {
    let [luma, chroma @ ..] = planes else { return Err(EncodeError::Shape) };
    let (width, height) = (luma.width, luma.height);
    if width > 65_535 || height > 65_535 {
        return Err(EncodeError::Side);
    }
    let halved = chroma.first().is_some_and(|plane| (plane.width, plane.height) != (width, height));
    let expected = if halved { (width.div_ceil(2), height.div_ceil(2)) } else { (width, height) };
    let fits = |plane: &PlaneRef<'_>, size: (u32, u32)| {
        (plane.width, plane.height) == size
            && plane.samples.len() as u64 == u64::from(size.0) * u64::from(size.1)
            && !plane.samples.is_empty()
    };
    if !fits(luma, (width, height)) || !chroma.iter().all(|plane| fits(plane, expected)) {
        return Err(EncodeError::Shape);
    }
    Ok((width, height, halved))
}

fn segment(bytes: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = parts.iter().map(|part| part.len()).sum::<usize>() + 2;
    bytes.extend([0xFF, marker]);
    bytes.extend((length as u16).to_be_bytes());
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
}

struct Component<'a> {
    plane: PlaneRef<'a>,
    /// Blocks of an MCU along each axis.
    side: usize,
    reciprocals: Reciprocals,
    codes: Codes,
    /// The last block's mean.
    direct: i32,
}

impl Component<'_> {
    #[inline(always)]
    fn write(&mut self, x: usize, y: usize, writer: &mut Writer) {
        let (block, present) = coefficients(self.samples(x, y), &self.reciprocals);
        let direct = i32::from(block[0]);
        let difference = direct - self.direct;
        self.direct = direct;
        let size = bits_of(difference);
        writer.put(self.codes.direct[size as usize & 15]);
        writer.put_value(difference, size);

        let mut zigzag = [0_i16; 64];
        let mut left = 0_u64;
        if present & !1 != 0 {
            for ((bit, place), &natural) in (0..).zip(&mut zigzag).zip(&ZIGZAG) {
                *place = block[usize::from(natural) & 63];
                left |= (present >> (natural & 63) & 1) << bit;
            }
        }
        left &= !1;
        let mut next = 1;
        while left != 0 {
            let at = left.trailing_zeros();
            left &= left - 1;
            let mut run = at - next;
            next = at + 1;
            while run > 15 {
                writer.put(self.codes.alternating[0xF0]);
                run -= 16;
            }
            let value = i32::from(zigzag[at as usize & 63]);
            let size = bits_of(value);
            writer.put(self.codes.alternating[(run << 4 | size) as usize & 255]);
            writer.put_value(value, size);
        }
        if next < 64 {
            writer.put(self.codes.alternating[0]);
        }
    }

    /// A block's samples; beyond the plane its last ones go on.
    #[inline(always)]
    fn samples(&self, x: usize, y: usize) -> [[u8; 8]; 8] {
        let (width, height) = (self.plane.width as usize, self.plane.height as usize);
        let (left, top) = (8 * x, 8 * y);
        std::array::from_fn(|row| {
            let start = (top + row).min(height - 1) * width;
            let line = self.plane.samples.get(start..start + width).unwrap_or_default();
            match line.get(left..).and_then(|line| line.first_chunk::<8>()) {
                Some(samples) => *samples,
                None => std::array::from_fn(|column| {
                    line.get((left + column).min(width - 1)).copied().unwrap_or_default()
                }),
            }
        })
    }
}

/// Bits of a coefficient (ITU T.81, F.1.2.1).
#[inline(always)]
fn bits_of(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// Bits as entropy-coded bytes.
struct Writer {
    bytes: Vec<u8>,
    /// The next bits, the last one lowest.
    window: u64,
    /// How many, fewer than 32.
    count: u32,
}

impl Writer {
    #[inline(always)]
    fn put(&mut self, code: Code) {
        self.put_bits(code.bits.into(), code.length.into());
    }

    /// A coefficient after its size: negative ones as one less, in their lowest bits.
    #[inline(always)]
    fn put_value(&mut self, value: i32, size: u32) {
        let bits = (value + (value >> 31)) as u32 & ((1 << size) - 1);
        self.put_bits(bits, size);
    }

    #[inline(always)]
    fn put_bits(&mut self, bits: u32, count: u32) {
        self.window = self.window << count | u64::from(bits);
        self.count += count;
        if self.count >= 32 {
            self.count -= 32;
            let word = (self.window >> self.count) as u32;
            // As in the decoder: no byte of ones is the usual case.
            let complement = !word;
            if complement.wrapping_sub(0x0101_0101) & !complement & 0x8080_8080 == 0 {
                self.bytes.extend_from_slice(&word.to_be_bytes());
            } else {
                self.stuff(&word.to_be_bytes());
            }
        }
    }

    #[cold]
    fn stuff(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Fills the last byte with ones.
    fn finish(mut self) -> Vec<u8> {
        let rest = (8 - self.count % 8) % 8;
        self.put_bits((1 << rest) - 1, rest);
        let word = (self.window << (32 - self.count)) as u32;
        let bytes = word.to_be_bytes();
        let left = (self.count / 8) as usize;
        self.stuff(bytes.get(..left).unwrap_or_default());
        self.bytes
    }
}
