//! A picture's rows, with colours multiplied by their alpha while they are
//! mixed: or transparent pixels would bleed theirs.

use super::Rows;
use crate::picture::Sample;
use crate::{Picture, Samples};

pub(in crate::operation) struct Premultiplied<'a> {
    picture: &'a mut Picture,
    /// Whether there is any alpha to multiply by.
    alpha: bool,
}

impl<'a> Premultiplied<'a> {
    pub(in crate::operation) fn new(picture: &'a mut Picture) -> Self {
        Self { alpha: !picture.is_opaque(), picture }
    }
}

impl Rows for Premultiplied<'_> {
    fn width(&self) -> usize {
        self.picture.width as usize
    }

    fn height(&self) -> usize {
        self.picture.height as usize
    }

    fn channels(&self) -> usize {
        self.picture.channels.count()
    }

    fn read(&self, y: usize, row: &mut [f32]) {
        let start = y * row.len();
        match &self.picture.samples {
            Samples::Eight(samples) => load(samples.get(start..), row),
            Samples::Sixteen(samples) => load(samples.get(start..), row),
        }
        match (self.alpha, self.channels()) {
            (true, 2) => multiply::<2>(row, self.white()),
            (true, 4) => multiply::<4>(row, self.white()),
            _ => {}
        }
    }

    fn write(&mut self, y: usize, row: &[f32]) {
        let (start, white, channels) = (y * row.len(), self.white(), self.channels());
        match (&mut self.picture.samples, self.alpha, channels) {
            (Samples::Eight(samples), true, 2) => divide::<u8, 2>(samples.get_mut(start..), row, white),
            (Samples::Eight(samples), true, 4) => divide::<u8, 4>(samples.get_mut(start..), row, white),
            (Samples::Sixteen(samples), true, 2) => divide::<u16, 2>(samples.get_mut(start..), row, white),
            (Samples::Sixteen(samples), true, 4) => divide::<u16, 4>(samples.get_mut(start..), row, white),
            (Samples::Eight(samples), ..) => store(samples.get_mut(start..), row),
            (Samples::Sixteen(samples), ..) => store(samples.get_mut(start..), row),
        }
    }
}

impl Premultiplied<'_> {
    fn white(&self) -> f32 {
        match self.picture.samples {
            Samples::Eight(_) => f32::from(u8::MAX),
            Samples::Sixteen(_) => f32::from(u16::MAX),
        }
    }
}

fn load<T: Sample>(samples: Option<&[T]>, row: &mut [f32]) {
    for (target, &sample) in row.iter_mut().zip(samples.unwrap_or_default()) {
        *target = sample.as_f32();
    }
}

fn store<T: Sample>(samples: Option<&mut [T]>, row: &[f32]) {
    for (sample, &value) in samples.unwrap_or_default().iter_mut().zip(row) {
        *sample = T::nearest(value);
    }
}

fn multiply<const N: usize>(row: &mut [f32], white: f32) {
    for pixel in row.as_chunks_mut::<N>().0 {
        let share = pixel[N - 1] / white;
        pixel[..N - 1].iter_mut().for_each(|color| *color *= share);
    }
}

fn divide<T: Sample, const N: usize>(samples: Option<&mut [T]>, row: &[f32], white: f32) {
    let pixels = samples.unwrap_or_default().as_chunks_mut::<N>().0;
    for (target, pixel) in pixels.iter_mut().zip(row.as_chunks::<N>().0) {
        let alpha = pixel[N - 1];
        let factor = if alpha > 0.0 { white / alpha } else { 0.0 };
        for (target, color) in target.iter_mut().zip(&pixel[..N - 1]) {
            *target = T::nearest(color * factor);
        }
        target[N - 1] = T::nearest(alpha);
    }
}
