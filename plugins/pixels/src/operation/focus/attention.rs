//! Attention: where the eye goes first, which is to edges, to strong colours
//! and to skin.

use super::best;
use super::miniature::Miniature;

/// What each counts: skin more than any edge, because a face without its top is
/// the worst that can happen to a portrait. Set by looking at a few photographs.
const EDGES: f32 = 1.0;
const SKIN: f32 = 1.2;
const SATURATION: f32 = 0.3;

/// Skin of all complexions has one hue and differs in brightness: the direction
/// in red, green and blue that libvips looks for in its smartcrop.
const SKIN_DIRECTION: [f32; 3] = [0.78, 0.57, 0.44];

/// How much of a cell's score is lost at the window's corner, where the eye
/// does not go; it keeps what is found from being cut at the window's sides.
const LOST_AT_CORNER: f64 = 0.6;

/// The best place's column and row.
pub(super) fn search(miniature: &Miniature, [width, height]: [usize; 2]) -> [usize; 2] {
    let scores = scores(miniature);
    // Towards the window's sides a score counts less, as a parabola of the distance from its middle.
    // That is a sum of moments, and those of any window come from tables of sums.
    let sums = Sums::of(&scores, miniature.width);
    best(miniature, [width, height], |left, top| {
        let [all, x, y, squares] = sums.within(left, top, width, height);
        let (half_width, half_height) = (width as f64 / 2.0, height as f64 / 2.0);
        let (middle_x, middle_y) = (left as f64 + half_width - 0.5, top as f64 + half_height - 0.5);
        let distances =
            squares - 2.0 * (middle_x * x + middle_y * y) + (middle_x.powi(2) + middle_y.powi(2)) * all;
        all - LOST_AT_CORNER * distances / (half_width.powi(2) + half_height.powi(2))
    })
}

fn scores(miniature: &Miniature) -> Vec<f32> {
    let luma = miniature.luma();
    let width = miniature.width;
    let at = |x: usize, y: usize| {
        let (x, y) = (x.min(width - 1), y.min(miniature.height - 1));
        luma.get(y * width + x).copied().unwrap_or_default()
    };
    let mut scores = Vec::with_capacity(luma.len());
    for (index, &[r, g, b, _]) in miniature.cells.iter().enumerate() {
        let (x, y) = (index % width, index / width);
        let beside = [at(x.saturating_sub(1), y), at(x + 1, y), at(x, y.saturating_sub(1)), at(x, y + 1)];
        let edge = (4.0 * at(x, y) - beside.iter().sum::<f32>()).abs();

        let (brightest, darkest) = (r.max(g).max(b), r.min(g).min(b));
        let length = (r * r + g * g + b * b).sqrt().max(1e-6);
        let off: f32 = [r, g, b]
            .iter()
            .zip(SKIN_DIRECTION)
            .map(|(color, direction)| (color / length - direction).powi(2))
            .sum();
        // Neither in shadow nor nearly white is there any telling.
        let visible = brightest > 0.2 && darkest < 0.9;
        let skin = if visible { (1.0 - 25.0 * off).max(0.0) } else { 0.0 };
        let saturation = if visible { brightest - darkest } else { 0.0 };
        scores.push(EDGES * edge + SKIN * skin * skin * 0.25 + SATURATION * saturation * 0.25);
    }
    scores
}

/// For every corner, the sums over all cells above and left of it: of the
/// scores, and of them times x, times y, and times the squares of both.
struct Sums {
    stride: usize,
    sums: Vec<[f64; 4]>,
}

impl Sums {
    fn of(scores: &[f32], width: usize) -> Self {
        let stride = width + 1;
        let mut sums = vec![[0.0; 4]; stride];
        for (y, row) in scores.chunks_exact(width).enumerate() {
            let mut along = [0.0; 4];
            sums.push(along);
            for (x, &score) in row.iter().enumerate() {
                let (score, fx, fy) = (f64::from(score), x as f64, y as f64);
                let cell = [score, score * fx, score * fy, score * (fx * fx + fy * fy)];
                along.iter_mut().zip(cell).for_each(|(sum, part)| *sum += part);
                let above = sums.get(y * stride + x + 1).copied().unwrap_or_default();
                sums.push(std::array::from_fn(|index| along[index] + above[index]));
            }
        }
        Self { stride, sums }
    }

    fn within(&self, left: usize, top: usize, width: usize, height: usize) -> [f64; 4] {
        let at = |x: usize, y: usize| self.sums.get(y * self.stride + x).copied().unwrap_or_default();
        let (right, bottom) = (left + width, top + height);
        let corners = [at(right, bottom), at(left, bottom), at(right, top), at(left, top)];
        std::array::from_fn(|index| {
            corners[0][index] - corners[1][index] - corners[2][index] + corners[3][index]
        })
    }
}
