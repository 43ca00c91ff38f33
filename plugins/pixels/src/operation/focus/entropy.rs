//! Entropy: the window whose brightness is the least predictable shows most.

use super::best;
use super::miniature::Miniature;

/// Levels that brightness is told apart by. Finer ones would count noise.
const LEVELS: usize = 32;

/// The best place's column and row.
pub(super) fn search(miniature: &Miniature, [width, height]: [usize; 2]) -> [usize; 2] {
    let level = |luma: f32| ((luma * LEVELS as f32) as usize).min(LEVELS - 1);
    let levels: Vec<usize> = miniature.luma().into_iter().map(level).collect();
    // Of n cells of a level the entropy of the window has n * log n: looked up, not computed.
    let parts: Vec<f64> = (0..=width * height).map(|n| n as f64 * (n.max(1) as f64).ln()).collect();
    let mut histogram = [0usize; LEVELS];
    best(miniature, [width, height], |left, top| {
        let mut count = |columns: std::ops::Range<usize>, by: isize| {
            for y in top..top + height {
                let row = levels.get(y * miniature.width..).unwrap_or_default();
                for &level in row.get(columns.clone()).unwrap_or_default() {
                    let count = histogram.get_mut(level).into_iter();
                    count.for_each(|count| *count = count.saturating_add_signed(by));
                }
            }
        };
        match left.checked_sub(1) {
            // One step to the right: a column less, a column more.
            Some(before) => {
                count(before..left, -1);
                count(before + width..left + width, 1);
            }
            // A new row of places.
            None => {
                count(0..width, 1);
            }
        }
        let entropy = -histogram.iter().filter_map(|&count| parts.get(count)).sum::<f64>();
        if left + width == miniature.width {
            histogram.fill(0);
        }
        entropy
    })
}
