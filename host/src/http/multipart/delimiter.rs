//! Finds where a part's bytes end, however the body is cut into chunks, without copying them.
//!
//! Knows the delimiter and the rest of its line (RFC 2046 section 5.1.1), and not what comes before
//! or after. It holds back at most a delimiter and its padding.

use bytes::{Buf, Bytes};
use memchr::memmem::Finder;

use super::boundary::Boundary;

/// White space tolerated between a boundary and the end of its line. RFC 2046 gives no number; a
/// gateway that pads does so to the end of an 80 column card or a 998 byte line (RFC 5322).
pub(super) const MAX_PADDING_BYTES: usize = 998;

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The input is used up.
    NeedMore,
    /// Bytes before a delimiter, never empty.
    Data(Bytes),
    /// A delimiter with its line end: a part follows.
    Delimiter,
    /// The closing delimiter, up to its second `--`.
    Close,
    /// Padding over [`MAX_PADDING_BYTES`].
    PaddingTooLong,
}

#[derive(Debug)]
pub(super) struct DelimiterScanner {
    /// `CRLF -- boundary`. As `Bytes`, so that a false start can be handed out as data, uncopied.
    delimiter: Bytes,
    finder: Finder<'static>,
    /// How much of `delimiter` the bytes seen last are.
    matched: usize,
    /// How much of that was never in the data: where a line starts without a CRLF of its own.
    borrowed: usize,
    tail: Tail,
    /// Padding seen after a whole delimiter; data after all if the line goes on otherwise.
    padding: Vec<u8>,
}

/// What followed a whole delimiter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    Nothing,
    Hyphen,
    Padding,
    CarriageReturn,
}

impl DelimiterScanner {
    /// Starts where a body starts: at the beginning of a line.
    pub(super) fn new(boundary: &Boundary) -> Self {
        let delimiter = Bytes::from(format!("\r\n--{}", boundary.as_str()));
        let finder = Finder::new(&delimiter).into_owned();
        let mut scanner =
            Self { delimiter, finder, matched: 0, borrowed: 0, tail: Tail::Nothing, padding: Vec::new() };
        scanner.at_line_start();
        scanner
    }

    /// Declares that the bytes pushed next follow a CRLF which was read elsewhere.
    pub(super) fn at_line_start(&mut self) {
        self.matched = 2;
        self.borrowed = 2;
    }

    /// Takes from the front of `input` what it can decide about.
    pub(super) fn scan(&mut self, input: &mut Bytes) -> Found {
        loop {
            if input.is_empty() {
                return Found::NeedMore;
            }
            if self.matched == self.delimiter.len() {
                if let Some(found) = self.scan_tail(input) {
                    return found;
                }
            } else if self.matched > 0 {
                let rest = self.delimiter.get(self.matched..).unwrap_or_default();
                let same = rest.iter().zip(input.iter()).take_while(|(a, b)| a == b).count();
                self.matched += same;
                input.advance(same);
                // CR begins the delimiter and is nowhere else in it, so a false start can only be
                // followed by a new one, never overlap with it.
                if same < rest.len()
                    && !input.is_empty()
                    && let Some(data) = self.false_start()
                {
                    return Found::Data(data);
                }
            } else if let Some(data) = self.data(input) {
                return Found::Data(data);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.matched + self.padding.len()
    }

    /// Takes the data before the next delimiter or start of one, none if there is none.
    fn data(&mut self, input: &mut Bytes) -> Option<Bytes> {
        let end = match self.finder.find(input) {
            Some(at) => {
                self.matched = self.delimiter.len();
                at
            }
            None => {
                let held = self.possible_start(input);
                self.matched = held;
                input.len() - held
            }
        };
        let data = input.split_to(end);
        input.advance(self.matched);
        (!data.is_empty()).then_some(data)
    }

    /// How many of the last bytes of `input` may be the beginning of a delimiter.
    fn possible_start(&self, input: &[u8]) -> usize {
        let window = input.len().saturating_sub(self.delimiter.len() - 1);
        let last = input.get(window..).unwrap_or_default();
        let start = memchr::memrchr(b'\r', last).and_then(|at| last.get(at..)).unwrap_or_default();
        if self.delimiter.starts_with(start) { start.len() } else { 0 }
    }

    /// Reads on after a whole delimiter; `None` asks to go on.
    fn scan_tail(&mut self, input: &mut Bytes) -> Option<Found> {
        while let Some(&byte) = input.first() {
            self.tail = match (self.tail, byte) {
                (Tail::Nothing, b'-') => Tail::Hyphen,
                (Tail::Hyphen, b'-') => {
                    input.advance(1);
                    self.reset();
                    return Some(Found::Close);
                }
                (Tail::Nothing | Tail::Padding, b' ' | b'\t') => {
                    if self.padding.len() == MAX_PADDING_BYTES {
                        return Some(Found::PaddingTooLong);
                    }
                    self.padding.push(byte);
                    Tail::Padding
                }
                (Tail::Nothing | Tail::Padding, b'\r') => Tail::CarriageReturn,
                (Tail::CarriageReturn, b'\n') => {
                    input.advance(1);
                    self.reset();
                    return Some(Found::Delimiter);
                }
                _ => return self.no_delimiter().map(Found::Data),
            };
            input.advance(1);
        }
        None
    }

    /// Gives up a delimiter whose line went on: all of it was data.
    fn no_delimiter(&mut self) -> Option<Bytes> {
        if self.tail == Tail::Nothing {
            return self.false_start();
        }
        let mut data = self.delimiter.get(self.borrowed..).unwrap_or_default().to_vec();
        data.append(&mut self.padding);
        match self.tail {
            Tail::Hyphen => data.push(b'-'),
            Tail::CarriageReturn => data.push(b'\r'),
            Tail::Nothing | Tail::Padding => {}
        }
        self.reset();
        Some(Bytes::from(data))
    }

    /// Gives up what was matched of a delimiter: it was data, but for what was borrowed.
    fn false_start(&mut self) -> Option<Bytes> {
        let data = self.delimiter.slice(self.borrowed..self.matched);
        self.reset();
        (!data.is_empty()).then_some(data)
    }

    fn reset(&mut self) {
        self.matched = 0;
        self.borrowed = 0;
        self.tail = Tail::Nothing;
        self.padding.clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Data runs as text, `|` for a delimiter, `#` for the closing one.
    fn scanned(chunks: &[&str]) -> String {
        let mut scanner = DelimiterScanner::new(&Boundary::new("ab").unwrap());
        let mut seen = String::new();
        for chunk in chunks {
            let mut input = Bytes::copy_from_slice(chunk.as_bytes());
            loop {
                match scanner.scan(&mut input) {
                    Found::NeedMore => break,
                    Found::Data(data) => seen.push_str(std::str::from_utf8(&data).unwrap()),
                    Found::Delimiter => seen.push('|'),
                    Found::Close => return seen + "#",
                    Found::PaddingTooLong => return "too long".into(),
                }
            }
        }
        seen
    }

    #[test]
    fn a_delimiter_is_found_wherever_chunks_are_cut() {
        let table = [
            ("--ab\r\none\r\n--ab--", "|one#"),
            ("--ab \t\r\none\r\n--ab\t\r\ntwo\r\n--ab--rest", "|one|two#"),
            ("pre\r\n--ab\r\n\r\n\r\n--ab--", "pre|\r\n#"),
            (
                "a\r\n--abc\r\n--ab-c\r\n--ab c\r\n--ab\rc\r\n--ab\r\n",
                "a\r\n--abc\r\n--ab-c\r\n--ab c\r\n--ab\rc|",
            ),
            ("a\n--ab\r\n\r\n--ab\n\r\n--ab--", "a\n--ab\r\n\r\n--ab\n#"),
            ("--abc\r\n--ab\r\n", "--abc|"),
            ("--a\r\n--a\r\r\n\r\n--ab\r\n", "--a\r\n--a\r\r\n|"),
            ("x--ab\r\n\r\r\n--ab \r\r\n--ab\r\n", "x--ab\r\n\r\r\n--ab \r|"),
            ("a\r\n--ab\r\r\n--ab--", "a\r\n--ab\r#"),
        ];
        for (text, expected) in table {
            assert_eq!(scanned(&[text]), expected, "{text:?} in one");
            let chars: Vec<String> = text.chars().map(String::from).collect();
            let bytewise: Vec<&str> = chars.iter().map(String::as_str).collect();
            assert_eq!(scanned(&bytewise), expected, "{text:?} byte by byte");
            for cut in 0..text.len() {
                let (left, right) = text.split_at(cut);
                assert_eq!(scanned(&[left, right]), expected, "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn padding_has_a_limit() {
        let padded = |bytes| format!("--ab{}\r\n", " ".repeat(bytes));
        assert_eq!(scanned(&[&padded(MAX_PADDING_BYTES)]), "|");
        assert_eq!(scanned(&[&padded(MAX_PADDING_BYTES + 1)]), "too long");
    }
}
