//! Blurring as it is defined: every sample is a weighted sum of those around
//! it, first along the rows, then across them.
//!
//! Works in place: only as many blurred rows are kept as the kernel is high.

use super::Rows;

/// Samples summed up at a time: 4 KiB of them stay in the first-level cache
/// while the kernel is gone through.
const BLOCK: usize = 1024;

/// `kernel` is its right half, from the middle.
pub(super) fn blur(rows: &mut impl Rows, kernel: &[f32]) {
    let Some((&middle, sides)) = kernel.split_first() else { return };
    let (height, count) = (rows.height(), rows.channels());
    let length = rows.width() * count;
    let radius = sides.len();

    let mut padded = vec![0.0; length + 2 * radius * count];
    let mut blurred = vec![0.0; length];
    // Row y lies at y modulo their number.
    let mut kept = vec![vec![0.0; length]; (2 * radius + 1).min(height)];
    let slots = kept.len();
    let mut next = 0;
    for y in 0..height {
        while next <= (y + radius).min(height - 1) {
            rows.read(next, padded.get_mut(radius * count..radius * count + length).unwrap_or_default());
            pad(&mut padded, radius, count);
            if let Some(row) = kept.get_mut(next % slots) {
                weigh(row, middle, sides, |offset| {
                    padded.get((radius as isize + offset) as usize * count..).unwrap_or_default()
                });
            }
            next += 1;
        }
        weigh(&mut blurred, middle, sides, |offset| {
            let row = y.saturating_add_signed(offset).min(height - 1);
            kept.get(row % slots).map(Vec::as_slice).unwrap_or_default()
        });
        rows.write(y, &blurred);
    }
}

/// Repeats the first and the last pixel outwards.
fn pad(padded: &mut [f32], radius: usize, count: usize) {
    let last = padded.len() - (radius + 1) * count;
    for pixel in 0..radius {
        padded.copy_within(radius * count..(radius + 1) * count, pixel * count);
        padded.copy_within(last..last + count, last + (pixel + 1) * count);
    }
}

/// The weighted sum of slices, `at` so many places before and behind the middle.
fn weigh<'a>(target: &mut [f32], middle: f32, sides: &[f32], at: impl Fn(isize) -> &'a [f32]) {
    let length = target.len();
    for (index, block) in target.chunks_mut(BLOCK).enumerate() {
        let start = index * BLOCK;
        let end = (start + BLOCK).min(length);
        let part = |offset| at(offset).get(start..end).unwrap_or_default();
        for (sum, sample) in block.iter_mut().zip(part(0)) {
            *sum = middle * sample;
        }
        for (distance, weight) in (1..).zip(sides) {
            let (before, behind) = (part(-distance), part(distance));
            for ((sum, before), behind) in block.iter_mut().zip(before).zip(behind) {
                *sum += weight * (before + behind);
            }
        }
    }
}
