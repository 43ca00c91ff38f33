//! From a file to pixels or planes, a row of MCUs at a time.

use crate::color::{Window, convert};
use crate::frame::{Component, Frame, Process, Shape};
use crate::scan::{Coefficients, Reader, Tables, sequential};
use crate::segments::{Coded, Header, Next, Quantization, Scan};
use crate::transform::{self, Block, Target};
use crate::{ColorModel, Error, Scale};

/// A file whose header was read.
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    header: Header<'a>,
    frame: Frame,
    scan: Scan,
    /// Where the bits of the scan begin.
    at: usize,
}

/// The samples of one component, row by row, without padding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plane {
    /// Samples along the x axis.
    pub width: u32,
    /// Samples along the y axis.
    pub height: u32,
    /// Exactly `width * height` of them.
    pub samples: Vec<u8>,
}

impl<'a> Decoder<'a> {
    /// Reads everything up to the first scan.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut header = Header::default();
        let start = if bytes.starts_with(&[0xFF, 0xD8]) { 2 } else { 0 };
        let Next::Scan(scan, at) = header.read(bytes, start)? else {
            return Err(Error::Damaged("there is no picture in it"));
        };
        let frame = header.frame.clone().ok_or(Error::Damaged("there is no frame header"))?;
        Ok(Self { bytes, header, frame, scan, at })
    }

    /// Width and height in pixels.
    #[must_use]
    pub fn size(&self) -> (u32, u32) {
        (self.frame.width, self.frame.height)
    }

    /// How the components make a colour.
    #[must_use]
    pub fn color_model(&self) -> ColorModel {
        self.header.color_model()
    }

    /// How many times more samples luma has than chroma, along x and y, if both
    /// planes of chroma have the same: (2, 2) is 4:2:0.
    #[must_use]
    pub fn chroma_sampling(&self) -> Option<(u32, u32)> {
        match self.frame.components.as_slice() {
            [y, cb, cr] if (cb.horizontal, cb.vertical) == (cr.horizontal, cr.vertical) => {
                let ratio = |luma: usize, chroma: usize| {
                    luma.is_multiple_of(chroma).then_some((luma / chroma) as u32)
                };
                Some((ratio(y.horizontal, cb.horizontal)?, ratio(y.vertical, cb.vertical)?))
            }
            _ => None,
        }
    }

    /// Whether a program of Adobe's wrote it, which stores inks inverted
    /// (libjpeg.txt, "Special color spaces").
    #[must_use]
    pub fn is_adobe(&self) -> bool {
        self.header.adobe.is_some()
    }

    /// The Exif block, from its byte order mark on.
    #[must_use]
    pub fn exif(&self) -> Option<&'a [u8]> {
        self.header.exif
    }

    /// The XMP packet.
    #[must_use]
    pub fn xmp(&self) -> Option<&'a [u8]> {
        self.header.xmp
    }

    /// The ICC profile, if all parts of it are there.
    #[must_use]
    pub fn icc_profile(&self) -> Option<Vec<u8>> {
        self.header.icc_profile()
    }

    /// Decodes to pixels: one sample for [`ColorModel::Gray`], RGB for
    /// [`ColorModel::Rgb`] and [`ColorModel::YCbCr`], and four inks as they are
    /// stored for the others. There are [`Scale::of`] each side of them.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn pixels(self, scale: Scale) -> Result<Vec<u8>, Error> {
        let model = self.color_model();
        let (width, height) = (scale.of(self.frame.width) as usize, scale.of(self.frame.height) as usize);
        let shapes: Vec<Shape> =
            self.frame.components.iter().map(|component| self.frame.shape(component, scale)).collect();
        let mut windows: Vec<Window> = self
            .frame
            .components
            .iter()
            .zip(&shapes)
            .map(|(component, shape)| {
                let stride = self.frame.mcus_wide * component.horizontal * shape.scale.block();
                let size = (shape.across.of(width), shape.down.of(height));
                Window::new(stride, size, shape.across, shape.down)
            })
            .collect();

        let mut pixels = vec![0; width * height * model.components()];
        let mut lines = pixels.chunks_exact_mut(width * model.components());
        let mut y = 0;
        let scales: Vec<Scale> = shapes.iter().map(|shape| shape.scale).collect();
        let heights = self.frame.heights(&scales);
        let mut rows = Rows::new(self)?;
        while rows.left() {
            let mut targets: Vec<Target<'_>> = windows
                .iter_mut()
                .zip(&heights)
                .map(|(window, &height)| {
                    let stride = window.stride();
                    Target { samples: window.extend(height), stride }
                })
                .collect();
            rows.next(&scales, &mut targets)?;
            while y < height && windows.iter().all(|window| window.has(y)) {
                let components: Vec<&[u8]> = windows.iter_mut().map(|window| window.line(y, width)).collect();
                if let Some(line) = lines.next() {
                    convert(model, &components, line);
                }
                y += 1;
            }
            windows.iter_mut().for_each(|window| window.forget_before(y));
        }
        Ok(pixels)
    }

    /// Decodes to the components as they are stored, the first at one scale and
    /// all others at another: with 4:2:0 and the same scale, the planes of
    /// chroma have half of each side of the plane of luma.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn planes(self, first: Scale, others: Scale) -> Result<Vec<Plane>, Error> {
        let scales: Vec<Scale> =
            (0..self.frame.components.len()).map(|index| if index == 0 { first } else { others }).collect();
        let frame = &self.frame;
        let sizes: Vec<(u32, u32)> = frame
            .components
            .iter()
            .zip(&scales)
            .map(|(component, scale)| {
                let side = |side: u32, own: usize, whole: usize| (side as usize * own).div_ceil(whole) as u32;
                (
                    scale.of(side(frame.width, component.horizontal, frame.horizontal)),
                    scale.of(side(frame.height, component.vertical, frame.vertical)),
                )
            })
            .collect();
        let mut padded: Vec<Padded> = frame
            .components
            .iter()
            .zip(&scales)
            .map(|(component, scale)| {
                let stride = frame.mcus_wide * component.horizontal * scale.block();
                let rows = frame.mcus_high * component.vertical * scale.block();
                Padded { samples: vec![0; stride * rows], stride, filled: 0 }
            })
            .collect();
        let heights = frame.heights(&scales);
        let mut rows = Rows::new(self)?;
        while rows.left() {
            let mut targets: Vec<Target<'_>> = padded
                .iter_mut()
                .zip(&heights)
                .map(|(plane, height)| {
                    let at = plane.filled * plane.stride;
                    plane.filled += height;
                    Target { samples: plane.samples.get_mut(at..).unwrap_or_default(), stride: plane.stride }
                })
                .collect();
            rows.next(&scales, &mut targets)?;
        }
        Ok(padded.into_iter().zip(sizes).map(|(plane, size)| plane.cut(size)).collect())
    }
}

/// A plane of whole blocks.
#[derive(Debug)]
struct Padded {
    samples: Vec<u8>,
    stride: usize,
    /// Rows.
    filled: usize,
}

impl Padded {
    /// What belongs to the picture, moved together in place.
    fn cut(mut self, (width, height): (u32, u32)) -> Plane {
        let (wide, high) = (width as usize, height as usize);
        if wide != self.stride {
            for row in 1..high {
                self.samples.copy_within(row * self.stride..row * self.stride + wide, row * wide);
            }
        }
        self.samples.truncate(wide * high);
        Plane { width, height, samples: self.samples }
    }
}

/// The rows of MCUs.
struct Rows<'a> {
    header: Header<'a>,
    frame: Frame,
    source: Source<'a>,
    bytes: &'a [u8],
    done: usize,
    quantization: Vec<Quantization>,
}

/// Where blocks come from.
enum Source<'a> {
    /// The only scan, as it is read.
    Scan(Reader<'a>, Vec<Coded>),
    /// All scans, which were read.
    Stored(Coefficients),
}

impl<'a> Rows<'a> {
    fn new(decoder: Decoder<'a>) -> Result<Self, Error> {
        let Decoder { bytes, mut header, frame, mut scan, mut at } = decoder;
        let is_only_scan = frame.process == Process::Sequential
            && scan.components.len() == frame.components.len()
            && (scan.first, scan.last) == (0, 63);
        let source = if is_only_scan {
            Source::Scan(Reader::new(bytes, at), scan.components)
        } else {
            let mut coefficients = Coefficients::new(&frame);
            let mut seen = [false; 4];
            loop {
                at = coefficients.take(&header, &frame, &scan, bytes, at)?;
                for coded in &scan.components {
                    if let Some(seen) = seen.get_mut(coded.component) {
                        *seen = true;
                    }
                }
                match header.read(bytes, at)? {
                    Next::Scan(next, start) => (scan, at) = (next, start),
                    Next::End => break,
                }
            }
            if !seen.iter().take(frame.components.len()).all(|&seen| seen) {
                return Err(Error::Truncated);
            }
            Source::Stored(coefficients)
        };
        let quantization = frame
            .components
            .iter()
            .map(|component| header.quantization.get(component.table).copied().flatten())
            .collect::<Option<_>>()
            .ok_or(Error::Damaged("a quantization table is missing"))?;
        Ok(Self { header, frame, source, bytes, done: 0, quantization })
    }

    fn left(&self) -> bool {
        self.done < self.frame.mcus_high
    }

    /// Decodes a row of MCUs, each component into its target.
    fn next(&mut self, scales: &[Scale], targets: &mut [Target<'_>]) -> Result<(), Error> {
        let Self { header, frame, source, quantization, done, .. } = self;
        let part = |index: usize| -> Option<(&Component, Scale, &Quantization)> {
            Some((frame.components.get(index)?, *scales.get(index)?, quantization.get(index)?))
        };
        match source {
            Source::Scan(reader, coded) => {
                let mut parts = Vec::with_capacity(coded.len());
                for &coded in coded.iter() {
                    let (component, scale, quantization) =
                        part(coded.component).ok_or(Error::Damaged("a scan's header makes no sense"))?;
                    parts.push((coded.component, component, scale, quantization, Tables::of(header, coded)?));
                }
                let mut block: Block = [0; 64];
                for column in 0..frame.mcus_wide {
                    reader.next_unit(header.restart_interval)?;
                    for &(index, component, scale, quantization, tables) in &parts {
                        let Some(target) = targets.get_mut(index) else { continue };
                        for down in 0..component.vertical {
                            for across in 0..component.horizontal {
                                let direct = reader.memory.direct(index);
                                let last = sequential(&mut reader.bits, tables, direct, &mut block)?;
                                let x = column * component.horizontal + across;
                                target.place(x, down, scale, &block, last == 0, quantization);
                                if last != 0 {
                                    block = [0; 64];
                                }
                            }
                        }
                    }
                }
                reader.bits.check()?;
            }
            Source::Stored(coefficients) => {
                for (index, target) in targets.iter_mut().enumerate() {
                    let Some((component, scale, quantization)) = part(index) else { continue };
                    for down in 0..component.vertical {
                        let row = coefficients.row(index, *done * component.vertical + down);
                        for (x, block) in row.iter().enumerate() {
                            target.place(x, down, scale, block, false, quantization);
                        }
                    }
                }
            }
        }
        *done += 1;
        if *done == frame.mcus_high {
            self.finish()?;
        }
        Ok(())
    }

    /// Makes sure that the file ends where the picture does.
    fn finish(&mut self) -> Result<(), Error> {
        if let Source::Scan(reader, _) = &self.source {
            let at = reader.bits.end()?;
            if self.header.read(self.bytes, at)? != Next::End {
                return Err(Error::Damaged("there are more scans than components"));
            }
        }
        Ok(())
    }
}

impl Target<'_> {
    /// Transforms a block to its place.
    #[inline(always)]
    fn place(
        &mut self,
        x: usize,
        y: usize,
        scale: Scale,
        block: &Block,
        is_flat: bool,
        quantization: &Quantization,
    ) {
        let side = scale.block();
        let Some(samples) = self.samples.get_mut(y * side * self.stride + x * side..) else { return };
        let mut target = Target { samples, stride: self.stride };
        match (scale, is_flat) {
            (Scale::Eighth, _) => target.fill::<1>(block[0], quantization),
            (Scale::Quarter, true) => target.fill::<2>(block[0], quantization),
            (Scale::Quarter, false) => transform::two(block, quantization, &mut target),
            (Scale::Half, true) => target.fill::<4>(block[0], quantization),
            (Scale::Half, false) => transform::four(block, quantization, &mut target),
            (Scale::Full, true) => target.fill::<8>(block[0], quantization),
            (Scale::Full, false) => transform::eight(block, quantization, &mut target),
        }
    }
}
