//! Operations that look at one sample at a time: a curve, computed once for
//! every value that a sample can have.

use crate::picture::Sample;
use crate::{Picture, Samples};

/// Sends every sample that is not alpha through a curve, in place. The curve
/// goes from 0, black, to 1, white; what it gives beyond that is cut off.
pub(super) fn bend(picture: &mut Picture, curve: impl Fn(f64) -> f64) {
    let (count, alpha) = (picture.channels.count(), picture.channels.has_alpha());
    match &mut picture.samples {
        Samples::Eight(samples) => look_up(samples, &table(curve), count, alpha),
        Samples::Sixteen(samples) => look_up(samples, &table(curve), count, alpha),
    }
}

fn table<T: Sample>(curve: impl Fn(f64) -> f64) -> Vec<T> {
    let max = f64::from(T::MAX);
    let bent = |sample: u32| (curve(f64::from(sample) / max) * max).round().clamp(0.0, max) as u32;
    (0..=T::MAX).map(|sample| T::narrow(bent(sample))).collect()
}

fn look_up<T: Sample>(samples: &mut [T], table: &[T], count: usize, alpha: bool) {
    let bend = |sample: &mut T| {
        let index: u32 = (*sample).into();
        if let Some(bent) = table.get(index as usize) {
            *sample = *bent;
        }
    };
    match (count, alpha) {
        (2, true) => samples.as_chunks_mut::<2>().0.iter_mut().for_each(|[gray, _]| bend(gray)),
        (4, true) => samples.as_chunks_mut::<4>().0.iter_mut().for_each(|[color @ .., _]| {
            color.iter_mut().for_each(bend);
        }),
        _ => samples.iter_mut().for_each(bend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Channels;

    #[test]
    fn every_sample_but_alpha_is_bent_and_what_is_beyond_is_cut_off() {
        for channels in [Channels::Gray, Channels::GrayAlpha, Channels::Rgb, Channels::Rgba] {
            let count = channels.count();
            let mut picture = Picture::eight(1, 2, channels, [10, 200].repeat(count)).unwrap();
            let before = picture.bytes().to_vec();
            bend(&mut picture, |x| 2.0 * x);
            for (index, (&after, before)) in picture.bytes().iter().zip(before).enumerate() {
                let alpha = channels.has_alpha() && index % count == count - 1;
                assert_eq!(after, if alpha { before } else { before.saturating_mul(2) });
            }
        }
    }

    #[test]
    fn sixteen_bits_have_a_table_of_their_own() {
        let mut picture = Picture::sixteen(3, 1, Channels::Gray, vec![0, 20_001, 65_535]).unwrap();
        bend(&mut picture, |x| 1.0 - x);
        assert_eq!(picture.samples, Samples::Sixteen(vec![65_535, 45_534, 0]));
    }
}
