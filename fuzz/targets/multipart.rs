//! A message means the same however it is cut into pieces, and what is kept of it between two
//! pieces is little.
//!
//! The input is three things: a line with the boundary, a line whose bytes are the lengths of the
//! pieces, over and over, and the message.
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicIsize, Ordering};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tintype_fuzz::multipart::{Boundary, Event, MultipartError, MultipartLimits, PartHeaders, Reader};

/// A header block of 8 KiB in a vector that doubles, a delimiter with its padding, a piece or two.
const MOST_HELD: isize = 32 << 10;

struct Counting;

static LIVE: AtomicIsize = AtomicIsize::new(0);

// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size().cast_signed(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size().cast_signed(), Ordering::Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let (Some(boundary), Some(cuts), Some(message)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let Ok(Ok(boundary)) = str::from_utf8(boundary).map(Boundary::new) else { return };
    let whole = read(&boundary, [message]);
    assert_eq!(whole, read(&boundary, message.chunks(1)), "byte by byte");
    assert_eq!(whole, read(&boundary, pieces(message, cuts)), "in pieces");
    measure(&boundary, pieces(message, cuts));
});

/// The message in pieces as long as `cuts` says; empty ones too.
fn pieces<'a>(message: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut cuts = cuts.iter().cycle();
    let mut rest = message;
    let mut empty = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = cuts.next().map_or(rest.len(), |cut| usize::from(*cut)).min(rest.len());
        // Lengths that are all 0 would never come to an end.
        empty = if length == 0 { empty + 1 } else { 0 };
        let length = if empty > 3 { rest.len() } else { length };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some(piece)
    })
}

type Parts = Vec<(PartHeaders, Vec<u8>)>;

fn read<'a>(
    boundary: &Boundary,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Parts, MultipartError> {
    let mut reader = Reader::new(boundary.clone(), MultipartLimits::default());
    let mut parts = Parts::new();
    let (mut open, mut ended) = (false, false);
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        loop {
            let event = match reader.next_event() {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    assert_eq!(reader.next_event(), Err(error.clone()), "a failure is for ever");
                    return Err(error);
                }
            };
            assert!(!ended, "{event:?} after the end");
            match event {
                Event::Part(headers) => {
                    assert!(!std::mem::replace(&mut open, true), "a part within a part");
                    parts.push((headers, vec![]));
                }
                Event::Data(data) => {
                    assert!(open && !data.is_empty());
                    parts.last_mut().expect("a part is open").1.extend_from_slice(&data);
                }
                Event::PartEnd => assert!(std::mem::replace(&mut open, false), "the end of no part"),
                Event::End => {
                    assert!(!open);
                    ended = true;
                }
            }
        }
    }
    reader.finish()?;
    assert!(ended && !parts.is_empty());
    Ok(parts)
}

fn measure<'a>(boundary: &Boundary, pieces: impl IntoIterator<Item = &'a [u8]>) {
    let before = LIVE.load(Ordering::Relaxed);
    let mut reader = Reader::new(boundary.clone(), MultipartLimits::default());
    for piece in pieces {
        reader.push(Bytes::copy_from_slice(piece));
        while let Ok(Some(event)) = reader.next_event() {
            drop(event);
        }
        // A piece that isn't used up yet may be kept as it is, once.
        let held = LIVE.load(Ordering::Relaxed) - before - piece.len().cast_signed();
        assert!(held <= MOST_HELD, "{held} bytes held");
    }
}
