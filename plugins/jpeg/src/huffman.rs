//! Huffman tables, laid out so that most symbols cost one look.
//!
//! A code is followed by as many bits as its symbol says, which hold a
//! coefficient. Both together are mostly shorter than [`LOOK`] bits, and then
//! the table holds the finished coefficient (an idea of stb_image's).

use crate::Error;

/// Bits that are looked up at once. Of a photograph at quality 80, nine in ten
/// symbols with their coefficients have at most ten bits, and two tables of
/// 4 KiB stay in the first-level cache.
pub(crate) const LOOK: u32 = 10;

/// The run of an entry that ends a block: beyond any block.
const END: u32 = 64;

/// What the next [`LOOK`] bits stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Entry(u32);

impl Entry {
    /// A coefficient with the number of zeros before it.
    fn finished(length: u32, run: u32, value: i32) -> Self {
        Self((value as u32) << 16 | run << 8 | 1 << 7 | length)
    }

    /// A symbol whose coefficient is beyond the bits that were looked at.
    fn symbol_only(length: u32, symbol: u8) -> Self {
        Self(u32::from(symbol) << 8 | length)
    }

    /// How many bits it takes; 0 where the code is longer than [`LOOK`].
    pub(crate) fn length(self) -> u32 {
        self.0 & 0x3F
    }

    /// Whether [`Entry::run`] and [`Entry::value`] are there, rather than
    /// [`Entry::symbol`].
    pub(crate) fn is_finished(self) -> bool {
        self.0 & 1 << 7 != 0
    }

    pub(crate) fn run(self) -> usize {
        (self.0 >> 8 & 0xFF) as usize
    }

    pub(crate) fn symbol(self) -> u8 {
        (self.0 >> 8) as u8
    }

    pub(crate) fn value(self) -> i16 {
        (self.0 >> 16) as i16
    }
}

/// One table of a file.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    entries: Box<[Entry; 1 << LOOK]>,
    /// The same for scans that refine: the symbol alone.
    symbols: Box<[Entry; 1 << LOOK]>,
    /// For codes of each length: the first one beyond them, left-aligned in 16
    /// bits, and what to add to a code to find its symbol.
    beyond: [u32; 17],
    offset: [i32; 17],
    values: [u8; 256],
}

impl Table {
    /// Reads a table as it stands in a file: how many codes there are of 1 to
    /// 16 bits, and their symbols.
    pub(crate) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Error> {
        let mut values = [0; 256];
        for (value, &symbol) in values.iter_mut().zip(symbols) {
            *value = symbol;
        }
        let mut table = Self {
            entries: Box::new([Entry::default(); 1 << LOOK]),
            symbols: Box::new([Entry::default(); 1 << LOOK]),
            beyond: [0; 17],
            offset: [0; 17],
            values,
        };
        let mut code = 0_u32;
        let mut index = 0_usize;
        for (length, &count) in (1..).zip(counts) {
            table.offset[length] = index as i32 - code as i32;
            for _ in 0..count {
                let symbol = *symbols.get(index).ok_or(Error::Damaged("a Huffman table is too short"))?;
                table.enter(code, length as u32, symbol);
                index += 1;
                code += 1;
            }
            if code > 1 << length {
                return Err(Error::Damaged("a Huffman table has more codes than there can be"));
            }
            table.beyond[length] = code << (16 - length);
            code <<= 1;
        }
        Ok(table)
    }

    fn enter(&mut self, code: u32, length: u32, symbol: u8) {
        let Some(rest) = LOOK.checked_sub(length) else { return };
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        let first = (code << rest) as usize;
        for look in 0..1_usize << rest {
            let entry = if size == 0 {
                // No coefficient: a run of 16 zeros is 15 and one more, and all
                // other runs end the block.
                Entry::finished(length, if run == 15 { 15 } else { END }, 0)
            } else if size <= rest {
                let bits = look as u32 >> (rest - size);
                Entry::finished(length + size, run, extended(bits, size))
            } else {
                Entry::symbol_only(length, symbol)
            };
            if let (Some(finished), Some(alone)) =
                (self.entries.get_mut(first + look), self.symbols.get_mut(first + look))
            {
                *finished = entry;
                *alone = Entry::symbol_only(length, symbol);
            }
        }
    }

    /// What the next [`LOOK`] bits stand for.
    pub(crate) fn look(&self, bits: u32) -> Entry {
        self.entries[bits as usize % (1 << LOOK)]
    }

    /// The symbol that the next 16 bits begin with, and the length of its code.
    pub(crate) fn symbol(&self, bits: u32) -> Result<(u8, u32), Error> {
        let entry = self.symbols[(bits >> (16 - LOOK)) as usize % (1 << LOOK)];
        if entry.length() != 0 {
            return Ok((entry.symbol(), entry.length()));
        }
        self.long_symbol(bits)
    }

    /// The same, known to be longer than [`LOOK`].
    #[cold]
    pub(crate) fn long_symbol(&self, bits: u32) -> Result<(u8, u32), Error> {
        for length in LOOK as usize + 1..=16 {
            if bits < self.beyond[length] {
                let code = bits >> (16 - length);
                let index = (code as i32 + self.offset[length]) as u8;
                return Ok((self.values[usize::from(index)], length as u32));
            }
        }
        Err(Error::Damaged("a Huffman code is not in its table"))
    }
}

/// The coefficient that `size` bits stand for (ITU T.81, F.2.2.1): the lower
/// half of the values are the negative ones.
pub(crate) fn extended(bits: u32, size: u32) -> i32 {
    let bits = bits as i32;
    if size == 0 || bits >> (size - 1) != 0 { bits } else { bits - (1 << size) + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Codes 0, 10, 110 and one of 12 bits.
    fn table() -> Table {
        let mut counts = [0; 16];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        Table::new(&counts, &[0x00, 0x01, 0xF0, 0x2A]).unwrap()
    }

    #[test]
    fn a_short_code_is_found_with_its_coefficient() {
        let positive = table().look(0b101 << 7);
        assert!(positive.is_finished());
        assert_eq!((positive.length(), positive.run(), positive.value()), (3, 0, 1));
        assert_eq!(table().look(0b100 << 7).value(), -1);
        assert_eq!(table().look(0).run(), 64);
        assert_eq!((table().look(0b110 << 7).run(), table().look(0b110 << 7).value()), (15, 0));
    }

    #[test]
    fn a_long_code_is_found_and_one_that_is_none_is_refused() {
        let bits = 0b1110_0000_0000_0000;
        assert_eq!(table().look(bits >> 6).length(), 0);
        assert_eq!(table().symbol(bits), Ok((0x2A, 12)));
        assert!(table().symbol(0xFFFF).is_err());
    }

    #[test]
    fn more_codes_than_a_length_has_are_refused() {
        let mut counts = [0; 16];
        counts[0] = 3;
        assert!(Table::new(&counts, &[1, 2, 3]).is_err());
    }

    #[test]
    fn the_lower_half_of_the_values_is_negative() {
        assert_eq!([0b000, 0b011, 0b100, 0b111].map(|bits| extended(bits, 3)), [-7, -4, 4, 7]);
    }
}
