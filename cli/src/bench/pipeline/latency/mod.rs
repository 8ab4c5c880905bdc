//! From COMMIT to Redis, against a bare consumer that sees the same records.
//!
//! The writes are simple ones, of one kind, to levels that nobody else writes to, so that nothing but the way of the events is
//! measured; what a shop sends is the load of [`endure`]. One write in each transaction is followed. The clock starts when COMMIT is sent; both ends are seen by this program, on its
//! own clock. Floor and product are measured at once, on the same writes, so whatever the machine does falls on both.

mod endurance;
mod floor;
mod lag;
mod load;
mod mix;
mod redis;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onhand_db::Pool;
use uuid::Uuid;

use self::redis::Grain;
use super::super::figures::{self, Latencies, Series};
use super::super::progress;
use super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::goods::Goods;
use super::site::Site;
use super::warm;
use load::Load;

pub(super) use endurance::run as endure;
pub(super) use redis::has_arrived;

/// Events per second.
pub(super) const RATES: [u32; 3] = [100, 1_000, 3_000];
/// The rate that goals are set for.
const PROMISED: u32 = 1_000;
/// What Redis may take longer than the bare consumer, in milliseconds: in the middle, and for all but one of a hundred.
const GOALS: [(&str, f64); 2] = [("p50", 3.0), ("p99", 10.0)];
const QUANTILES: [(&str, f64); 3] = [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)];
/// After the last write, what has not arrived by then counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);
/// Writes before those that are followed.
const WARM_UP: Duration = Duration::from_secs(1);
/// Below this part of the rate that was asked for, the load was not what the figures say.
const KEPT_UP: f64 = 0.95;

/// A row version that is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    item: Uuid,
    location: &'static str,
    version: i64,
}

/// Followed writes that have not been seen yet, and when their COMMIT was sent.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<HashMap<Key, Instant>>>);

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: Key, sent: Instant) {
        self.lock().insert(key, sent);
    }

    /// When it was sent, if it is waited for.
    fn seen(&self, key: &Key) -> Option<Instant> {
        self.lock().remove(key)
    }

    fn len(&self) -> usize {
        self.lock().len()
    }
}

/// What one end saw.
struct Arrivals {
    latencies: Latencies,
    lost: usize,
}

impl Arrivals {
    /// What did not arrive counts as if it had at the end of the patience: left out, it would make the others look better.
    fn new(mut latencies: Latencies, lost: usize) -> Self {
        (0..lost).for_each(|_| latencies.add(PATIENCE));
        Self { latencies, lost }
    }
}

/// One turn of one rate.
struct Turn {
    /// None where nothing is held against it.
    floor: Option<Arrivals>,
    redis: Arrivals,
    /// Events per second that were written.
    rate: f64,
    /// Writes that were followed.
    followed: u64,
}

/// All turns of one rate.
struct Rate {
    per_second: u32,
    turns: Vec<Turn>,
}

/// All rates, in turns: up, then down, and so on.
pub(super) async fn run(site: &Site, pool: &Pool, goods: &Goods, (rounds, length): (u16, Duration)) -> Result<Part> {
    let mut rates = RATES.map(|per_second| Rate {
        per_second,
        turns: Vec::new(),
    });
    for round in 0..rounds {
        let mut order: Vec<&mut Rate> = rates.iter_mut().collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for rate in order {
            warm::calm(site, goods).await?;
            let turn = turn(site, pool, goods, (rate.per_second, length)).await?;
            let middle = |arrivals: &Arrivals| arrivals.latencies.quantile(0.5);
            progress(format_args!(
                "{} events/s: p50 {:.1} ms to a bare consumer, {:.1} ms to Redis",
                rate.per_second,
                turn.floor.as_ref().map_or(0.0, middle),
                middle(&turn.redis)
            ));
            rate.turns.push(turn);
        }
    }
    part(&rates)
}

/// Writes at the rate that goals are set for, and looks at nothing.
pub(super) async fn write(pool: &Pool, goods: &Goods, length: Duration) -> Result<()> {
    let load = Load {
        per_second: PROMISED,
        warm_up: length,
        length: Duration::ZERO,
    };
    load::drive(pool, goods, load, [Waiting::default(), Waiting::default()]).await?;
    Ok(())
}

async fn turn(site: &Site, pool: &Pool, goods: &Goods, (rate, length): (u32, Duration)) -> Result<Turn> {
    let (floor_waits, redis_waits) = (Waiting::default(), Waiting::default());
    let floor = floor::Watch::start(site, floor_waits.clone()).await?;
    let redis = redis::Watch::start(site, redis_waits.clone(), Grain::Fine)?;
    let load = Load {
        per_second: rate,
        warm_up: WARM_UP,
        length,
    };
    let wrote = load::drive(pool, goods, load, [floor_waits, redis_waits]).await?;
    let (floor, redis) = tokio::join!(floor.end(), redis.end());
    Ok(Turn {
        floor: Some(floor?),
        redis: redis?,
        rate: wrote.rate,
        followed: wrote.followed,
    })
}

fn part(rates: &[Rate]) -> Result<Part> {
    let mut part = Part::new(
        "latency",
        "from sending COMMIT until a bare consumer has the record, and until Redis has the row",
    );
    for rate in rates {
        let events = rate.per_second;
        for (quantile, at) in QUANTILES {
            let [floor, redis] = names(events, quantile);
            let values = |end: fn(&Turn) -> Option<&Arrivals>| {
                let ends = rate.turns.iter().filter_map(end);
                ends.map(|arrivals| arrivals.latencies.quantile(at)).collect()
            };
            for (name, values) in [
                (floor, values(|turn| turn.floor.as_ref())),
                (redis, values(|turn| Some(&turn.redis))),
            ] {
                part.contenders.push(Contender {
                    name,
                    unit: Unit::Latency,
                    series: Series::new(values).context("there was no round")?,
                });
            }
        }
    }
    for rate in rates {
        compare(&mut part, rate.per_second);
        part.notes.extend(rate.notes());
    }
    Ok(part)
}

fn names(events: u32, quantile: &str) -> [String; 2] {
    ["bare consumer", "Redis"].map(|end| format!("{events} events/s, {end}, {quantile}"))
}

fn compare(part: &mut Part, events: u32) {
    for (quantile, _) in QUANTILES {
        let [floor, redis] = names(events, quantile);
        let later = figures::difference(part.median(&redis), part.median(&floor));
        let goal = GOALS.iter().find(|(name, _)| *name == quantile && events == PROMISED);
        part.comparisons.push(Comparison::new(
            format!("{events} events/s, Redis later than a bare consumer, {quantile}"),
            Figure::Milliseconds(later),
            goal.map(|(_, bound)| Goal::AtMost(*bound)),
        ));
    }
}

impl Rate {
    fn notes(&self) -> Vec<String> {
        let events = self.per_second;
        let followed: u64 = self.turns.iter().map(|turn| turn.followed).sum();
        let mut notes = vec![format!("{events} events/s: {followed} writes followed")];
        let reached =
            Series::new(self.turns.iter().map(|turn| turn.rate).collect()).map_or(0.0, |rates| rates.median());
        if reached < f64::from(events) * KEPT_UP {
            notes.push(format!(
                "{events} events/s: NOT KEPT UP, only {reached:.0} a second were written"
            ));
        }
        let lost: usize = self
            .turns
            .iter()
            .flat_map(|turn| turn.floor.iter().chain([&turn.redis]))
            .map(|arrivals| arrivals.lost)
            .sum();
        if lost > 0 {
            let seconds = PATIENCE.as_secs();
            notes.push(format!(
                "{events} events/s: {lost} did not arrive within {seconds} s and count as that"
            ));
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn arrivals(millis: u64) -> Arrivals {
        let mut latencies = Latencies::new().unwrap();
        (0..100).for_each(|_| latencies.add(Duration::from_millis(millis)));
        Arrivals { latencies, lost: 0 }
    }

    pub(super) fn rate(per_second: u32, redis: u64, wrote: f64) -> Rate {
        Rate {
            per_second,
            turns: vec![Turn {
                floor: Some(arrivals(6)),
                redis: arrivals(redis),
                rate: wrote,
                followed: 100,
            }],
        }
    }

    #[test]
    fn goals_are_differences_at_a_thousand_events() {
        let text = part(&[rate(100, 7, 100.0), rate(1_000, 10, 990.0)])
            .unwrap()
            .to_string();
        let line = |start: &str| {
            text.lines()
                .find(|line| line.trim().starts_with(start))
                .unwrap()
                .to_owned()
        };
        assert!(!line("100 events/s, Redis later than a bare consumer, p50").contains("goal"));
        assert!(line("1000 events/s, Redis later than a bare consumer, p50").contains("goal <= 3: MISSED"));
        assert!(line("1000 events/s, Redis later than a bare consumer, p99").contains("goal <= 10: reached"));
        assert!(!text.contains("NOT KEPT UP"), "{text}");
    }

    #[test]
    fn a_load_that_was_not_reached_is_said() {
        let mut late = rate(3_000, 9, 1_500.0);
        late.turns.iter_mut().for_each(|turn| turn.redis.lost = 2);
        let text = part(&[late]).unwrap().to_string();
        assert!(text.contains("NOT KEPT UP, only 1500"), "{text}");
        assert!(text.contains("2 did not arrive"), "{text}");
    }

    #[test]
    fn what_is_lost_counts_as_late() {
        let arrivals = Arrivals::new(arrivals(5).latencies, 2);
        assert!(arrivals.latencies.quantile(0.5) < 6.0);
        assert!(arrivals.latencies.quantile(0.99) > 29_000.0);
    }

    #[test]
    fn a_write_is_seen_once() {
        let waiting = Waiting::default();
        let key = Key {
            item: Uuid::nil(),
            location: "W1",
            version: 1,
        };
        let now = Instant::now();
        waiting.add(key, now);
        assert_eq!(
            (waiting.len(), waiting.seen(&key), waiting.seen(&key)),
            (1, Some(now), None)
        );
    }
}
