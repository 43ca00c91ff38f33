//! What a file says beside its pixels, carried over where that was asked for.
//!
//! Exif alone, and no more of it than stays true: the pixels are upright then,
//! may have another size, and the small preview would still be of the old
//! picture. XMP is not carried: where it names the place or the orientation
//! cannot be told without reading all of its vocabularies.

mod exif;
mod files;

use crate::{Error, Output, Parameters};

/// The output parameter, for the schemas of the formats that can hold Exif.
macro_rules! schema {
    () => {
        r#"{
      "description": "What is carried over of the file's Exif: none, its artist and copyright, all but the place and the maker's own notes (keep), or the place too (keep-place). Orientation is always upright in the result; previews and XMP are never carried over, colour profiles always are.",
      "type": "string", "enum": ["none", "copyright", "keep", "keep-place"], "default": "none"
    }"#
    };
}
pub(crate) use schema;

/// What is wanted of the input's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Copyright,
    AllButPlace,
    All,
}

impl Wish {
    /// From a format's parameters. A format that can hold nothing has no such
    /// parameter in its schema.
    pub(crate) fn read(parameters: &Parameters) -> Result<Self, Error> {
        let choices = [
            ("none", Self::Nothing),
            ("copyright", Self::Copyright),
            ("keep", Self::AllButPlace),
            ("keep-place", Self::All),
        ];
        Ok(parameters.choice("metadata", &choices)?.unwrap_or(Self::Nothing))
    }

    /// What of a file is to be carried over. Damaged metadata doesn't spoil a
    /// picture: there is none, then.
    pub(crate) fn of(self, file: &[u8]) -> Carried {
        let exif = match self {
            Self::Nothing => None,
            wish => files::exif(file).and_then(|block| exif::rewritten(block, wish)),
        };
        Carried { exif }
    }
}

/// What is put into each result.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carried {
    exif: Option<Vec<u8>>,
}

impl Carried {
    pub(crate) fn put_into(&self, output: Output) -> Output {
        let Some(exif) = &self.exif else { return output };
        let with = files::with_exif(output.format, &output.bytes, exif);
        Output { bytes: with.unwrap_or(output.bytes), ..output }
    }
}
