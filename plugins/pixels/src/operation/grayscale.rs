//! `grayscale`: taking the colour out, in place.

use super::{NO_PARAMETERS, Operation, Transform};
use crate::picture::{LUMA, Sample};
use crate::{Channels, Error, Limits, Picture, Samples};

pub(super) const OPERATION: Operation = Operation {
    name: "grayscale",
    summary: "Takes the colour out, weighing red, green and blue as the eye does (Rec. 709).",
    schema: NO_PARAMETERS,
    read: |_| Ok(Grayscale.into()),
};

pub(super) struct Grayscale;

impl Transform for Grayscale {
    fn apply(&self, mut picture: Picture, _limits: &Limits) -> Result<Picture, Error> {
        match (picture.channels, &mut picture.samples) {
            (Channels::Rgb, Samples::Eight(samples)) => drain_color::<u8, 3, 1>(samples),
            (Channels::Rgb, Samples::Sixteen(samples)) => drain_color::<u16, 3, 1>(samples),
            (Channels::Rgba, Samples::Eight(samples)) => drain_color::<u8, 4, 2>(samples),
            (Channels::Rgba, Samples::Sixteen(samples)) => drain_color::<u16, 4, 2>(samples),
            (Channels::Gray | Channels::GrayAlpha, _) => return Ok(picture),
        }
        picture.channels = match picture.channels.has_alpha() {
            true => Channels::GrayAlpha,
            false => Channels::Gray,
        };
        Ok(picture)
    }
}

/// Pixels of `FROM` samples become pixels of `TO`: luma and, if `TO` is 2, the
/// alpha that stood last. The result is shorter, so it is written over its
/// source from the front.
fn drain_color<T: Sample, const FROM: usize, const TO: usize>(samples: &mut Vec<T>) {
    let pixels = samples.len() / FROM;
    for index in 0..pixels {
        let mut drained = [T::default(); TO];
        if let Some([r, g, b, rest @ ..]) =
            samples.as_chunks::<FROM>().0.get(index).map(<[T; FROM]>::as_slice)
        {
            // The weights add up to 65536: even 16-bit white stays below 2^32.
            let weighted = (*r).into() * LUMA[0] + (*g).into() * LUMA[1] + (*b).into() * LUMA[2];
            let luma = T::narrow((weighted + 32_768) >> 16);
            let samples = std::iter::once(luma).chain(rest.iter().copied());
            drained.iter_mut().zip(samples).for_each(|(target, sample)| *target = sample);
        }
        if let Some(target) = samples.as_chunks_mut::<TO>().0.get_mut(index) {
            *target = drained;
        }
    }
    samples.truncate(pixels * TO);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(channels: Channels, samples: Vec<u8>) -> Picture {
        let count = (samples.len() / channels.count()) as u32;
        let picture = Picture::eight(count, 1, channels, samples).unwrap();
        Grayscale.apply(picture, &Limits::default()).unwrap()
    }

    #[test]
    fn green_is_brighter_than_red_and_red_than_blue() {
        let gray = drained(Channels::Rgb, vec![255, 0, 0, 0, 255, 0, 0, 0, 255]);
        assert_eq!(gray.bytes(), [54, 182, 18]);
    }

    #[test]
    fn white_stays_white_at_either_depth() {
        assert_eq!(drained(Channels::Rgb, vec![255; 3]).bytes(), [255]);
        let picture = Picture::sixteen(1, 1, Channels::Rgb, vec![u16::MAX; 3]).unwrap();
        let gray = Grayscale.apply(picture, &Limits::default()).unwrap();
        assert_eq!(gray.samples, Samples::Sixteen(vec![u16::MAX]));
    }

    #[test]
    fn alpha_is_kept() {
        let gray = drained(Channels::Rgba, vec![10, 10, 10, 7, 255, 255, 255, 9]);
        assert_eq!((gray.channels, gray.bytes()), (Channels::GrayAlpha, [10, 7, 255, 9].as_slice()));
    }
}
