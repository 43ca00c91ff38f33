//! Reads multipart bodies (RFC 2046 section 5.1) while they arrive: bytes in, events out.
//!
//! Here is only the syntax that `multipart/related` and `multipart/form-data` share. What a part is
//! for, how large it may be and where its bytes go is for the caller; nothing here does I/O, waits,
//! or keeps a body in memory.
//!
//! ```text
//! Content-Type ──► Boundary ──► Reader ◄── push(Bytes)
//!                                 │
//!                                 └──► Part(PartHeaders) Data(Bytes)* PartEnd … End
//! ```
//!
//! How gaps in RFC 2046 are read, strictly in what decides where a part ends:
//! - Lines end in CRLF. A delimiter after a bare LF is data: an image may contain any byte.
//! - A line that begins with the boundary and goes on with anything but white space is data as
//!   well, as in Go's reader: of two nested messages whose boundaries begin alike, the outer one
//!   keeps its parts whole. After `--` nothing more is needed to end the message.
//! - The CRLF before a delimiter belongs to it, even where it is the blank line that ends a part's
//!   headers: such a part has no bytes.
//! - A message without any part is refused, as its grammar demands one.

mod base64;
mod boundary;
mod delimiter;
mod error;
mod part_headers;
mod quoted_printable;
mod reader;
mod transfer_encoding;

#[cfg(test)]
mod tests;

pub use boundary::Boundary;
pub use error::MultipartError;
pub use part_headers::{PartHeaders, parse_content_id};
pub use reader::{Event, MultipartLimits, Reader};
