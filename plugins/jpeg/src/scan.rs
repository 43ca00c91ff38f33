//! Blocks from bits: the procedures of ITU T.81, annexes F and G.

use crate::Error;
use crate::bits::Bits;
use crate::frame::{Frame, Process};
use crate::huffman::Table;
use crate::segments::{Coded, Header, Scan, ZIGZAG};
use crate::transform::Block;

/// The tables of a component of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tables<'t> {
    direct: &'t Table,
    alternating: &'t Table,
}

impl<'t> Tables<'t> {
    pub(crate) fn of(header: &'t Header<'_>, coded: Coded) -> Result<Self, Error> {
        Ok(Self {
            direct: present(&header.direct, coded.direct)?,
            alternating: present(&header.alternating, coded.alternating)?,
        })
    }
}

/// What is remembered from one block to the next, up to a restart.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// The last mean of each component.
    direct: [i16; 4],
    /// Blocks that are known to hold nothing more.
    empty: u32,
}

/// Decodes a whole block, all zeros before, and says where its last coefficient
/// is in zigzag order.
#[inline(always)]
pub(crate) fn sequential(
    bits: &mut Bits<'_>,
    tables: Tables<'_>,
    last_direct: &mut i16,
    block: &mut Block,
) -> Result<usize, Error> {
    let (run, difference) = bits.run_and_value(tables.direct)?;
    if run != 0 && run != 64 {
        return Err(Error::Damaged("a coefficient is larger than there can be"));
    }
    *last_direct = last_direct.wrapping_add(difference);
    block[0] = *last_direct;
    let mut last = 0;
    let mut at = 1;
    while at < 64 {
        let (run, value) = bits.run_and_value(tables.alternating)?;
        at += run;
        if at > 63 {
            if run < 64 {
                return Err(Error::Damaged("a block has more than 64 coefficients"));
            }
            break;
        }
        block[usize::from(ZIGZAG[at])] = value;
        last = at;
        at += 1;
    }
    Ok(last)
}

impl Memory {
    #[inline(always)]
    pub(crate) fn direct(&mut self, component: usize) -> &mut i16 {
        &mut self.direct[component & 3]
    }

    /// Decodes what this scan says of a block.
    fn part(
        &mut self,
        bits: &mut Bits<'_>,
        process: Process,
        scan: &Scan,
        coded: Coded,
        header: &Header<'_>,
        block: &mut Block,
    ) -> Result<(), Error> {
        if process == Process::Sequential {
            let tables = Tables::of(header, coded)?;
            return sequential(bits, tables, self.direct(coded.component), block).map(drop);
        }
        // A scan of means has no other table, and one of a band none for means.
        match (scan.first, scan.previous_bit) {
            (0, 0) => {
                let table = present(&header.direct, coded.direct)?;
                let size = u32::from(bits.symbol(table)?);
                if size > 15 {
                    return Err(Error::Damaged("a coefficient is larger than there can be"));
                }
                let direct = self.direct(coded.component);
                *direct = direct.wrapping_add(bits.coefficient(size) as i16);
                block[0] = *direct << scan.bit;
            }
            (0, _) => block[0] |= i16::from(bits.flag()) << scan.bit,
            (_, 0) => {
                self.first_of_band(bits, present(&header.alternating, coded.alternating)?, scan, block)?
            }
            (_, _) => {
                self.next_of_band(bits, present(&header.alternating, coded.alternating)?, scan, block)?
            }
        }
        Ok(())
    }

    /// Coefficients of a band, with their upper bits.
    fn first_of_band(
        &mut self,
        bits: &mut Bits<'_>,
        table: &Table,
        scan: &Scan,
        block: &mut Block,
    ) -> Result<(), Error> {
        if self.empty > 0 {
            self.empty -= 1;
            return Ok(());
        }
        let mut at = scan.first;
        while at <= scan.last {
            let symbol = bits.symbol(table)?;
            let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
            if size == 0 {
                if run < 15 {
                    self.empty = (1 << run) - 1 + bits.number(run);
                    break;
                }
                at += 16;
                continue;
            }
            at += run as usize;
            if at > scan.last {
                return Err(Error::Damaged("a block has more than 64 coefficients"));
            }
            block[usize::from(ZIGZAG[at & 63])] = (bits.coefficient(size) << scan.bit) as i16;
            at += 1;
        }
        Ok(())
    }

    /// One more bit of the coefficients of a band, and those that begin with it.
    fn next_of_band(
        &mut self,
        bits: &mut Bits<'_>,
        table: &Table,
        scan: &Scan,
        block: &mut Block,
    ) -> Result<(), Error> {
        let step = 1_i16 << scan.bit;
        let mut at = scan.first;
        if self.empty == 0 {
            while at <= scan.last {
                let symbol = bits.symbol(table)?;
                let (mut run, size) = (symbol >> 4, symbol & 15);
                let begins = match size {
                    0 if run < 15 => {
                        self.empty = (1 << run) + bits.number(run.into());
                        break;
                    }
                    0 => 0,
                    1 if bits.flag() => step,
                    1 => -step,
                    _ => return Err(Error::Damaged("a refinement is larger than there can be")),
                };
                while at <= scan.last {
                    let coefficient = &mut block[usize::from(ZIGZAG[at & 63])];
                    if *coefficient != 0 {
                        refine(bits, coefficient, step);
                    } else if run == 0 {
                        *coefficient = begins;
                        break;
                    } else {
                        run -= 1;
                    }
                    at += 1;
                }
                at += 1;
            }
        }
        if self.empty > 0 {
            while at <= scan.last {
                let coefficient = &mut block[usize::from(ZIGZAG[at & 63])];
                if *coefficient != 0 {
                    refine(bits, coefficient, step);
                }
                at += 1;
            }
            self.empty -= 1;
        }
        Ok(())
    }
}

fn present(tables: &[Option<Table>; 4], index: usize) -> Result<&Table, Error> {
    tables.get(index).and_then(Option::as_ref).ok_or(Error::Damaged("a Huffman table is missing"))
}

/// The next bit of a coefficient that has begun, away from zero.
fn refine(bits: &mut Bits<'_>, coefficient: &mut i16, step: i16) {
    if bits.flag() && *coefficient & step == 0 {
        *coefficient = coefficient.wrapping_add(if *coefficient < 0 { -step } else { step });
    }
}

/// The coefficients of the whole picture, for files that give them in several
/// scans.
#[derive(Debug)]
pub(crate) struct Coefficients {
    components: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    blocks: Vec<Block>,
    /// Blocks of a row, those beyond the picture included.
    wide: usize,
}

impl Coefficients {
    pub(crate) fn new(frame: &Frame) -> Self {
        let stored = |component: &crate::frame::Component| {
            let wide = frame.mcus_wide * component.horizontal;
            let high = frame.mcus_high * component.vertical;
            Stored { blocks: vec![[0; 64]; wide * high], wide }
        };
        Self { components: frame.components.iter().map(stored).collect() }
    }

    /// A row of blocks.
    pub(crate) fn row(&self, component: usize, row: usize) -> &[Block] {
        self.components
            .get(component)
            .and_then(|stored| stored.blocks.get(row * stored.wide..)?.get(..stored.wide))
            .unwrap_or_default()
    }

    /// Takes in a scan, and says where it ends.
    pub(crate) fn take(
        &mut self,
        header: &Header<'_>,
        frame: &Frame,
        scan: &Scan,
        bytes: &[u8],
        at: usize,
    ) -> Result<usize, Error> {
        let whole_block = scan.first == 0 && scan.last == 63 && scan.previous_bit == 0 && scan.bit == 0;
        let fits = match frame.process {
            Process::Sequential => whole_block,
            // Means come by themselves, and bands of one component at a time.
            Process::Progressive if scan.first == 0 => scan.last == 0,
            Process::Progressive => scan.components.len() == 1,
        };
        if !fits {
            return Err(Error::Damaged("a scan's header makes no sense"));
        }
        let mut reader = Reader::new(bytes, at);
        if let &[coded] = scan.components.as_slice() {
            let component = frame.components.get(coded.component);
            let stored = self.components.get_mut(coded.component);
            let (Some(component), Some(stored)) = (component, stored) else {
                return Err(Error::Damaged("a scan's header makes no sense"));
            };
            for row in 0..component.blocks_high {
                let blocks = stored.blocks.get_mut(row * stored.wide..).unwrap_or_default();
                for block in blocks.iter_mut().take(component.blocks_wide) {
                    reader.next_unit(header.restart_interval)?;
                    reader.memory.part(&mut reader.bits, frame.process, scan, coded, header, block)?;
                }
                reader.bits.check()?;
            }
        } else {
            for row in 0..frame.mcus_high {
                for column in 0..frame.mcus_wide {
                    reader.next_unit(header.restart_interval)?;
                    for &coded in &scan.components {
                        self.take_unit(&mut reader, header, frame, scan, coded, row, column)?;
                    }
                }
                reader.bits.check()?;
            }
        }
        reader.bits.end()
    }

    #[expect(clippy::too_many_arguments, reason = "all of a scan's state and where in it")]
    fn take_unit(
        &mut self,
        reader: &mut Reader<'_>,
        header: &Header<'_>,
        frame: &Frame,
        scan: &Scan,
        coded: Coded,
        row: usize,
        column: usize,
    ) -> Result<(), Error> {
        let component = frame.components.get(coded.component);
        let stored = self.components.get_mut(coded.component);
        let (Some(component), Some(stored)) = (component, stored) else { return Ok(()) };
        for down in 0..component.vertical {
            for across in 0..component.horizontal {
                let at =
                    (row * component.vertical + down) * stored.wide + column * component.horizontal + across;
                if let Some(block) = stored.blocks.get_mut(at) {
                    reader.memory.part(&mut reader.bits, frame.process, scan, coded, header, block)?;
                }
            }
        }
        Ok(())
    }
}

/// The bits of a scan with what they depend on.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) bits: Bits<'a>,
    pub(crate) memory: Memory,
    /// MCUs since the last restart.
    units: usize,
    restarts: u8,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bits: Bits::new(bytes, at), memory: Memory::default(), units: 0, restarts: 0 }
    }

    /// To be called before each MCU: passes the restart marker, if one is due.
    #[inline(always)]
    pub(crate) fn next_unit(&mut self, restart_interval: usize) -> Result<(), Error> {
        if restart_interval != 0 && self.units == restart_interval {
            self.bits.restart(self.restarts)?;
            self.restarts = self.restarts.wrapping_add(1);
            self.memory = Memory::default();
            self.units = 0;
        }
        self.units += 1;
        Ok(())
    }
}
