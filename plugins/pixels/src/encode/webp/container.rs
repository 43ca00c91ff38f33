//! The container that WebP's pictures stand in (RFC 9649, section 2): chunks of
//! four letters, a length and that many bytes, an even number of them.

use std::io::{Error as IoError, ErrorKind, Write};

use crate::encode::difference::Rect;

/// Bits of what an extended file's first chunk announces.
const HAS_PROFILE: u8 = 1 << 5;
const HAS_ALPHA: u8 = 1 << 4;
const IS_ANIMATED: u8 = 1 << 1;

/// The chunks of one frame, each with its name and length.
pub(super) struct Chunks {
    bytes: Vec<u8>,
    has_alpha: bool,
}

impl Chunks {
    pub(super) fn new(bytes: Vec<u8>, has_alpha: bool) -> Self {
        Self { bytes, has_alpha }
    }

    /// Whether a simple file can say it all: its one chunk has colours or all.
    fn is_simple(&self) -> bool {
        !self.bytes.starts_with(b"ALPH")
    }
}

/// What a chunk of a file says.
pub(super) fn chunk<'f>(file: &'f [u8], name: &[u8; 4]) -> Option<&'f [u8]> {
    let mut rest = file.get(12..)?;
    loop {
        let (header, data) = rest.split_first_chunk::<8>()?;
        let [found @ .., a, b, c, d] = *header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if found == *name {
            return data.get(..length);
        }
        rest = data.get(length.checked_next_multiple_of(2)?..)?;
    }
}

/// Writes a file of one frame: the simple kind, if that says everything.
pub(super) fn write_still(
    to: &mut impl Write,
    size: (u32, u32),
    chunks: &Chunks,
    profile: Option<&[u8]>,
) -> Result<(), IoError> {
    let mut parts = vec![];
    if !chunks.is_simple() || profile.is_some() {
        let alpha = if chunks.has_alpha { HAS_ALPHA } else { 0 };
        parts.extend(extended(size, alpha, profile)?);
    }
    parts.extend(&chunks.bytes);
    write_riff(to, &parts)
}

/// Writes a file of many frames, given as the chunks that [`frame`] made.
pub(super) fn write_moving(
    to: &mut impl Write,
    size: (u32, u32),
    plays: u32,
    frames: &[u8],
    profile: Option<&[u8]>,
) -> Result<(), IoError> {
    let mut parts = extended(size, HAS_ALPHA | IS_ANIMATED, profile)?;
    // A background that nothing of is ever seen, then how often.
    let mut animation = vec![0; 4];
    animation.extend(u16::try_from(plays).unwrap_or(u16::MAX).to_le_bytes());
    write_chunk(&mut parts, b"ANIM", &animation)?;
    parts.extend(frames);
    write_riff(to, &parts)
}

/// Appends a frame that takes the place of what was in its rectangle, whose left
/// and top are even.
pub(super) fn write_frame(
    to: &mut Vec<u8>,
    place: Rect,
    delay_ms: u32,
    chunks: &Chunks,
) -> Result<(), IoError> {
    /// Not blended with what was there; nothing is disposed of afterwards.
    const REPLACES: u8 = 1 << 1;
    let mut data = vec![];
    for number in [place.left / 2, place.top / 2, place.width - 1, place.height - 1] {
        data.extend(three_bytes(number as u32));
    }
    data.extend(three_bytes(delay_ms));
    data.push(REPLACES);
    data.extend(&chunks.bytes);
    write_chunk(to, b"ANMF", &data)
}

/// What an extended file begins with.
fn extended(size: (u32, u32), flags: u8, profile: Option<&[u8]>) -> Result<Vec<u8>, IoError> {
    let mut parts = vec![];
    let mut head = vec![flags | if profile.is_some() { HAS_PROFILE } else { 0 }, 0, 0, 0];
    head.extend(three_bytes(size.0 - 1));
    head.extend(three_bytes(size.1 - 1));
    write_chunk(&mut parts, b"VP8X", &head)?;
    if let Some(profile) = profile {
        write_chunk(&mut parts, b"ICCP", profile)?;
    }
    Ok(parts)
}

/// At most what 24 bits can say; more than four hours as a delay.
fn three_bytes(number: u32) -> [u8; 3] {
    let [a, b, c, _] = number.min((1 << 24) - 1).to_le_bytes();
    [a, b, c]
}

fn write_riff(to: &mut impl Write, parts: &[u8]) -> Result<(), IoError> {
    to.write_all(b"RIFF")?;
    to.write_all(&length(parts.len() + 4)?)?;
    to.write_all(b"WEBP")?;
    to.write_all(parts)
}

pub(super) fn write_chunk(to: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Result<(), IoError> {
    to.extend(name);
    to.extend(length(data.len())?);
    to.extend(data);
    if data.len() % 2 == 1 {
        to.push(0);
    }
    Ok(())
}

fn length(bytes: usize) -> Result<[u8; 4], IoError> {
    let length =
        u32::try_from(bytes).map_err(|_| IoError::new(ErrorKind::FileTooLarge, "4 GiB are passed"))?;
    Ok(length.to_le_bytes())
}
