//! Bytes are served and worked on only if they are still those that were kept.

use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::time::SystemTime;

use crate::blob::verified::Verified;
use crate::blob::{BlobKey, Expected, PIECE};
use crate::digest::Digester;

/// A file's size and time.
pub(super) type Stamp = (u64, Option<SystemTime>);

/// Whether all bytes of `file` are the expected ones. Leaves it at its beginning.
pub(super) fn check(
    verified: &Verified<Stamp>,
    key: BlobKey,
    file: &mut File,
    expected: &Expected,
) -> io::Result<bool> {
    let metadata = file.metadata()?;
    if metadata.len() != expected.size {
        return Ok(false);
    }
    let stamp = stamp(&metadata);
    if verified.stamp(key) == Some(stamp) {
        return Ok(true);
    }
    let mut digester = Digester::default();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            read => digester.update(piece.get(..read).unwrap_or_default()),
        }
    }
    file.rewind()?;
    let good = digester.finish() == expected.digest;
    if good {
        verified.remember(key, stamp);
    }
    Ok(good)
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}
