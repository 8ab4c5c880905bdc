//! Everything at once for minutes: whether the stack keeps up with the highest rate, or falls behind more and more.

use std::time::Duration;

use anyhow::{Context, Result};
use onhand_db::Pool;

use super::super::super::figures::{self, Series};
use super::super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::{Goods, RATES, Rate, Site, Turn, turn};

/// Stretches of time, one right after the other, of which each could be slower than the one before.
const STRETCHES: u32 = 5;
/// For all but one of a hundred writes of the slowest stretch, in milliseconds.
const SLOWEST: f64 = 250.0;
/// What the last stretch may take in the middle, as a multiple of the first: more than the noise of a machine is a growing lag.
const GROWTH: f64 = 2.0;

/// Writes for so long at the highest of the rates, while all consumers of the stack run.
pub(in super::super) async fn run(site: &Site, pool: &Pool, goods: &Goods, length: Duration) -> Result<Part> {
    let per_second = RATES.into_iter().max().context("no rates")?;
    let mut turns = Vec::new();
    for _ in 0..STRETCHES {
        turns.push(turn(site, pool, goods, (per_second, length / STRETCHES)).await?);
    }
    part(&Rate { per_second, turns }, length)
}

fn part(rate: &Rate, length: Duration) -> Result<Part> {
    let title = format!(
        "everything at once: {} events/s for {} s",
        rate.per_second,
        length.as_secs()
    );
    let mut part = Part::new("endurance", title);
    let of = |quantile: f64| -> Vec<f64> {
        let each = |turn: &Turn| turn.redis.latencies.quantile(quantile);
        rate.turns.iter().map(each).collect()
    };
    let middles = of(0.5);
    let growth = middles
        .first()
        .zip(middles.last())
        .and_then(|(first, last)| figures::ratio(*last, *first));
    let slowest = Series::new(of(0.99)).context("there was no stretch")?;
    let worst = slowest.max();
    for (name, series) in [
        (
            "COMMIT to Redis, p50 of each stretch",
            Series::new(middles).context("there was no stretch")?,
        ),
        ("COMMIT to Redis, p99 of each stretch", slowest),
    ] {
        part.contenders.push(Contender {
            name: name.to_owned(),
            unit: Unit::Latency,
            series,
        });
    }
    part.comparisons.push(Comparison::new(
        "COMMIT to Redis, p99 of the slowest stretch",
        Figure::Milliseconds(Some(worst)),
        Some(Goal::AtMost(SLOWEST)),
    ));
    part.comparisons.push(Comparison::new(
        "p50 of the last stretch, against the first",
        Figure::Ratio(growth),
        Some(Goal::AtMost(GROWTH)),
    ));
    part.notes.extend(rate.notes());
    Ok(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::tests::rate;
    use super::*;

    #[test]
    fn a_lag_that_grows_is_seen() {
        let mut growing = rate(3_000, 10, 3_000.0);
        growing.turns.extend(rate(3_000, 40, 3_000.0).turns);
        let text = part(&growing, Duration::from_secs(300)).unwrap().to_string();
        assert!(text.contains("3000 events/s for 300 s"), "{text}");
        let missed: Vec<&str> = text.lines().filter(|line| line.contains("MISSED")).collect();
        assert!(
            missed.len() == 1 && missed.iter().all(|line| line.contains("against the first")),
            "{text}"
        );
    }
}
