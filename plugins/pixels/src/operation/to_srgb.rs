//! `to-srgb`: the same colours in sRGB, in place.
//!
//! sharp and imgproxy convert every picture, unless they are told not to. Here
//! a profile travels with its picture, unless this operation is asked for: what
//! sRGB cannot show, as of a telephone's Display P3, would be lost for good, and
//! every browser honours profiles by now.

use moxcms::{ColorProfile, DataColorSpace, Layout, TransformExecutor, TransformOptions};

use super::tone::bend;
use super::{NO_PARAMETERS, Operation, Transform};
use crate::picture::Sample;
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "to-srgb",
    summary: "Converts the colours from the picture's ICC profile to sRGB, and drops the profile.",
    schema: NO_PARAMETERS,
    read: |_| Ok(ToSrgb.into()),
};

struct ToSrgb;

impl Transform for ToSrgb {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        let model = if picture.channels.is_gray() { DataColorSpace::Gray } else { DataColorSpace::Rgb };
        let profile = picture.icc.take().and_then(|profile| ColorProfile::new_from_slice(&profile).ok());
        // A profile that is damaged or of another colour model says nothing about these pixels. They
        // are what everybody takes them for then, which is sRGB.
        if let Some(profile) = profile.filter(|profile| profile.color_space == model) {
            convert(&mut picture, &profile).map_err(|error| {
                Error::Processing(format!("its colour profile cannot be converted to sRGB: {error}"))
            })?;
        }
        Ok(picture)
    }
}

fn convert(picture: &mut Picture, profile: &ColorProfile) -> Result<(), moxcms::CmsError> {
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    let to = |layout: Layout| if layout == Layout::Gray { Layout::Rgb } else { layout };
    let layout = match picture.channels {
        // Their alpha has no part in it.
        Channels::Gray | Channels::GrayAlpha => Layout::Gray,
        Channels::Rgb => Layout::Rgb,
        Channels::Rgba => Layout::Rgba,
    };
    match &mut picture.samples {
        Samples::Eight(samples) => {
            let transform = profile.create_transform_8bit(layout, &srgb, to(layout), options)?;
            match layout {
                Layout::Gray => curve::<u8>(picture, &*transform),
                _ => colors(samples, &*transform),
            }
        }
        Samples::Sixteen(samples) => {
            let transform = profile.create_transform_16bit(layout, &srgb, to(layout), options)?;
            match layout {
                Layout::Gray => curve::<u16>(picture, &*transform),
                _ => colors(samples, &*transform),
            }
        }
    }
}

/// Samples converted at a time: whole pixels of three and of four, and little
/// memory beside the picture's.
const BLOCK: usize = 12 * 1024;

fn colors<T: Sample>(
    samples: &mut [T],
    transform: &(impl TransformExecutor<T> + ?Sized),
) -> Result<(), moxcms::CmsError> {
    let mut source = [T::default(); BLOCK];
    for block in samples.chunks_mut(BLOCK) {
        let source = source.get_mut(..block.len()).unwrap_or_default();
        source.copy_from_slice(block);
        transform.transform(source, block)?;
    }
    Ok(())
}

/// Of grays there are so few that each is converted once.
fn curve<T: Sample>(
    picture: &mut Picture,
    transform: &(impl TransformExecutor<T> + ?Sized),
) -> Result<(), moxcms::CmsError> {
    let grays: Vec<T> = (0..=T::MAX).map(T::narrow).collect();
    let mut converted = vec![T::default(); 3 * grays.len()];
    transform.transform(&grays, &mut converted)?;
    let converted = converted.as_chunks::<3>().0;
    let max = f64::from(T::MAX);
    bend(picture, |gray| {
        // All three are the same.
        let [_, green, _] = converted.get((gray * max).round() as usize).copied().unwrap_or_default();
        f64::from(green.into()) / max
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Parameters;

    fn converted(profile: &ColorProfile, picture: Picture) -> Picture {
        let picture = Picture { icc: Some(profile.encode().unwrap()), ..picture };
        OPERATION.apply(&Parameters::default(), picture).unwrap()
    }

    /// From Display P3 by its definition (CSS Color 4, section 10.4): sRGB's
    /// curve, and this matrix between the primaries.
    fn by_definition(pixel: [f64; 3]) -> [f64; 3] {
        const TO_SRGB: [[f64; 3]; 3] = [
            [1.224_940_2, -0.224_940_2, 0.0],
            [-0.042_056_955, 1.042_056_955, 0.0],
            [-0.019_637_555, -0.078_636_046, 1.098_273_6],
        ];
        let light = pixel.map(crate::operation::oklab::light_of);
        TO_SRGB.map(|row| {
            let sum: f64 = row.iter().zip(light).map(|(weight, light)| weight * light).sum();
            crate::operation::oklab::sample_of(sum.clamp(0.0, 1.0))
        })
    }

    #[test]
    fn display_p3_is_converted_as_it_is_defined_at_either_depth() {
        let samples: Vec<u8> = (0..=255u8).flat_map(|x| [x, 255 - x, x / 2, 77]).collect();
        let expected: Vec<f64> = samples
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|&[r, g, b, alpha]| {
                let [r, g, b] = by_definition([r, g, b].map(|sample| f64::from(sample) / 255.0));
                [r, g, b, f64::from(alpha) / 255.0]
            })
            .collect();
        let eight = Picture::eight(256, 1, Channels::Rgba, samples).unwrap();
        let sixteen = eight.clone().into_sixteen(&Limits::default()).unwrap();
        for picture in [eight, sixteen] {
            let converted = converted(&ColorProfile::new_display_p3(), picture).into_eight();
            assert_eq!(converted.icc, None);
            for (found, expected) in converted.bytes().iter().zip(&expected) {
                assert!(
                    (f64::from(*found) - expected * 255.0).abs() < 1.6,
                    "{found} for {}",
                    expected * 255.0
                );
            }
        }
    }

    #[test]
    fn srgb_stays_what_it_is() {
        let samples: Vec<u8> = (0..=254).collect();
        let picture = Picture::eight(85, 1, Channels::Rgb, samples.clone()).unwrap();
        for (found, expected) in converted(&ColorProfile::new_srgb(), picture).bytes().iter().zip(samples) {
            assert!(found.abs_diff(expected) <= 1);
        }
    }

    #[test]
    fn a_gray_s_curve_becomes_that_of_srgb_and_alpha_stays() {
        let samples = (0..=255).flat_map(|gray| [gray, 9]).collect();
        let picture = Picture::eight(256, 1, Channels::GrayAlpha, samples).unwrap();
        let converted = converted(&ColorProfile::new_gray_with_gamma(1.0), picture);
        assert_eq!(converted.channels, Channels::GrayAlpha);
        for (gray, &[found, alpha]) in (0..=255).zip(converted.bytes().as_chunks::<2>().0) {
            let expected = crate::operation::oklab::sample_of(f64::from(gray) / 255.0) * 255.0;
            assert!(
                (f64::from(found) - expected).abs() < 1.6 && alpha == 9,
                "{gray}: {found}, not {expected}"
            );
        }
    }

    #[test]
    fn a_profile_that_says_nothing_about_the_pixels_is_dropped() {
        let gray = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
        for profile in [vec![], b"no profile".to_vec(), vec![0; 500], gray] {
            let picture = Picture::eight(1, 1, Channels::Rgb, vec![1, 2, 3]).unwrap();
            let picture = Picture { icc: Some(profile), ..picture };
            let converted = OPERATION.apply(&Parameters::default(), picture).unwrap();
            assert_eq!((converted.bytes(), converted.icc.as_ref()), ([1, 2, 3].as_slice(), None));
        }
    }

    #[test]
    fn harmed_profiles_never_panic() {
        let whole = ColorProfile::new_display_p3().encode().unwrap();
        let mut state = 1u32;
        for _ in 0..3_000 {
            let mut profile = whole.clone();
            for _ in 0..4 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (state >> 8) as usize % profile.len();
                profile[at] = state as u8 ^ (state >> 24) as u8;
            }
            let picture = Picture::eight(2, 1, Channels::Rgb, vec![1, 2, 3, 250, 251, 252]).unwrap();
            // Any answer will do.
            let _ = OPERATION.apply(&Parameters::default(), Picture { icc: Some(profile), ..picture });
        }
    }
}
