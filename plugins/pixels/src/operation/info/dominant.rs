//! The colour that most of a picture has.

use crate::operation::focus::Miniature;

/// Levels of each of red, green and blue that colours are told apart by, as in
/// sharp's statistics: 4096 colours together.
const LEVELS: usize = 16;

/// As `#rrggbb`: the mean of those colours that are alike and the most.
pub(super) fn color(miniature: &Miniature) -> String {
    // Per sort of colour: red, green and blue as far as they are seen, and how far.
    let mut sorts = vec![[0.0f32; 4]; LEVELS * LEVELS * LEVELS];
    for cell in miniature.cells.iter().filter(|cell| cell[3] > 0.0) {
        let [r, g, b, alpha] = *cell;
        let level = |color: f32| ((color / alpha * LEVELS as f32) as usize).min(LEVELS - 1);
        let sort = (level(r) * LEVELS + level(g)) * LEVELS + level(b);
        if let Some(sum) = sorts.get_mut(sort) {
            sum.iter_mut().zip(cell).for_each(|(sum, part)| *sum += part);
        }
    }
    let most = sorts.into_iter().max_by(|a, b| a[3].total_cmp(&b[3])).unwrap_or_default();
    let [r, g, b, seen] = most;
    // Nothing at all is seen of a picture that is all transparent: black.
    let level = |sum: f32| (sum / seen.max(1e-6) * 255.0).round() as u8;
    format!("#{:02x}{:02x}{:02x}", level(r), level(g), level(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Picture};

    fn of(channels: Channels, samples: Vec<u8>) -> String {
        let picture =
            Picture::eight((samples.len() / channels.count()) as u32, 1, channels, samples).unwrap();
        color(&Miniature::of(&picture))
    }

    #[test]
    fn the_most_frequent_colour_wins_and_not_the_mean() {
        let samples = [[250, 10, 10], [0, 0, 200], [250, 12, 10]].concat();
        assert_eq!(of(Channels::Rgb, samples), "#fa0b0a");
        assert_eq!(of(Channels::Gray, vec![128, 128, 0]), "#808080");
    }

    #[test]
    fn what_is_transparent_does_not_count() {
        let samples = [[0, 0, 0, 0], [0, 0, 0, 0], [200, 100, 0, 255]].concat();
        assert_eq!(of(Channels::Rgba, samples), "#c86400");
        assert_eq!(of(Channels::Rgba, vec![9, 9, 9, 0]), "#000000");
    }
}
