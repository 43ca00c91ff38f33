//! A file of the journal: entries one after the other, each a blob and its key, from the beginning of the
//! file to the first that is not whole or was written in an earlier round.
//!
//! A file is written over again and again. So it stops growing, and a sync of it is one write to the disk
//! and no change of the file system's own tables.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::blob::BlobKey;

/// Entries begin at multiples of this, the largest sector of common disks: what is written later never
/// touches a sector with what was durable before.
const SECTOR: usize = 4096;

/// Up to this size a file is filled. Both files together are what a start after a crash reads at most, in
/// some tenths of a second.
pub(super) const CAPACITY: u64 = 32 << 20;

/// What an entry begins with.
const MARK: [u8; 8] = *b"tintype\x01";
/// Mark, round, length of the key, length of the bytes, CRC-32 of all the rest with the key and the bytes.
const HEADER: usize = 8 + 8 + 4 + 4 + 4;

/// See the module.
#[derive(Debug)]
pub(super) struct Segment {
    file: File,
    /// Every time that it is written from its beginning is a round with a number of its own.
    round: u64,
    /// Bytes of this round.
    end: u64,
}

/// A blob that was found in the journal.
pub(super) struct Entry {
    pub(super) key: BlobKey,
    pub(super) bytes: Vec<u8>,
}

impl Segment {
    /// Opens the file, or makes it, and reads what is in it.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Vec<Entry>)> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut segment = Self { file, round: 0, end: 0 };
        let mut header = [0; HEADER];
        if segment.read(&mut header, 0)? {
            // Known even if nothing is left of it, so that no number is used twice.
            segment.round = Header::parse(&header).map_or(0, |header| header.round);
        }
        let mut entries = vec![];
        while let Some((round, entry, end)) = segment.entry_at(segment.end)? {
            // What follows the last entry of a round is of an earlier one.
            if round != segment.round {
                break;
            }
            segment.end = end;
            entries.push(entry);
        }
        Ok((segment, entries))
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.end == 0
    }

    pub(super) fn round(&self) -> u64 {
        self.round
    }

    /// Whether there is room for another so many bytes, which [`encode`] gave.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        // An empty one takes whatever comes.
        self.end == 0 || self.end + bytes as u64 <= CAPACITY
    }

    /// Begins a round at the beginning: what was in the file counts no more once the next entry is there.
    pub(super) fn begin(&mut self, round: u64) {
        (self.round, self.end) = (round, 0);
    }

    /// Forgets what is in the file. Not durably, and it need not be: to write blobs once more does no harm.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.end = 0;
        // The header of an entry that is none: no key is empty.
        let mut header = [0; HEADER];
        for (place, byte) in header.iter_mut().zip(MARK.into_iter().chain(self.round.to_le_bytes())) {
            *place = byte;
        }
        self.file.write_all_at(&header, 0)
    }

    /// Adds what [`encode`] gave, durably.
    pub(super) fn append(&mut self, encoded: &[u8]) -> io::Result<()> {
        self.file.write_all_at(encoded, self.end)?;
        self.file.sync_data()?;
        self.end += encoded.len() as u64;
        Ok(())
    }

    pub(super) fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// The entry at an offset, its round, and where it ends; none if there is none.
    fn entry_at(&self, at: u64) -> io::Result<Option<(u64, Entry, u64)>> {
        let mut header = [0; HEADER];
        if !self.read(&mut header, at)? {
            return Ok(None);
        }
        let Some(Header { round, key, bytes, crc }) = Header::parse(&header) else { return Ok(None) };
        let length = key.saturating_add(bytes);
        if length as u64 > CAPACITY {
            return Ok(None);
        }
        let mut content = vec![0; length];
        if !self.read(&mut content, at + HEADER as u64)? || checksum(&header, &content) != crc {
            return Ok(None);
        }
        let bytes = content.split_off(key);
        let Some(key) = std::str::from_utf8(&content).ok().and_then(BlobKey::parse) else { return Ok(None) };
        let end = at + (HEADER + length).next_multiple_of(SECTOR) as u64;
        Ok(Some((round, Entry { key, bytes }, end)))
    }

    /// Whether there was as much to read.
    fn read(&self, buffer: &mut [u8], at: u64) -> io::Result<bool> {
        match self.file.read_exact_at(buffer, at) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Adds an entry to what is to be appended.
pub(super) fn encode(into: &mut Vec<u8>, round: u64, key: BlobKey, bytes: &[u8]) {
    let key = key.to_string();
    let begin = into.len();
    into.extend(MARK);
    into.extend(round.to_le_bytes());
    // A key has some 60 bytes, and a blob is small.
    into.extend((key.len() as u32).to_le_bytes());
    into.extend((bytes.len() as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(into.get(begin..).unwrap_or_default());
    crc.update(key.as_bytes());
    crc.update(bytes);
    into.extend(crc.finalize().to_le_bytes());
    into.extend(key.as_bytes());
    into.extend(bytes);
    into.resize(into.len().next_multiple_of(SECTOR), 0);
}

/// How many bytes [`encode`] adds at most for a blob of this size.
pub(super) fn encoded_size(bytes: usize) -> usize {
    /// Longer than the text of any key.
    const LONGEST_KEY: usize = 128;
    (HEADER + LONGEST_KEY + bytes).next_multiple_of(SECTOR)
}

struct Header {
    round: u64,
    key: usize,
    bytes: usize,
    crc: u32,
}

impl Header {
    fn parse(header: &[u8; HEADER]) -> Option<Self> {
        let rest = header.strip_prefix(&MARK)?;
        let (round, rest) = rest.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_first_chunk::<4>()?;
        let (bytes, rest) = rest.split_first_chunk::<4>()?;
        let crc = rest.first_chunk::<4>()?;
        let length = |bytes: &[u8; 4]| usize::try_from(u32::from_le_bytes(*bytes)).ok();
        Some(Self {
            round: u64::from_le_bytes(*round),
            key: length(key)?,
            bytes: length(bytes)?,
            crc: u32::from_le_bytes(*crc),
        })
    }
}

fn checksum(header: &[u8; HEADER], content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(header.get(..HEADER - 4).unwrap_or_default());
    crc.update(content);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::blob::Part;
    use crate::id::IdSource;

    fn key(ids: &IdSource) -> BlobKey {
        BlobKey { task: ids.next(), part: Part::Result { attempt: 1, number: 16 } }
    }

    fn entries(path: &Path) -> Vec<(BlobKey, Vec<u8>)> {
        Segment::open(path).unwrap().1.into_iter().map(|entry| (entry.key, entry.bytes)).collect()
    }

    #[test]
    fn what_was_appended_is_found_and_a_new_round_hides_the_last() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0");
        let ids = IdSource::after(None);
        let (mut segment, found) = Segment::open(&path).unwrap();
        assert!(found.is_empty());
        let first: Vec<(BlobKey, Vec<u8>)> =
            [0, 1, 4095, 9000].map(|size| (key(&ids), vec![7; size])).to_vec();
        segment.begin(3);
        let mut group = vec![];
        for (key, bytes) in &first {
            let before = group.len();
            encode(&mut group, 3, *key, bytes);
            assert!(group.len() - before <= encoded_size(bytes.len()));
        }
        segment.append(&group).unwrap();
        assert_eq!(entries(&path), first);

        let (mut segment, _) = Segment::open(&path).unwrap();
        assert_eq!((segment.round(), segment.end), (3, group.len() as u64));
        segment.begin(5);
        let second = (key(&ids), b"the second round".to_vec());
        group.clear();
        encode(&mut group, 5, second.0, &second.1);
        segment.append(&group).unwrap();
        assert_eq!(entries(&path), [second], "the rest is still there, and of an earlier round");

        segment.forget().unwrap();
        let (segment, found) = Segment::open(&path).unwrap();
        assert!(found.is_empty() && segment.is_empty());
        assert_eq!(segment.round(), 5, "its number is not used again");
    }

    #[test]
    fn an_entry_that_is_not_whole_ends_what_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0");
        let ids = IdSource::after(None);
        let (mut segment, _) = Segment::open(&path).unwrap();
        let mut group = vec![];
        encode(&mut group, 1, key(&ids), &[1; 5000]);
        let second = group.len();
        encode(&mut group, 1, key(&ids), &[2; 5000]);
        segment.begin(1);
        segment.append(&group).unwrap();
        assert_eq!(entries(&path).len(), 2);
        // In its mark, its round, its lengths, its CRC, its key, its bytes.
        for at in [0, 9, 17, 21, 25, 30, 200] {
            let mut damaged = group.clone();
            damaged[second + at] ^= 1;
            std::fs::write(&path, &damaged).unwrap();
            assert_eq!(entries(&path).len(), 1, "{at}");
        }
        for length in [0, HEADER - 1, second - 4000, second, second + HEADER, group.len() - 4096] {
            std::fs::write(&path, &group[..length]).unwrap();
            assert!(entries(&path).len() < 2, "{length}");
        }
    }
}
