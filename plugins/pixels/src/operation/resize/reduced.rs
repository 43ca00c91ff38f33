//! Resizing a JPEG file without ever having all of its pixels.
//!
//! Decoding gives a half, a quarter or an eighth of each side for a fraction of
//! the work, in the domain of the transform: no frequency is lost that the
//! smaller picture can show. What remains is resampled as ever, and plane by
//! plane where the file has luma and chroma.

use tintype_jpeg::Scale;

use super::kernel::Kernel;
use super::mapping::{Mapping, Reduced};
use super::plan::{Part, Size};
use super::resample::Source;
use super::{Resize, Transform};
use crate::decode::jpeg::File;
use crate::{Error, Limits, Orientation, Picture, Planes};

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
    let source = upright(file.size(), turn);
    let plan = resize.plan_for(source, file.channels(), 1, limits)?;
    let part = plan.part.unwrap_or(Part::whole(source));
    let mapped = |plane: &Picture, scale, sampling| Mapping::new(source, plane, scale, sampling, turn);

    let is_sought = resize.manner.gravity.is_sought() && !part.covers(source);
    if is_sought || !file.has_planes() {
        let scale = least_scale(part, EACH, plan.drawn);
        let mut picture = crate::upright(file.picture(scale)?, limits)?;
        decoded()?;
        let icc = picture.icc.take();
        let mapping = mapped(&picture, scale, EACH);
        let part = resize.plan(&picture, &mapping, limits)?.part.unwrap_or(part);
        let part = mapping.of(part);
        let picture = resampled(picture, resize.manner.kernel, plan.drawn, part)?;
        return Ok(Resized::Picture(resize.finish(Picture { icc, ..picture }, &plan, limits)?));
    }

    let sampling = upright(file.chroma_sampling(), turn);
    let halved = halved && plan.canvas.is_none();
    let (chroma_part, chroma_drawn) = if halved { part.of_halves(plan.drawn) } else { (part, plan.drawn) };
    let luma_scale = least_scale(part, EACH, plan.drawn);
    let chroma_scale = least_scale(chroma_part, sampling, chroma_drawn);
    let planes = file.planes(luma_scale, chroma_scale)?.upright(limits)?;
    decoded()?;
    let kernel = resize.manner.kernel;
    let planes = planes.map(
        |plane| {
            let part = mapped(&plane, luma_scale, EACH).of(part);
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

/// Decodes as much of a file as these resizings need, upright. Each of them
/// takes its [part](Mapping::of_planned) of that.
pub(crate) fn enough_for(file: File<'_>, resizes: &[Resize], limits: &Limits) -> Result<Reduced, Error> {
    let turn = file.orientation();
    let source = upright(file.size(), turn);
    let mut scale = Scale::Eighth;
    for resize in resizes {
        let plan = resize.plan_for(source, file.channels(), 1, limits)?;
        let part = plan.part.unwrap_or(Part::whole(source));
        let takes_pixels = resize.manner.kernel == Kernel::Nearest;
        scale = scale.max(if takes_pixels { Scale::Full } else { least_scale(part, EACH, plan.drawn) });
    }
    let picture = crate::upright(file.picture(scale)?, limits)?;
    Ok(Reduced { mapping: Mapping::new(source, &picture, scale, EACH, turn), picture })
}

/// The sampling of what has a sample for each pixel.
const EACH: Size = Size(1, 1);

fn upright((width, height): (u32, u32), turn: Orientation) -> Size {
    if turn.swaps_sides() { Size(height, width) } else { Size(width, height) }
}

/// On a shorter side than this the last block, where it is incomplete and so
/// shows less than it seems to, is too much of the picture.
const SMALL: u32 = 32;

/// The smallest scale at which a part still has as many samples as shall be
/// drawn of it, and twice as many for one that is [small](SMALL).
fn least_scale(part: Part, sampling: Size, drawn: Size) -> Scale {
    let spare = if drawn.0.min(drawn.1) < SMALL { 2.0 } else { 1.0 };
    let enough = |scale: &Scale| {
        let samples = |side: f64, times: f64| side / times * scale.block() as f64 / 8.0;
        samples(part.width, sampling.width()) >= spare * drawn.width()
            && samples(part.height, sampling.height()) >= spare * drawn.height()
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
