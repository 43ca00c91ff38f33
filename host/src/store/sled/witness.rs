//! A witness of what is durable, outside of sled.
//!
//! sled recovers from a damaged end of its log by dropping it, without a word. So every group commit
//! has a number: it is written into sled with the rest, and once all is durable into this file. A
//! store that knows fewer commits than its witness has lost some, and must not go on as if nothing
//! had happened.
//!
//! The file is not synced: what a power cut takes from it makes it testify to less, never to more
//! than was durable.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug)]
pub(super) struct Witness {
    file: File,
    path: PathBuf,
}

/// The number and its complement: what is half written testifies to nothing.
const LENGTH: usize = 16;

impl Witness {
    /// Opens the witness of the store in `folder`, or makes it, with the number of the last commit that
    /// it saw.
    pub(super) fn open(folder: &Path) -> io::Result<(Self, u64)> {
        let path = folder.join("durable");
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        let mut bytes = [0; LENGTH];
        let seen = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {
                let word = u128::from_be_bytes(bytes);
                let (number, complement) = ((word >> 64) as u64, word as u64);
                if number == !complement { number } else { 0 }
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(error),
        };
        Ok((Self { file, path }, seen))
    }

    /// Notes that commit `number` and all before it are durable.
    pub(super) fn saw(&self, number: u64) -> io::Result<()> {
        let word = (u128::from(number) << 64) | u128::from(!number);
        self.file.write_all_at(&word.to_be_bytes(), 0)
    }

    /// Forgets what it saw, because the operator goes on without what was lost.
    pub(super) fn forget(folder: &Path) -> io::Result<()> {
        match fs::remove_file(folder.join("durable")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_witness_remembers_the_last_number_and_nothing_half_written() {
        let dir = tempfile::tempdir().unwrap();
        let (witness, seen) = Witness::open(dir.path()).unwrap();
        assert_eq!(seen, 0);
        witness.saw(7).unwrap();
        witness.saw(u64::MAX - 1).unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().1, u64::MAX - 1);

        let whole = fs::read(witness.path()).unwrap();
        fs::write(witness.path(), &whole[..9]).unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().1, 0);
        fs::write(witness.path(), [&whole[..8], &[0; 8]].concat()).unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().1, 0);
        Witness::forget(dir.path()).unwrap();
        Witness::forget(dir.path()).unwrap();
        assert_eq!(Witness::open(dir.path()).unwrap().1, 0);
    }
}
