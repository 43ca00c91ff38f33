//! Base64 as a stream (RFC 2045 section 6.8), strict but for white space between its lines.
//!
//! Unlike RFC 2045's advice for mail, foreign characters are errors: an upload damaged on its way
//! should be refused, not become another picture.

use super::transfer_encoding::{Fault, TransferEncoding};

/// Value of each byte: 0 to 63, or one of the classes below.
const VALUES: [u8; 256] = values();
const SPACE: u8 = 64;
const PAD: u8 = 65;
const FOREIGN: u8 = 66;

#[derive(Debug, Default)]
pub(super) struct Base64 {
    /// Six bits for each character of the unfinished group of four.
    bits: u32,
    /// Characters in it, 0 to 3, padding included.
    characters: u8,
    /// Padding characters seen; with the first one the data is over.
    padding: u8,
    /// Encoded bytes seen in earlier pieces.
    seen: u64,
}

impl Base64 {
    pub(super) fn decode(&mut self, encoded: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut decoded = Vec::with_capacity(encoded.len() / 4 * 3 + 3);
        let mut rest = encoded;
        while let Some((&byte, after)) = rest.split_first() {
            // Whole groups make up nearly all of a body: no bookkeeping for those.
            if self.characters == 0 && self.padding == 0 {
                while let Some((group, after)) = rest.split_first_chunk::<4>() {
                    let [a, b, c, d] = group.map(|byte| VALUES[usize::from(byte)]);
                    if (a | b | c | d) >= SPACE {
                        break;
                    }
                    let bits = u32::from(a) << 18 | u32::from(b) << 12 | u32::from(c) << 6 | u32::from(d);
                    let [_, bytes @ ..] = bits.to_be_bytes();
                    decoded.extend_from_slice(&bytes);
                    rest = after;
                }
                if rest.len() < after.len() + 1 {
                    continue;
                }
            }
            let at = self.seen + (encoded.len() - rest.len()) as u64;
            self.character(byte, &mut decoded).map_err(|problem| fault(problem, at))?;
            rest = after;
        }
        self.seen += encoded.len() as u64;
        Ok(decoded)
    }

    fn character(&mut self, byte: u8, decoded: &mut Vec<u8>) -> Result<(), &'static str> {
        match VALUES[usize::from(byte)] {
            SPACE => Ok(()),
            FOREIGN => Err("a character outside the alphabet"),
            PAD => self.pad(decoded),
            _ if self.padding > 0 => Err("data after the padding"),
            value => {
                self.bits = self.bits << 6 | u32::from(value);
                self.characters += 1;
                if self.characters == 4 {
                    let [_, bytes @ ..] = self.bits.to_be_bytes();
                    decoded.extend_from_slice(&bytes);
                    self.bits = 0;
                    self.characters = 0;
                }
                Ok(())
            }
        }
    }

    fn pad(&mut self, decoded: &mut Vec<u8>) -> Result<(), &'static str> {
        // Bits of an unfinished byte must be zero (RFC 4648 section 3.5), so that one picture has
        // one encoding; damage there would otherwise go unseen.
        match (self.characters, self.padding) {
            (2, 0) if self.bits & 0xf == 0 => decoded.push((self.bits >> 4) as u8),
            (3, 0) if self.bits & 0x3 == 0 => {
                decoded.extend_from_slice(&[(self.bits >> 10) as u8, (self.bits >> 2) as u8]);
            }
            (2 | 3, 0) => return Err("bits left over before the padding"),
            (3, 1) => {}
            _ => return Err("padding where none belongs"),
        }
        self.padding += 1;
        self.characters = (self.characters + 1) % 4;
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self.characters {
            0 => Ok(()),
            _ => Err(fault("its length is no multiple of four; `=` pads it", self.seen)),
        }
    }
}

fn fault(problem: &'static str, at: u64) -> Fault {
    Fault { encoding: TransferEncoding::Base64, problem, at }
}

const fn values() -> [u8; 256] {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut values = [FOREIGN; 256];
    let mut value = 0;
    while value < 64 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values[b'=' as usize] = PAD;
    values[b' ' as usize] = SPACE;
    values[b'\t' as usize] = SPACE;
    values[b'\r' as usize] = SPACE;
    values[b'\n' as usize] = SPACE;
    values
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decoded(chunks: &[&str]) -> Result<String, (&'static str, u64)> {
        let mut base64 = Base64::default();
        let mut all = Vec::new();
        for chunk in chunks {
            all.extend(base64.decode(chunk.as_bytes()).map_err(|fault| (fault.problem, fault.at))?);
        }
        base64.finish().map_err(|fault| (fault.problem, fault.at))?;
        Ok(String::from_utf8(all).unwrap())
    }

    #[test]
    fn the_examples_of_rfc_4648_decode() {
        let table = [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
            (" Zm9v\r\nYm\r\n Fy\t\r\n", "foobar"),
            ("Z\r\ng\n=\r\n=\r\n", "f"),
        ];
        for (encoded, plain) in table {
            assert_eq!(decoded(&[encoded]).as_deref(), Ok(plain), "{encoded:?}");
            for cut in 0..encoded.len() {
                let (left, right) = encoded.split_at(cut);
                assert_eq!(decoded(&[left, right]).as_deref(), Ok(plain), "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn anything_else_is_refused_where_it_is() {
        let table = [
            ("Zm9v!", ("a character outside the alphabet", 4)),
            ("Zm9v\0", ("a character outside the alphabet", 4)),
            ("Zm_-", ("a character outside the alphabet", 2)),
            ("=", ("padding where none belongs", 0)),
            ("Z===", ("padding where none belongs", 1)),
            ("Zm9v=", ("padding where none belongs", 4)),
            ("Zg===", ("padding where none belongs", 4)),
            ("Zg==Zg==", ("data after the padding", 4)),
            ("Zg=x", ("data after the padding", 3)),
            ("Zh==", ("bits left over before the padding", 2)),
            ("Zm9=", ("bits left over before the padding", 3)),
            ("Zm9vYg", ("its length is no multiple of four; `=` pads it", 6)),
            ("Zg=", ("its length is no multiple of four; `=` pads it", 3)),
        ];
        for (encoded, problem) in table {
            assert_eq!(decoded(&[encoded]), Err(problem), "{encoded:?}");
            for cut in 0..encoded.len() {
                let (left, right) = encoded.split_at(cut);
                assert_eq!(decoded(&[left, right]), Err(problem), "{left:?} {right:?}");
            }
        }
    }
}
