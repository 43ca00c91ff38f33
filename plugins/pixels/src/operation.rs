//! The operations: each in a file of its own, with its name, its JSON Schema
//! and its code.
//!
//! Parameters are read before the picture is decoded, so that a request that
//! cannot be honoured costs nothing. Must never know of files.

mod auto_orient;
mod blur;
mod contrast;
mod convert;
mod crop;
mod extend;
mod flatten;
mod focus;
mod gamma;
mod gaussian;
mod gravity;
mod grayscale;
mod info;
mod mirror;
mod modulate;
mod negate;
mod oklab;
mod pixelate;
mod resize;
mod rotate;
mod sharpen;
mod threshold;
mod thumbnails;
mod tint;
mod to_srgb;
mod tone;
mod trim;
mod watermark;

pub use auto_orient::upright;
pub(crate) use resize::Resize;
pub(crate) use resize::mapping::Reduced;
pub(crate) use resize::reduced::{self, Resized};

use crate::origin::Origin;
use crate::{Error, Limits, Parameters, Picture};

/// What a client can ask for by name.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// Such as `resize`.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// JSON Schema (2020-12) of its parameters.
    pub schema: &'static str,
    read: fn(&Parameters) -> Result<Prepared, Error>,
}

/// All operations.
pub const OPERATIONS: &[Operation] = &[
    resize::OPERATION,
    crop::OPERATION,
    trim::OPERATION,
    extend::OPERATION,
    rotate::OPERATION,
    mirror::FLIP,
    mirror::FLOP,
    auto_orient::OPERATION,
    blur::OPERATION,
    sharpen::OPERATION,
    pixelate::OPERATION,
    grayscale::OPERATION,
    modulate::OPERATION,
    contrast::OPERATION,
    gamma::OPERATION,
    tint::OPERATION,
    threshold::OPERATION,
    flatten::OPERATION,
    negate::OPERATION,
    to_srgb::OPERATION,
    watermark::OPERATION,
    thumbnails::OPERATION,
    info::OPERATION,
    convert::OPERATION,
];

impl Operation {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    pub(crate) fn read(&self, parameters: &Parameters) -> Result<Prepared, Error> {
        (self.read)(parameters)
    }

    #[cfg(test)]
    fn apply(&self, parameters: &Parameters, picture: Picture) -> Result<Picture, Error> {
        match self.read(parameters)? {
            Prepared::Transform(transform) => transform.apply(picture, &Limits::default()),
            Prepared::Split(_) | Prepared::Describe(_) => panic!("{} gives no picture", self.name),
        }
    }
}

/// An operation with its parameters.
pub(crate) enum Prepared {
    /// One picture in, one out.
    Transform(Box<dyn Transform>),
    /// One picture in, several out. Nothing can come after it.
    Split(Box<dyn Split>),
    /// One picture in, a document about it out. Nothing can come after it.
    Describe(Box<dyn Describe>),
}

impl<T: Transform + 'static> From<T> for Prepared {
    fn from(transform: T) -> Self {
        Self::Transform(Box::new(transform))
    }
}

/// One picture in, one out.
pub(crate) trait Transform {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error>;

    /// What it does, to those who can do that better while decoding.
    fn as_resize(&self) -> Option<Resize> {
        None
    }

    /// Whether an upright picture stays as it is.
    fn keeps_upright(&self) -> bool {
        false
    }

    /// What takes this one's place for all frames of an animation, once the
    /// first is known: where a picture's content decides what happens to it, the
    /// first frame decides for all, so that all get the same size.
    fn settled(&self, _first: &Picture, _limits: &Limits) -> Result<Option<Box<dyn Transform>>, Error> {
        Ok(None)
    }

    /// Whether, as the first step, it wants the pixels as stored rather than
    /// upright.
    fn wants_stored_orientation(&self) -> bool {
        false
    }
}

/// One picture in, several out.
pub(crate) trait Split {
    /// How many come out, at least one.
    fn count(&self) -> usize;

    /// What is made of the picture, to those who can decode just enough for it.
    fn as_resizes(&self) -> &[Resize];

    /// Makes the pictures in the order that costs least, and hands each to
    /// `write` with its place among the results, from 0. Whoever writes it is
    /// done with it then, so that they are never in memory all at once.
    fn split(
        &self,
        picture: Reduced,
        limits: &Limits,
        write: &mut dyn FnMut(usize, Picture) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

/// One picture in, a document about it out.
pub(crate) trait Describe {
    /// JSON.
    fn describe(&self, picture: &Picture, origin: &Origin) -> Result<String, Error>;
}

/// The schema of an operation without parameters.
const NO_PARAMETERS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {},
  "additionalProperties": false
}"#;
