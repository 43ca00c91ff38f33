//! The vertical half of resampling 8-bit samples: new rows, each a weighted sum
//! of old ones.
//!
//! It is the half that sees every sample of the source, six times over with
//! Lanczos, and so the one that decides. Whatever the channels are, it works on
//! bytes side by side.

use std::ops::Range;

use tintype_lanes::{Eight, Four, Sixteen};

use super::kernel::{PRECISION, Weights};

/// Samples at a time: eight sums fill half of the registers that x86-64 has.
const BLOCK: usize = 32;

/// The new rows, from the samples of old rows that are within `columns`.
pub(super) fn resampled(source: &[u8], stride: usize, columns: Range<usize>, weights: &[Weights]) -> Vec<u8> {
    let length = columns.len();
    let mut target = vec![0; length * weights.len()];
    let rows: Vec<&[u8]> =
        source.chunks_exact(stride.max(1)).map(|row| row.get(columns.clone()).unwrap_or_default()).collect();
    // Where rows don't end with a block, one is made of what is left.
    let rest = length % BLOCK;
    let rests: Vec<[u8; BLOCK]> = rows.iter().map(|row| padded(row, rest)).collect();
    let mut pairs = vec![];
    let mut rest_pairs = vec![];
    for (line, weights) in target.chunks_exact_mut(length.max(1)).zip(weights) {
        pairs.clear();
        rest_pairs.clear();
        for (index, pair) in (weights.first..).step_by(2).zip(weights.weights.chunks(2)) {
            let factors = Eight::pairs(pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0));
            // The second of the last pair may be beyond the picture; it counts for nothing then.
            let second = if pair.len() == 2 { index + 1 } else { index };
            let (Some(upper), Some(lower)) = (rows.get(index), rows.get(second)) else { continue };
            pairs.push((upper.as_chunks::<BLOCK>().0, lower.as_chunks::<BLOCK>().0, factors));
            if let (Some(upper), Some(lower), true) = (rests.get(index), rests.get(second), rest > 0) {
                rest_pairs.push((std::slice::from_ref(upper), std::slice::from_ref(lower), factors));
            }
        }
        let (blocks, end) = line.as_chunks_mut::<BLOCK>();
        for (index, block) in blocks.iter_mut().enumerate() {
            *block = summed(&pairs, index);
        }
        if rest > 0 {
            let block = summed(&rest_pairs, 0);
            end.copy_from_slice(block.get(..rest).unwrap_or_default());
        }
    }
    target
}

/// The last samples of a row, and zeros.
fn padded(row: &[u8], count: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let from = row.len().saturating_sub(count);
    for (place, sample) in block.iter_mut().zip(row.get(from..).unwrap_or_default()) {
        *place = *sample;
    }
    block
}

/// Two rows in blocks, and their factors.
type Pair<'a> = (&'a [[u8; BLOCK]], &'a [[u8; BLOCK]], Eight);

#[inline(always)]
fn summed(pairs: &[Pair<'_>], index: usize) -> [u8; BLOCK] {
    let mut sums = [Four::splat(0); 8];
    for &(upper, lower, factors) in pairs {
        let (Some(upper), Some(lower)) = (upper.get(index), lower.get(index)) else { continue };
        let ([a, b], [c, d]) = (halves(upper), halves(lower));
        let first = a.mixed(c);
        let second = b.mixed(d);
        for (sum, mixed) in sums.iter_mut().zip(first.into_iter().chain(second)) {
            *sum = sum.plus(mixed.dot(factors));
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    let narrowed = |low, high| Four::narrowed::<PRECISION>(low, high);
    let first = Sixteen::narrowed(narrowed(a, b), narrowed(c, d));
    let second = Sixteen::narrowed(narrowed(e, f), narrowed(g, h));
    let mut block = [0; BLOCK];
    let (left, right) = block.split_at_mut(16);
    left.copy_from_slice(&first);
    right.copy_from_slice(&second);
    block
}

#[inline(always)]
fn halves(block: &[u8; BLOCK]) -> [Sixteen; 2] {
    let [a, b] = block.as_chunks::<16>().0 else { return [Sixteen::load(&[0; 16]); 2] };
    [Sixteen::load(a), Sixteen::load(b)]
}

#[cfg(test)]
mod tests {
    use super::super::kernel::Kernel;
    use super::*;

    #[test]
    fn every_sample_is_the_weighted_sum_of_its_column() {
        for (length, high, count) in [(1, 1, 3), (31, 40, 7), (32, 5, 5), (100, 9, 30), (64, 200, 1)] {
            let source: Vec<u8> = (0..length * high).map(|at| (at * 89 % 251) as u8).collect();
            let weights = Kernel::Lanczos3.weights((0.0, high as f64), high, count).unwrap();
            let target = resampled(&source, length, 0..length, &weights);
            assert_eq!(target.len(), length * count);
            for (y, Weights { first, weights }) in weights.iter().enumerate() {
                for x in 0..length {
                    let sum: i32 = (*first..)
                        .zip(weights)
                        .map(|(old, &weight)| i32::from(source[old * length + x]) * i32::from(weight))
                        .sum();
                    let expected = ((sum + (1 << (PRECISION - 1))) >> PRECISION).clamp(0, 255);
                    assert_eq!(i32::from(target[y * length + x]), expected, "{length} {high} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn columns_beside_those_asked_for_are_left_out() {
        let source: Vec<u8> = (0..200).collect();
        let weights = Kernel::Linear.weights((0.0, 4.0), 4, 2).unwrap();
        let whole = resampled(&source, 50, 0..50, &weights);
        let part = resampled(&source, 50, 3..45, &weights);
        assert_eq!(part, [&whole[3..45], &whole[53..95]].concat());
    }
}
