//! What a file says about one of its pictures (`iprp`).

use super::boxes::{Bytes, Kind};
use crate::error::Error;

/// How numbers became colours: code points after ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cicp {
    /// What red, green and blue are.
    pub primaries: u8,
    /// How light became numbers.
    pub transfer: u8,
    /// How red, green and blue became one luma and two chromas.
    pub matrix: u8,
    /// Whether black is 0, or 16 of 255.
    pub full_range: bool,
}

/// What remains of a picture (`clap`): fractions, each numerator with its denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clap {
    /// Of what remains.
    pub width: (u32, u32),
    /// Of what remains.
    pub height: (u32, u32),
    /// Of its centre from the picture's, to the right.
    pub right: (i32, u32),
    /// Of its centre from the picture's, downwards.
    pub down: (i32, u32),
}

/// What is to be done to a decoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Cut.
    Clap(Clap),
    /// So many quarters of a turn, against the clock.
    Rotate(u8),
    /// The first row becomes the last.
    Flip,
    /// The first column becomes the last.
    Flop,
}

/// All that is said about one picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Properties<'a> {
    /// Width and height in pixels.
    pub size: Option<(u32, u32)>,
    /// Whether there is a decoder's configuration, as there must be.
    pub is_configured: bool,
    /// How numbers became colours, unless only the AV1 data say so.
    pub cicp: Option<Cicp>,
    /// An ICC profile.
    pub icc: Option<&'a [u8]>,
    /// In this order, each at most once.
    pub turns: Vec<Turn>,
    /// What an auxiliary picture is, as a URN.
    pub auxiliary: Option<&'a [u8]>,
}

impl<'a> Properties<'a> {
    /// What `iprp` says of `item`.
    pub(super) fn of(iprp: Bytes<'a>, item: u32) -> Result<Self, Error> {
        let ipco = iprp.find(b"ipco")?.ok_or(Error::Damaged("it has no properties"))?;
        let mut all = vec![];
        let mut rest = ipco;
        while !rest.is_empty() {
            all.push(rest.next_box()?);
        }
        let mut properties = Self::default();
        let mut boxes = iprp;
        while !boxes.is_empty() {
            let (kind, held) = boxes.next_box()?;
            if kind == *b"ipma" {
                for (essential, index) in associated(held, item)? {
                    // Counted from 1; 0 is none.
                    let Some(index) = index.checked_sub(1) else { continue };
                    let (kind, held) = *all.get(index).ok_or(Error::Damaged("a property is missing"))?;
                    properties.add(kind, held, essential)?;
                }
            }
        }
        Ok(properties)
    }

    fn add(&mut self, kind: Kind, mut held: Bytes<'a>, essential: bool) -> Result<(), Error> {
        match &kind {
            b"ispe" => {
                held.version()?;
                self.size = Some((held.u32()?, held.u32()?));
            }
            b"av1C" => self.is_configured = true,
            b"colr" => match &held.kind()? {
                b"nclx" => {
                    // One byte each is all that AV1 has room for.
                    let mut code = || Ok::<_, Error>(u8::try_from(held.u16()?).unwrap_or(u8::MAX));
                    let (primaries, transfer, matrix) = (code()?, code()?, code()?);
                    let full_range = held.u8()? & 0x80 != 0;
                    self.cicp = Some(Cicp { primaries, transfer, matrix, full_range });
                }
                b"prof" | b"rICC" => self.icc = Some(held.0),
                _ => {}
            },
            b"irot" => self.turn(Turn::Rotate(held.u8()? & 3))?,
            b"imir" => self.turn(if held.u8()? & 1 == 0 { Turn::Flip } else { Turn::Flop })?,
            b"clap" => {
                let clap = Clap {
                    width: (held.u32()?, held.u32()?),
                    height: (held.u32()?, held.u32()?),
                    right: (held.u32()?.cast_signed(), held.u32()?),
                    down: (held.u32()?.cast_signed(), held.u32()?),
                };
                self.turn(Turn::Clap(clap))?;
            }
            b"auxC" => {
                held.version()?;
                self.auxiliary = held.0.split(|byte| *byte == 0).next();
            }
            // One of several pictures in the same data. The first, or the best of them, is what is decoded
            // here anyway.
            b"a1op" if held.u8()? == 0 => {}
            b"lsel" if held.u16()? == u16::MAX => {}
            b"a1op" | b"lsel" => {
                return Err(Error::Unsupported("it is made of layers, of which not all are shown"));
            }
            _ if essential => return Err(Error::Unsupported("it needs what came after this reader")),
            _ => {}
        }
        Ok(())
    }

    fn turn(&mut self, turn: Turn) -> Result<(), Error> {
        let sort = |turn: &Turn| match turn {
            Turn::Clap(_) => 0,
            Turn::Rotate(_) => 1,
            Turn::Flip | Turn::Flop => 2,
        };
        if self.turns.iter().any(|known| sort(known) == sort(&turn)) {
            return Err(Error::Damaged("it is to be turned or cut twice"));
        }
        self.turns.push(turn);
        Ok(())
    }
}

/// Which properties an item has: whether a reader must know them, and their numbers.
fn associated(mut ipma: Bytes<'_>, wanted: u32) -> Result<Vec<(bool, usize)>, Error> {
    let (version, flags) = ipma.version()?;
    let mut found = vec![];
    for _ in 0..ipma.u32()? {
        let item = ipma.item(version >= 1)?;
        for _ in 0..ipma.u8()? {
            let (essential, index) = if flags & 1 == 0 {
                let both = ipma.u8()?;
                (both & 0x80 != 0, u16::from(both & 0x7F))
            } else {
                let both = ipma.u16()?;
                (both & 0x8000 != 0, both & 0x7FFF)
            };
            if item == wanted {
                found.push((essential, usize::from(index)));
            }
        }
    }
    Ok(found)
}
