//! The bundled codec for AVIF.
//!
//! A component of its own, because AV1 is two megabytes that no other task needs to load.
//!
//! | question | file |
//! |---|---|
//! | which bytes of a file are what | `container.rs` |
//! | how a file becomes pixels | `decode.rs`, with AV1's decoder in `decode/av1.rs` |
//! | what red, green and blue are | `color.rs`, `profile.rs`, `sequence.rs` |
//! | how pixels become a file | `encode.rs` |

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod color;
mod container;
mod decode;
mod encode;
mod error;
mod profile;
mod sequence;
mod turn;

use tintype_plugin::{Codec, Descriptor, Failure, Frame, Picture, SizeHint, Target};

use self::decode::Shown;
use self::encode::Options;

const AVIF: &str = "image/avif";

/// The codec that the component exports.
#[derive(Debug)]
pub struct Avif;

impl Codec for Avif {
    fn describe() -> Descriptor {
        Descriptor::new("standard-avif", env!("CARGO_PKG_VERSION"), "AVIF: pictures in AV1.")
            .accepts(AVIF)
            .produces_with(AVIF, encode::SCHEMA)
    }

    fn probe(head: &[u8]) -> Option<&'static str> {
        container::is_avif(head).then_some(AVIF)
    }

    fn decode(file: Vec<u8>, _: Option<SizeHint>) -> Result<Picture, Failure> {
        let Shown { raster, color_profile } = decode::decode(&file, &tintype_plugin::limits())?;
        let side = |pixels| u32::try_from(pixels).unwrap_or(u32::MAX);
        let frame = Frame::new(side(raster.width), side(raster.height), raster.pixels.into_flattened())?;
        Ok(Picture { color_profile, ..Picture::still(frame) })
    }

    fn encode(picture: Picture, target: Target) -> Result<Vec<u8>, Failure> {
        let options = Options::read(&target.params)?;
        let icc = picture.color_profile.clone();
        let limits = tintype_plugin::limits();
        Ok(encode::encode(picture.into_first()?, icc.as_deref(), &options, &limits)?)
    }
}

// Only there: the names of a component's exports are none to a linker for other machines, and the tests
// have the codec from the library.
#[cfg(target_family = "wasm")]
tintype_plugin::export_codec!(Avif);
