//! Numbers and boxes out of bytes, none of which is believed.

use crate::error::Error;

/// Four letters that say what a box or an item is.
pub(super) type Kind = [u8; 4];

/// Bytes that are taken from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

const SHORT: Error = Error::Damaged("a box ends early");

impl<'a> Bytes<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u64(&mut self) -> Result<u64, Error> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(super) fn kind(&mut self) -> Result<Kind, Error> {
        self.array()
    }

    /// A number of so many bytes, of which none is a number too: 0.
    pub(super) fn sized(&mut self, bytes: u8) -> Result<u64, Error> {
        match bytes {
            0 => Ok(0),
            4 => Ok(self.u32()?.into()),
            8 => self.u64(),
            _ => Err(Error::Damaged("a number has an impossible size")),
        }
    }

    /// An item's number: short in the first versions of a box, long in later ones.
    pub(super) fn item(&mut self, long: bool) -> Result<u32, Error> {
        if long { self.u32() } else { Ok(self.u16()?.into()) }
    }

    /// The version and the flags that many boxes begin with.
    pub(super) fn version(&mut self) -> Result<(u8, u32), Error> {
        let [version, high, middle, low] = self.array()?;
        Ok((version, u32::from_be_bytes([0, high, middle, low])))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next box: what it is and what it holds.
    pub(super) fn next_box(&mut self) -> Result<(Kind, Bytes<'a>), Error> {
        let available = self.0.len();
        let (size, kind) = (self.u32()?, self.kind()?);
        let size = match size {
            // As far as what it stands in.
            0 => available as u64,
            1 => self.u64()?,
            size => size.into(),
        };
        let header = (available - self.0.len()) as u64;
        let held = size.checked_sub(header).and_then(|held| usize::try_from(held).ok());
        let held = held.ok_or(Error::Damaged("a box has an impossible size"))?;
        Ok((kind, Bytes(self.take(held)?)))
    }

    /// The first box of this kind among those that follow each other here.
    pub(super) fn find(mut self, wanted: &Kind) -> Result<Option<Bytes<'a>>, Error> {
        while !self.is_empty() {
            let (kind, held) = self.next_box()?;
            if kind == *wanted {
                return Ok(Some(held));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_as_long_as_it_says_and_never_longer_than_what_holds_it() {
        let mut bytes = Bytes(b"\0\0\0\x09free!\0\0\0\x01mdat\0\0\0\0\0\0\0\x12ab\0\0\0\0meta123");
        let mut next = || bytes.next_box().map(|(kind, held)| (kind, held.0));
        assert_eq!(next(), Ok((*b"free", &b"!"[..])));
        assert_eq!(next(), Ok((*b"mdat", &b"ab"[..])));
        assert_eq!(next(), Ok((*b"meta", &b"123"[..])));
        for lying in [&b"\0\0\0\x07free"[..], b"\0\0\0\x09free", b"\0\0\0\x01free\0\0\0\0\0\0\0\x0f", b"\0\0"]
        {
            assert!(Bytes(lying).next_box().is_err(), "{lying:?}");
        }
    }
}
