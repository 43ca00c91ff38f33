//! `convert`: nothing but another format, which the target names.

use super::{NO_PARAMETERS, Operation, Transform};
use crate::{Error, Limits, Picture};

pub(super) const OPERATION: Operation = Operation {
    name: "convert",
    summary: "Changes nothing but the format and its parameters, as the output asks for them.",
    schema: NO_PARAMETERS,
    read: |_| Ok(Convert.into()),
};

struct Convert;

impl Transform for Convert {
    fn apply(&self, picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        Ok(picture)
    }
}
