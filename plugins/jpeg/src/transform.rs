//! The inverse discrete cosine transform, in full and in reduced sizes.
//!
//! In full it is the algorithm of Loeffler, Ligtenberg and Moschytz (1989) with
//! 11 multiplications a row, in fixed point with 13 bits, as the Independent
//! JPEG Group's "slow" one: exact to a step of a sample. A reduced transform
//! takes the coefficients of the lowest frequencies only, which is what an
//! ideal low-pass filter would leave of the block.

use crate::segments::Quantization;
use tintype_lanes::{Eight, Four};

/// A block's coefficients in natural order.
pub(crate) type Block = [i16; 64];

/// 13 bits behind the point.
pub(crate) const fn fixed(factor: f64) -> i16 {
    (factor * 8192.0 + 0.5) as i16
}

/// The same, negative.
pub(crate) const fn negative(factor: f64) -> i16 {
    -fixed(factor)
}

/// Bits that the first pass keeps behind the point.
const KEPT: u32 = 2;
const FIRST: u32 = 13 - KEPT;
/// The transforms of both axes together are 8 times too large.
const SECOND: u32 = 13 + KEPT + 3;

/// Where samples go: rows of a plane, from the block's corner on.
pub(crate) struct Target<'a> {
    pub(crate) samples: &'a mut [u8],
    pub(crate) stride: usize,
}

impl Target<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, row: usize, samples: [u8; N]) {
        let at = row * self.stride;
        if let Some(place) = self.samples.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<N>) {
            *place = samples;
        }
    }

    /// The same sample everywhere: what a block's mean alone makes.
    pub(crate) fn fill<const N: usize>(&mut self, direct: i16, quantization: &Quantization) {
        let sample = mean(direct, quantization);
        for row in 0..N {
            self.put(row, [sample; N]);
        }
    }
}

/// A block's mean as a sample.
#[inline(always)]
pub(crate) fn mean(direct: i16, quantization: &Quantization) -> u8 {
    let direct = i32::from(direct.wrapping_mul(quantization[0]));
    (((direct + 4) >> 3) + 128).clamp(0, 255) as u8
}

#[inline(always)]
fn row(block: &Block, index: usize) -> &[i16; 8] {
    block.as_chunks::<8>().0.get(index).unwrap_or(&[0; 8])
}

/// Eight samples of each side.
#[inline(always)]
pub(crate) fn eight(block: &Block, quantization: &Quantization, target: &mut Target<'_>) {
    let rows: [Eight; 8] = std::array::from_fn(|index| {
        Eight::load(row(block, index)).times(Eight::load(row(quantization, index)))
    });
    let columns = Eight::transposed(pass_of_eight::<FIRST>(rows));
    let rows = Eight::transposed(pass_of_eight::<SECOND>(columns));
    for (index, row) in rows.into_iter().enumerate() {
        target.put(index, row.to_samples());
    }
}

/// One transform of eight, across the vectors.
#[inline(always)]
fn pass_of_eight<const SHIFT: u32>(r: [Eight; 8]) -> [Eight; 8] {
    // What is said twice, for the lower and the upper four lanes.
    let both = |a: Eight, b: Eight, even: i16, odd: i16| {
        let pairs = Eight::pairs(even, odd);
        (a.mixed_low(b).dot(pairs), a.mixed_high(b).dot(pairs))
    };
    let plus = |a: (Four, Four), b: (Four, Four)| (a.0.plus(b.0), a.1.plus(b.1));
    let minus = |a: (Four, Four), b: (Four, Four)| (a.0.minus(b.0), a.1.minus(b.1));

    let even2 = both(r[2], r[6], fixed(0.541_196_100), negative(1.306_562_965));
    let even3 = both(r[2], r[6], fixed(1.306_562_965), fixed(0.541_196_100));
    let (sum, difference) = (r[0].plus(r[4]), r[0].minus(r[4]));
    let even0 = (sum.low_scaled(), sum.high_scaled());
    let even1 = (difference.low_scaled(), difference.high_scaled());
    let (e0, e3) = (plus(even0, even3), minus(even0, even3));
    let (e1, e2) = (plus(even1, even2), minus(even1, even2));

    let (s73, s51) = (r[7].plus(r[3]), r[5].plus(r[1]));
    let z3 = both(s73, s51, negative(0.785_694_958), fixed(1.175_875_602));
    let z4 = both(s73, s51, fixed(1.175_875_602), fixed(0.785_694_958));
    let odd0 = plus(both(r[7], r[1], negative(0.601_344_887), negative(0.899_976_223)), z3);
    let odd1 = plus(both(r[5], r[3], negative(0.509_795_579), negative(2.562_915_447)), z4);
    let odd2 = plus(both(r[3], r[5], fixed(0.509_795_579), negative(2.562_915_447)), z3);
    let odd3 = plus(both(r[1], r[7], fixed(0.601_344_887), negative(0.899_976_223)), z4);

    let narrowed = |(low, high): (Four, Four)| Four::narrowed::<SHIFT>(low, high);
    [
        narrowed(plus(e0, odd3)),
        narrowed(plus(e1, odd2)),
        narrowed(plus(e2, odd1)),
        narrowed(plus(e3, odd0)),
        narrowed(minus(e3, odd0)),
        narrowed(minus(e2, odd1)),
        narrowed(minus(e1, odd2)),
        narrowed(minus(e0, odd3)),
    ]
}

/// Four samples of each side, of the coefficients of the lower half of the
/// frequencies.
#[inline(always)]
pub(crate) fn four(block: &Block, quantization: &Quantization, target: &mut Target<'_>) {
    // Two rows of four lie in each vector, so that both lanes' halves work.
    let load = |index: usize| {
        let half = |row: &[i16; 8]| *row.first_chunk::<4>().unwrap_or(&[0; 4]);
        let coefficients = Eight::load_four(&half(row(block, index)));
        coefficients.times(Eight::load_four(&half(row(quantization, index))))
    };
    let [a, b, c, d] = pass_of_four([load(0), load(1), load(2), load(3)]);
    let (first, second) = (Four::narrowed::<FIRST>(a, b), Four::narrowed::<FIRST>(c, d));
    let [a, b, c, d] = pass_of_four(Eight::columns_of_four(first, second));
    let (first, second) = (Four::narrowed::<SECOND>(a, b), Four::narrowed::<SECOND>(c, d));
    let [a, b, c, d] = Eight::columns_of_four(first, second);
    for (index, row) in [a, b, c, d].into_iter().enumerate() {
        let [w, x, y, z, ..] = row.to_samples();
        target.put(index, [w, x, y, z]);
    }
}

/// One transform of four, across the lower halves of the vectors.
#[inline(always)]
fn pass_of_four(r: [Eight; 4]) -> [Four; 4] {
    let odd = r[1].mixed_low(r[3]);
    let odd0 = odd.dot(Eight::pairs(fixed(1.306_562_965), fixed(0.541_196_100)));
    let odd1 = odd.dot(Eight::pairs(fixed(0.541_196_100), negative(1.306_562_965)));
    let even0 = r[0].plus(r[2]).low_scaled();
    let even1 = r[0].minus(r[2]).low_scaled();
    [even0.plus(odd0), even1.plus(odd1), even1.minus(odd1), even0.minus(odd0)]
}

/// Two samples of each side.
#[inline(always)]
pub(crate) fn two(block: &Block, quantization: &Quantization, target: &mut Target<'_>) {
    let coefficient = |at: usize| i32::from(block[at].wrapping_mul(quantization[at]));
    let (a, b, c, d) = (coefficient(0), coefficient(1), coefficient(8), coefficient(9));
    let sample = |sum: i32| (((sum + 4) >> 3) + 128).clamp(0, 255) as u8;
    target.put(0, [sample(a + b + c + d), sample(a - b + c - d)]);
    target.put(1, [sample(a + b - c - d), sample(a - b - c + d)]);
}
