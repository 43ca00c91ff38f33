//! The segments of a file: everything but the entropy-coded bits.
//!
//! Tables are gathered as they come, because any scan may be preceded by other
//! ones.

use crate::frame::Frame;
use crate::huffman::Table;
use crate::{ColorModel, Error};

/// Natural order of the coefficients that are stored in zigzag order.
pub(crate) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// A quantization table in natural order.
pub(crate) type Quantization = [i16; 64];

/// What the segments said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Header<'a> {
    pub(crate) frame: Option<Frame>,
    pub(crate) quantization: [Option<Quantization>; 4],
    pub(crate) direct: [Option<Table>; 4],
    pub(crate) alternating: [Option<Table>; 4],
    /// MCUs between two restart markers, or 0.
    pub(crate) restart_interval: usize,
    pub(crate) jfif: bool,
    /// The transform that Adobe's segment names.
    pub(crate) adobe: Option<u8>,
    pub(crate) exif: Option<&'a [u8]>,
    pub(crate) xmp: Option<&'a [u8]>,
    /// Numbered from 1.
    pub(crate) icc: Vec<(u8, &'a [u8])>,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// A scan whose bits begin at this byte.
    Scan(Scan, usize),
    End,
}

/// The header of a scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scan {
    pub(crate) components: Vec<Coded>,
    /// First and last coefficient in zigzag order.
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The bit that was sent before, or 0 for none; and the one that is sent now.
    pub(crate) previous_bit: u32,
    pub(crate) bit: u32,
}

/// A component of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Coded {
    /// Which of the frame's components.
    pub(crate) component: usize,
    /// Which Huffman tables.
    pub(crate) direct: usize,
    pub(crate) alternating: usize,
}

impl<'a> Header<'a> {
    /// Reads segments from a marker on, up to the next scan or the end.
    pub(crate) fn read(&mut self, bytes: &'a [u8], mut at: usize) -> Result<Next, Error> {
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let [0xFF, marker, rest @ ..] = rest else {
                return Err(if rest.len() < 2 {
                    Error::Truncated
                } else {
                    Error::Damaged("there are bytes between its segments")
                });
            };
            at += 2;
            match marker {
                // Fill bytes may stand before any marker.
                0xFF => {
                    at -= 1;
                    continue;
                }
                0xD9 => return Ok(Next::End),
                0x01 | 0xD0..=0xD8 => continue,
                0x00 => return Err(Error::Damaged("there are bytes between its segments")),
                _ => {}
            }
            let [high, low, rest @ ..] = rest else { return Err(Error::Truncated) };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let body = length.checked_sub(2).ok_or(Error::Damaged("a segment's length is wrong"))?;
            let body = rest.get(..body).ok_or(Error::Truncated)?;
            at += length;
            match marker {
                0xC4 => self.read_huffman(body)?,
                0xDB => self.read_quantization(body)?,
                0xDD => match body {
                    [high, low] => {
                        self.restart_interval = usize::from(u16::from_be_bytes([*high, *low]));
                    }
                    _ => return Err(Error::Damaged("a segment's length is wrong")),
                },
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    if self.frame.is_some() {
                        return Err(Error::Damaged("there are two frames"));
                    }
                    self.frame = Some(Frame::read(*marker, body)?);
                }
                0xCC => return Err(Error::Unsupported("it is arithmetically coded")),
                0xDA => {
                    let frame = self.frame.as_ref().ok_or(Error::Damaged("there is no frame header"))?;
                    return Ok(Next::Scan(Scan::read(body, frame)?, at));
                }
                0xDC => return Err(Error::Unsupported("its height is not in its header")),
                0xE0..=0xEF => self.read_application(*marker, body),
                // Comments and what nobody uses.
                _ => {}
            }
        }
    }

    fn read_huffman(&mut self, mut body: &[u8]) -> Result<(), Error> {
        const SHORT: Error = Error::Damaged("a Huffman table is too short");
        while let Some((&class_and_id, rest)) = body.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
            let symbols = counts.iter().map(|&count| usize::from(count)).sum();
            if symbols > 256 {
                return Err(Error::Damaged("a Huffman table has more than 256 symbols"));
            }
            let (symbols, rest) = rest.split_at_checked(symbols).ok_or(SHORT)?;
            let tables = match class_and_id >> 4 {
                0 => &mut self.direct,
                1 => &mut self.alternating,
                _ => return Err(Error::Damaged("a Huffman table is of no known class")),
            };
            let table = tables
                .get_mut(usize::from(class_and_id & 15))
                .ok_or(Error::Damaged("there are more than four Huffman tables"))?;
            *table = Some(Table::new(counts, symbols)?);
            body = rest;
        }
        Ok(())
    }

    fn read_quantization(&mut self, mut body: &[u8]) -> Result<(), Error> {
        const SHORT: Error = Error::Damaged("a quantization table is too short");
        while let Some((&precision_and_id, rest)) = body.split_first() {
            let bytes = match precision_and_id >> 4 {
                0 => 1,
                1 => 2,
                _ => return Err(Error::Damaged("a quantization table is of no known precision")),
            };
            let (values, rest) = rest.split_at_checked(64 * bytes).ok_or(SHORT)?;
            let mut table = [0; 64];
            for (&natural, value) in ZIGZAG.iter().zip(values.chunks_exact(bytes)) {
                let value = value.iter().fold(0_u16, |value, &byte| value << 8 | u16::from(byte));
                // Steps of 16 bits belong to samples of 12; a larger one than
                // this makes any coefficient but 0 saturate.
                table[usize::from(natural)] = i16::try_from(value).unwrap_or(i16::MAX);
            }
            *self
                .quantization
                .get_mut(usize::from(precision_and_id & 15))
                .ok_or(Error::Damaged("there are more than four quantization tables"))? = Some(table);
            body = rest;
        }
        Ok(())
    }

    fn read_application(&mut self, marker: u8, body: &'a [u8]) {
        match marker {
            0xE0 => self.jfif |= body.starts_with(b"JFIF\0"),
            0xE1 => {
                if let Some(block) = body.strip_prefix(b"Exif\0\0") {
                    self.exif.get_or_insert(block);
                } else if let Some(packet) = body.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                    self.xmp.get_or_insert(packet);
                }
            }
            0xE2 => {
                if let Some([number, _count, part @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                    self.icc.push((*number, part));
                }
            }
            0xEE => {
                if let Some([_, _, _, _, _, _, transform, ..]) = body.strip_prefix(b"Adobe") {
                    self.adobe = Some(*transform);
                }
            }
            _ => {}
        }
    }

    /// How the components make a colour: by Adobe's segment, else by JFIF's,
    /// else by their names.
    pub(crate) fn color_model(&self) -> ColorModel {
        let ids: Vec<u8> =
            self.frame.iter().flat_map(|frame| &frame.components).map(|component| component.id).collect();
        match (ids.len(), self.adobe) {
            (1, _) => ColorModel::Gray,
            (3, Some(0)) => ColorModel::Rgb,
            (3, None) if !self.jfif && ids == *b"RGB" => ColorModel::Rgb,
            (3, _) => ColorModel::YCbCr,
            (_, Some(2)) => ColorModel::Ycck,
            _ => ColorModel::Cmyk,
        }
    }

    /// The whole profile, if all of its parts are there.
    pub(crate) fn icc_profile(&self) -> Option<Vec<u8>> {
        let mut parts = self.icc.clone();
        parts.sort_by_key(|&(number, _)| number);
        let in_order = (1..).zip(&parts).all(|(expected, &(number, _))| expected == number);
        (in_order && !parts.is_empty())
            .then(|| parts.into_iter().flat_map(|(_, part)| part).copied().collect())
    }
}

impl Scan {
    fn read(body: &[u8], frame: &Frame) -> Result<Self, Error> {
        const WRONG: Error = Error::Damaged("a scan's header makes no sense");
        let (&count, rest) = body.split_first().ok_or(WRONG)?;
        let (coded, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or(WRONG)?;
        let &[first, last, bits] = rest else { return Err(WRONG) };
        let mut components = Vec::with_capacity(4);
        for &[id, tables] in coded.as_chunks::<2>().0 {
            let component = frame.components.iter().position(|component| component.id == id).ok_or(WRONG)?;
            if components.iter().any(|other: &Coded| other.component == component)
                || tables >> 4 > 3
                || tables & 15 > 3
            {
                return Err(WRONG);
            }
            let (direct, alternating) = (usize::from(tables >> 4), usize::from(tables & 15));
            components.push(Coded { component, direct, alternating });
        }
        let scan = Self {
            components,
            first: usize::from(first),
            last: usize::from(last),
            previous_bit: u32::from(bits >> 4),
            bit: u32::from(bits & 15),
        };
        let makes_sense = !scan.components.is_empty()
            && scan.first <= scan.last
            && scan.last <= 63
            && scan.bit <= 13
            && (scan.previous_bit == 0 || scan.previous_bit == scan.bit + 1);
        if makes_sense { Ok(scan) } else { Err(WRONG) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16 + 2).to_be_bytes();
        [&[0xFF, marker], &length[..], body].concat()
    }

    const FRAME: [u8; 9] = [8, 0, 50, 0, 100, 1, 7, 0x11, 0];

    #[test]
    fn segments_are_read_up_to_the_scan() {
        let bytes = [
            segment(0xE1, b"Exif\0\0II*\0"),
            vec![0xFF, 0xFF],
            segment(0xC0, &FRAME)[1..].to_vec(),
            segment(0xDD, &[0, 5]),
            segment(0xDA, &[1, 7, 0x12, 0, 63, 0]),
        ]
        .concat();
        let mut header = Header::default();
        let Next::Scan(scan, at) = header.read(&bytes, 0).unwrap() else { panic!("no scan") };
        assert_eq!(at, bytes.len());
        assert_eq!(header.exif, Some(&b"II*\0"[..]));
        assert_eq!(header.restart_interval, 5);
        assert_eq!(scan.components, [Coded { component: 0, direct: 1, alternating: 2 }]);
    }

    #[test]
    fn a_scan_of_unknown_or_repeated_components_is_refused() {
        let frame = Frame::read(0xC0, &FRAME).unwrap();
        for body in
            [&[1, 8, 0, 0, 63, 0][..], &[2, 7, 0, 7, 0, 0, 63, 0], &[0, 0, 63, 0], &[1, 7, 0, 0, 64, 0]]
        {
            assert!(Scan::read(body, &frame).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_profile_is_put_together_in_its_order_or_not_at_all() {
        let mut header = Header { icc: vec![(2, b"fg"), (1, b"cde")], ..Header::default() };
        assert_eq!(header.icc_profile(), Some(b"cdefg".to_vec()));
        header.icc.pop();
        assert_eq!(header.icc_profile(), None);
    }

    #[test]
    fn bytes_between_segments_and_an_early_end_are_told_apart() {
        let mut header = Header::default();
        assert!(matches!(header.read(&[0xFF, 0xE0, 0, 2, 1, 2, 3], 0), Err(Error::Damaged(_))));
        assert_eq!(header.read(&[0xFF, 0xE0, 0, 9, 1, 2, 3], 0), Err(Error::Truncated));
        assert_eq!(header.read(&[0xFF, 0xE0, 0, 2], 0), Err(Error::Truncated));
    }
}
