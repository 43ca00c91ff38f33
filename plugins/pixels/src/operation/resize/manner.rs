//! How a picture is brought to a size, whichever size that is: the parameters
//! that `resize` and `thumbnails` have in common, each with its JSON Schema.

use super::kernel::{KERNELS, Kernel};
use crate::operation::focus::Focus;
use crate::{Error, Parameters};

macro_rules! fit_schema {
    ($default:literal) => {
        concat!(
            r#"{
      "description": "What to do where the aspect ratios differ. cover: fill the rectangle and cut off what sticks out. contain: fit inside and fill the rest with the background. fill: stretch. inside: as large as fits inside. outside: as small as covers it.",
      "type": "string", "enum": ["cover", "contain", "fill", "inside", "outside"], "default": "#,
            $default,
            "\n    }"
        )
    };
}

macro_rules! gravity_schema {
    () => {
        concat!(
            r#"{
      "description": "Which part remains with cover, and where the picture lies with contain. entropy looks for the part with most detail, attention for the one that the eye goes to first; with contain they are the centre.",
      "type": "string",
      "enum": "#,
            $crate::operation::focus::focus_names!(),
            r#",
      "default": "centre"
    }"#
        )
    };
}

macro_rules! background_schema {
    () => {
        r##"{
      "description": "What contain fills the rest with: #rrggbb or #rrggbbaa. Without it transparent for pictures with an alpha channel, else black.",
      "type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"
    }"##
    };
}

macro_rules! kernel_schema {
    () => {
        r#"{
      "description": "How new pixels are computed from old ones. lanczos3 is sharpest, nearest keeps the pixels of pixel art.",
      "type": "string",
      "enum": ["nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3"],
      "default": "lanczos3"
    }"#
    };
}

macro_rules! enlarge_schema {
    ($default:literal) => {
        concat!(
            r#"{
      "description": "Whether the picture may become larger than it is. With false, a small one stays as it is: cover, fill, inside and outside then give less than asked for, and contain more background.",
      "type": "boolean", "default": "#,
            $default,
            "\n    }"
        )
    };
}

pub(crate) use {background_schema, enlarge_schema, fit_schema, gravity_schema, kernel_schema};

/// How a picture is brought to a size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) fit: Fit,
    pub(crate) gravity: Focus,
    pub(crate) background: Option<[u8; 4]>,
    pub(crate) kernel: Kernel,
    pub(crate) enlarge: bool,
}

/// What to do where the aspect ratios differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    Cover,
    Contain,
    Fill,
    Inside,
    Outside,
}

const FITS: [(&str, Fit); 5] = [
    ("cover", Fit::Cover),
    ("contain", Fit::Contain),
    ("fill", Fit::Fill),
    ("inside", Fit::Inside),
    ("outside", Fit::Outside),
];

impl Manner {
    /// What is not among the parameters is as `otherwise` has it.
    pub(crate) fn read(parameters: &Parameters, otherwise: Self) -> Result<Self, Error> {
        Ok(Self {
            fit: parameters.choice("fit", &FITS)?.unwrap_or(otherwise.fit),
            gravity: Focus::read(parameters)?.unwrap_or(otherwise.gravity),
            background: parameters.color("background")?.or(otherwise.background),
            kernel: parameters.choice("kernel", &KERNELS)?.unwrap_or(otherwise.kernel),
            enlarge: parameters.boolean("enlarge")?.unwrap_or(otherwise.enlarge),
        })
    }
}
