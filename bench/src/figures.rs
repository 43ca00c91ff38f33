//! Figures of several rounds, put together so that one bad round shows and does not decide.

use std::fmt;
use std::time::Duration;

/// The same figure from every round, in the order of the rounds.
#[derive(Clone, Debug, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// Adds that of the next round.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The one in the middle; of an even number the mean of two.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = |at: usize| sorted.get(at).copied().unwrap_or(f64::NAN);
        f64::midpoint(middle(sorted.len().saturating_sub(1) / 2), middle(sorted.len() / 2))
    }

    /// The least and the greatest.
    pub fn spread(&self) -> (f64, f64) {
        let sorted = self.sorted();
        (sorted.first().copied().unwrap_or(f64::NAN), sorted.last().copied().unwrap_or(f64::NAN))
    }

    /// What each round has to the same round of `base`: a round that was slow for both is none here.
    pub fn ratio_to(&self, base: &Self) -> Self {
        Self(self.0.iter().zip(&base.0).map(|(figure, base)| figure / base).collect())
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

/// `median (least–greatest)`, each with three digits that mean something.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, greatest) = self.spread();
        write!(f, "{} ({}–{})", short(self.median()), short(least), short(greatest))
    }
}

/// A figure with about three digits.
pub fn short(figure: f64) -> String {
    match figure.abs() {
        100.0.. => format!("{figure:.0}"),
        10.0.. => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

/// How long the `part` (0 to 1) that is done soonest takes at most; `sorted` has the shortest first.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn percentile(sorted: &[Duration], part: f64) -> Duration {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// In milliseconds.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let mut figures = Figures::default();
        for (figure, median) in [(3.0, 3.0), (100.0, 51.5), (1.0, 3.0), (2.0, 2.5)] {
            figures.add(figure);
            assert!((figures.median() - median).abs() < 1e-9, "{figures:?}");
        }
        assert_eq!(figures.to_string(), "2.50 (1.00–100)");
        assert!(Figures::default().median().is_nan());
    }

    #[test]
    fn a_ratio_is_that_of_the_same_round() {
        let base = Figures(vec![1.0, 100.0, 10.0]);
        let figures = Figures(vec![2.0, 200.0, 10.0]);
        assert_eq!(figures.ratio_to(&base).to_string(), "2.00 (1.00–2.00)");
    }

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        for (part, expected) in [(0.0, 1), (0.5, 100), (0.99, 198), (1.0, 200)] {
            assert_eq!(percentile(&times, part), Duration::from_millis(expected));
        }
        assert_eq!(percentile(&times[..1], 0.99), Duration::from_millis(1));
    }
}
