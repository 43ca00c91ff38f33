//! Gaussian blur of anything that has rows of samples, at a cost that does not
//! grow with sigma.
//!
//! A small blur is computed as it is defined. For a large one the rows are
//! brought to a coarser grid, blurred there by what is missing, and brought
//! back: a blur leaves nothing that the coarse grid could not hold. Must never
//! know of pictures.

mod coarse;
mod direct;
pub(super) mod premultiplied;
#[cfg(test)]
mod tests;

/// Rows of samples, pixel by pixel, that can be read and written one by one.
///
/// A row is written after it was read, and no row is read after its writing.
pub(super) trait Rows {
    fn width(&self) -> usize;
    fn height(&self) -> usize;
    /// Samples of a pixel.
    fn channels(&self) -> usize;
    fn read(&self, y: usize, row: &mut [f32]);
    fn write(&mut self, y: usize, row: &[f32]);
}

/// Blurs by `sigma`, the standard deviation in pixels. Beyond its edges a
/// picture goes on as it ends there.
pub(super) fn blur(rows: &mut impl Rows, sigma: f64) {
    // Two cells of the grid a sigma: noise and edges come out within half a level
    // of 8 bits then, with one and a half within one, and more would only cost.
    let step = (sigma / 2.0).floor();
    if step < 2.0 {
        direct::blur(rows, &kernel(sigma));
    } else {
        coarse::blur(rows, sigma, step as usize);
    }
}

/// The right half of a Gaussian kernel, from its middle, so that all of it adds
/// up to 1.
fn kernel(sigma: f64) -> Vec<f32> {
    // Of a Gaussian 0.05 % lie further out than 3.5 sigma: a tenth of a level
    // of 8 bits.
    let radius = (3.5 * sigma).ceil() as usize;
    let mut half: Vec<f64> = (0..=radius).map(|x| (-0.5 * (x as f64 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * half.iter().sum::<f64>() - 1.0;
    half.iter_mut().for_each(|weight| *weight /= sum);
    half.into_iter().map(|weight| weight as f32).collect()
}
