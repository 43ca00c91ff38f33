//! A picture so small that every place of a window on it can be tried.

use crate::picture::{LUMA, Sample};
use crate::{Picture, Samples};

/// The longer side in cells. With 96 a face that fills a twentieth of a
/// photograph still has some, and a window's place is found to 1 %.
const SIDE: usize = 96;

/// Pixels that are read of each cell, along either axis. More change nothing
/// that can be seen of it, and all of a photograph's would cost a pass over it.
const READ: usize = 4;

/// Red, green and blue from 0 to 1, multiplied by alpha, and alpha.
#[derive(Debug)]
pub(in crate::operation) struct Miniature {
    pub(in crate::operation) width: usize,
    pub(in crate::operation) height: usize,
    pub(in crate::operation) cells: Vec<[f32; 4]>,
}

impl Miniature {
    pub(in crate::operation) fn of(picture: &Picture) -> Self {
        match &picture.samples {
            Samples::Eight(samples) => Self::of_samples(picture, samples),
            Samples::Sixteen(samples) => Self::of_samples(picture, samples),
        }
    }

    fn of_samples<T: Sample>(picture: &Picture, samples: &[T]) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let longer = width.max(height).max(SIDE);
        let cells = |side: usize| (side * SIDE / longer).clamp(1, side);
        let (columns, rows) = (cells(width), cells(height));
        // Pixels spread evenly over each cell.
        let read = |cell: usize, cells: usize, pixels: usize| {
            let count = (pixels / cells).clamp(1, READ);
            (0..count).map(move |part| {
                (((cell * count + part) as f64 + 0.5) * pixels as f64 / (cells * count) as f64) as usize
            })
        };
        let count = picture.channels.count();
        let mut miniature = Self { width: columns, height: rows, cells: Vec::with_capacity(columns * rows) };
        for row in 0..rows {
            for column in 0..columns {
                let (mut sum, mut pixels) = ([0.0; 4], 0.0);
                for y in read(row, rows, height) {
                    for x in read(column, columns, width) {
                        let at = (y * width + x) * count;
                        let color = color(samples.get(at..at + count).unwrap_or_default());
                        sum.iter_mut().zip(color).for_each(|(sum, color)| *sum += color);
                        pixels += 1.0;
                    }
                }
                miniature.cells.push(sum.map(|sum: f32| sum / pixels));
            }
        }
        miniature
    }

    pub(in crate::operation) fn luma(&self) -> Vec<f32> {
        let weights = LUMA.map(|weight| weight as f32 / 65_536.0);
        self.cells
            .iter()
            .map(|cell| cell.iter().zip(weights).map(|(color, weight)| color * weight).sum())
            .collect()
    }
}

fn color<T: Sample>(pixel: &[T]) -> [f32; 4] {
    let unit = |sample: T| sample.as_f32() / T::MAX as f32;
    let (color, alpha) = match *pixel {
        [gray] => ([gray; 3], 1.0),
        [gray, alpha] => ([gray; 3], unit(alpha)),
        [r, g, b] => ([r, g, b], 1.0),
        [r, g, b, alpha] => ([r, g, b], unit(alpha)),
        _ => return [0.0; 4],
    };
    let [r, g, b] = color.map(|color| unit(color) * alpha);
    [r, g, b, alpha]
}
