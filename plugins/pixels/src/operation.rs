//! The operations: each in a file of its own, with its name, its JSON Schema
//! and its code.
//!
//! Parameters are read before the picture is decoded, so that a request that
//! cannot be honoured costs nothing. Must never know of files.

mod auto_orient;
mod convert;
mod crop;
mod gravity;
mod grayscale;
mod mirror;
mod resize;
mod rotate;
mod thumbnails;
mod watermark;

pub use auto_orient::upright;
pub(crate) use resize::Resize;
pub(crate) use resize::reduced::{self, Resized};

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
    rotate::OPERATION,
    mirror::FLIP,
    mirror::FLOP,
    auto_orient::OPERATION,
    grayscale::OPERATION,
    watermark::OPERATION,
    thumbnails::OPERATION,
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
            Prepared::Split(_) => panic!("{} gives several pictures", self.name),
        }
    }
}

/// An operation with its parameters.
pub(crate) enum Prepared {
    /// One picture in, one out.
    Transform(Box<dyn Transform>),
    /// One picture in, several out. Nothing can come after it.
    Split(Box<dyn Split>),
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

    /// Makes the pictures in the order that costs least, and hands each to
    /// `write` with its place among the results, from 0. Whoever writes it is
    /// done with it then, so that they are never in memory all at once.
    fn split(
        &self,
        picture: Picture,
        limits: &Limits,
        write: &mut dyn FnMut(usize, Picture) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

/// The schema of an operation without parameters.
const NO_PARAMETERS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {},
  "additionalProperties": false
}"#;
