//! What can go wrong with a picture, worded for the client who sent it.
//!
//! Texts say what is wrong and what would be right. They must never carry
//! anything of the inside: no paths, no type names of ours.

use crate::Format;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes begin like no format we read.
    #[error("The data are in none of the known formats: {}.", Format::names())]
    UnknownFormat,

    /// The bytes begin like a picture and are damaged or end early.
    #[error("The {format} data are damaged: {reason}.")]
    Damaged {
        /// What the bytes begin like.
        format: Format,
        /// The decoder's own words.
        reason: String,
    },

    /// A legitimate variant of the format that cannot be read here.
    #[error("This kind of {format} cannot be read: {reason}.")]
    Unsupported {
        /// What the bytes begin like.
        format: Format,
        /// Which variant.
        reason: String,
    },

    /// A parameter that cannot be honoured.
    #[error("{parameter}: {reason}.")]
    InvalidParameter {
        /// The parameter's name, or the operation's where several are at odds.
        parameter: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },

    /// A picture that came along cannot be used.
    #[error("{parameter}: {cause}")]
    Attachment {
        /// The name of the parameter that refers to it.
        parameter: &'static str,
        /// What is wrong with it.
        cause: Box<Error>,
    },

    /// No operation of this name.
    #[error("There is no operation {0:?}.")]
    UnknownOperation(String),

    /// A media type that cannot be written.
    #[error("{media_type:?} cannot be written; {} can.", Format::media_types())]
    UnknownTarget {
        /// What was asked for.
        media_type: String,
    },

    /// The picture or its result passes a limit.
    #[error("{subject} is {found}; the limit is {limit}.")]
    TooLarge {
        /// What was measured, with its unit.
        subject: &'static str,
        /// How much it is.
        found: u64,
        /// How much it may be.
        limit: u64,
    },

    /// An encoder refused.
    #[error("The {format} could not be written: {reason}.")]
    Encoding {
        /// The format of the result.
        format: Format,
        /// The encoder's own words.
        reason: String,
    },

    /// A step of the work that should not be able to fail did.
    #[error("The picture could not be processed: {0}.")]
    Processing(String),

    /// The observer asked to stop.
    #[error("Cancelled.")]
    Cancelled,
}

/// The four sorts of failure that a plugin can tell its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bytes are no readable picture.
    InvalidImage,
    /// A parameter is impossible.
    InvalidParameters,
    /// A limit is passed.
    TooLarge,
    /// Anything else.
    Failed,
}

impl Error {
    /// Which sort of failure this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::UnknownFormat | Self::Damaged { .. } | Self::Unsupported { .. } => Kind::InvalidImage,
            Self::InvalidParameter { .. } | Self::UnknownOperation(_) | Self::UnknownTarget { .. } => {
                Kind::InvalidParameters
            }
            // The picture itself is good; what is wrong is what was asked to be done with it.
            Self::Attachment { cause, .. } => match cause.kind() {
                Kind::InvalidImage => Kind::InvalidParameters,
                kind => kind,
            },
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Encoding { .. } | Self::Processing(_) | Self::Cancelled => Kind::Failed,
        }
    }

    pub(crate) fn damaged(format: Format, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { format, reason: sentence(reason) }
    }

    pub(crate) fn unsupported(format: Format, reason: impl std::fmt::Display) -> Self {
        Self::Unsupported { format, reason: sentence(reason) }
    }

    pub(crate) fn encoding(format: Format, reason: impl std::fmt::Display) -> Self {
        Self::Encoding { format, reason: sentence(reason) }
    }

    pub(crate) fn parameter(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::InvalidParameter { parameter, reason: reason.into() }
    }
}

/// Codecs end their messages with a full stop or without; ours are embedded in
/// a sentence that brings its own.
fn sentence(reason: impl std::fmt::Display) -> String {
    let text = reason.to_string();
    text.trim().trim_matches('"').trim_end_matches('.').to_owned()
}
