//! JPEG for sandboxes: a decoder and a baseline encoder.
//!
//! It exists for two things that take most of the work out of making a picture
//! smaller, and that no other decoder in Rust has both of: [`Decoder::pixels`]
//! decodes at a half, a quarter or an eighth of the size in the domain of the
//! transform, and [`Decoder::planes`] gives luma and chroma as they are stored,
//! so that nobody converts colours that are converted back. It is written for
//! WebAssembly's vectors, where it has no unsafe code.
//!
//! Baseline, extended and progressive files of 8 bits a sample are read, gray,
//! colour and CMYK, with any sampling factors. Decoding is strict: a file that
//! ends early or has bytes where none belong is refused rather than delivered
//! with a gray half.
//!
//! Must never know what becomes of the picture.

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bits;
mod color;
mod encode;
mod error;
mod forward;
mod frame;
mod huffman;
mod picture;
mod scan;
mod segments;
mod standard;
mod subsample;
mod transform;

pub use color::to_rgb;
pub use encode::{EncodeError, Picture, PlaneRef, encode};
pub use error::Error;
pub use frame::{ColorModel, Scale};
pub use picture::{Decoder, Plane};
pub use subsample::{Separated, from_rgb};
