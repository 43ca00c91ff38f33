//! Exif, written anew with less in it: a small TIFF file of directories
//! (Exif 2.32, section 4.6).
//!
//! A directory whose entries were only erased in place would still hold their
//! values, for anybody who looks.

use super::Wish;

const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013B;
const COPYRIGHT: u16 = 0x8298;
/// Entries that say where a further directory is.
const EXIF: u16 = 0x8769;
const PLACE: u16 = 0x8825;

/// Of the first directory: description, maker, model, resolution with its unit,
/// software, time, artist, copyright. The others describe how pixels are stored.
const OF_THE_PICTURE: [u16; 10] =
    [0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, ARTIST, COPYRIGHT];

/// Of the second: what no longer holds, or holds only where it stood. Width and
/// height, the maker's notes, which count from the old block's beginning, and
/// where a directory on interoperability is.
const NOT_OF_THE_SHOT: [u16; 4] = [0xA002, 0xA003, 0x927C, 0xA005];

const SHORT: u16 = 3;
const LONG: u16 = 4;
const ENTRY: usize = 12;

/// A segment of a JPEG holds no more.
const MOST: usize = 65_000;

/// What is wanted of a block; `None`, if that is nothing or the block is damaged.
pub(super) fn rewritten(block: &[u8], wish: Wish) -> Option<Vec<u8>> {
    let tiff = Tiff::open(block)?;
    let first = tiff.directory(tiff.long(4)? as usize);
    let mut picture: Vec<Entry> =
        first.iter().filter(|entry| OF_THE_PICTURE.contains(&entry.tag)).cloned().collect();
    let (mut shot, mut place) = (vec![], vec![]);
    if wish == Wish::Copyright {
        picture.retain(|entry| matches!(entry.tag, ARTIST | COPYRIGHT));
        if picture.is_empty() {
            return None;
        }
    } else {
        shot = tiff.pointed_at(&first, EXIF);
        shot.retain(|entry| !NOT_OF_THE_SHOT.contains(&entry.tag));
        if wish == Wish::All {
            place = tiff.pointed_at(&first, PLACE);
        }
        picture.push(Entry { tag: ORIENTATION, kind: SHORT, count: 1, value: tiff.short_bytes(1).to_vec() });
    }
    let written = tiff.write(picture, &[(EXIF, shot), (PLACE, place)])?;
    (written.len() <= MOST).then_some(written)
}

#[derive(Debug, Clone)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// As in the file, in its byte order.
    value: Vec<u8>,
}

/// A block, read and written in its own byte order.
struct Tiff<'a> {
    bytes: &'a [u8],
    little_endian: bool,
}

impl<'a> Tiff<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let little_endian = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little_endian })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn short_bytes(&self, value: u16) -> [u8; 2] {
        if self.little_endian { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    fn long_bytes(&self, value: u32) -> [u8; 4] {
        if self.little_endian { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    /// The entries of a directory that are whole, as far as there is room for them.
    fn directory(&self, at: usize) -> Vec<Entry> {
        let count = self.short(at).unwrap_or(0);
        // Thousands of entries may point at one large value.
        let mut room = MOST;
        let mut fits = |entry: &Entry| {
            let fits = entry.value.len() <= room;
            room -= if fits { entry.value.len() } else { 0 };
            fits
        };
        (0..usize::from(count))
            .filter_map(|index| self.entry(at.checked_add(2 + index * ENTRY)?))
            .filter(|entry| fits(entry))
            .collect()
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        // An entry that begins within the block ends far below what a number can hold.
        let (tag, kind, count) = (self.short(at)?, self.short(at + 2)?, self.long(at + 4)?);
        // Bytes of a value of each type, from 1.
        let size = match kind {
            1 | 2 | 6 | 7 => 1,
            SHORT | 8 => 2,
            LONG | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        };
        let length = (count as usize).checked_mul(size)?;
        // Four bytes stand in the entry itself, more where it points.
        let from = if length <= 4 { at + 8 } else { self.long(at + 8)? as usize };
        let value = self.bytes.get(from..from.checked_add(length)?).filter(|value| value.len() <= MOST)?;
        Some(Entry { tag, kind, count, value: value.to_vec() })
    }

    fn pointed_at(&self, directory: &[Entry], tag: u16) -> Vec<Entry> {
        let pointer = directory.iter().find(|entry| entry.tag == tag && entry.kind == LONG);
        let offset = pointer.and_then(|entry| Tiff { bytes: &entry.value, ..*self }.long(0));
        offset.map_or(vec![], |at| self.directory(at as usize))
    }

    /// One directory and those that it points at, as a block of its own.
    fn write(&self, mut first: Vec<Entry>, others: &[(u16, Vec<Entry>)]) -> Option<Vec<u8>> {
        const FIRST: usize = 8;
        let others = || others.iter().filter(|(_, entries)| !entries.is_empty());
        let pointer = |tag| Entry { tag, kind: LONG, count: 1, value: vec![0; 4] };
        first.extend(others().map(|(tag, _)| pointer(*tag)));
        let mut at = FIRST + length(&first);
        for (tag, entries) in others() {
            if let Some(entry) = first.iter_mut().find(|entry| entry.tag == *tag) {
                entry.value = self.long_bytes(u32::try_from(at).ok()?).to_vec();
            }
            at += length(entries);
        }
        let mut block = self.bytes.get(..4)?.to_vec();
        block.extend(self.long_bytes(FIRST as u32));
        self.write_directory(&mut block, first)?;
        for (_, entries) in others() {
            self.write_directory(&mut block, entries.clone())?;
        }
        Some(block)
    }

    fn write_directory(&self, block: &mut Vec<u8>, mut entries: Vec<Entry>) -> Option<()> {
        // Readers may search.
        entries.sort_by_key(|entry| entry.tag);
        let mut values = vec![];
        let values_at = block.len() + 2 + entries.len() * ENTRY + 4;
        block.extend(self.short_bytes(u16::try_from(entries.len()).ok()?));
        for Entry { tag, kind, count, mut value } in entries {
            block.extend(self.short_bytes(tag));
            block.extend(self.short_bytes(kind));
            block.extend(self.long_bytes(count));
            if value.len() <= 4 {
                value.resize(4, 0);
                block.extend(value);
            } else {
                block.extend(self.long_bytes(u32::try_from(values_at + values.len()).ok()?));
                value.resize(value.len().next_multiple_of(2), 0);
                values.extend(value);
            }
        }
        // No directory follows: the next would be of the preview.
        block.extend([0; 4]);
        block.extend(values);
        Some(())
    }
}

/// Bytes that a directory takes, with its values.
fn length(entries: &[Entry]) -> usize {
    let values = entries.iter().map(|entry| entry.value.len()).filter(|length| *length > 4);
    2 + entries.len() * ENTRY + 4 + values.map(|length| length.next_multiple_of(2)).sum::<usize>()
}
