//! The picture that a file shows when it shows only one: its primary item, and the item of its alpha.

use std::borrow::Cow;

use super::boxes::{Bytes, Kind};
use super::properties::Properties;
use crate::error::Error;

/// What says that an auxiliary picture is alpha (ISO/IEC 23000-22, and HEIF's older name).
const ALPHA: [&[u8]; 2] = [b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"];

/// Auxiliary pictures of one picture that are looked at: alpha, depth, a few more.
const MAX_AUXILIARY: usize = 8;

/// Tiles that one picture may be put together of: enough for 250 megapixels in tiles of 512 by 512. Each
/// costs a look through all that is listed.
const MAX_TILES: usize = 1024;

/// A picture of one tile, or of many that lie in rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded<'a> {
    /// From the top left, row by row; at least one, all of one size.
    pub tiles: Vec<Tile<'a>>,
    /// How many are in a row.
    pub columns: usize,
    /// Width and height in pixels, before turning. Tiles at the right and at the bottom may reach further.
    pub size: (u32, u32),
    /// What is said about the whole.
    pub properties: Properties<'a>,
}

/// AV1 data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile<'a> {
    /// Open bitstream units.
    pub data: Cow<'a, [u8]>,
    /// Width and height in pixels.
    pub size: (u32, u32),
}

/// A picture that doesn't move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Still<'a> {
    /// Its colours.
    pub color: Coded<'a>,
    /// Its alpha.
    pub alpha: Option<Coded<'a>>,
    /// Whether the colours are multiplied by the alpha.
    pub is_premultiplied: bool,
}

/// Whether a file begins like an AVIF.
#[must_use]
pub fn is_avif(head: &[u8]) -> bool {
    let mut bytes = Bytes(head);
    let (Ok(size), Ok(kind)) = (bytes.u32(), bytes.kind()) else { return false };
    // The head may be cut; brands are named early.
    let brands = bytes.0.get(..(size as usize).saturating_sub(8)).unwrap_or(bytes.0);
    let is_brand = |at: usize, brand: &[u8]| {
        // Between the major brand and those that it is compatible with is a version.
        at != 1 && [b"avif", b"avis"].contains(&brand.try_into().unwrap_or(b"none"))
    };
    kind == *b"ftyp" && brands.chunks_exact(4).enumerate().any(|(at, brand)| is_brand(at, brand))
}

impl<'a> Still<'a> {
    /// Finds the picture in a file.
    ///
    /// # Errors
    /// The file is damaged, or its picture is of a kind that is not read here.
    pub fn find(file: &'a [u8]) -> Result<Self, Error> {
        if !is_avif(file) {
            return Err(Error::Damaged("it does not begin like one"));
        }
        let Some(mut meta) = Bytes(file).find(b"meta")? else {
            return Err(Error::Unsupported("it is a film and has no picture of its own"));
        };
        meta.version()?;
        let items = Items { file, meta };
        let primary = items.primary()?;
        let color = items.coded(primary)?;
        let mut alpha = None;
        for auxiliary in items.referring(b"auxl", primary)?.into_iter().take(MAX_AUXILIARY) {
            let properties = items.properties(auxiliary)?;
            if properties.auxiliary.is_some_and(|urn| ALPHA.contains(&urn)) {
                alpha = Some((auxiliary, items.coded(auxiliary)?));
                break;
            }
        }
        let is_premultiplied = match &alpha {
            Some((alpha, _)) => items.referring(b"prem", *alpha)?.contains(&primary),
            None => false,
        };
        Ok(Self { color, alpha: alpha.map(|(_, coded)| coded), is_premultiplied })
    }
}

/// A piece of an item.
struct Extent {
    offset: u64,
    /// All the rest, where it isn't said.
    length: Option<u64>,
}

/// What a file's `meta` lists.
struct Items<'a> {
    file: &'a [u8],
    meta: Bytes<'a>,
}

impl<'a> Items<'a> {
    fn table(&self, kind: &'static Kind) -> Result<Bytes<'a>, Error> {
        self.meta.find(kind)?.ok_or(Error::Damaged("one of its tables is missing"))
    }

    fn primary(&self) -> Result<u32, Error> {
        let mut pitm = self.table(b"pitm")?;
        let (version, _) = pitm.version()?;
        pitm.item(version >= 1)
    }

    /// What an item is.
    fn kind(&self, wanted: u32) -> Result<Kind, Error> {
        let mut iinf = self.table(b"iinf")?;
        let (version, _) = iinf.version()?;
        let _count = iinf.item(version >= 1)?;
        while !iinf.is_empty() {
            let (kind, mut infe) = iinf.next_box()?;
            if kind != *b"infe" {
                continue;
            }
            let (version, _) = infe.version()?;
            // Versions before 2 don't say what an item is.
            if version >= 2 && infe.item(version >= 3)? == wanted {
                let protection = infe.u16()?;
                if protection != 0 {
                    return Err(Error::Unsupported("it is encrypted"));
                }
                return infe.kind();
            }
        }
        Err(Error::Damaged("its picture is not listed"))
    }

    fn properties(&self, item: u32) -> Result<Properties<'a>, Error> {
        Properties::of(self.table(b"iprp")?, item)
    }

    /// All references of this kind, each from one item to others.
    fn references(&self, wanted: &Kind) -> Result<Vec<(u32, Vec<u32>)>, Error> {
        let Some(mut iref) = self.meta.find(b"iref")? else { return Ok(vec![]) };
        let (version, _) = iref.version()?;
        let long = version >= 1;
        let mut found = vec![];
        while !iref.is_empty() {
            let (kind, mut reference) = iref.next_box()?;
            if kind == *wanted {
                let from = reference.item(long)?;
                let count = reference.u16()?;
                let to = (0..count).map(|_| reference.item(long)).collect::<Result<_, _>>()?;
                found.push((from, to));
            }
        }
        Ok(found)
    }

    /// The items that refer to `item`; by `auxl`, its auxiliary pictures.
    fn referring(&self, kind: &Kind, item: u32) -> Result<Vec<u32>, Error> {
        let references = self.references(kind)?.into_iter();
        Ok(references.filter(|(_, to)| to.contains(&item)).map(|(from, _)| from).collect())
    }

    fn coded(&self, item: u32) -> Result<Coded<'a>, Error> {
        match &self.kind(item)? {
            b"av01" => {
                let (tile, properties) = self.tile(item)?;
                Ok(Coded { size: tile.size, tiles: vec![tile], columns: 1, properties })
            }
            b"grid" => self.grid(item),
            _ => Err(Error::Unsupported("its picture is not in AV1")),
        }
    }

    fn tile(&self, item: u32) -> Result<(Tile<'a>, Properties<'a>), Error> {
        let properties = self.properties(item)?;
        let size = properties.size.ok_or(Error::Damaged("its size is not said"))?;
        if !properties.is_configured {
            return Err(Error::Damaged("its decoder is not described"));
        }
        Ok((Tile { data: self.data(item)?, size }, properties))
    }

    /// A picture of tiles (ISO/IEC 23008-12, section 6.6.2.3).
    fn grid(&self, item: u32) -> Result<Coded<'a>, Error> {
        let data = self.data(item)?;
        let mut grid = Bytes(&data);
        let (_version, flags) = (grid.u8()?, grid.u8()?);
        let (rows, columns) = (usize::from(grid.u8()?) + 1, usize::from(grid.u8()?) + 1);
        let size = (grid.item(flags & 1 != 0)?, grid.item(flags & 1 != 0)?);
        let of_grid = self.references(b"dimg")?.into_iter().find(|(from, _)| *from == item);
        let (_, tiles) = of_grid.ok_or(Error::Damaged("its tiles are not listed"))?;
        if tiles.len() != rows * columns {
            return Err(Error::Damaged("it has another number of tiles than it says"));
        }
        if tiles.len() > MAX_TILES {
            return Err(Error::Unsupported("it is put together of more than 1024 tiles"));
        }
        let mut properties = self.properties(item)?;
        let tiles = tiles
            .into_iter()
            .map(|tile| {
                if self.kind(tile)? != *b"av01" {
                    return Err(Error::Unsupported("its tiles are not in AV1"));
                }
                let (tile, of_tile) = self.tile(tile)?;
                properties.cicp = properties.cicp.or(of_tile.cicp);
                properties.icc = properties.icc.or(of_tile.icc);
                Ok(tile)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let covers = |tile: u32, count: usize, side: u32| {
            let (tile, count, side) = (u64::from(tile), count as u64, u64::from(side));
            tile * count >= side && tile * (count - 1) < side
        };
        let fits = |tile: &Tile<'_>| {
            tiles.first().is_some_and(|first| first.size == tile.size)
                && covers(tile.size.0, columns, size.0)
                && covers(tile.size.1, rows, size.1)
        };
        if !tiles.iter().all(fits) {
            return Err(Error::Damaged("its tiles don't make a picture of its size"));
        }
        Ok(Coded { tiles, columns, size, properties })
    }

    /// An item's bytes, which may lie in pieces.
    fn data(&self, item: u32) -> Result<Cow<'a, [u8]>, Error> {
        let (source, extents) = self.location(item)?;
        let piece = |extent: &Extent| {
            let start = usize::try_from(extent.offset).ok()?;
            match extent.length {
                None => source.get(start..),
                Some(length) => source.get(start..start.checked_add(usize::try_from(length).ok()?)?),
            }
        };
        let outside = Error::Damaged("it ends before its picture does");
        if let [only] = extents.as_slice() {
            return piece(only).map(Cow::Borrowed).ok_or(outside);
        }
        let mut data = vec![];
        for extent in &extents {
            data.extend_from_slice(piece(extent).ok_or(outside.clone())?);
            // Pieces that overlap could make a small file endless.
            if data.len() > source.len() {
                return Err(Error::Damaged("its pieces overlap"));
            }
        }
        Ok(Cow::Owned(data))
    }

    /// What an item's pieces lie in, and where in it.
    fn location(&self, wanted: u32) -> Result<(&'a [u8], Vec<Extent>), Error> {
        let mut iloc = self.table(b"iloc")?;
        let (version, _) = iloc.version()?;
        let sizes = iloc.u16()?;
        let [offset_size, length_size, base_size, index_size] =
            [12, 8, 4, 0].map(|shift| (sizes >> shift & 15) as u8);
        let count = iloc.item(version >= 2)?;
        for _ in 0..count {
            let item = iloc.item(version >= 2)?;
            let construction = if version >= 1 { iloc.u16()? & 15 } else { 0 };
            let file_number = iloc.u16()?;
            let base = iloc.sized(base_size)?;
            let mut extents = vec![];
            let pieces = iloc.u16()?;
            if pieces > 1 && offset_size == 0 && length_size == 0 {
                return Err(Error::Damaged("its pieces overlap"));
            }
            for _ in 0..pieces {
                if version >= 1 {
                    iloc.sized(index_size)?;
                }
                let (offset, length) = (iloc.sized(offset_size)?, iloc.sized(length_size)?);
                if item == wanted {
                    let offset = base.checked_add(offset).ok_or(Error::Damaged("an offset is too large"))?;
                    extents.push(Extent { offset, length: (length > 0).then_some(length) });
                }
            }
            if item == wanted {
                let source = match construction {
                    0 if file_number == 0 => self.file,
                    1 => self.table(b"idat")?.0,
                    _ => return Err(Error::Unsupported("its picture lies elsewhere")),
                };
                return Ok((source, extents));
            }
        }
        Err(Error::Damaged("it doesn't say where its picture lies"))
    }
}
