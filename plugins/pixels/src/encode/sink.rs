//! Where encoders write: memory that refuses to grow past the permitted output.
//!
//! Without it an encoder would fill the sandbox before anybody compares sizes.

use std::io::{Cursor, Error as IoError, Seek, SeekFrom, Write};

use crate::limits::at_most;
use crate::{Error, Format, Limits};

#[derive(Debug)]
pub(super) struct Sink {
    bytes: Cursor<Vec<u8>>,
    limit: u64,
    /// How large the output wanted to be when it was refused.
    refused: Option<u64>,
}

impl Sink {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { bytes: Cursor::default(), limit: limits.max_output_bytes, refused: None }
    }

    /// Whether this is why an encoder failed.
    pub(super) fn refusal(&self) -> Option<Error> {
        let size = self.refused?;
        at_most("The encoded result in bytes, at least,", size, self.limit).err()
    }

    /// The file, once its encoder has come to an end of one kind or the other.
    pub(super) fn finish<E: std::fmt::Display>(
        self,
        format: Format,
        outcome: Result<(), E>,
    ) -> Result<Vec<u8>, Error> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        outcome.map_err(|error| Error::encoding(format, error))?;
        Ok(self.bytes.into_inner())
    }
}

impl Write for Sink {
    fn write(&mut self, data: &[u8]) -> Result<usize, IoError> {
        let end = self.bytes.position().saturating_add(data.len() as u64);
        if end > self.limit {
            self.refused = Some(end);
            return Err(IoError::other("the result is too large"));
        }
        self.bytes.write(data)
    }

    fn flush(&mut self) -> Result<(), IoError> {
        Ok(())
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> Result<u64, IoError> {
        self.bytes.seek(to)
    }
}
