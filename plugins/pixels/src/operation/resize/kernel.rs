//! The kernels: how much each old pixel counts for a new one.

use crate::Error;

/// How new pixels are computed from old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    Nearest,
    Linear,
    Cubic,
    Mitchell,
    Lanczos2,
    Lanczos3,
}

pub(super) const KERNELS: [(&str, Kernel); 6] = [
    ("nearest", Kernel::Nearest),
    ("linear", Kernel::Linear),
    ("cubic", Kernel::Cubic),
    ("mitchell", Kernel::Mitchell),
    ("lanczos2", Kernel::Lanczos2),
    ("lanczos3", Kernel::Lanczos3),
];

/// Bits behind the point of a weight: sums of products with 8 bits have room
/// in 32, and a weight of 1 in 16.
pub(super) const PRECISION: u32 = 14;

/// The old pixels of one new one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// The first of them.
    pub(super) first: usize,
    /// At least one, which add up to 1.
    pub(super) weights: Vec<i16>,
}

impl Kernel {
    /// Pixels on each side that count, at the same size.
    fn support(self) -> f64 {
        match self {
            Self::Nearest => 0.5,
            Self::Linear => 1.0,
            Self::Cubic | Self::Mitchell | Self::Lanczos2 => 2.0,
            Self::Lanczos3 => 3.0,
        }
    }

    fn at(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Nearest => f64::from(x <= 0.5),
            Self::Linear => (1.0 - x).max(0.0),
            Self::Cubic => bicubic(x, 0.0, 0.5),
            Self::Mitchell => bicubic(x, 1.0 / 3.0, 1.0 / 3.0),
            Self::Lanczos2 => lanczos(x, 2.0),
            Self::Lanczos3 => lanczos(x, 3.0),
        }
    }

    /// Old pixels on each side of a new one that count for it, if there are so
    /// many old ones for each new one.
    pub(super) fn reach(self, scale: f64) -> f64 {
        self.support() * scale.max(1.0)
    }

    /// The weights for `count` new pixels, of `side` old ones from `start` on,
    /// of `whole` that there are. When the picture becomes smaller, the kernel
    /// becomes wider, or frequencies that the new one has no room for would
    /// show as others.
    pub(super) fn weights(
        self,
        (start, side): (f64, f64),
        whole: usize,
        count: usize,
    ) -> Result<Vec<Weights>, Error> {
        let scale = side / count as f64;
        let (widened, support) = (scale.max(1.0), self.reach(scale));
        let mut all = Vec::with_capacity(count);
        for index in 0..count {
            let centre = start + (index as f64 + 0.5) * scale;
            let first = ((centre - support).floor().max(0.0) as usize).min(whole.saturating_sub(1));
            let last = ((centre + support).ceil() as usize).clamp(first + 1, whole.max(first + 1));
            let exact: Vec<f64> =
                (first..last).map(|old| self.at((old as f64 + 0.5 - centre) / widened)).collect();
            let sum: f64 = exact.iter().sum();
            if !sum.is_normal() {
                return Err(Error::Processing("a kernel has no weight".into()));
            }
            all.push(Weights::of(first, &exact, sum));
        }
        Ok(all)
    }
}

impl Weights {
    /// In fixed point, without the zeros at both ends.
    fn of(first: usize, exact: &[f64], sum: f64) -> Self {
        let one = f64::from(1 << PRECISION);
        // What rounding leaves over goes to the next one, so that the sum is exact.
        let mut carried = 0.0;
        let mut weights: Vec<i16> = exact
            .iter()
            .map(|weight| {
                let wanted = weight / sum * one + carried;
                let rounded = wanted.round();
                carried = wanted - rounded;
                rounded as i16
            })
            .collect();
        while weights.len() > 1 && weights.last() == Some(&0) {
            weights.pop();
        }
        let zeros = weights.iter().take_while(|&&weight| weight == 0).count().min(weights.len() - 1);
        weights.drain(..zeros);
        Self { first: first + zeros, weights }
    }
}

/// Mitchell and Netravali's family of cubic kernels (1988), by its B and C.
fn bicubic(x: f64, b: f64, c: f64) -> f64 {
    let (x2, x3) = (x * x, x * x * x);
    if x < 1.0 {
        ((12.0 - 9.0 * b - 6.0 * c) * x3 + (-18.0 + 12.0 * b + 6.0 * c) * x2 + (6.0 - 2.0 * b)) / 6.0
    } else if x < 2.0 {
        ((-b - 6.0 * c) * x3 + (6.0 * b + 30.0 * c) * x2 + (-12.0 * b - 48.0 * c) * x + (8.0 * b + 24.0 * c))
            / 6.0
    } else {
        0.0
    }
}

/// The sinc function, windowed by its own first lobes.
pub(super) fn lanczos(x: f64, lobes: f64) -> f64 {
    let sinc = |x: f64| {
        let x = x * std::f64::consts::PI;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    if x.abs() < lobes { sinc(x) * sinc(x / lobes) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_to_one_whatever_the_sizes() {
        for (_, kernel) in KERNELS {
            for (side, count) in [(1, 1), (1, 9), (7, 3), (2048, 720), (100, 99), (5, 500)] {
                let weights = kernel.weights((0.0, f64::from(side)), side as usize, count).unwrap();
                assert_eq!(weights.len(), count);
                for Weights { first, weights } in weights {
                    assert_eq!(weights.iter().map(|&weight| i32::from(weight)).sum::<i32>(), 1 << PRECISION);
                    assert!(first + weights.len() <= side as usize, "{kernel:?} {side} {count}");
                }
            }
        }
    }

    #[test]
    fn at_the_same_size_every_pixel_is_its_own() {
        for kernel in [Kernel::Linear, Kernel::Cubic, Kernel::Lanczos2, Kernel::Lanczos3] {
            for (index, weights) in kernel.weights((0.0, 9.0), 9, 9).unwrap().into_iter().enumerate() {
                assert_eq!(weights, Weights { first: index, weights: vec![1 << PRECISION] });
            }
        }
    }

    #[test]
    fn a_part_is_looked_at_from_where_it_begins() {
        let weights = Kernel::Linear.weights((3.0, 4.0), 10, 2).unwrap();
        let first = &weights[0];
        let centre: f64 = (first.first..)
            .zip(&first.weights)
            .map(|(at, &weight)| (at as f64 + 0.5) * f64::from(weight))
            .sum::<f64>()
            / f64::from(1 << PRECISION);
        assert!((centre - 4.0).abs() < 0.01, "{centre}");
    }
}
