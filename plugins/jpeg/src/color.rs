//! Rows of components as rows of pixels: chroma is enlarged, then colours are
//! converted.

use crate::ColorModel;
use crate::frame::Ratio;

/// Rows of a component as far as they are needed.
#[derive(Debug)]
pub(crate) struct Window {
    samples: Vec<u8>,
    stride: usize,
    /// Which of the component's rows is the first one here.
    first: usize,
    /// How much of the rows and how many rows belong to the picture.
    width: usize,
    height: usize,
    across: Ratio,
    down: Ratio,
    /// Sums of two rows, and the row that comes of them.
    sums: Vec<u16>,
    enlarged: Vec<u8>,
}

impl Window {
    pub(crate) fn new(stride: usize, (width, height): (usize, usize), across: Ratio, down: Ratio) -> Self {
        Self {
            samples: vec![],
            stride,
            first: 0,
            width,
            height,
            across,
            down,
            sums: vec![],
            enlarged: vec![],
        }
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Makes room for so many rows more.
    pub(crate) fn extend(&mut self, rows: usize) -> &mut [u8] {
        let before = self.samples.len();
        self.samples.resize(before + rows * self.stride, 0);
        self.samples.get_mut(before..).unwrap_or_default()
    }

    /// The rows that the picture's row is made of: the nearer one, and the other
    /// one if there are to be two.
    fn rows_of(&self, y: usize) -> (usize, usize) {
        let last = self.height.saturating_sub(1);
        let near = (y * self.down.own / self.down.whole).min(last);
        if !self.down.is_half() {
            return (near, near);
        }
        let far = if y.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(last) };
        (near, far)
    }

    /// Whether all is there that the picture's row is made of.
    pub(crate) fn has(&self, y: usize) -> bool {
        let (near, far) = self.rows_of(y);
        near.max(far) < self.first + self.samples.len() / self.stride.max(1)
    }

    /// Forgets rows that nothing from the picture's row `y` on is made of.
    pub(crate) fn forget_before(&mut self, y: usize) {
        let (near, far) = self.rows_of(y);
        let from = near.min(far).max(self.first);
        let gone = ((from - self.first) * self.stride).min(self.samples.len());
        self.samples.drain(..gone);
        self.first = from;
    }

    fn row(&self, row: usize) -> &[u8] {
        let at = row.saturating_sub(self.first) * self.stride;
        self.samples.get(at..at + self.width).unwrap_or_default()
    }

    /// The picture's row, in full width.
    pub(crate) fn line(&mut self, y: usize, width: usize) -> &[u8] {
        let (near, far) = self.rows_of(y);
        if self.across.is_one() && near == far {
            return self.row(near);
        }
        let mut enlarged = std::mem::take(&mut self.enlarged);
        enlarged.resize(width, 0);
        if self.across.is_one() || self.across.is_half() {
            let mut sums = std::mem::take(&mut self.sums);
            sums.resize(self.width, 0);
            for ((sum, &near), &far) in sums.iter_mut().zip(self.row(near)).zip(self.row(far)) {
                *sum = 3 * u16::from(near) + u16::from(far);
            }
            if self.across.is_one() {
                for (sample, &sum) in enlarged.iter_mut().zip(&sums) {
                    *sample = ((sum + 2) >> 2) as u8;
                }
            } else {
                doubled(&sums, &mut enlarged);
            }
            self.sums = sums;
        } else {
            let row = self.row(near);
            for (x, sample) in enlarged.iter_mut().enumerate() {
                let x = x * self.across.own / self.across.whole;
                *sample = row.get(x).or(row.last()).copied().unwrap_or_default();
            }
        }
        self.enlarged = enlarged;
        &self.enlarged
    }
}

/// Twice as many samples, each three quarters of the nearer sum and a quarter
/// of the other. The sums are four samples.
fn doubled(sums: &[u16], samples: &mut [u8]) {
    let (Some(&first), Some(&last)) = (sums.first(), sums.last()) else { return };
    let mix = |near: u16, far: u16| ((3 * near + far + 8) >> 4) as u8;
    let before = std::iter::once(&first).chain(sums);
    let after = sums.iter().skip(1).chain(std::iter::once(&last));
    let (pairs, odd) = samples.as_chunks_mut::<2>();
    for (((pair, &sum), &before), &after) in pairs.iter_mut().zip(sums).zip(before).zip(after) {
        *pair = [mix(sum, before), mix(sum, after)];
    }
    if let [sample] = odd {
        let before = sums.iter().rev().nth(1).unwrap_or(&last);
        *sample = mix(last, *before);
    }
}

/// Converts a row of pixels, whose components are as long as it is.
pub(crate) fn convert(model: ColorModel, lines: &[&[u8]], pixels: &mut [u8]) {
    match (model, lines) {
        (ColorModel::Gray, [gray]) => copy(gray, pixels),
        (ColorModel::Rgb, [r, g, b]) => {
            for (((pixel, &r), &g), &b) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(*r).zip(*g).zip(*b) {
                *pixel = [r, g, b];
            }
        }
        (ColorModel::YCbCr, [y, cb, cr]) => ycbcr_to_rgb(y, cb, cr, pixels),
        (ColorModel::Cmyk, [c, m, y, k]) => {
            let inks = c.iter().zip(*m).zip(*y).zip(*k);
            for (pixel, (((&c, &m), &y), &k)) in pixels.as_chunks_mut::<4>().0.iter_mut().zip(inks) {
                *pixel = [c, m, y, k];
            }
        }
        (ColorModel::Ycck, [y, cb, cr, k]) => {
            let inks = y.iter().zip(*cb).zip(*cr).zip(*k);
            for (pixel, (((&y, &cb), &cr), &k)) in pixels.as_chunks_mut::<4>().0.iter_mut().zip(inks) {
                let [r, g, b] = rgb(y, cb, cr);
                *pixel = [255 - r, 255 - g, 255 - b, k];
            }
        }
        _ => {}
    }
}

/// Converts planes of Y, Cb and Cr, which are equally large, to RGB: as many
/// pixels as there are, and room for.
pub fn to_rgb(y: &[u8], cb: &[u8], cr: &[u8], pixels: &mut [u8]) {
    ycbcr_to_rgb(y, cb, cr, pixels);
}

fn copy(from: &[u8], to: &mut [u8]) {
    let length = from.len().min(to.len());
    if let (Some(from), Some(to)) = (from.get(..length), to.get_mut(..length)) {
        to.copy_from_slice(from);
    }
}

/// ITU-R BT.601 in full range, as JFIF wants it, with 15 bits behind the point
/// of half of each factor: what fits 16 bits and is exact to half a step.
const CR_TO_R: i16 = 22_970;
const CB_TO_G: i16 = -11_277;
const CR_TO_G: i16 = -23_401;
const CB_TO_B: i16 = 29_032;

#[inline(always)]
fn rgb(y: u8, cb: u8, cr: u8) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y), i32::from(cb) - 128, i32::from(cr) - 128);
    // Chroma with 7 bits behind the point, as the vectors below have it.
    let part = |chroma: i32, factor: i16| (chroma * 128 * i32::from(factor) + (1 << 14)) >> 15;
    let sample = |value: i32| value.clamp(0, 255) as u8;
    [
        sample(y + ((part(cr, CR_TO_R) + 32) >> 6)),
        sample(y + ((part(cb, CB_TO_G) + part(cr, CR_TO_G) + 64) >> 7)),
        sample(y + ((part(cb, CB_TO_B) + 32) >> 6)),
    ]
}

fn ycbcr_to_rgb(y: &[u8], cb: &[u8], cr: &[u8], pixels: &mut [u8]) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    let done = vectors::ycbcr_to_rgb(y, cb, cr, pixels);
    #[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
    let done = 0;

    let rest = |line| <[u8]>::get(line, done..).unwrap_or_default().iter();
    let pixels = pixels.as_chunks_mut::<3>().0.iter_mut().skip(done);
    for (((pixel, &y), &cb), &cr) in pixels.zip(rest(y)).zip(rest(cb)).zip(rest(cr)) {
        *pixel = rgb(y, cb, cr);
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    use core::arch::wasm32::*;

    use super::{CB_TO_B, CB_TO_G, CR_TO_G, CR_TO_R};

    /// Converts 16 pixels at a time, and says how many it did.
    pub(super) fn ycbcr_to_rgb(y: &[u8], cb: &[u8], cr: &[u8], pixels: &mut [u8]) -> usize {
        let lines = y.as_chunks::<16>().0.iter().zip(cb.as_chunks::<16>().0).zip(cr.as_chunks::<16>().0);
        let mut done = 0;
        for (target, ((y, cb), cr)) in pixels.as_chunks_mut::<48>().0.iter_mut().zip(lines) {
            let (y, cb, cr): (v128, v128, v128) =
                (bytemuck::cast(*y), bytemuck::cast(*cb), bytemuck::cast(*cr));
            let low =
                converted(u16x8_extend_low_u8x16(y), u16x8_extend_low_u8x16(cb), u16x8_extend_low_u8x16(cr));
            let high = converted(
                u16x8_extend_high_u8x16(y),
                u16x8_extend_high_u8x16(cb),
                u16x8_extend_high_u8x16(cr),
            );
            let [r, g, b] = [0, 1, 2].map(|channel| u8x16_narrow_i16x8(low[channel], high[channel]));
            *target = interleaved(r, g, b);
            done += 16;
        }
        done
    }

    #[inline(always)]
    fn converted(y: v128, cb: v128, cr: v128) -> [v128; 3] {
        let center = |chroma| i16x8_shl(i16x8_sub(chroma, i16x8_splat(128)), 7);
        let (cb, cr) = (center(cb), center(cr));
        let part = |chroma, factor| i16x8_q15mulr_sat(chroma, i16x8_splat(factor));
        let rounded = |value, bits: u32| i16x8_shr(i16x8_add(value, i16x8_splat(1 << (bits - 1))), bits);
        [
            i16x8_add(y, rounded(part(cr, CR_TO_R), 6)),
            i16x8_add(y, rounded(i16x8_add(part(cb, CB_TO_G), part(cr, CR_TO_G)), 7)),
            i16x8_add(y, rounded(part(cb, CB_TO_B), 6)),
        ]
    }

    #[inline(always)]
    fn interleaved(r: v128, g: v128, b: v128) -> [u8; 48] {
        let rg0 = i8x16_shuffle::<0, 16, 0, 1, 17, 0, 2, 18, 0, 3, 19, 0, 4, 20, 0, 5>(r, g);
        let first = i8x16_shuffle::<0, 1, 16, 3, 4, 17, 6, 7, 18, 9, 10, 19, 12, 13, 20, 15>(rg0, b);
        let rg1 = i8x16_shuffle::<21, 0, 6, 22, 0, 7, 23, 0, 8, 24, 0, 9, 25, 0, 10, 26>(r, g);
        let second = i8x16_shuffle::<0, 21, 2, 3, 22, 5, 6, 23, 8, 9, 24, 11, 12, 25, 14, 15>(rg1, b);
        let rg2 = i8x16_shuffle::<0, 11, 27, 0, 12, 28, 0, 13, 29, 0, 14, 30, 0, 15, 31, 0>(r, g);
        let third = i8x16_shuffle::<26, 1, 2, 27, 4, 5, 28, 7, 8, 29, 10, 11, 30, 13, 14, 31>(rg2, b);
        bytemuck::cast([first, second, third])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_is_within_a_step_of_the_exact_one() {
        for y in (0..=255).step_by(3) {
            for cb in 0..=255_u8 {
                for cr in (0..=255_u8).step_by(5) {
                    let (blue, red) = (f64::from(cb) - 128.0, f64::from(cr) - 128.0);
                    let exact = [1.402 * red, -0.344_136 * blue - 0.714_136 * red, 1.772 * blue];
                    for (found, exact) in rgb(y, cb, cr).into_iter().zip(exact) {
                        let exact = (f64::from(y) + exact).clamp(0.0, 255.0);
                        assert!((f64::from(found) - exact).abs() < 0.6, "{y} {cb} {cr}: {found} {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_any_length_are_converted_to_their_end() {
        let line: Vec<u8> = (0..50).map(|at| at * 5).collect();
        for length in 0..line.len() {
            let mut pixels = vec![0; 3 * length];
            let (y, cb, cr) = (&line[..length], &line[50 - length..], &line[..length]);
            convert(ColorModel::YCbCr, &[y, cb, cr], &mut pixels);
            for (index, pixel) in pixels.as_chunks::<3>().0.iter().enumerate() {
                assert_eq!(*pixel, rgb(y[index], cb[index], cr[index]));
            }
        }
    }

    #[test]
    fn doubling_keeps_an_even_surface_and_mixes_neighbours() {
        let mut samples = [0; 5];
        doubled(&[400, 400, 400], &mut samples);
        assert_eq!(samples, [100; 5]);
        let mut samples = [0; 4];
        doubled(&[0, 160], &mut samples);
        assert_eq!(samples, [0, 10, 30, 40]);
        let mut one = [0; 1];
        doubled(&[80], &mut one);
        assert_eq!(one, [20]);
    }
}
