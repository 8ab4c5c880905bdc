//! Everything at once for minutes: whether the stack keeps up with the highest rate, or falls behind more and more.
//!
//! The load is what a shop sends and does not pause; the time is cut into stretches, of which each could be slower than the one
//! before. At the end of each, while the load goes on, it is noted how far every reader is behind.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onhand_db::Pool;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::super::super::figures::{self, Series};
use super::super::super::progress;
use super::super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::super::shop::{ITEMS, LOCATIONS, Shop};
use super::lag::{self, Sample};
use super::mix::{Followers, LANES, Mix, PACE};
use super::redis::Grain;
use super::{Arrivals, KEPT_UP, RATES, Rate, Site, Turn, WARM_UP, Waiting, redis};

const STRETCHES: u32 = 5;
/// For all but one of a hundred writes of the slowest stretch, in milliseconds.
const SLOWEST: f64 = 250.0;
/// What the last stretch may take in the middle, as a multiple of the first: more than the noise of a machine is a growing lag.
const GROWTH: f64 = 2.0;
/// How much further behind a reader may be at the end of the last stretch than at the end of the first, as the milliseconds in which as
/// much is written. Offsets are committed twice a second and slots confirmed once, so one sample differs from another by that much.
const LAG_GROWTH: f64 = 2_000.0;

/// What one stretch showed.
struct Stretch {
    turn: Turn,
    lag: Sample,
}

/// A stretch that is over, of which some writes may be under way.
struct Ending {
    arrivals: JoinHandle<Result<Arrivals>>,
    rate: f64,
    followed: u64,
    lag: Sample,
}

/// Writes for so long at the highest of the rates, while all consumers of the stack run.
pub(in super::super) async fn run(site: &Site, pool: &Pool, shop: &Shop, length: Duration) -> Result<Part> {
    let per_second = RATES.into_iter().max().context("no rates")?;
    let followers = Followers::default();
    let mix = Mix::start(pool, shop, per_second, &followers).await?;
    sleep(WARM_UP).await;
    let mut endings = Vec::new();
    for _ in 0..STRETCHES {
        endings.push(stretch(site, pool, (&mix, &followers), length / STRETCHES).await?);
    }
    let refused = mix.end().await?;
    let mut stretches = Vec::new();
    for ending in endings {
        stretches.push(Stretch {
            turn: Turn {
                floor: None,
                redis: ending.arrivals.await??,
                rate: ending.rate,
                followed: ending.followed,
            },
            lag: ending.lag,
        });
    }
    part(stretches, (per_second, refused), length)
}

/// Follows writes for so long; the one who watches goes on after it until all of them were seen.
async fn stretch(site: &Site, pool: &Pool, load: (&Mix, &Followers), length: Duration) -> Result<Ending> {
    let (mix, followers) = load;
    let waiting = Waiting::default();
    let redis = redis::Watch::start(site, waiting.clone(), Grain::Coarse)?;
    let (before, since) = (mix.applied(), Instant::now());
    followers.change(Some(waiting));
    sleep(length).await;
    let followed = followers.change(None);
    let rate = figures::rate(mix.applied().saturating_sub(before), since.elapsed());
    let arrivals = tokio::spawn(redis.end());
    let lag = lag::sample(site, pool).await?;
    progress(format_args!("{rate:.0} commands/s; behind: {}", shown(&lag)));
    Ok(Ending {
        arrivals,
        rate,
        followed,
        lag,
    })
}

fn shown(lag: &Sample) -> String {
    let all: Vec<String> = lag
        .lags
        .iter()
        .map(|lag| match lag.unit {
            Unit::Memory => format!("{} {:.1} MB", lag.name, lag.behind),
            _ => format!("{} {:.0}", lag.name, lag.behind),
        })
        .collect();
    all.join(", ")
}

fn part(stretches: Vec<Stretch>, (per_second, refused): (u32, u64), length: Duration) -> Result<Part> {
    let title = format!("everything at once: {per_second} commands/s for {} s", length.as_secs());
    let mut part = Part::new("endurance", title);
    let (turns, lags): (Vec<Turn>, Vec<Sample>) =
        stretches.into_iter().map(|stretch| (stretch.turn, stretch.lag)).unzip();
    let rate = Rate { per_second, turns };
    written(&mut part, &rate)?;
    latencies(&mut part, &rate)?;
    behind(&mut part, &lags)?;
    part.notes.push(format!(
        "60 % reserve, 25 % confirm, 5 % cancel, 10 % add, on {} levels at {} locations, the popular ones more often; each of {LANES} connections, as many as the HTTP interface has lanes, writes every {} ms what is due by then, {} commands or more, in one call",
        ITEMS.saturating_mul(LOCATIONS.len()),
        LOCATIONS.len(),
        PACE.as_millis(),
        u128::from(per_second) * PACE.as_millis() / (1_000 * u128::from(LANES))
    ));
    part.notes.push(
        "lag is what a group has not committed, or the connector not confirmed, at the end of a stretch while the load goes on; nothing is \
         sent to ingest here"
            .to_owned(),
    );
    if refused > 0 {
        part.notes
            .push(format!("{refused} commands were refused and made no event"));
    }
    part.notes.extend(rate.notes());
    Ok(part)
}

/// A machine that is full makes the writers wait as it does everybody else.
fn written(part: &mut Part, rate: &Rate) -> Result<()> {
    let rates = Series::new(rate.turns.iter().map(|turn| turn.rate).collect()).context("there was no stretch")?;
    part.comparisons.push(Comparison::new(
        "commands written, against those that were due",
        Figure::Ratio(figures::ratio(rates.median(), f64::from(rate.per_second))),
        Some(Goal::AtLeast(KEPT_UP)),
    ));
    Ok(())
}

/// From COMMIT to Redis.
fn latencies(part: &mut Part, rate: &Rate) -> Result<()> {
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
            "COMMIT to Redis, p50 of each stretch, ms",
            Series::new(middles).context("there was no stretch")?,
        ),
        ("COMMIT to Redis, p99 of each stretch, ms", slowest),
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
    Ok(())
}

/// How far every reader is behind, and whether that grows.
fn behind(part: &mut Part, samples: &[Sample]) -> Result<()> {
    let (first, last) = samples.first().zip(samples.last()).context("there was no stretch")?;
    for reader in &first.lags {
        let of = |sample: &Sample| {
            sample
                .lags
                .iter()
                .find(|lag| lag.name == reader.name)
                .map(|lag| lag.behind)
        };
        let word = if reader.unit == Unit::Memory { "MB" } else { "records" };
        part.contenders.push(Contender {
            name: format!("{}, behind at the end of each stretch, {word}", reader.name),
            unit: reader.unit,
            series: Series::new(samples.iter().filter_map(of).collect()).context("there was no stretch")?,
        });
        part.comparisons.push(Comparison::new(
            format!(
                "{}, further behind after the last stretch than after the first, as time",
                reader.name
            ),
            Figure::Milliseconds(last.grown_since(first, reader.name)),
            Some(Goal::AtMost(LAG_GROWTH)),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::lag::tests::sample;
    use super::super::tests::rate;
    use super::*;

    /// Stretches of ten seconds: latency of Redis in milliseconds, and how far the group is behind.
    fn text(stretches: &[(u64, f64)]) -> String {
        text_at(stretches, 3_000.0)
    }

    fn text_at(stretches: &[(u64, f64)], wrote: f64) -> String {
        let start = Instant::now();
        let stretches = (1..).zip(stretches).map(|(number, (millis, behind))| Stretch {
            turn: rate(3_000, *millis, wrote).turns.pop().unwrap(),
            lag: sample(start, number * 10, *behind),
        });
        part(stretches.collect(), (3_000, 0), Duration::from_secs(300))
            .unwrap()
            .to_string()
    }

    fn missed(text: &str) -> Vec<&str> {
        text.lines().filter(|line| line.contains("MISSED")).collect()
    }

    #[test]
    fn a_latency_that_grows_is_seen() {
        let text = text(&[(10, 100.0), (40, 100.0)]);
        assert!(text.contains("3000 commands/s for 300 s"), "{text}");
        let missed = missed(&text);
        assert!(
            missed.len() == 1 && missed.iter().all(|line| line.contains("against the first")),
            "{text}"
        );
    }

    #[test]
    fn a_group_that_falls_behind_is_seen_although_redis_is_fast() {
        let text = text(&[(10, 100.0), (10, 2_000.0), (10, 4_000.0)]);
        let missed = missed(&text);
        assert!(
            missed.len() == 1
                && missed
                    .iter()
                    .all(|line| line.contains("search, further behind") && line.contains("3900 ms")),
            "{text}"
        );
    }

    #[test]
    fn writers_that_are_held_up_are_seen() {
        let text = text_at(&[(10, 100.0), (10, 100.0)], 2_700.0);
        let missed = missed(&text);
        assert!(
            missed.len() == 1
                && missed
                    .iter()
                    .all(|line| line.contains("written") && line.contains("0.900x")),
            "{text}"
        );
    }

    #[test]
    fn noise_is_no_growth() {
        let text = text(&[(10, 500.0), (12, 1_900.0), (11, 1_500.0)]);
        assert!(missed(&text).is_empty(), "{text}");
        assert!(
            text.contains("search, behind at the end of each stretch, records"),
            "{text}"
        );
    }
}
