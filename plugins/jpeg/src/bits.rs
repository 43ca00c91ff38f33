//! Entropy-coded bytes as bits.
//!
//! After a byte of ones the encoder put a zero byte, which is left out here;
//! any other byte there makes a marker, at which the bits end. Zeros follow, so
//! that nobody needs to ask before each bit, and [`Bits::check`] tells
//! afterwards whether any of them was taken.

use crate::Error;
use crate::huffman::{Entry, LOOK, Table, extended};

#[derive(Debug, Clone)]
pub(crate) struct Bits<'a> {
    bytes: &'a [u8],
    /// The next byte to take.
    at: usize,
    /// The next bit is the highest.
    window: u64,
    /// Bits in the window.
    count: u32,
    /// How many of them are zeros that stand in no file.
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, window: 0, count: 0, made_up: 0 }
    }

    /// Makes sure of 32 bits: the longest code and the longest coefficient
    /// together have 31.
    #[inline(always)]
    pub(crate) fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some((&four, _)) = self.bytes.get(self.at..).and_then(<[u8]>::split_first_chunk::<4>) {
            let word = u32::from_be_bytes(four);
            // No byte of ones among them: none is zero in the complement.
            let complement = !word;
            if complement.wrapping_sub(0x0101_0101) & !complement & 0x8080_8080 == 0 {
                self.window |= u64::from(word) << (32 - self.count);
                self.count += 32;
                self.at += 4;
                return;
            }
        }
        self.fill_bytewise();
    }

    #[cold]
    fn fill_bytewise(&mut self) {
        while self.count <= 56 {
            let byte = match self.bytes.get(self.at..) {
                Some([0xFF, 0x00, ..]) => {
                    self.at += 2;
                    0xFF
                }
                Some([byte, ..]) if *byte != 0xFF => {
                    self.at += 1;
                    *byte
                }
                _ => {
                    self.made_up += 8;
                    0
                }
            };
            self.window |= u64::from(byte) << (56 - self.count);
            self.count += 8;
        }
    }

    /// The next bits, at most 32, of those that [`Bits::fill`] made sure of.
    #[inline(always)]
    fn peek(&self, count: u32) -> u32 {
        (self.window >> 32) as u32 >> (32 - count)
    }

    #[inline(always)]
    fn skip(&mut self, count: u32) {
        self.window <<= count;
        // Nobody skips more than `fill` made sure of.
        self.count = self.count.wrapping_sub(count);
    }

    /// The next one to 16 bits, after a [`Bits::fill`].
    #[inline(always)]
    pub(crate) fn take(&mut self, count: u32) -> u32 {
        let bits = self.peek(count);
        self.skip(count);
        bits
    }

    /// One bit, on its own.
    #[inline(always)]
    pub(crate) fn flag(&mut self) -> bool {
        self.fill();
        self.take(1) != 0
    }

    /// Bits, on their own; none are zero.
    #[inline(always)]
    pub(crate) fn number(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        self.fill();
        self.take(count)
    }

    /// A symbol, on its own.
    #[inline(always)]
    pub(crate) fn symbol(&mut self, table: &Table) -> Result<u8, Error> {
        self.fill();
        let (symbol, length) = table.symbol(self.peek(16))?;
        self.skip(length);
        Ok(symbol)
    }

    /// The coefficient that a number of bits stands for.
    #[inline(always)]
    pub(crate) fn coefficient(&mut self, size: u32) -> i32 {
        extended(self.number(size), size)
    }

    /// Zeros and the coefficient after them: a run of 64 ends the block.
    #[inline(always)]
    pub(crate) fn run_and_value(&mut self, table: &Table) -> Result<(usize, i16), Error> {
        self.fill();
        let entry = table.look(self.peek(LOOK));
        if entry.is_finished() {
            self.skip(entry.length());
            return Ok((entry.run(), entry.value()));
        }
        self.long_run_and_value(entry, table)
    }

    fn long_run_and_value(&mut self, entry: Entry, table: &Table) -> Result<(usize, i16), Error> {
        let (symbol, length) = match entry.length() {
            0 => table.long_symbol(self.peek(16))?,
            length => (entry.symbol(), length),
        };
        self.skip(length);
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            return Ok((if run == 15 { 15 } else { 64 }, 0));
        }
        Ok((run, extended(self.take(size), size) as i16))
    }

    /// Whether all bits that were taken were there.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.made_up > self.count { Err(Error::Truncated) } else { Ok(()) }
    }

    /// Ends an interval: checks it, and goes on behind the marker that must
    /// stand here. The rest of the last byte is padding.
    pub(crate) fn restart(&mut self, number: u8) -> Result<(), Error> {
        self.check()?;
        let at = self.end()?;
        match self.bytes.get(at..) {
            Some([0xFF, marker, ..]) if *marker == 0xD0 | number & 7 => {
                *self = Self::new(self.bytes, at + 2);
                Ok(())
            }
            Some([_, _, ..]) => Err(Error::Damaged("a restart marker is missing")),
            _ => Err(Error::Truncated),
        }
    }

    /// Where the marker stands that ends the bits.
    pub(crate) fn end(&self) -> Result<usize, Error> {
        self.check()?;
        // Whole bytes that were filled in and not taken lie before it, or
        // don't: only padding and fill bytes may.
        let unread = ((self.count - self.made_up.min(self.count)) / 8) as usize;
        if unread > 0 && !self.rest_is_padding(unread) {
            return Err(Error::Damaged("there are bytes behind the last block"));
        }
        let mut at = self.at;
        loop {
            match self.bytes.get(at..) {
                Some([0xFF, 0xFF, ..]) | Some([0x00, 0xFF, ..]) | Some([0x00, 0x00, ..]) => at += 1,
                Some([0xFF, second, ..]) if *second != 0 => return Ok(at),
                Some([_, _, ..]) => return Err(Error::Damaged("there are bytes behind the last block")),
                _ => return Err(Error::Truncated),
            }
        }
    }

    fn rest_is_padding(&self, unread: usize) -> bool {
        let bits = self.count - self.made_up.min(self.count);
        let rest = self.window << (bits % 8);
        (0..unread).all(|byte| {
            let byte = rest >> (56 - 8 * byte) & 0xFF;
            byte == 0 || byte == 0xFF
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stuffed_zero_is_left_out_and_a_marker_ends_the_bits() {
        let bytes = [0b1010_1010, 0xFF, 0x00, 0x12, 0x34, 0x56, 0x78, 0x9A, 0xFF, 0xD9];
        let mut bits = Bits::new(&bytes, 0);
        let read: Vec<_> = (0..8).map(|_| bits.number(8)).collect();
        assert_eq!(read, [0xAA, 0xFF, 0x12, 0x34, 0x56, 0x78, 0x9A, 0]);
        assert_eq!(bits.check(), Err(Error::Truncated));
    }

    #[test]
    fn the_end_is_where_the_marker_stands() {
        let mut bits = Bits::new(&[0x12, 0x7F, 0xFF, 0xFF, 0xD9, 1], 0);
        bits.number(9);
        assert_eq!(bits.end(), Ok(3));
        let mut bits = Bits::new(&[0x12, 0x7F, 0xFF, 0xD9, 1], 0);
        bits.number(8);
        assert!(bits.end().is_err());
    }

    #[test]
    fn an_interval_goes_on_behind_its_own_marker_only() {
        let bytes = [0x12, 0xFF, 0xD1, 0x34, 0xFF, 0xD2];
        let mut bits = Bits::new(&bytes, 0);
        bits.number(8);
        assert!(bits.clone().restart(0).is_err());
        bits.restart(1).unwrap();
        assert_eq!(bits.number(8), 0x34);
    }
}
