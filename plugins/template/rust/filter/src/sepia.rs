//! The brown of old photographs.

/// How much of red, green and blue the brown's red, green and blue have, in thousandths.
const BROWN: [[u32; 3]; 3] = [[393, 769, 189], [349, 686, 168], [272, 534, 131]];

/// Mixes every pixel with its brown; `strength` is from 0 to 1. Transparency stays.
pub fn sepia(pixels: &mut [[u8; 4]], strength: f64) {
    let share = (strength * 256.0 + 0.5) as u32;
    for [red, green, blue, _] in pixels {
        let old = [*red, *green, *blue].map(u32::from);
        let mixed = |channel: usize| {
            let weighted: u32 = old.iter().zip(BROWN[channel]).map(|(c, w)| c * w).sum();
            let brown = (weighted / 1000).min(255);
            ((old[channel] * (256 - share) + brown * share) >> 8) as u8
        };
        (*red, *green, *blue) = (mixed(0), mixed(1), mixed(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXELS: [[u8; 4]; 3] = [[200, 100, 50, 255], [0, 0, 0, 9], [255, 255, 255, 0]];

    fn of(strength: f64) -> [[u8; 4]; 3] {
        let mut pixels = PIXELS;
        sepia(&mut pixels, strength);
        pixels
    }

    #[test]
    fn every_pixel_becomes_brown_and_keeps_its_transparency() {
        let brown = [[164, 146, 114, 255], [0, 0, 0, 9], [255, 255, 238, 0]];
        assert_eq!(of(1.0), brown);
    }

    #[test]
    fn half_the_strength_is_half_way() {
        let half = [[182, 123, 82, 255], [0, 0, 0, 9], [255, 255, 246, 0]];
        assert_eq!(of(0.5), half);
    }

    #[test]
    fn without_strength_nothing_changes() {
        assert_eq!(of(0.0), PIXELS);
    }
}
