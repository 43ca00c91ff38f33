//! Bytes are served and worked on only if they are still those that were kept.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Seek as _};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::PIECE;
use crate::blob::{BlobKey, Expected};
use crate::digest::Digester;

/// Blobs whose verification is remembered: a client that fetches a large result range by range must
/// not make the server read all of it each time.
const MOST: usize = 1024;

/// Large blobs that were verified, with the file's time and size: a file that was touched since is
/// looked at again.
#[derive(Debug, Default)]
pub(super) struct Verified(Mutex<HashMap<BlobKey, Stamp>>);

type Stamp = (u64, Option<SystemTime>);

impl Verified {
    /// Whether all bytes of `file` are the expected ones. Leaves it at its beginning.
    pub(super) fn check(&self, key: BlobKey, file: &mut File, expected: &Expected) -> io::Result<bool> {
        let metadata = file.metadata()?;
        if metadata.len() != expected.size {
            return Ok(false);
        }
        let stamp = stamp(&metadata);
        if self.lock().get(&key) == Some(&stamp) {
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
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key, stamp);
        }
        Ok(good)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<BlobKey, Stamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.len(), metadata.modified().ok())
}
