//! Every way in which a multipart message can be wrong, each with what its sender should change.
//!
//! Offsets are bytes from the start of the body, from 0.

use super::transfer_encoding::TransferEncoding;
use crate::media_type::MediaTypeError;

/// Why a `boundary` parameter cannot separate parts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BoundaryError {
    /// The `Content-Type` has no such parameter.
    #[error("the Content-Type needs a `boundary` parameter")]
    Missing,
    /// Empty, or more than 70 characters.
    #[error("the boundary has {0} characters; it must have 1 to 70")]
    Length(usize),
    /// Outside RFC 2046's `bchars`.
    #[error("the boundary contains {0:?}; allowed are letters, digits, space and '()+_,-./:=?")]
    Character(char),
    /// RFC 2046 section 5.1.1: a gateway may take spaces at the end of a line away.
    #[error("the boundary must not end with a space")]
    TrailingSpace,
}

/// Why reading a multipart message stopped. Nothing after it can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MultipartError {
    /// The body ended before the closing delimiter: an upload that was cut off.
    #[error(
        "the message ends within {within}, after {at} bytes; it must end with the closing boundary `--{boundary}--` on a line of its own"
    )]
    Truncated {
        /// What was being read.
        within: Whereabouts,
        /// Length of the body.
        at: u64,
        /// The boundary that was waited for.
        boundary: String,
    },
    /// The closing delimiter came first.
    #[error("the message has no parts")]
    NoParts,
    /// More parts than the limit.
    #[error("more than {limit} parts")]
    TooManyParts {
        /// [`MultipartLimits::max_parts`](super::MultipartLimits::max_parts).
        limit: usize,
    },
    /// Too much text before the first delimiter; usually a boundary that doesn't match the header's.
    #[error(
        "no line `--{boundary}` within the first {limit} bytes; does the boundary match the Content-Type's, and do lines end in CRLF?"
    )]
    PreambleTooLong {
        /// [`MultipartLimits::max_preamble_bytes`](super::MultipartLimits::max_preamble_bytes).
        limit: u64,
        /// The boundary that was looked for.
        boundary: String,
    },
    /// Too much text after the closing delimiter.
    #[error("more than {limit} bytes after the closing boundary")]
    EpilogueTooLong {
        /// [`MultipartLimits::max_epilogue_bytes`](super::MultipartLimits::max_epilogue_bytes).
        limit: u64,
    },
    /// White space between a boundary and the end of its line passes the cap.
    #[error("more than {limit} spaces after the boundary at byte {at}")]
    PaddingTooLong {
        /// The cap, in bytes.
        limit: usize,
        /// Where the padding began to be too long.
        at: u64,
    },
    /// No blank line within the cap.
    #[error(
        "the headers of part {part} are longer than {limit} bytes, or no blank line (CRLF CRLF) ends them"
    )]
    HeadersTooLong {
        /// Which part, from 1.
        part: usize,
        /// [`MultipartLimits::max_header_bytes`](super::MultipartLimits::max_header_bytes).
        limit: usize,
    },
    /// One of a part's headers is wrong.
    #[error("part {part}, header line {line}: {problem}")]
    Header {
        /// Which part, from 1.
        part: usize,
        /// Which line of the part's headers, from 1; the first one of a folded header.
        line: usize,
        /// What is wrong with it.
        problem: HeaderProblem,
    },
    /// A `Content-Transfer-Encoding` that is not decoded here: for 415, not for 400.
    #[error("part {part} has Content-Transfer-Encoding `{name}`; use {}", TransferEncoding::NAMES)]
    UnsupportedTransferEncoding {
        /// Which part, from 1.
        part: usize,
        /// As the client wrote it, shortened.
        name: String,
    },
    /// Bytes that are not what `Content-Transfer-Encoding` says.
    #[error("part {part} is not valid {encoding}: {problem}, at byte {at} of its encoded body")]
    Undecodable {
        /// Which part, from 1.
        part: usize,
        /// What it was declared as.
        encoding: TransferEncoding,
        /// What is wrong.
        problem: &'static str,
        /// Offset in the part's encoded bytes.
        at: u64,
    },
}

/// Which piece of a message was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whereabouts {
    /// Before the first delimiter.
    Preamble,
    /// Headers of the part with this number, from 1.
    Headers(usize),
    /// Body of the part with this number, from 1.
    Body(usize),
}

impl std::fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Preamble => f.write_str("the text before its first part"),
            Self::Headers(part) => write!(f, "the headers of part {part}"),
            Self::Body(part) => write!(f, "part {part}"),
        }
    }
}

/// What is wrong with one header of a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderProblem {
    /// A CR or LF alone, or a NUL.
    #[error("a line must end in CRLF, and contain neither of them alone, nor NUL")]
    ControlCharacter,
    /// A line without a colon.
    #[error("it is not `Name: value`; a blank line must stand between headers and body")]
    NoColon,
    /// Empty, or with characters that no header name has (RFC 5322 section 3.6.8).
    #[error("the header's name must be visible ASCII characters, followed by `:` directly")]
    Name,
    /// The first line begins with white space.
    #[error("it begins with a space, as if it went on with a header line before it")]
    FoldedNothing,
    /// A second one of a header that may be there once.
    #[error("a second `{0}`")]
    Duplicate(&'static str),
    /// Bytes that are not UTF-8, in a header that is read.
    #[error("`{0}` is not UTF-8")]
    NotUtf8(&'static str),
    /// `Content-Type` cannot be read.
    #[error("`Content-Type` cannot be read: {0}")]
    ContentType(MediaTypeError),
    /// `Content-Disposition` cannot be read.
    #[error("`Content-Disposition` cannot be read: {}, at byte {} of its value", .0.problem, .0.at)]
    ContentDisposition(MediaTypeError),
    /// `Content-Disposition` begins with no token.
    #[error("`Content-Disposition` must begin with a type such as `form-data`")]
    NoDispositionType,
    /// `Content-ID` is not `<id>`.
    #[error("`Content-ID` must be `<id>`, without spaces, brackets or control characters within")]
    ContentId,
}
