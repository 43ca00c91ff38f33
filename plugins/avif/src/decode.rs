//! From a file to pixels.

mod av1;

use tintype_plugin::Limits;

use self::av1::{Decoded, Layout, Plane};
use crate::color::Converter;
use crate::container::{Cicp, Coded, Still};
use crate::error::Error;
use crate::turn::Raster;
use crate::{profile, sequence};

/// A picture as it is to be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) raster: Raster,
    /// Without one, sRGB.
    pub(crate) color_profile: Option<Vec<u8>>,
}

pub(crate) fn decode(file: &[u8], limits: &Limits) -> Result<Shown, Error> {
    let Still { color, alpha, is_premultiplied } = Still::find(file)?;
    for coded in [Some(&color), alpha.as_ref()].into_iter().flatten() {
        check(coded.size, limits)?;
        coded.tiles.iter().try_for_each(|tile| check(tile.size, limits))?;
    }
    if alpha.as_ref().is_some_and(|alpha| alpha.size != color.size) {
        return Err(Error::Unsupported("its alpha has another size than its colours"));
    }
    let cicp = match (color.properties.cicp, color.tiles.first()) {
        (Some(cicp), _) => cicp,
        (None, Some(first)) => sequence::cicp(&first.data)?,
        (None, None) => return Err(Error::Damaged("it has no pixels")),
    };
    let color_profile = match color.properties.icc {
        Some(icc) => profile::is_rgb(icc).then(|| icc.to_vec()),
        None => profile::of(cicp)?,
    };
    let mut raster = colors(&color, cicp)?;
    if let Some(alpha) = &alpha {
        lay_alpha(&mut raster, alpha)?;
        if is_premultiplied {
            raster.pixels.iter_mut().for_each(straighten);
        }
    }
    let raster = color.properties.turns.iter().try_fold(raster, |raster, turn| raster.turned(*turn))?;
    Ok(Shown { raster, color_profile })
}

/// Before there is memory for a single pixel.
fn check((width, height): (u32, u32), limits: &Limits) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::Damaged("it has no pixels"));
    }
    let pixels = u64::from(width) * u64::from(height);
    for (subject, found, limit) in [
        ("The picture's width in pixels", width.into(), limits.max_width.into()),
        ("The picture's height in pixels", height.into(), limits.max_height.into()),
        ("The picture's number of pixels", pixels, limits.max_pixels),
    ] {
        if found > limit {
            return Err(Error::TooLarge { subject, found, limit });
        }
    }
    Ok(())
}

fn colors(coded: &Coded<'_>, cicp: Cicp) -> Result<Raster, Error> {
    let (width, height) = (coded.size.0 as usize, coded.size.1 as usize);
    let mut raster = Raster { width, height, pixels: vec![[0; 4]; width * height] };
    each_tile(&mut raster, coded, |decoded, row| {
        let mut colors = Colors::of(decoded, cicp)?;
        row(&mut |y, place| {
            let pixels = colors.read(y)?;
            place.iter_mut().zip(pixels).for_each(|(place, pixel)| *place = *pixel);
            Ok(())
        })
    })?;
    Ok(raster)
}

fn lay_alpha(raster: &mut Raster, coded: &Coded<'_>) -> Result<(), Error> {
    let Some(first) = coded.tiles.first() else { return Ok(()) };
    let full_range = sequence::cicp(&first.data)?.full_range;
    // A matrix is of no matter to one plane.
    let cicp = Cicp { primaries: 2, transfer: 2, matrix: 2, full_range };
    each_tile(raster, coded, |decoded, row| {
        let converter = Converter::new(cicp, decoded.depth())?;
        let (plane, width) = (decoded.plane(0)?, decoded.size().0);
        let mut samples = vec![];
        row(&mut |y, place| {
            plane.read(y, width, &mut samples)?;
            place.iter_mut().zip(&samples).for_each(|([.., alpha], sample)| *alpha = converter.gray(*sample));
            Ok(())
        })
    })
}

/// Is given the number of a row in its tile, and its place in the picture, at which a tile may be cut.
type LayRow<'a> = &'a mut dyn FnMut(usize, &mut [[u8; 4]]) -> Result<(), Error>;

/// Decodes tile after tile, and has `lay` lay its rows.
fn each_tile(
    raster: &mut Raster,
    coded: &Coded<'_>,
    lay: impl Fn(&Decoded, &mut dyn FnMut(LayRow<'_>) -> Result<(), Error>) -> Result<(), Error>,
) -> Result<(), Error> {
    for (index, tile) in coded.tiles.iter().enumerate() {
        let decoded = Decoded::of(tile)?;
        let (width, height) = decoded.size();
        let (left, top) = (index % coded.columns * width, index / coded.columns * height);
        lay(&decoded, &mut |lay_row| {
            let rows = raster.pixels.chunks_exact_mut(raster.width).skip(top).take(height);
            for (y, row) in rows.enumerate() {
                let right = (left + width).min(row.len());
                lay_row(y, row.get_mut(left..right).unwrap_or_default())?;
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// A tile's colours, row by row.
struct Colors<'a> {
    converter: Converter,
    layout: Layout,
    size: (usize, usize),
    luma: Plane<'a>,
    chroma: Option<[Chroma<'a>; 2]>,
    samples: Vec<u16>,
    row: Vec<[u8; 4]>,
}

impl<'a> Colors<'a> {
    fn of(decoded: &'a Decoded, cicp: Cicp) -> Result<Self, Error> {
        let converter = Converter::new(cicp, decoded.depth())?;
        let layout = decoded.layout();
        if layout.halves_columns() && converter.is_identity() {
            return Err(Error::Damaged("its red, green and blue have different sizes"));
        }
        let chroma = match layout {
            Layout::Gray => None,
            _ => Some([Chroma::new(decoded.plane(1)?), Chroma::new(decoded.plane(2)?)]),
        };
        let (size, luma) = (decoded.size(), decoded.plane(0)?);
        Ok(Self { converter, layout, size, luma, chroma, samples: vec![], row: vec![[0; 4]; size.0] })
    }

    fn read(&mut self, y: usize) -> Result<&[[u8; 4]], Error> {
        self.luma.read(y, self.size.0, &mut self.samples)?;
        match &mut self.chroma {
            None => self.converter.gray_row(&self.samples, &mut self.row),
            Some([blue, red]) => {
                blue.read(y, self.size, self.layout)?;
                red.read(y, self.size, self.layout)?;
                self.converter.row([&self.samples, &blue.row, &red.row], &mut self.row);
            }
        }
        Ok(&self.row)
    }
}

/// Takes the alpha out of the colours again.
fn straighten([red, green, blue, alpha]: &mut [u8; 4]) {
    let alpha = u16::from(*alpha);
    for color in [red, green, blue] {
        let straight = (u16::from(*color) * 255 + alpha / 2).checked_div(alpha).unwrap_or(0);
        *color = u8::try_from(straight).unwrap_or(u8::MAX);
    }
}

/// A plane of chroma, row by row, as wide as the luma.
struct Chroma<'a> {
    plane: Plane<'a>,
    row: Vec<u16>,
    near: Vec<u16>,
    far: Vec<u16>,
}

impl<'a> Chroma<'a> {
    fn new(plane: Plane<'a>) -> Self {
        Self { plane, row: vec![], near: vec![], far: vec![] }
    }

    /// Where chroma is halved, its samples are taken to lie between the lumas, as those of JPEG do, and
    /// each pixel has three parts of the nearer and one of the farther.
    fn read(&mut self, y: usize, (width, height): (usize, usize), layout: Layout) -> Result<(), Error> {
        if !layout.halves_columns() {
            return self.plane.read(y, width, &mut self.row);
        }
        let columns = width.div_ceil(2);
        let mut bits = 2;
        if layout.halves_rows() {
            let (near, far) = neighbours(y, height.div_ceil(2));
            self.plane.read(near, columns, &mut self.near)?;
            self.plane.read(far, columns, &mut self.far)?;
            self.near.iter_mut().zip(&self.far).for_each(|(near, far)| *near = *near * 3 + far);
            bits += 2;
        } else {
            self.plane.read(y, columns, &mut self.near)?;
        }
        self.row.clear();
        let half = 1 << (bits - 1);
        let mixed = |near: u16, far: u16| ((u32::from(near) * 3 + u32::from(far) + half) >> bits) as u16;
        let mut before = self.near.first().copied().unwrap_or(0);
        let mut at = self.near.iter().copied().peekable();
        while let Some(sample) = at.next() {
            let after = at.peek().copied().unwrap_or(sample);
            self.row.extend([mixed(sample, before), mixed(sample, after)]);
            before = sample;
        }
        self.row.truncate(width);
        Ok(())
    }
}

/// Which two of half as many rows a row lies between, the nearer first.
fn neighbours(at: usize, count: usize) -> (usize, usize) {
    let near = at / 2;
    let far = if at.is_multiple_of(2) { near.saturating_sub(1) } else { near + 1 };
    (near, far.min(count.saturating_sub(1)))
}
