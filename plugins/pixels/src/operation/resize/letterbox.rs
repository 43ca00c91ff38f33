//! The background that `contain` puts around a picture.

use super::manner::Manner;
use super::plan::Size;
use crate::{Channels, Error, Limits, Picture, Samples};

impl Manner {
    /// Lays the picture onto a canvas at least as large as itself.
    pub(super) fn place(&self, picture: Picture, canvas: Size, limits: &Limits) -> Result<Picture, Error> {
        if Size(picture.width, picture.height) == canvas {
            return Ok(picture);
        }
        let background = self.background.unwrap_or(match picture.channels.has_alpha() {
            true => [0; 4],
            false => [0, 0, 0, u8::MAX],
        });
        let [r, g, b, alpha] = background;
        let picture = picture.widened(r != g || g != b, alpha != u8::MAX, limits)?;
        let length = limits.check(canvas.0, canvas.1, picture.channels, picture.bytes_per_sample())?;

        let gravity = self.gravity.gravity();
        let left = ((canvas.width() - f64::from(picture.width)) * gravity.x).floor() as usize;
        let top = ((canvas.height() - f64::from(picture.height)) * gravity.y).floor() as usize;
        let frame = Frame {
            row: picture.width as usize * picture.channels.count(),
            left: left * picture.channels.count(),
            top,
            canvas_row: canvas.0 as usize * picture.channels.count(),
        };
        let pixel: &[u8] = match picture.channels {
            Channels::Gray => &[r],
            Channels::GrayAlpha => &[r, alpha],
            Channels::Rgb => &[r, g, b],
            Channels::Rgba => &[r, g, b, alpha],
        };
        let samples = match &picture.samples {
            Samples::Eight(samples) => Samples::Eight(frame.around(samples, length, pixel)),
            Samples::Sixteen(samples) => {
                let wide: Vec<_> = pixel.iter().map(|&sample| u16::from(sample) * 257).collect();
                Samples::Sixteen(frame.around(samples, length, &wide))
            }
        };
        Ok(Picture { width: canvas.0, height: canvas.1, samples, ..picture })
    }
}

/// Where on the canvas the picture lies: samples along x, rows along y.
struct Frame {
    row: usize,
    left: usize,
    top: usize,
    canvas_row: usize,
}

impl Frame {
    fn around<T: Copy>(&self, samples: &[T], length: usize, background: &[T]) -> Vec<T> {
        let mut canvas: Vec<T> = background.iter().copied().cycle().take(length).collect();
        let rows = canvas.chunks_exact_mut(self.canvas_row).skip(self.top);
        for (target, source) in rows.zip(samples.chunks_exact(self.row)) {
            let target = target.iter_mut().skip(self.left);
            target.zip(source).for_each(|(target, source)| *target = *source);
        }
        canvas
    }
}
