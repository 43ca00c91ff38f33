//! What can be wrong with a JPEG file.

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes stop before the picture does.
    #[error("they end early")]
    Truncated,

    /// The bytes cannot be what a JPEG encoder wrote.
    #[error("{0}")]
    Damaged(&'static str),

    /// A kind of JPEG that hardly anybody writes.
    #[error("{0}")]
    Unsupported(&'static str),
}
