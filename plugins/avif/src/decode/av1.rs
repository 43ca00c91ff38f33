//! AV1's decoder, for one frame.

use rusty_av1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Rav1dError, Settings};

use crate::container::Tile;
use crate::error::Error;

/// Which planes there are, and whether those of colour are smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Gray,
    Whole,
    HalfColumns,
    HalfBoth,
}

impl Layout {
    pub(super) fn halves_columns(self) -> bool {
        matches!(self, Self::HalfColumns | Self::HalfBoth)
    }

    pub(super) fn halves_rows(self) -> bool {
        self == Self::HalfBoth
    }
}

/// A frame of the size that its file says.
pub(super) struct Decoded {
    picture: Picture,
    size: (usize, usize),
    depth: u8,
}

impl Decoded {
    pub(super) fn of(tile: &Tile<'_>) -> Result<Self, Error> {
        let (width, height) = tile.size;
        let mut settings = Settings::new();
        settings.set_n_threads(1);
        settings.set_max_frame_delay(1);
        // Of several layers, the best.
        settings.set_all_layers(false);
        // Nothing is allocated for a frame that is larger than was looked at.
        settings.set_frame_size_limit(width.saturating_mul(height));
        let mut decoder = Decoder::with_settings(&settings).map_err(|error| words(&error))?;
        let picture = first_frame(&mut decoder, &tile.data)?;
        if (picture.width(), picture.height()) != tile.size {
            return Err(Error::Damaged("its AV1 data have another size than it says"));
        }
        let depth = picture.bits_per_component().ok_or(Error::Damaged("its AV1 data have no depth"))?.0;
        Ok(Self { picture, size: (width as usize, height as usize), depth })
    }

    pub(super) fn size(&self) -> (usize, usize) {
        self.size
    }

    /// Bits a sample: 8, 10 or 12.
    pub(super) fn depth(&self) -> u8 {
        self.depth
    }

    pub(super) fn layout(&self) -> Layout {
        match self.picture.pixel_layout() {
            PixelLayout::I400 => Layout::Gray,
            PixelLayout::I420 => Layout::HalfBoth,
            PixelLayout::I422 => Layout::HalfColumns,
            PixelLayout::I444 => Layout::Whole,
        }
    }

    /// Luma is 0, the chromas of blue and red are 1 and 2.
    pub(super) fn plane(&self, index: usize) -> Result<Plane<'_>, Error> {
        let component =
            PlanarImageComponent::try_from(index).map_err(|_| Error::Damaged("a plane is missing"))?;
        let stride = self.picture.stride(component) as usize;
        Ok(Plane { bytes: self.picture.plane(component), stride, is_wide: self.depth > 8 })
    }
}

/// Samples in rows.
pub(super) struct Plane<'a> {
    bytes: &'a [u8],
    /// Bytes from one row to the next.
    stride: usize,
    /// Whether a sample has two bytes.
    is_wide: bool,
}

impl Plane<'_> {
    pub(super) fn read(&self, y: usize, width: usize, row: &mut Vec<u16>) -> Result<(), Error> {
        let length = if self.is_wide { width * 2 } else { width };
        let bytes = y.checked_mul(self.stride).and_then(|start| self.bytes.get(start..)?.get(..length));
        let bytes = bytes.ok_or(Error::Damaged("its AV1 data have too few rows"))?;
        row.clear();
        if self.is_wide {
            row.extend(bytes.as_chunks().0.iter().map(|sample| u16::from_ne_bytes(*sample)));
        } else {
            row.extend(bytes.iter().map(|sample| u16::from(*sample)));
        }
        Ok(())
    }
}

fn first_frame(decoder: &mut Decoder, data: &[u8]) -> Result<Picture, Error> {
    if data.is_empty() {
        return Err(Error::Damaged("it has no AV1 data"));
    }
    let mut sent = decoder.send_data(data.into(), None, None, None);
    loop {
        match sent {
            Ok(()) | Err(Rav1dError::TryAgain) => {}
            Err(error) => return Err(words(&error)),
        }
        match decoder.get_picture() {
            Ok(picture) => return Ok(picture),
            // It could not take all data at once.
            Err(Rav1dError::TryAgain) if sent.is_err() => sent = decoder.send_pending_data(),
            Err(Rav1dError::TryAgain) => return Err(Error::Damaged("its AV1 data have no picture")),
            Err(error) => return Err(words(&error)),
        }
    }
}

fn words(error: &Rav1dError) -> Error {
    match error {
        Rav1dError::OutOfRange => Error::Damaged("its AV1 data have another size than it says"),
        Rav1dError::UnsupportedBitstream => {
            Error::Unsupported("its AV1 data need what came after this decoder")
        }
        _ => Error::Damaged("its AV1 data make no sense"),
    }
}
