//! The journal that `tests/faults/shim.c` writes: everything done to a server's files, in its order.

/// One line of it. Paths are below the server's folder.
#[allow(missing_docs)] // the fields say what they are
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An empty file was made. Numbers of inodes are used again once their file is gone.
    Created { inode: u64, path: String },
    /// A folder was made.
    FolderMade { path: String },
    /// Bytes were written.
    Written { inode: u64, offset: u64, bytes: Vec<u8> },
    /// A file was cut off, or made longer.
    Resized { inode: u64, size: u64 },
    /// All of a file is on the disk.
    Synced { inode: u64, path: String },
    /// All names in a folder are on the disk.
    FolderSynced { path: String },
    /// Everything is on the disk, as far as it had been done.
    AllSynced,
    /// A file or folder has another name.
    Renamed { from: String, to: String },
    /// A name is gone.
    Removed { path: String },
    /// An answer was sent.
    Said(Vec<u8>),
    /// A rule was followed.
    Fault { kind: char, path: String },
    /// Something that the journal has no words for.
    Unknown { path: String },
}

/// Reads the journal. What a killed server did not finish writing is nothing.
///
/// # Panics
/// It is no journal.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Entry> {
    let mut reader = Reader(bytes);
    std::iter::from_fn(|| reader.entry()).collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn entry(&mut self) -> Option<Entry> {
        let kind = self.take(1)?[0];
        let (inode, offset) = (self.u64()?, self.u64()?);
        let (path, target, size) = (self.length()?, self.length()?, self.length()?);
        let (path, to) = (text(self.take(path)?), text(self.take(target)?));
        let bytes = self.take(size)?.to_vec();
        Some(match kind {
            b'C' => Entry::Created { inode, path },
            b'D' => Entry::FolderMade { path },
            b'W' => Entry::Written { inode, offset, bytes },
            b'T' => Entry::Resized { inode, size: offset },
            b'S' => Entry::Synced { inode, path },
            b'F' => Entry::FolderSynced { path },
            b'A' => Entry::AllSynced,
            b'R' => Entry::Renamed { from: path, to },
            b'U' | b'X' => Entry::Removed { path },
            b'M' => Entry::Said(bytes),
            b'!' => Entry::Fault { kind: char::from(bytes[0]), path },
            b'?' => Entry::Unknown { path },
            other => panic!("{other} is no kind of a journal's line"),
        })
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8).map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
    }

    fn length(&mut self) -> Option<usize> {
        self.take(4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
