//! Where encoders write: memory that refuses to grow past the permitted output.
//!
//! Without it an encoder would fill the sandbox before anybody compares sizes.

use std::io::{Cursor, Error as IoError, Seek, SeekFrom, Write};

use crate::limits::at_most;
use crate::{Error, Format, Limits};

/// The first room for a file. It grows by a quarter: where it cannot grow in
/// place the old one and the new are in memory together, and doubling would
/// take three times the file.
const LEAST_ROOM: usize = 64 << 10;

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
        let file = self.bytes.get_mut();
        let end = usize::try_from(end).map_err(IoError::other)?;
        if end > file.capacity() {
            let room = end.max(file.capacity() + file.capacity() / 4).max(LEAST_ROOM);
            file.reserve_exact(room - file.len());
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
