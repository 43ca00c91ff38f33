//! The bytes of a file, given out piece by piece.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::{BlobStream, PIECE};

/// A file that is given out, with its first piece: whoever cannot be read at all shall fail before an answer
/// has begun.
pub(super) struct Opened {
    file: File,
    first: Bytes,
    left: u64,
}

impl Opened {
    /// Begins with a range of `file`. Blocks.
    pub(super) fn at(mut file: File, range: Range<u64>) -> io::Result<Self> {
        file.seek(SeekFrom::Start(range.start))?;
        let mut left = range.end - range.start;
        let first = next_piece(&mut file, &mut left)?;
        Ok(Self { file, first, left })
    }

    /// All of the range.
    pub(super) fn stream(self) -> BlobStream {
        let Self { file, first, left } = self;
        let rest = stream::try_unfold((file, left), move |(mut file, mut left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let read = move || next_piece(&mut file, &mut left).map(|piece| (piece, (file, left)));
            tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?.map(Some)
        });
        Box::pin(stream::iter([Ok(first)]).chain(rest))
    }
}

fn next_piece(file: &mut File, left: &mut u64) -> io::Result<Bytes> {
    let wanted = usize::try_from(*left).unwrap_or(PIECE).min(PIECE);
    let mut piece = vec![0; wanted];
    file.read_exact(&mut piece)?;
    *left -= wanted as u64;
    Ok(piece.into())
}
