//! Pixels: reading a picture, doing something to it, writing it again.
//!
//! This crate is what the bundled plugin computes with. It is plain Rust that
//! runs natively as well as in a sandbox, and must never know of plugins, WIT,
//! tasks or HTTP: it takes bytes and [`Parameters`], and gives bytes or an
//! [`Error`].
//!
//! Every byte it reads is untrusted. Sizes are compared with [`Limits`] from
//! the header, before memory for pixels is allocated.
//!
//! ```
//! use tintype_pixels::{
//!     Channels, Format, Limits, Parameters, Picture, Step, Unwatched, Value, encode, process,
//! };
//!
//! let limits = Limits::default();
//! let picture = Picture::eight(64, 64, Channels::Gray, vec![128; 64 * 64])?;
//! let file = encode(picture, Format::Png, &Parameters::default(), &limits)?.bytes;
//!
//! let steps = [Step {
//!     operation: "resize".into(),
//!     parameters: Parameters::from_iter([("width", Value::Integer(32))]),
//! }];
//! let products = process(file, &steps, None, &limits, &Unwatched)?;
//! assert_eq!(products[0].media_type(), "image/png");
//! # Ok::<(), tintype_pixels::Error>(())
//! ```

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod animation;
mod decode;
mod encode;
mod error;
mod format;
mod limits;
mod metadata;
mod observer;
mod operation;
mod orientation;
mod origin;
mod parameters;
mod picture;
mod pipeline;
mod planes;
mod product;

pub use animation::{Animation, Frame};
pub use decode::{animation, decode, decode_at_least};
pub use encode::{AnimationEncoder, Output, OutputFormat, encode, output_formats};
pub use error::{Error, Kind};
pub use format::Format;
pub use limits::Limits;
pub use observer::{Observer, Unwatched};
pub use operation::{OPERATIONS, Operation, upright};
pub use orientation::Orientation;
pub use parameters::{Attachment, Parameters, Value};
pub use picture::{Channels, Picture, Samples};
pub use pipeline::{Step, Target, process};
pub(crate) use planes::Planes;
pub use product::{DOCUMENT, Product};
