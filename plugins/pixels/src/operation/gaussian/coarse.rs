//! Blurring by way of a coarser grid.
//!
//! Rows are brought to the grid by a tent, which keeps out what the grid cannot
//! hold, and back by a cubic B-spline. Both blur too, everywhere alike: their
//! variances, (step² - 1) / 6 and step² / 3, are taken off the Gaussian's, and
//! the sum of the three is as good as the Gaussian itself.

use super::{Rows, direct, kernel};

/// Blurs by way of a grid of which a cell is `step` pixels wide and high; at
/// most half of `sigma`.
pub(super) fn blur(rows: &mut impl Rows, sigma: f64, step: usize) {
    match rows.channels() {
        1 => blur_pixels::<1>(rows, sigma, step),
        2 => blur_pixels::<2>(rows, sigma, step),
        3 => blur_pixels::<3>(rows, sigma, step),
        _ => blur_pixels::<4>(rows, sigma, step),
    }
}

fn blur_pixels<const N: usize>(rows: &mut impl Rows, sigma: f64, step: usize) {
    let square = (step * step) as f64;
    let missing = (sigma * sigma - (square - 1.0) / 6.0 - square / 3.0) / square;
    let mut grid = Grid::<N>::of(rows, step);
    direct::blur(&mut grid, &kernel(missing.sqrt()));
    grid.spread(rows);
}

/// Points one step apart. The first lies a step before the first pixel and the
/// last ones behind the last: beyond them every point would be the same, so
/// that what is done to the grid can go on as it ends.
struct Axis {
    step: usize,
    pixels: usize,
    points: usize,
    /// What each point still lacks of a whole weight when all pixels have been
    /// counted: that much of it lies behind the last pixel.
    lacking: Vec<f32>,
}

impl Axis {
    fn new(pixels: usize, step: usize) -> Self {
        // One before, one behind, and two for the spline's reach.
        let points = (pixels - 1).div_ceil(step) + 4;
        let mut axis = Self { step, pixels, points, lacking: vec![1.0; points] };
        for pixel in 0..pixels {
            for (point, weight) in axis.shares(pixel) {
                if let Some(lacking) = axis.lacking.get_mut(point) {
                    *lacking -= weight;
                }
            }
        }
        for (point, weight) in axis.before() {
            if let Some(lacking) = axis.lacking.get_mut(point) {
                *lacking -= weight;
            }
        }
        axis
    }

    /// The two points that a pixel counts for, by a tent around each.
    fn shares(&self, pixel: usize) -> [(usize, f32); 2] {
        let (point, offset) = (pixel / self.step + 1, pixel % self.step);
        let square = (self.step * self.step) as f32;
        [(point, (self.step - offset) as f32 / square), (point + 1, offset as f32 / square)]
    }

    /// What the first pixel counts for beyond that, because it goes on outwards.
    fn before(&self) -> [(usize, f32); 2] {
        [(0, 1.0), (1, (self.step - 1) as f32 / (2 * self.step) as f32)]
    }

    /// The first of the four points that a pixel is made of, and their weights:
    /// a uniform cubic B-spline.
    fn spline(&self, pixel: usize) -> (usize, [f32; 4]) {
        let t = (pixel % self.step) as f32 / self.step as f32;
        let s = 1.0 - t;
        let near = |t: f32| (4.0 + t * t * (3.0 * t - 6.0)) / 6.0;
        (pixel / self.step, [s * s * s / 6.0, near(t), near(s), t * t * t / 6.0])
    }
}

struct Grid<const N: usize> {
    columns: Axis,
    rows: Axis,
    samples: Vec<f32>,
}

impl<const N: usize> Grid<N> {
    fn of(source: &impl Rows, step: usize) -> Self {
        let columns = Axis::new(source.width(), step);
        let rows = Axis::new(source.height(), step);
        let length = columns.points * N;
        let mut grid = Self { samples: vec![0.0; length * rows.points], columns, rows };
        let mut row = vec![0.0; source.width() * N];
        let mut narrow = vec![0.0; length];
        for y in 0..source.height() {
            source.read(y, &mut row);
            grid.columns.narrow::<N>(&row, &mut narrow);
            let first = grid.rows.before().into_iter().filter(|_| y == 0);
            for (point, weight) in grid.rows.shares(y).into_iter().chain(first) {
                add(grid.samples.get_mut(point * length..).unwrap_or_default(), &narrow, weight);
            }
        }
        // What goes on below the last row.
        for (target, &weight) in grid.samples.chunks_exact_mut(length).zip(&grid.rows.lacking) {
            add(target, &narrow, weight);
        }
        grid
    }

    fn spread(&self, target: &mut impl Rows) {
        let length = self.columns.points * N;
        let mut narrow = vec![0.0; length];
        let mut row = vec![0.0; self.columns.pixels * N];
        let phases: Vec<[f32; 4]> =
            (0..self.columns.step).map(|offset| self.columns.spline(offset).1).collect();
        for y in 0..self.rows.pixels {
            let (first, weights) = self.rows.spline(y);
            narrow.fill(0.0);
            for (point, weight) in (first..).zip(weights) {
                add(&mut narrow, self.samples.get(point * length..).unwrap_or_default(), weight);
            }
            let points = narrow.as_chunks::<N>().0.windows(4);
            let cells = row.as_chunks_mut::<N>().0.chunks_mut(self.columns.step);
            for (cell, points) in cells.zip(points) {
                let [a, b, c, d] = points else { continue };
                for (pixel, [wa, wb, wc, wd]) in cell.iter_mut().zip(&phases) {
                    for channel in 0..N {
                        pixel[channel] =
                            wa * a[channel] + wb * b[channel] + wc * c[channel] + wd * d[channel];
                    }
                }
            }
            target.write(y, &row);
        }
    }
}

impl Axis {
    /// A row of pixels, of `N` samples each, as a row of points.
    fn narrow<const N: usize>(&self, row: &[f32], narrow: &mut [f32]) {
        narrow.fill(0.0);
        let pixels = row.as_chunks::<N>().0;
        let points = narrow.as_chunks_mut::<N>().0;
        let square = (self.step * self.step) as f32;
        for (index, cell) in pixels.chunks(self.step).enumerate() {
            // Summed up first: the weights are 1 - d / step and d / step.
            let (mut all, mut far) = ([0.0; N], [0.0; N]);
            for (offset, pixel) in cell.iter().enumerate() {
                for channel in 0..N {
                    all[channel] += pixel[channel];
                    far[channel] += offset as f32 * pixel[channel];
                }
            }
            if let Some([near, next]) = points.get_mut(index + 1..index + 3) {
                for channel in 0..N {
                    near[channel] += (self.step as f32 * all[channel] - far[channel]) / square;
                    next[channel] += far[channel] / square;
                }
            }
        }
        if let (Some(first), Some(last)) = (pixels.first(), pixels.last()) {
            for (point, weight) in self.before() {
                points.get_mut(point).into_iter().for_each(|point| add(point, first, weight));
            }
            for (point, &weight) in points.iter_mut().zip(&self.lacking) {
                add(point, last, weight);
            }
        }
    }
}

fn add(target: &mut [f32], source: &[f32], weight: f32) {
    for (target, source) in target.iter_mut().zip(source) {
        *target += weight * source;
    }
}

impl<const N: usize> Rows for Grid<N> {
    fn width(&self) -> usize {
        self.columns.points
    }

    fn height(&self) -> usize {
        self.rows.points
    }

    fn channels(&self) -> usize {
        N
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        let length = row.len();
        row.copy_from_slice(self.samples.get(y * length..(y + 1) * length).unwrap_or_default());
    }

    fn write(&mut self, y: usize, row: &[f32]) {
        let length = row.len();
        self.samples.get_mut(y * length..(y + 1) * length).unwrap_or_default().copy_from_slice(row);
    }
}
