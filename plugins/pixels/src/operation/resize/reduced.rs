//! Resizing a JPEG file without ever having all of its pixels.
//!
//! Decoding gives a half, a quarter or an eighth of each side for a fraction of
//! the work, in the domain of the transform: no frequency is lost that the
//! smaller picture can show. What remains is resampled as ever, and plane by
//! plane where the file has luma and chroma.

use tintype_jpeg::Scale;

use super::kernel::Kernel;
use super::plan::{Part, Size};
use super::resample::Source;
use super::{Resize, Transform};
use crate::decode::jpeg::File;
use crate::operation::focus::Window;
use crate::{Error, Limits, Picture, Planes};

/// What comes of a file.
pub(crate) enum Resized {
    /// Pixels.
    Picture(Picture),
    /// Luma, and chroma with half of each of its sides, rounded up.
    Planes(Planes),
}

/// Decodes a file and resizes it upright. `decoded` is called in between. With
/// `halved`, chroma may stay at half the size.
pub(crate) fn resized(
    file: File<'_>,
    resize: Resize,
    halved: bool,
    limits: &Limits,
    decoded: impl FnOnce() -> Result<(), Error>,
) -> Result<Resized, Error> {
    if resize.manner.kernel == Kernel::Nearest {
        // Every pixel is taken as it is.
        let picture = crate::upright(file.picture(Scale::Full)?, limits)?;
        decoded()?;
        return Ok(Resized::Picture(resize.apply(picture, limits)?));
    }
    let turn = file.orientation();
    let upright =
        |size: (u32, u32)| if turn.swaps_sides() { Size(size.1, size.0) } else { Size(size.0, size.1) };
    let source = upright(file.size());
    let plan = resize.plan_for(source, file.channels(), 1, limits)?;
    let part = plan.part.unwrap_or(Part::whole(source));
    let mapped = |plane: &Picture, scale: Scale, sampling: Size| Mapping {
        source,
        factor: [sampling.0, sampling.1].map(|times| scale.block() as f64 / 8.0 / f64::from(times)),
        length: Size(plane.width, plane.height),
        reversed: turn.reverses(),
    };
    let whole = Size(1, 1);

    let is_sought = resize.manner.gravity.is_sought() && !part.covers(source);
    if is_sought || !file.has_planes() {
        let channels = file.channels();
        let scale = least_scale(part, whole, plan.drawn);
        let mut picture = crate::upright(file.picture(scale)?, limits)?;
        decoded()?;
        let icc = picture.icc.take();
        let mapping = mapped(&picture, scale, whole);
        let part = if is_sought {
            let seen = mapping.of(part);
            let window = Window { width: seen.width, height: seen.height };
            let found = resize.towards(resize.manner.gravity.on(&picture, window));
            found.plan_for(source, channels, 1, limits)?.part.unwrap_or(part)
        } else {
            part
        };
        let part = mapping.of(part);
        let picture = resampled(picture, resize.manner.kernel, plan.drawn, part)?;
        return Ok(Resized::Picture(resize.finish(Picture { icc, ..picture }, &plan, limits)?));
    }

    let sampling = upright(file.chroma_sampling());
    let halved = halved && plan.canvas.is_none();
    let (chroma_part, chroma_drawn) = if halved { part.of_halves(plan.drawn) } else { (part, plan.drawn) };
    let luma_scale = least_scale(part, whole, plan.drawn);
    let chroma_scale = least_scale(chroma_part, sampling, chroma_drawn);
    let planes = file.planes(luma_scale, chroma_scale)?.upright(limits)?;
    decoded()?;
    let kernel = resize.manner.kernel;
    let planes = planes.map(
        |plane| {
            let part = mapped(&plane, luma_scale, whole).of(part);
            resampled(plane, kernel, plan.drawn, part)
        },
        |plane| {
            let part = mapped(&plane, chroma_scale, sampling).of(chroma_part);
            resampled(plane, kernel, chroma_drawn, part)
        },
    )?;
    if halved {
        return Ok(Resized::Planes(planes));
    }
    Ok(Resized::Picture(resize.finish(planes.into_picture(limits)?, &plan, limits)?))
}

/// The smallest scale at which a part still has as many samples as shall be
/// drawn of it.
fn least_scale(part: Part, sampling: Size, drawn: Size) -> Scale {
    let enough = |scale: &Scale| {
        let samples = |side: f64, times: f64| side / times * scale.block() as f64 / 8.0;
        samples(part.width, sampling.width()) >= drawn.width()
            && samples(part.height, sampling.height()) >= drawn.height()
    };
    Scale::ALL.into_iter().find(enough).unwrap_or(Scale::Full)
}

fn resampled(plane: Picture, kernel: Kernel, drawn: Size, part: Part) -> Result<Picture, Error> {
    let size = Size(plane.width, plane.height);
    if drawn == size && part.covers(size) {
        return Ok(plane);
    }
    Source::new(plane, kernel)?.resampled(drawn, Some(part))?.into_picture()
}

/// Where the samples of a plane that was decoded at some scale lie in the
/// upright picture.
struct Mapping {
    source: Size,
    /// Samples of the plane for each pixel of the picture.
    factor: [f64; 2],
    length: Size,
    /// Whether the plane's incomplete samples are at its beginning.
    reversed: (bool, bool),
}

impl Mapping {
    fn of(&self, part: Part) -> Part {
        let axis = |(start, side): (f64, f64), whole: f64, factor: f64, length: f64, reversed: bool| {
            let at = if reversed { length - (whole - start) * factor } else { start * factor };
            let at = at.clamp(0.0, length);
            (at, (side * factor).min(length - at))
        };
        let [across, down] = self.factor;
        let (left, width) =
            axis((part.left, part.width), self.source.width(), across, self.length.width(), self.reversed.0);
        let (top, height) =
            axis((part.top, part.height), self.source.height(), down, self.length.height(), self.reversed.1);
        Part { left, top, width, height }
    }
}

impl Part {
    /// The part that half as many samples show, rounded up, and how many.
    fn of_halves(self, drawn: Size) -> (Self, Size) {
        let halves = Size(drawn.0.div_ceil(2), drawn.1.div_ceil(2));
        let whole = |side: f64, halves: f64, drawn: f64| side * 2.0 * halves / drawn;
        let width = whole(self.width, halves.width(), drawn.width());
        let height = whole(self.height, halves.height(), drawn.height());
        (Self { width, height, ..self }, halves)
    }
}
