//! The operations: each in a file of its own, with its name, its JSON Schema
//! and its code.
//!
//! Parameters are read before the picture is decoded, so that a request that
//! cannot be honoured costs nothing. Must never know of files.

mod auto_orient;
mod convert;
mod crop;
mod grayscale;
mod mirror;
mod resize;
mod rotate;

pub use auto_orient::upright;

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
    read: fn(&Parameters) -> Result<Box<dyn Transform>, Error>,
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
    convert::OPERATION,
];

impl Operation {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| operation.name == name)
    }

    pub(crate) fn read(&self, parameters: &Parameters) -> Result<Box<dyn Transform>, Error> {
        (self.read)(parameters)
    }
}

/// An operation with its parameters: one picture in, one out.
pub(crate) trait Transform {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error>;

    /// Whether, as the first step, it wants the pixels as stored rather than
    /// upright.
    fn wants_stored_orientation(&self) -> bool {
        false
    }
}

/// The schema of an operation without parameters.
const NO_PARAMETERS: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {},
  "additionalProperties": false
}"#;
