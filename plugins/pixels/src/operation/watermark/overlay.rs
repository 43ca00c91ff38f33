//! The overlay: brought to the size, depth and channels that the picture under
//! it asks for, so that rows of both can be taken together.

use super::blend::{over_alpha, over_opaque};
use super::spans::Span;
use crate::operation::grayscale::Grayscale;
use crate::operation::resize::Resize;
use crate::operation::{Transform, upright};
use crate::picture::Sample;
use crate::{Channels, Error, Limits, Picture, Samples};

/// A picture with an alpha channel, of the depth of the one that it lies on.
#[derive(Debug)]
pub(super) struct Overlay(Picture);

impl Overlay {
    /// `width` is what it shall be scaled to, if it shall.
    pub(super) fn prepare(
        overlay: Picture,
        width: Option<u32>,
        opacity: f64,
        below: &Picture,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let mut overlay = upright(overlay, limits)?;
        if let Some(width) = width {
            overlay = Resize::to_width(width).apply(overlay, limits)?;
        }
        if below.channels.is_gray() && !shows_color(&overlay) {
            overlay = Grayscale.apply(overlay, limits)?;
        }
        overlay = match below.samples {
            Samples::Eight(_) => overlay.into_eight(),
            Samples::Sixteen(_) => overlay.into_sixteen(limits)?,
        };
        overlay = overlay.widened(!below.channels.is_gray(), true, limits)?;
        let count = overlay.channels.count();
        match &mut overlay.samples {
            Samples::Eight(samples) => fade(samples, count, opacity),
            Samples::Sixteen(samples) => fade(samples, count, opacity),
        }
        Ok(Self(overlay))
    }

    pub(super) fn width(&self) -> u32 {
        self.0.width
    }

    pub(super) fn height(&self) -> u32 {
        self.0.height
    }

    /// Whether the picture under it needs colour too.
    pub(super) fn has_color(&self) -> bool {
        !self.0.channels.is_gray()
    }

    /// Lays every span of every row over the picture's pixels there, and
    /// touches no others.
    pub(super) fn lay_over(&self, picture: &mut Picture, columns: &[Span], rows: &[Span]) {
        let (width, channels) = (picture.width as usize, picture.channels);
        match (&mut picture.samples, &self.0.samples) {
            (Samples::Eight(under), Samples::Eight(over)) => {
                self.lay_samples(under, width, channels, over, columns, rows);
            }
            (Samples::Sixteen(under), Samples::Sixteen(over)) => {
                self.lay_samples(under, width, channels, over, columns, rows);
            }
            // The depth was made the same.
            _ => {}
        }
    }

    fn lay_samples<T: Sample>(
        &self,
        under: &mut [T],
        width: usize,
        channels: Channels,
        over: &[T],
        columns: &[Span],
        rows: &[Span],
    ) {
        match channels {
            Channels::Gray => self.lay::<T, 1, 2>(under, width, over, columns, rows, over_opaque),
            Channels::Rgb => self.lay::<T, 3, 4>(under, width, over, columns, rows, over_opaque),
            Channels::GrayAlpha => self.lay::<T, 2, 2>(under, width, over, columns, rows, over_alpha),
            Channels::Rgba => self.lay::<T, 4, 4>(under, width, over, columns, rows, over_alpha),
        }
    }

    fn lay<T: Sample, const UNDER: usize, const OVER: usize>(
        &self,
        under: &mut [T],
        width: usize,
        over: &[T],
        columns: &[Span],
        rows: &[Span],
        blend: fn(&mut [[T; UNDER]], &[[T; OVER]]),
    ) {
        let under = under.as_chunks_mut::<UNDER>().0;
        let over = over.as_chunks::<OVER>().0;
        for row in rows {
            let below = under.chunks_exact_mut(width).skip(row.under).take(row.length);
            let above = over.chunks_exact(self.0.width as usize).skip(row.over);
            for (below, above) in below.zip(above) {
                for span in columns {
                    let below = below.get_mut(span.under..span.under + span.length);
                    let above = above.get(span.over..span.over + span.length);
                    if let (Some(below), Some(above)) = (below, above) {
                        blend(below, above);
                    }
                }
            }
        }
    }
}

/// Whether any visible pixel is anything but gray. Logos are often black or
/// white and stored as RGBA; a gray picture shall not become three times as
/// large for them.
fn shows_color(picture: &Picture) -> bool {
    match &picture.samples {
        Samples::Eight(samples) => any_color(samples, picture.channels),
        Samples::Sixteen(samples) => any_color(samples, picture.channels),
    }
}

fn any_color<T: Sample + PartialEq>(samples: &[T], channels: Channels) -> bool {
    let is_colored = |[r, g, b]: [T; 3]| r != g || g != b;
    match channels {
        Channels::Gray | Channels::GrayAlpha => false,
        Channels::Rgb => samples.as_chunks::<3>().0.iter().any(|&pixel| is_colored(pixel)),
        Channels::Rgba => {
            samples.as_chunks::<4>().0.iter().any(|&[r, g, b, a]| a.into() != 0 && is_colored([r, g, b]))
        }
    }
}

/// Makes the last of so many channels, alpha, so much less.
fn fade<T: Sample>(samples: &mut [T], count: usize, opacity: f64) {
    if opacity == 1.0 {
        return;
    }
    let opacity = (opacity * f64::from(T::MAX)).round() as u32;
    for pixel in samples.chunks_exact_mut(count) {
        if let Some(alpha) = pixel.last_mut() {
            *alpha = T::narrow(T::normalized((*alpha).into() * opacity));
        }
    }
}
