//! What can go wrong with an AVIF, worded for the client who sent it.

use tintype_plugin::Failure;

/// Why there is no picture, or no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes begin like an AVIF and are damaged or end early.
    #[error("The AVIF data are damaged: {0}.")]
    Damaged(&'static str),
    /// A legitimate kind of AVIF that cannot be read here.
    #[error("This kind of AVIF cannot be read: {0}.")]
    Unsupported(&'static str),
    /// The picture passes a limit of the run.
    #[error("{subject} is {found}; the limit is {limit}.")]
    TooLarge {
        /// What was measured, with its unit.
        subject: &'static str,
        /// How much it is.
        found: u64,
        /// How much it may be.
        limit: u64,
    },
    /// The encoder refused.
    #[error("The AVIF could not be written: {0}.")]
    Encoding(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        match error {
            Error::Damaged(_) | Error::Unsupported(_) => Self::InvalidImage(text),
            Error::TooLarge { .. } => Self::TooLarge(text),
            Error::Encoding(_) => Self::Failed(text),
        }
    }
}
