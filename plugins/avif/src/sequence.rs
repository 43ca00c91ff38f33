//! What AV1 data say of themselves at their beginning: the sequence header, as far as its colours
//! (AV1 Bitstream & Decoding Process Specification, sections 5.3 to 5.5).
//!
//! The decoder reads it too, but tells only of the code points that it knows, and panics at others.

use crate::container::Cicp;
use crate::error::Error;

/// `obu_type` of a sequence header.
const SEQUENCE_HEADER: u32 = 1;
/// A code point that says nothing.
const UNSPECIFIED: u8 = 2;

const SHORT: Error = Error::Damaged("its AV1 data end early");

/// How numbers became colours, after the first sequence header of `data`.
///
/// # Errors
/// There is none, or it ends early.
pub(crate) fn cicp(mut data: &[u8]) -> Result<Cicp, Error> {
    while !data.is_empty() {
        let mut bits = Bits { data, at: 0 };
        bits.skip(1)?;
        let (kind, has_extension, has_size) = (bits.take(4)?, bits.flag()?, bits.flag()?);
        bits.skip(if has_extension { 9 } else { 1 })?;
        let size = if has_size { bits.leb128()? } else { usize::MAX };
        let held = data.get(bits.at / 8..).ok_or(SHORT)?;
        let (unit, rest) = held.split_at_checked(size).unwrap_or((held, &[]));
        if kind == SEQUENCE_HEADER {
            return header(Bits { data: unit, at: 0 });
        }
        data = rest;
    }
    Err(Error::Damaged("its AV1 data have no header"))
}

fn header(mut bits: Bits<'_>) -> Result<Cicp, Error> {
    let profile = bits.take(3)?;
    bits.skip(1)?;
    let reduced = bits.flag()?;
    if reduced {
        bits.skip(5)?;
    } else {
        operating_points(&mut bits)?;
    }
    let (width_bits, height_bits) = (bits.take(4)? + 1, bits.take(4)? + 1);
    bits.skip(width_bits + height_bits)?;
    // Frame identifiers.
    if !reduced && bits.flag()? {
        bits.skip(7)?;
    }
    bits.skip(3)?;
    if !reduced {
        inter_tools(&mut bits)?;
    }
    bits.skip(3)?;
    color(&mut bits, profile)
}

fn operating_points(bits: &mut Bits<'_>) -> Result<(), Error> {
    let mut delay_bits = None;
    if bits.flag()? {
        bits.skip(64)?;
        if bits.flag()? {
            bits.skip_uvlc()?;
        }
        if bits.flag()? {
            delay_bits = Some(bits.take(5)? + 1);
            bits.skip(32 + 5 + 5)?;
        }
    }
    let has_display_delays = bits.flag()?;
    for _ in 0..=bits.take(5)? {
        bits.skip(12)?;
        // From this level on there are two tiers.
        if bits.take(5)? > 7 {
            bits.skip(1)?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.flag()?
        {
            bits.skip(2 * delay_bits + 1)?;
        }
        if has_display_delays && bits.flag()? {
            bits.skip(4)?;
        }
    }
    Ok(())
}

fn inter_tools(bits: &mut Bits<'_>) -> Result<(), Error> {
    bits.skip(4)?;
    let has_order = bits.flag()?;
    if has_order {
        bits.skip(2)?;
    }
    let chooses_screen_content = bits.flag()?;
    // Whether vectors may be whole matters only where there may be screen content.
    if (chooses_screen_content || bits.flag()?) && !bits.flag()? {
        bits.skip(1)?;
    }
    if has_order {
        bits.skip(3)?;
    }
    Ok(())
}

fn color(bits: &mut Bits<'_>, profile: u32) -> Result<Cicp, Error> {
    let is_deep = bits.flag()?;
    if profile == 2 && is_deep {
        bits.skip(1)?;
    }
    let is_monochrome = profile != 1 && bits.flag()?;
    let [primaries, transfer, matrix] =
        if bits.flag()? { [bits.byte()?, bits.byte()?, bits.byte()?] } else { [UNSPECIFIED; 3] };
    // Red, green and blue as they are have the whole range, and nothing says so.
    let is_rgb = !is_monochrome && (primaries, transfer, matrix) == (1, 13, 0);
    let full_range = is_rgb || bits.flag()?;
    Ok(Cicp { primaries, transfer, matrix, full_range })
}

/// Bits from the highest of each byte.
#[derive(Clone, Copy)]
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn flag(&mut self) -> Result<bool, Error> {
        let byte = self.data.get(self.at / 8).ok_or(SHORT)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    fn take(&mut self, count: u32) -> Result<u32, Error> {
        (0..count).try_fold(0, |value, _| Ok(value << 1 | u32::from(self.flag()?)))
    }

    fn byte(&mut self) -> Result<u8, Error> {
        (0..8).try_fold(0, |value, _| Ok(value << 1 | u8::from(self.flag()?)))
    }

    /// What lies beyond the end is missed when it is read.
    fn skip(&mut self, count: u32) -> Result<(), Error> {
        self.at = self.at.checked_add(count as usize).ok_or(SHORT)?;
        Ok(())
    }

    /// A number in seven bits a byte, the lowest first; at byte borders only.
    fn leb128(&mut self) -> Result<usize, Error> {
        let mut value = 0u64;
        for shift in (0..56).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(value).map_err(|_| SHORT);
            }
        }
        Err(Error::Damaged("its AV1 data have an impossible size"))
    }

    /// So many zeros, a one, and as many bits again.
    fn skip_uvlc(&mut self) -> Result<(), Error> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
        }
        self.skip(if zeros < 32 { zeros } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_without_a_header_and_cut_ones_are_damaged() {
        // A temporal delimiter, then a header that ends after its first byte.
        for data in [&[][..], &[0x12, 0], &[0x12, 0, 0x0A, 1, 0x18], &[0x0A], &[0x0A, 0xFF, 0xFF], &[0x0E, 0]]
        {
            assert!(matches!(cicp(data), Err(Error::Damaged(_))), "{data:?}");
        }
    }
}
