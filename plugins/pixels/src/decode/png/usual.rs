//! The PNG that nearly everybody writes: RGB or RGBA of 8 bits, a row after the
//! other.
//!
//! After inflating, most of the time goes into Paeth's filter, where each pixel
//! waits for the one to its left; here all channels of a pixel are computed at
//! once. Must never say what is wrong with a file: what isn't read here to its
//! end is read again by the crate, which knows.

use fdeflate::Decompressor;
use tintype_lanes::Eight;

use crate::Channels;

/// The signature (PNG specification, section 5.2).
const START: usize = 8;
/// How far back a deflated stream may refer (RFC 1951, section 2).
const WINDOW: usize = 32 << 10;
/// What is inflated at a time: it stays in the processor's second cache.
const ROOM: usize = 128 << 10;
/// Pixels of one turn of a loop. The sandbox looks at its clock at every turn: with turns of one pixel that
/// took a sixth of the time of decoding. Turns of eight are no faster than those of one.
const TURN: usize = 4;

/// Reads all rows into `samples`, which has room for exactly those; `None` if
/// that did not go well.
pub(super) fn read(file: &[u8], channels: Channels, width: u32, samples: &mut [u8]) -> Option<()> {
    match channels {
        Channels::Rgb => rows::<3>(file, width as usize, samples),
        Channels::Rgba => rows::<4>(file, width as usize, samples),
        Channels::Gray | Channels::GrayAlpha => None,
    }
}

fn rows<const N: usize>(file: &[u8], width: usize, samples: &mut [u8]) -> Option<()> {
    let stride = width.checked_mul(N)?;
    let nothing = vec![0; stride];
    let mut above = nothing.as_slice();
    let mut lines = samples.chunks_exact_mut(stride);
    // A filter's number, and the row.
    let length = stride + 1;
    let mut inflated = vec![0; WINDOW + length + ROOM];
    // What is before `done` is in its row already.
    let (mut done, mut end) = (0, 0);
    let mut inflater = Decompressor::new();
    // Each chunk has a checksum that says more.
    inflater.ignore_adler32();
    for data in Data::of(file) {
        let mut data = data?;
        loop {
            let (read, written) = inflater.read(data, &mut inflated, end, false).ok()?;
            data = data.get(read..)?;
            end += written;
            while let Some((filter, row)) =
                inflated.get(done..end)?.get(..length).and_then(<[u8]>::split_first)
            {
                let line = lines.next()?;
                unfilter::<N>(*filter, row, above, line)?;
                above = line;
                done += length;
            }
            if lines.len() == 0 && (inflater.is_done() || done < end) {
                // More than there are rows is not usual.
                return (done == end).then_some(());
            }
            if inflated.len() - end < ROOM {
                let kept = done.min(end.saturating_sub(WINDOW));
                inflated.copy_within(kept..end, 0);
                (done, end) = (done - kept, end - kept);
            }
            if data.is_empty() && written == 0 || inflater.is_done() {
                break;
            }
        }
    }
    None
}

/// The contents of a file's IDAT chunks, whose checksums are right.
struct Data<'a> {
    rest: &'a [u8],
}

impl<'a> Data<'a> {
    fn of(file: &'a [u8]) -> Self {
        Self { rest: file.get(START..).unwrap_or_default() }
    }

    /// The next chunk: its type and contents.
    fn chunk(&mut self) -> Option<(&'a [u8; 4], Option<&'a [u8]>)> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (checked, rest) = rest.split_at_checked(length.checked_add(4)?)?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        self.rest = rest;
        let (name, data) = checked.split_first_chunk::<4>()?;
        let is_whole = name != b"IDAT" || crc32fast::hash(checked) == u32::from_be_bytes(*sum);
        Some((name, is_whole.then_some(data)))
    }
}

impl<'a> Iterator for Data<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let (b"IDAT", data) = self.chunk()? {
                return Some(data);
            }
        }
    }
}

/// The row that was before it was filtered (section 9.2).
fn unfilter<const N: usize>(filter: u8, row: &[u8], above: &[u8], line: &mut [u8]) -> Option<()> {
    match filter {
        0 => line.copy_from_slice(row),
        1 => {
            let mut left = [0u8; N];
            each::<N>(row, above, line, |filtered, _| {
                left = std::array::from_fn(|at| filtered[at].wrapping_add(left[at]));
                left
            });
        }
        2 => {
            for ((sample, filtered), above) in line.iter_mut().zip(row).zip(above) {
                *sample = filtered.wrapping_add(*above);
            }
        }
        3 => {
            let mut left = [0u8; N];
            each::<N>(row, above, line, |filtered, above| {
                left = std::array::from_fn(|at| filtered[at].wrapping_add(left[at].midpoint(above[at])));
                left
            });
        }
        4 => {
            let (mut left, mut corner) = (Eight::of_bytes([0; 4]), Eight::of_bytes([0; 4]));
            each::<N>(row, above, line, |filtered, above| {
                let above = lanes(above);
                left = lanes(filtered).plus_modulo(left.foretold(above, corner));
                corner = above;
                let pixel = left.lower_bytes();
                std::array::from_fn(|at| pixel.get(at).copied().unwrap_or(0))
            });
        }
        _ => return None,
    }
    Some(())
}

/// Fills a line from what is in the same places of its filtered row and of the line above.
#[inline(always)]
fn each<const N: usize>(
    row: &[u8],
    above: &[u8],
    line: &mut [u8],
    mut one: impl FnMut(&[u8; N], &[u8; N]) -> [u8; N],
) {
    let (turns, last) = line.as_chunks_mut::<N>().0.as_chunks_mut::<TURN>();
    let (row_turns, row_last) = row.as_chunks::<N>().0.as_chunks::<TURN>();
    let (above_turns, above_last) = above.as_chunks::<N>().0.as_chunks::<TURN>();
    for ((places, row), above) in turns.iter_mut().zip(row_turns).zip(above_turns) {
        *places = std::array::from_fn(|at| one(&row[at], &above[at]));
    }
    for ((place, row), above) in last.iter_mut().zip(row_last).zip(above_last) {
        *place = one(row, above);
    }
}

#[inline(always)]
fn lanes<const N: usize>(pixel: &[u8; N]) -> Eight {
    Eight::of_bytes(std::array::from_fn(|at| pixel.get(at).copied().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use ::png::{BitDepth, ColorType, Encoder, Filter};

    use super::*;

    const FILTERS: [Filter; 6] =
        [Filter::NoFilter, Filter::Sub, Filter::Up, Filter::Avg, Filter::Paeth, Filter::Adaptive];

    fn samples(width: u32, height: u32, channels: Channels) -> Vec<u8> {
        let count = width as usize * height as usize * channels.count();
        (0..count).map(|at| (at * at / 7 + at / 3 * 11 % 40) as u8).collect()
    }

    fn file((width, height): (u32, u32), channels: Channels, filter: Filter, piece: usize) -> Vec<u8> {
        let mut file = vec![];
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(if channels.has_alpha() { ColorType::Rgba } else { ColorType::Rgb });
        encoder.set_depth(BitDepth::Eight);
        encoder.set_filter(filter);
        let mut writer = encoder.write_header().unwrap();
        let mut pieces = writer.stream_writer_with_size(piece).unwrap();
        pieces.write_all(&samples(width, height, channels)).unwrap();
        pieces.finish().unwrap();
        writer.finish().unwrap();
        file
    }

    fn room(width: u32, height: u32, channels: Channels) -> Vec<u8> {
        vec![0; width as usize * height as usize * channels.count()]
    }

    #[test]
    fn every_filter_is_undone_whatever_the_size_and_the_chunks() {
        for channels in [Channels::Rgb, Channels::Rgba] {
            for (width, height) in [(1, 1), (1, 9), (7, 3), (50_000, 3), (300, 700)] {
                for (filter, piece) in FILTERS.into_iter().flat_map(|filter| [(filter, 61), (filter, 9_000)])
                {
                    let file = file((width, height), channels, filter, piece);
                    let mut read_samples = room(width, height, channels);
                    assert_eq!(read(&file, channels, width, &mut read_samples), Some(()), "{filter:?}");
                    assert!(read_samples == samples(width, height, channels), "{filter:?} {width}x{height}");
                }
            }
        }
    }

    #[test]
    fn what_is_damaged_is_left_to_the_crate() {
        let (size, channels) = ((40, 30), Channels::Rgba);
        let file = file(size, channels, Filter::Paeth, 500);
        let mut room = room(size.0, size.1, channels);
        let mut read = |file: &[u8]| read(file, channels, size.0, &mut room);
        assert_eq!(read(&file), Some(()));
        // The last chunk is what ends a file; the one before has the end of the rows.
        for end in (0..file.len() - 12).step_by(13) {
            assert_eq!(read(&file[..end]), None, "{end}");
        }
        let start = file.windows(4).position(|name| name == b"IDAT").unwrap();
        for at in (start + 4..file.len() - 16).step_by(7) {
            let mut damaged = file.clone();
            damaged[at] ^= 4;
            assert_eq!(read(&damaged), None, "{at}");
        }
    }
}
