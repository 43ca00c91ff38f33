//! Oklab: colours by lightness and by two axes of what is not gray, even to the
//! eye (Björn Ottosson, "A perceptual color space for image processing", 2020;
//! CSS Color 4, section 9.3). Turning a colour's hue in it, or stretching its
//! distance from gray, leaves its lightness alone, which in CIE Lab blue does
//! not obey.
//!
//! Samples are taken for sRGB.

use crate::picture::Sample;

/// Lightness from 0 to 1, and the axes from green to red and from blue to yellow.
pub(super) type Lab = [f32; 3];

/// Light of the three colours, from 0 to 1.
pub(super) type Linear = [f32; 3];

// Inlined, so that loops over many pixels compute several at once.
#[inline(always)]
pub(super) fn of_linear([r, g, b]: Linear) -> Lab {
    let l = cube_root(0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b);
    let m = cube_root(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
    let s = cube_root(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// What lies outside of sRGB comes out below 0 or above 1.
#[inline(always)]
pub(super) fn to_linear([lightness, a, b]: Lab) -> Linear {
    let l = lightness + 0.396_337_78 * a + 0.215_803_76 * b;
    let m = lightness - 0.105_561_346 * a - 0.063_854_17 * b;
    let s = lightness - 0.089_484_18 * a - 1.291_485_5 * b;
    let (l, m, s) = (l * l * l, m * m * m, s * s * s);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// Of light, which is never negative. The standard library's is exact, and
/// cannot be computed for several numbers at once.
#[inline(always)]
fn cube_root(light: f32) -> f32 {
    // Darker than anything a 16-bit sample can say; at 0 the steps would divide by 0.
    let light = light.max(1e-9);
    // A third of the exponent is within 4 %, and each of Halley's steps triples the digits.
    let guess = f32::from_bits((light.to_bits() as i32 as f32 * (1.0 / 3.0)) as i32 as u32 + 0x2A51_37A0);
    let closer = |root: f32| {
        let cube = root * root * root;
        root * (cube + 2.0 * light) / (2.0 * cube + light)
    };
    closer(closer(guess))
}

/// From samples to light and back (IEC 61966-2-1).
pub(super) struct Transfer {
    light: Vec<f32>,
    samples: Vec<f32>,
}

/// Points of the curve back. Between two of them it is straight to within one
/// and a half level of 16 bits.
const POINTS: usize = 4096;

impl Transfer {
    pub(super) fn new<T: Sample>() -> Self {
        let max = f64::from(T::MAX);
        let light = (0..=T::MAX).map(|sample| light_of(f64::from(sample) / max) as f32).collect();
        // One more, so that white too lies between two.
        let point = |index: usize| (sample_of(index as f64 / POINTS as f64) * max) as f32;
        Self { light, samples: (0..=POINTS + 1).map(point).collect() }
    }

    pub(super) fn light<T: Sample>(&self, sample: T) -> f32 {
        let index: u32 = sample.into();
        self.light.get(index as usize).copied().unwrap_or_default()
    }

    pub(super) fn sample<T: Sample>(&self, light: f32) -> T {
        let place = light.clamp(0.0, 1.0) * POINTS as f32;
        let index = place as usize;
        match self.samples.get(index..index + 2) {
            Some(&[below, above]) => T::nearest(below + (above - below) * (place - index as f32)),
            _ => T::default(),
        }
    }
}

/// From 0 to 1 both.
pub(super) fn light_of(sample: f64) -> f64 {
    if sample <= 0.040_45 { sample / 12.92 } else { ((sample + 0.055) / 1.055).powf(2.4) }
}

/// From 0 to 1 both.
pub(super) fn sample_of(light: f64) -> f64 {
    if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_colours_of_the_definition_have_its_coordinates() {
        // CSS Color 4's own examples and Ottosson's.
        let examples = [
            ([1.0, 0.0, 0.0], [0.627_96, 0.224_86, 0.125_85]),
            ([0.0, 1.0, 0.0], [0.866_44, -0.233_89, 0.179_50]),
            ([0.0, 0.0, 1.0], [0.452_01, -0.032_46, -0.311_53]),
            ([1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
            ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
        ];
        for (linear, expected) in examples {
            for (found, expected) in of_linear(linear).iter().zip(expected) {
                assert!((found - expected).abs() < 0.002, "{linear:?}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn every_colour_comes_back_to_the_level() {
        let transfer = Transfer::new::<u8>();
        for index in 0..32_768u32 {
            let samples = [index >> 10, index >> 5 & 31, index & 31].map(|part| (part * 255 / 31) as u8);
            let light = samples.map(|sample| transfer.light(sample));
            assert_eq!(to_linear(of_linear(light)).map(|light| transfer.sample::<u8>(light)), samples);
        }
    }

    #[test]
    fn sixteen_bits_come_back_to_within_three_levels() {
        let transfer = Transfer::new::<u16>();
        for sample in 0..=u16::MAX {
            let light = transfer.light(sample);
            let [back, ..] = to_linear(of_linear([light; 3])).map(|light| transfer.sample::<u16>(light));
            assert!(back.abs_diff(sample) <= 3, "{sample} became {back}");
        }
    }
}
