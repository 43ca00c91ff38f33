//! What comes of a picture: a picture again, or a document about it.

use crate::Output;

/// The media type of documents.
pub const DOCUMENT: &str = "application/json";

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Product {
    /// A file with a picture.
    Picture(Output),
    /// What is known about the picture, in JSON.
    Document(String),
}

impl Product {
    /// What the bytes are.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self {
            Self::Picture(output) => output.format.media_type(),
            Self::Document(_) => DOCUMENT,
        }
    }

    /// The whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Picture(output) => &output.bytes,
            Self::Document(text) => text.as_bytes(),
        }
    }

    /// The whole file, without copying it.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Picture(output) => output.bytes,
            Self::Document(text) => text.into_bytes(),
        }
    }
}
