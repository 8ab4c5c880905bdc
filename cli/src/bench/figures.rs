//! The arithmetic of a benchmark: medians of rounds, percentiles of latencies, ratios.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;
use serde::Serialize;

/// What one contender reached in each round.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Series {
    /// In the order of the rounds.
    rounds: Vec<f64>,
    /// The middle one.
    median: f64,
    /// The lowest.
    min: f64,
    /// The highest.
    max: f64,
}

impl Series {
    /// Of at least one round; none without.
    pub(super) fn new(rounds: Vec<f64>) -> Option<Self> {
        let rounds: Vec<f64> = rounds.into_iter().map(rounded).collect();
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: rounded(median(&sorted)?),
            min: *sorted.first()?,
            max: *sorted.last()?,
            rounds,
        })
    }

    /// The middle one.
    pub(super) fn median(&self) -> f64 {
        self.median
    }

    /// The lowest.
    pub(super) fn min(&self) -> f64 {
        self.min
    }

    /// The highest.
    pub(super) fn max(&self) -> f64 {
        self.max
    }
}

/// The middle of sorted values; the mean of the two in the middle if their number is even.
fn median(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    let upper = *sorted.get(half)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(*sorted.get(half.checked_sub(1)?)?, upper))
}

/// How many times `other` goes into `value`; nothing can be said about what did not move at all.
pub(super) fn ratio(value: f64, other: f64) -> Option<f64> {
    (other > 0.0 && value.is_finite()).then(|| rounded(value / other))
}

/// How much more one is than the other.
pub(super) fn difference(value: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(rounded(value? - other?))
}

/// To four decimals: what is behind them is no measurement.
fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// So many things in so much time, per second.
pub(super) fn rate(count: u64, elapsed: Duration) -> f64 {
    // A round that lasts long enough for 2^32 of anything is not foreseen.
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / elapsed.as_secs_f64().max(1e-6)
}

/// Latencies from a tenth of a microsecond to a minute, to three digits.
#[derive(Debug)]
pub(super) struct Latencies {
    histogram: Histogram<u64>,
}

impl Latencies {
    /// None yet.
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            histogram: Histogram::new_with_bounds(100, 60_000_000_000, 3)?,
        })
    }

    /// One more.
    pub(super) fn add(&mut self, latency: Duration) {
        self.histogram
            .saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// The latency in milliseconds that this part of them did not exceed.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        Duration::from_nanos(self.histogram.value_at_quantile(quantile)).as_secs_f64() * 1_000.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let odd = Series::new(vec![9.0, 1.0, 4.0]).unwrap();
        assert_eq!((odd.median(), odd.min(), odd.max()), (4.0, 1.0, 9.0));
        assert_eq!(odd.rounds, [9.0, 1.0, 4.0]);
        assert_eq!(Series::new(vec![4.0, 1.0]).unwrap().median(), 2.5);
        assert_eq!(Series::new(vec![7.0]).unwrap().median(), 7.0);
        assert_eq!(Series::new(vec![1.000_049]).unwrap().rounds, [1.0]);
        assert_eq!(Series::new(Vec::new()), None);
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        assert_eq!(ratio(30.0, 10.0), Some(3.0));
        assert_eq!(ratio(0.0, 10.0), Some(0.0));
        assert_eq!(ratio(30.0, 0.0), None);
        assert_eq!(ratio(f64::INFINITY, 10.0), None);
    }

    #[test]
    fn a_difference_needs_both() {
        assert_eq!(difference(Some(7.5), Some(9.0)), Some(-1.5));
        assert_eq!(difference(None, Some(9.0)), None);
        assert_eq!(difference(Some(9.0), None), None);
    }

    #[test]
    fn rates_are_per_second() {
        assert_eq!(rate(500, Duration::from_millis(250)), 2_000.0);
        assert!(rate(1, Duration::ZERO).is_finite());
    }

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut latencies = Latencies::new().unwrap();
        (1..=100).for_each(|n| latencies.add(Duration::from_micros(n * 10)));
        latencies.add(Duration::ZERO);
        assert!(
            (latencies.quantile(0.5) - 0.5).abs() < 0.01,
            "{}",
            latencies.quantile(0.5)
        );
        assert!(
            (latencies.quantile(0.99) - 0.99).abs() < 0.01,
            "{}",
            latencies.quantile(0.99)
        );
    }
}
