//! Quoted-printable as a stream (RFC 2045 section 6.7).
//!
//! Strict in its alphabet, tolerant of what transport does to it: white space at the end of a line,
//! lower-case hex digits and lines over 76 characters are read.

use super::transfer_encoding::{Fault, TransferEncoding};

/// White space held back until it is known whether its line goes on. A line of mail has at most 998
/// characters (RFC 5322 section 2.1.1).
const MAX_HELD_SPACE_BYTES: usize = 998;

#[derive(Debug, Default)]
pub(super) struct QuotedPrintable {
    state: State,
    /// White space that is data if its line goes on, and padding if it ends.
    held: Vec<u8>,
    seen: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// After `=`.
    Escape,
    /// After `=` and its first hex digit, of this value.
    Digit(u8),
    /// After `=` and white space: padding of a soft line break.
    SoftBreak,
    /// After a CR in the text; `true` for a soft line break's.
    CarriageReturn(bool),
}

impl QuotedPrintable {
    pub(super) fn decode(&mut self, encoded: &[u8]) -> Result<Vec<u8>, Fault> {
        // Every encoded byte gives one byte at most, once what was held back is counted.
        let mut decoded = Vec::with_capacity(encoded.len() + self.held.len());
        for &byte in encoded {
            self.state = self.byte(byte, &mut decoded).map_err(|problem| fault(problem, self.seen))?;
            self.seen += 1;
        }
        Ok(decoded)
    }

    fn byte(&mut self, byte: u8, decoded: &mut Vec<u8>) -> Result<State, &'static str> {
        match (self.state, byte) {
            (State::Text, b' ' | b'\t') => {
                if self.held.len() == MAX_HELD_SPACE_BYTES {
                    return Err("too much white space in a line");
                }
                self.held.push(byte);
                Ok(State::Text)
            }
            (State::Text, b'\r') => {
                self.held.clear();
                Ok(State::CarriageReturn(false))
            }
            (State::Text, b'=') => {
                decoded.append(&mut self.held);
                Ok(State::Escape)
            }
            (State::Text, b'!'..=b'~') => {
                decoded.append(&mut self.held);
                decoded.push(byte);
                Ok(State::Text)
            }
            (State::Text, _) => Err("a character that must be written as `=` and two hex digits"),
            (State::Escape | State::SoftBreak, b' ' | b'\t') => Ok(State::SoftBreak),
            (State::Escape | State::SoftBreak, b'\r') => Ok(State::CarriageReturn(true)),
            (State::Escape, _) => hex_digit(byte).map(State::Digit),
            (State::SoftBreak, _) => Err("a `=` that neither an end of line nor hex digits follow"),
            (State::Digit(high), _) => {
                decoded.push(high << 4 | hex_digit(byte)?);
                Ok(State::Text)
            }
            (State::CarriageReturn(soft), b'\n') => {
                if !soft {
                    decoded.extend_from_slice(b"\r\n");
                }
                Ok(State::Text)
            }
            (State::CarriageReturn(_), _) => Err("a CR without LF"),
        }
    }

    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self.state {
            // The line end after a last `=` belongs to the delimiter, so it isn't seen here.
            State::Text | State::Escape | State::SoftBreak => Ok(()),
            State::Digit(_) => Err(fault("it ends within an escape", self.seen)),
            State::CarriageReturn(_) => Err(fault("a CR without LF", self.seen)),
        }
    }
}

fn hex_digit(byte: u8) -> Result<u8, &'static str> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err("a `=` that neither an end of line nor hex digits follow"),
    }
}

fn fault(problem: &'static str, at: u64) -> Fault {
    Fault { encoding: TransferEncoding::QuotedPrintable, problem, at }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn decoded(chunks: &[&[u8]]) -> Result<Vec<u8>, (&'static str, u64)> {
        let mut quoted = QuotedPrintable::default();
        let mut all = Vec::new();
        for chunk in chunks {
            all.extend(quoted.decode(chunk).map_err(|fault| (fault.problem, fault.at))?);
        }
        quoted.finish().map_err(|fault| (fault.problem, fault.at))?;
        Ok(all)
    }

    #[test]
    fn escapes_and_soft_breaks_are_undone_wherever_chunks_are_cut() {
        let table: [(&[u8], &[u8]); 8] = [
            (b"plain text", b"plain text"),
            (b"a=3Db=00=ff=FF", b"a=b\x00\xff\xff"),
            (b"one=\r\n two= \t\r\nthree", b"one twothree"),
            (b"line \t\r\nline", b"line\r\nline"),
            (b"kept=20\r\n", b"kept \r\n"),
            (b"last=", b"last"),
            (b"last  ", b"last"),
            (b"a =\r\nb", b"a b"),
        ];
        for (encoded, plain) in table {
            assert_eq!(decoded(&[encoded]).as_deref(), Ok(plain), "{}", encoded.escape_ascii());
            for cut in 0..encoded.len() {
                let (left, right) = encoded.split_at(cut);
                assert_eq!(decoded(&[left, right]).as_deref(), Ok(plain), "cut at {cut}");
            }
        }
    }

    #[test]
    fn anything_else_is_refused_where_it_is() {
        let raw = "a character that must be written as `=` and two hex digits";
        let escape = "a `=` that neither an end of line nor hex digits follow";
        let table: [(&[u8], _); 9] = [
            (b"a\xff", (raw, 1)),
            (b"a\nb", (raw, 1)),
            (b"a\0", (raw, 1)),
            (b"a=XY", (escape, 2)),
            (b"a=\n", (escape, 2)),
            (b"a= b", (escape, 3)),
            (b"a=2", ("it ends within an escape", 3)),
            (b"a\rb", ("a CR without LF", 2)),
            (b"a=\r", ("a CR without LF", 3)),
        ];
        for (encoded, problem) in table {
            assert_eq!(decoded(&[encoded]), Err(problem), "{}", encoded.escape_ascii());
        }
        let spaces = [b' '; MAX_HELD_SPACE_BYTES + 1];
        assert_eq!(decoded(&[&spaces]), Err(("too much white space in a line", 998)));
    }
}
