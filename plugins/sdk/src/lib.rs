//! Write a Tintype plugin in Rust.
//!
//! A plugin is a WebAssembly component that does something to a picture. There
//! are three kinds of them. Most are a [`Filter`]: pixels in, pixels out, and no
//! file format to know. A [`Codec`] reads and writes file formats for all
//! filters. A [`Plugin`] gets and gives whole files; its author implements the
//! trait and names the type to [`export!`]:
//!
//! ```
//! use tintype_plugin::{Descriptor, Failure, Image, Plugin, Task, descriptor};
//!
//! struct Reverse;
//!
//! impl Plugin for Reverse {
//!     fn describe() -> Descriptor {
//!         descriptor!("Turns bytes around.")
//!             .produces("application/octet-stream")
//!             .operation("reverse", "Puts the last byte first.")
//!     }
//!
//!     fn process(task: Task) -> Result<Vec<Image>, Failure> {
//!         let mut bytes = task.input.bytes;
//!         tintype_plugin::debug!("turning {} bytes around", bytes.len());
//!         bytes.reverse();
//!         Ok(vec![Image::new("application/octet-stream", bytes)])
//!     }
//! }
//!
//! tintype_plugin::export!(Reverse);
//! # fn main() {
//! # let task = Task::new(Image::new("image/qoi", *b"qoi")).step("reverse", []);
//! # assert_eq!(Reverse::process(task).unwrap()[0].bytes, b"ioq");
//! # }
//! ```
//!
//! The crate is a `cdylib`, compiled for `wasm32-unknown-unknown` and turned
//! into a component by `tintype-componentize`.
//!
//! A task is one fresh instance: statics start anew each time, and nothing can
//! leak from one client's picture to the next. A panic ends the task, not the
//! server; its message goes to the server's log.
//!
//! On other targets than WebAssembly the crate compiles as well, so that
//! `cargo test` works on a plugin: [`Plugin::process`] is an ordinary function,
//! log lines go to standard error, nothing is ever cancelled, and
//! [`limits()`] are the host's defaults.

#[doc(hidden)]
pub mod bindings;
mod codec;
mod descriptor;
mod export;
mod failure;
mod filter;
mod host;
mod params;
mod picture;
mod task;

pub use codec::Codec;
#[doc(hidden)]
pub use codec::CodecAdapter;
pub use descriptor::{Descriptor, NO_PARAMETERS};
#[doc(hidden)]
pub use export::Adapter;
pub use export::Plugin;
pub use failure::Failure;
pub use filter::Filter;
#[doc(hidden)]
pub use filter::FilterAdapter;
pub use host::{Level, Limits, cancelled, limits, log, progress};
pub use params::{FromValue, Params, Value};
pub use picture::{Animation, Frame, Picture, SizeHint};
pub use task::{Attachment, Image, Step, Target, Task};
