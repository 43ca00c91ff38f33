//! Why a plugin has no result.

use std::fmt;

use crate::bindings::tintype::plugin::types as wit;

/// Why there is no result. The client reads the text, cut at 1 KiB: say what is
/// wrong and what would be right, and nothing of the plugin's inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The bytes are no image, are damaged, or are in a format that this plugin
    /// doesn't know.
    InvalidImage(String),
    /// A value that passed the JSON Schema and is impossible all the same.
    InvalidParameters(String),
    /// The picture, or the result it would have, passes one of the
    /// [`limits()`](crate::limits). Say which limit and its value.
    TooLarge(String),
    /// Anything else.
    Failed(String),
}

impl Failure {
    /// The bytes cannot be read as a picture.
    pub fn invalid_image(text: impl Into<String>) -> Self {
        Self::InvalidImage(text.into())
    }

    /// A parameter is impossible.
    pub fn invalid_parameters(text: impl Into<String>) -> Self {
        Self::InvalidParameters(text.into())
    }

    /// A limit is passed.
    pub fn too_large(text: impl Into<String>) -> Self {
        Self::TooLarge(text.into())
    }

    /// Anything else.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// What the client reads.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::InvalidImage(text)
            | Self::InvalidParameters(text)
            | Self::TooLarge(text)
            | Self::Failed(text) => text,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl std::error::Error for Failure {}

/// So that `?` works on functions that fail with mere text.
impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Failed(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Failed(text.to_owned())
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InvalidImage(text) => Self::InvalidImage(text),
            Failure::InvalidParameters(text) => Self::InvalidParameters(text),
            Failure::TooLarge(text) => Self::TooLarge(text),
            Failure::Failed(text) => Self::Failed(text),
        }
    }
}
