//! The forward transform and quantization: the way into a file.
//!
//! The inverse's algorithm the other way round, in the same fixed point.

use crate::transform::{Block, fixed, negative};
use tintype_lanes::{Eight, Four, Reciprocal};

/// Bits that the first pass keeps behind the point.
const KEPT: u32 = 2;
const FIRST: u32 = 13 - KEPT;
const SECOND: u32 = 13 + KEPT;

/// What coefficients are multiplied with: the transform's own factor of 8 and
/// the quantization's step, in natural order.
#[derive(Debug, Clone)]
pub(crate) struct Reciprocals([Reciprocal; 8]);

impl Reciprocals {
    pub(crate) fn of(steps: &[u8; 64]) -> Self {
        let rows = steps.as_chunks::<8>().0;
        Self(std::array::from_fn(|row| {
            let steps = rows.get(row).copied().unwrap_or([1; 8]);
            Reciprocal::new(steps.map(|step| 1.0 / (8.0 * f32::from(step.max(1)))))
        }))
    }
}

/// The quantized coefficients of eight rows of eight samples, in natural order,
/// and a bit for each that is not zero.
#[inline(always)]
pub(crate) fn coefficients(samples: [[u8; 8]; 8], reciprocals: &Reciprocals) -> (Block, u64) {
    let rows = samples.map(Eight::from_samples);
    let columns = pass::<FIRST>(Eight::transposed(rows));
    let rows = pass::<SECOND>(Eight::transposed(columns));
    let mut block: Block = [0; 64];
    let mut present = 0;
    let places = block.as_chunks_mut::<8>().0.iter_mut();
    for ((index, place), (row, reciprocal)) in (0..).zip(places).zip(rows.into_iter().zip(&reciprocals.0)) {
        let quantized = row.quantized(reciprocal);
        *place = quantized.to_array();
        present |= u64::from(quantized.nonzero()) << (8 * index);
    }
    (block, present)
}

/// One transform of eight, across the vectors.
#[inline(always)]
fn pass<const SHIFT: u32>(d: [Eight; 8]) -> [Eight; 8] {
    let both = |a: Eight, b: Eight, even: i16, odd: i16| {
        let pairs = Eight::pairs(even, odd);
        (a.mixed_low(b).dot(pairs), a.mixed_high(b).dot(pairs))
    };
    let plus = |a: (Four, Four), b: (Four, Four)| (a.0.plus(b.0), a.1.plus(b.1));
    let narrowed = |(low, high): (Four, Four)| Four::narrowed::<SHIFT>(low, high);
    let scaled = |value: Eight| narrowed((value.low_scaled(), value.high_scaled()));

    let (t0, t7) = (d[0].plus(d[7]), d[0].minus(d[7]));
    let (t1, t6) = (d[1].plus(d[6]), d[1].minus(d[6]));
    let (t2, t5) = (d[2].plus(d[5]), d[2].minus(d[5]));
    let (t3, t4) = (d[3].plus(d[4]), d[3].minus(d[4]));

    let (t10, t13) = (t0.plus(t3), t0.minus(t3));
    let (t11, t12) = (t1.plus(t2), t1.minus(t2));

    let (s46, s57) = (t4.plus(t6), t5.plus(t7));
    let z3 = both(s46, s57, negative(0.785_694_958), fixed(1.175_875_602));
    let z4 = both(s46, s57, fixed(1.175_875_602), fixed(0.785_694_958));
    [
        scaled(t10.plus(t11)),
        narrowed(plus(both(t7, t4, fixed(0.601_344_887), negative(0.899_976_223)), z4)),
        narrowed(both(t12, t13, fixed(0.541_196_100), fixed(1.306_562_965))),
        narrowed(plus(both(t6, t5, fixed(0.509_795_579), negative(2.562_915_447)), z3)),
        scaled(t10.minus(t11)),
        narrowed(plus(both(t5, t6, negative(0.509_795_579), negative(2.562_915_447)), z4)),
        narrowed(both(t12, t13, negative(1.306_562_965), fixed(0.541_196_100))),
        narrowed(plus(both(t4, t7, negative(0.601_344_887), negative(0.899_976_223)), z3)),
    ]
}
