//! `flip` and `flop`: mirroring, in place.

use super::{NO_PARAMETERS, Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const FLIP: Operation = Operation {
    name: "flip",
    summary: "Mirrors top and bottom.",
    schema: NO_PARAMETERS,
    read: |_| Ok(Flip.into()),
};

pub(super) const FLOP: Operation = Operation {
    name: "flop",
    summary: "Mirrors left and right.",
    schema: NO_PARAMETERS,
    read: |_| Ok(Flop.into()),
};

struct Flip;

impl Transform for Flip {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        picture.flip();
        Ok(picture)
    }
}

struct Flop;

impl Transform for Flop {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        picture.flop();
        Ok(picture)
    }
}
