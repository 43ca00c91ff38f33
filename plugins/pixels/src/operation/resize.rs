//! `resize`: another number of pixels.
//!
//! First the sizes are planned, in whole pixels and without touching any; then
//! the pixels are resampled straight from the part of the source that remains
//! visible, so that nothing is resized only to be cut off.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{Filter, FilterType, MulDiv, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::{Operation, Transform};
use crate::{Channels, Error, Limits, Parameters, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "resize",
    summary: "Changes the size, filling, fitting into or stretching to the rectangle asked for.",
    schema: r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "properties": {
    "width": {
      "description": "Pixels along the x axis. Without it the height decides, and the aspect ratio is kept.",
      "type": "integer", "minimum": 1, "maximum": 65535
    },
    "height": {
      "description": "Pixels along the y axis. Without it the width decides, and the aspect ratio is kept.",
      "type": "integer", "minimum": 1, "maximum": 65535
    },
    "fit": {
      "description": "What to do where the aspect ratios differ. cover: fill the rectangle and cut off what sticks out. contain: fit inside and fill the rest with the background. fill: stretch. inside: as large as fits inside. outside: as small as covers it.",
      "type": "string", "enum": ["cover", "contain", "fill", "inside", "outside"], "default": "cover"
    },
    "gravity": {
      "description": "Which part remains with cover, and where the picture lies with contain.",
      "type": "string",
      "enum": ["centre", "center", "north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest"],
      "default": "centre"
    },
    "background": {
      "description": "What contain fills the rest with: #rrggbb or #rrggbbaa. Without it transparent for pictures with an alpha channel, else black.",
      "type": "string", "pattern": "^#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"
    },
    "kernel": {
      "description": "How new pixels are computed from old ones. lanczos3 is sharpest, nearest keeps the pixels of pixel art.",
      "type": "string",
      "enum": ["nearest", "linear", "cubic", "mitchell", "lanczos2", "lanczos3"],
      "default": "lanczos3"
    },
    "enlarge": {
      "description": "Whether the picture may become larger than it is. With false, a small one stays as it is: cover, fill, inside and outside then give less than asked for, and contain more background.",
      "type": "boolean", "default": true
    }
  },
  "anyOf": [{ "required": ["width"] }, { "required": ["height"] }],
  "additionalProperties": false
}"##,
    read: |parameters| Ok(Box::new(Resize::read(parameters)?)),
};

const MAX_SIDE: u32 = 65_535;

#[derive(Debug, Clone, Copy)]
struct Resize {
    width: Option<u32>,
    height: Option<u32>,
    fit: Fit,
    gravity: Gravity,
    background: Option<[u8; 4]>,
    kernel: Kernel,
    enlarge: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Cover,
    Contain,
    Fill,
    Inside,
    Outside,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kernel {
    Nearest,
    Linear,
    Cubic,
    Mitchell,
    Lanczos2,
    Lanczos3,
}

/// Which share of the surplus lies left of and above the picture: 0, ½ or 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gravity {
    x: f64,
    y: f64,
}

const FITS: [(&str, Fit); 5] = [
    ("cover", Fit::Cover),
    ("contain", Fit::Contain),
    ("fill", Fit::Fill),
    ("inside", Fit::Inside),
    ("outside", Fit::Outside),
];

const KERNELS: [(&str, Kernel); 6] = [
    ("nearest", Kernel::Nearest),
    ("linear", Kernel::Linear),
    ("cubic", Kernel::Cubic),
    ("mitchell", Kernel::Mitchell),
    ("lanczos2", Kernel::Lanczos2),
    ("lanczos3", Kernel::Lanczos3),
];

const CENTRE: Gravity = Gravity { x: 0.5, y: 0.5 };
const GRAVITIES: [(&str, Gravity); 10] = [
    ("centre", CENTRE),
    ("center", CENTRE),
    ("north", Gravity { x: 0.5, y: 0.0 }),
    ("northeast", Gravity { x: 1.0, y: 0.0 }),
    ("east", Gravity { x: 1.0, y: 0.5 }),
    ("southeast", Gravity { x: 1.0, y: 1.0 }),
    ("south", Gravity { x: 0.5, y: 1.0 }),
    ("southwest", Gravity { x: 0.0, y: 1.0 }),
    ("west", Gravity { x: 0.0, y: 0.5 }),
    ("northwest", Gravity { x: 0.0, y: 0.0 }),
];

impl Resize {
    fn read(parameters: &Parameters) -> Result<Self, Error> {
        let resize = Self {
            width: parameters.size("width", 1..=MAX_SIDE)?,
            height: parameters.size("height", 1..=MAX_SIDE)?,
            fit: parameters.choice("fit", &FITS)?.unwrap_or(Fit::Cover),
            gravity: parameters.choice("gravity", &GRAVITIES)?.unwrap_or(CENTRE),
            background: parameters.color("background")?,
            kernel: parameters.choice("kernel", &KERNELS)?.unwrap_or(Kernel::Lanczos3),
            enlarge: parameters.boolean("enlarge")?.unwrap_or(true),
        };
        if resize.width.is_none() && resize.height.is_none() {
            return Err(Error::parameter("resize", "width or height is missing"));
        }
        Ok(resize)
    }

    fn plan(&self, source: Size) -> Plan {
        let cap = |scale: f64| if self.enlarge { scale } else { scale.min(1.0) };
        let (width, height) = match (self.width, self.height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => {
                return Plan::whole(source.scaled(cap(f64::from(width) / source.width())));
            }
            (None, Some(height)) => {
                return Plan::whole(source.scaled(cap(f64::from(height) / source.height())));
            }
            (None, None) => return Plan::whole(source),
        };
        let asked = Size(width, height);
        let (x, y) = (asked.width() / source.width(), asked.height() / source.height());
        match self.fit {
            Fit::Fill if self.enlarge => Plan::whole(asked),
            Fit::Fill => Plan::whole(asked.at_most(source)),
            Fit::Inside => Plan::whole(source.scaled(cap(x.min(y)))),
            Fit::Outside => Plan::whole(source.scaled(cap(x.max(y)))),
            Fit::Contain => {
                let drawn = source.scaled(cap(x.min(y))).at_most(asked);
                Plan { drawn, canvas: Some(asked), part: None }
            }
            Fit::Cover => {
                let scale = cap(x.max(y));
                let drawn = source.scaled(scale).at_most(asked);
                let part = self.gravity.part(source, drawn, scale);
                Plan { drawn, canvas: None, part: Some(part) }
            }
        }
    }

    fn algorithm(&self) -> Result<ResizeAlg, Error> {
        Ok(ResizeAlg::Convolution(match self.kernel {
            Kernel::Nearest => return Ok(ResizeAlg::Nearest),
            Kernel::Linear => FilterType::Bilinear,
            Kernel::Cubic => FilterType::CatmullRom,
            Kernel::Mitchell => FilterType::Mitchell,
            Kernel::Lanczos3 => FilterType::Lanczos3,
            Kernel::Lanczos2 => FilterType::Custom(
                Filter::new("Lanczos2", lanczos2, 2.0)
                    .map_err(|error| Error::Processing(error.to_string()))?,
            ),
        }))
    }
}

/// The sinc function, windowed by its own first two lobes.
fn lanczos2(x: f64) -> f64 {
    let sinc = |x: f64| {
        let x = x * std::f64::consts::PI;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    if x.abs() < 2.0 { sinc(x) * sinc(x / 2.0) } else { 0.0 }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size(u32, u32);

impl Size {
    fn width(self) -> f64 {
        f64::from(self.0)
    }

    fn height(self) -> f64 {
        f64::from(self.1)
    }

    /// Rounded to whole pixels, of which at least one remains.
    fn scaled(self, scale: f64) -> Self {
        let side = |pixels: f64| (pixels * scale).round().max(1.0) as u32;
        Self(side(self.width()), side(self.height()))
    }

    fn at_most(self, other: Self) -> Self {
        Self(self.0.min(other.0), self.1.min(other.1))
    }
}

/// A rectangle of the source, in fractions of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Gravity {
    /// The part of the source that `drawn` shows at this scale.
    fn part(self, source: Size, drawn: Size, scale: f64) -> Part {
        let width = (drawn.width() / scale).min(source.width());
        let height = (drawn.height() / scale).min(source.height());
        let mut left = (source.width() - width) * self.x;
        let mut top = (source.height() - height) * self.y;
        if scale == 1.0 {
            // Half a pixel aside would blur a picture that is only cut.
            (left, top) = (left.floor(), top.floor());
        }
        Part { left, top, width, height }
    }
}

/// What becomes of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Plan {
    /// The size of the resampled picture.
    drawn: Size,
    /// The part of the source that is resampled, if not all of it.
    part: Option<Part>,
    /// The size of the result, if it has a border.
    canvas: Option<Size>,
}

impl Plan {
    fn whole(drawn: Size) -> Self {
        Self { drawn, part: None, canvas: None }
    }
}

impl Transform for Resize {
    fn apply(&self, picture: Picture, limits: &Limits) -> Result<Picture, Error> {
        let source = Size(picture.width, picture.height);
        let plan = self.plan(source);
        // Both before any work: a canvas too large shall not cost a resampling.
        let bytes = picture.bytes_per_sample();
        limits.check(plan.drawn.0, plan.drawn.1, picture.channels, bytes)?;
        if let Some(canvas) = plan.canvas {
            limits.check(canvas.0, canvas.1, picture.channels, bytes)?;
        }

        let picture = if plan.drawn == source && plan.part.is_none_or(|p| p.covers(source)) {
            picture
        } else {
            resample(picture, plan, self.algorithm()?)?
        };
        match plan.canvas {
            Some(canvas) => self.place(picture, canvas, limits),
            None => Ok(picture),
        }
    }
}

impl Part {
    fn covers(self, source: Size) -> bool {
        self.width == source.width() && self.height == source.height()
    }
}

/// The source is premultiplied in place and given up: with a copy of it the
/// peak would be a whole picture higher.
fn resample(mut picture: Picture, plan: Plan, algorithm: ResizeAlg) -> Result<Picture, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::Processing(error.to_string());
    let Size(width, height) = plan.drawn;
    let pixel_type = pixel_type(&picture);
    // Nearest takes pixels as they are, and opaque ones have nothing to multiply.
    let premultiply = !matches!(algorithm, ResizeAlg::Nearest) && !picture.is_opaque();
    let mul_div = MulDiv::new();

    let (source_width, source_height) = (picture.width, picture.height);
    if premultiply {
        let mut source =
            Image::from_slice_u8(source_width, source_height, bytes_mut(&mut picture), pixel_type)
                .map_err(|error| failed(&error))?;
        mul_div.multiply_alpha_inplace(&mut source).map_err(|error| failed(&error))?;
    }

    let count = width as usize * height as usize * picture.channels.count();
    let mut resized = Picture {
        width,
        height,
        channels: picture.channels,
        samples: match picture.samples {
            Samples::Eight(_) => Samples::Eight(vec![0; count]),
            Samples::Sixteen(_) => Samples::Sixteen(vec![0; count]),
        },
        icc: picture.icc.take(),
        orientation: picture.orientation,
    };
    let source = ImageRef::new(source_width, source_height, picture.bytes(), pixel_type)
        .map_err(|error| failed(&error))?;
    let mut target = Image::from_slice_u8(width, height, bytes_mut(&mut resized), pixel_type)
        .map_err(|error| failed(&error))?;
    let mut options = ResizeOptions::new().resize_alg(algorithm).use_alpha(false);
    if let Some(Part { left, top, width, height }) = plan.part {
        options = options.crop(left, top, width, height);
    }
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
    if premultiply {
        mul_div.divide_alpha_inplace(&mut target).map_err(|error| failed(&error))?;
    }
    Ok(resized)
}

fn pixel_type(picture: &Picture) -> PixelType {
    match (&picture.samples, picture.channels) {
        (Samples::Eight(_), Channels::Gray) => PixelType::U8,
        (Samples::Eight(_), Channels::GrayAlpha) => PixelType::U8x2,
        (Samples::Eight(_), Channels::Rgb) => PixelType::U8x3,
        (Samples::Eight(_), Channels::Rgba) => PixelType::U8x4,
        (Samples::Sixteen(_), Channels::Gray) => PixelType::U16,
        (Samples::Sixteen(_), Channels::GrayAlpha) => PixelType::U16x2,
        (Samples::Sixteen(_), Channels::Rgb) => PixelType::U16x3,
        (Samples::Sixteen(_), Channels::Rgba) => PixelType::U16x4,
    }
}

fn bytes_mut(picture: &mut Picture) -> &mut [u8] {
    match &mut picture.samples {
        Samples::Eight(samples) => samples,
        Samples::Sixteen(samples) => bytemuck::cast_slice_mut(samples),
    }
}

mod letterbox;

#[cfg(test)]
mod tests;
