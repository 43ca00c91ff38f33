//! `Content-Transfer-Encoding` (RFC 2045 section 6): which of them are read, and the decoder of one
//! part's bytes.
//!
//! Knows bytes in their order, and no delimiters: what arrives here is a part's body only.

use std::fmt;

use bytes::Bytes;

use super::base64::Base64;
use super::error::MultipartError;
use super::quoted_printable::QuotedPrintable;

/// How the bytes of a part were written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TransferEncoding {
    /// As they are. RFC 2045 section 6.1 has 7bit as the default; since neither it nor 8bit is
    /// checked here, the three differ in nothing but the name.
    #[default]
    Binary,
    /// As they are.
    EightBit,
    /// As they are.
    SevenBit,
    /// RFC 2045 section 6.8.
    Base64,
    /// RFC 2045 section 6.7.
    QuotedPrintable,
}

impl TransferEncoding {
    /// All that are read, for a message to a client.
    pub const NAMES: &'static str = "binary, 8bit, 7bit, base64 or quoted-printable";

    /// The encoding of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Binary, Self::EightBit, Self::SevenBit, Self::Base64, Self::QuotedPrintable]
            .into_iter()
            .find(|encoding| encoding.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::EightBit => "8bit",
            Self::SevenBit => "7bit",
            Self::Base64 => "base64",
            Self::QuotedPrintable => "quoted-printable",
        }
    }
}

impl fmt::Display for TransferEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Undoes one part's encoding, piece by piece.
#[derive(Debug)]
pub(super) enum Decoder {
    Identity,
    Base64(Base64),
    QuotedPrintable(QuotedPrintable),
}

/// A byte that the encoding doesn't allow, or an end where it allows none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) encoding: TransferEncoding,
    pub(super) problem: &'static str,
    /// Offset in the encoded body.
    pub(super) at: u64,
}

impl Fault {
    pub(super) fn in_part(self, part: usize) -> MultipartError {
        let Self { encoding, problem, at } = self;
        MultipartError::Undecodable { part, encoding, problem, at }
    }
}

impl Decoder {
    pub(super) fn identity() -> Self {
        Self::Identity
    }

    pub(super) fn new(encoding: TransferEncoding) -> Self {
        match encoding {
            TransferEncoding::Base64 => Self::Base64(Base64::default()),
            TransferEncoding::QuotedPrintable => Self::QuotedPrintable(QuotedPrintable::default()),
            TransferEncoding::Binary | TransferEncoding::EightBit | TransferEncoding::SevenBit => {
                Self::Identity
            }
        }
    }

    pub(super) fn is_identity(&self) -> bool {
        matches!(self, Self::Identity)
    }

    /// Decodes the next piece of a body. The result may be empty.
    pub(super) fn decode(&mut self, encoded: Bytes) -> Result<Bytes, Fault> {
        match self {
            Self::Identity => Ok(encoded),
            Self::Base64(base64) => base64.decode(&encoded).map(Bytes::from),
            Self::QuotedPrintable(quoted) => quoted.decode(&encoded).map(Bytes::from),
        }
    }

    /// Checks that the body may end here.
    pub(super) fn finish(&self) -> Result<(), Fault> {
        match self {
            Self::Identity => Ok(()),
            Self::Base64(base64) => base64.finish(),
            Self::QuotedPrintable(quoted) => quoted.finish(),
        }
    }
}
