//! How long a part that is killed keeps a write from its readers: from SIGKILL, with `onhand up` right after it, until a write that
//! was sent after the kill has gone the way that leads through the part. Writes go on meanwhile, and after each kill everything is
//! compared with Postgres.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use onhand_db::Pool;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::super::figures::{self, Series};
use super::super::progress;
use super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::canary::Canary;
use super::compare::{Compared, Duty, compare};
use super::follow::{Follow, Way};
use super::goods::{self, Goods};
use super::site::Site;
use super::up;
use crate::stack;

/// What is killed, and the way through it: all that lies between a write and its readers, and what they lean on.
const PARTS: [(&str, Way); 12] = [
    ("postgres", Way::ReadModels),
    ("redis", Way::ReadModels),
    ("kafka", Way::ReadModels),
    ("registry", Way::ReadModels),
    ("elasticsearch", Way::ReadModels),
    ("connect", Way::ReadModels),
    ("api", Way::ReadModels),
    ("cache", Way::ReadModels),
    ("search", Way::ReadModels),
    ("publish", Way::Events),
    ("alerts", Way::Alerts),
    ("ingest", Way::Commands),
];
/// Events per second that go on.
const EVENTS: u32 = 500;
const WRITERS: u32 = 4;
/// Events in a transaction.
const SIZE: usize = 5;
/// What is promised, in milliseconds.
const PROMISED: f64 = 10_000.0;
/// What is not back by then does not come back.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two kills.
const QUIET: Duration = Duration::from_secs(3);

/// What was seen of one part.
struct Recovered {
    part: &'static str,
    millis: Vec<f64>,
    compared: Vec<Compared>,
}

/// Kills each part so many times.
pub(super) async fn run(site: &Site, pool: &Pool, goods: &Goods, rounds: u16) -> Result<Part> {
    let duty = Duty::new(site)?;
    let repaired = duty.repaired().await?;
    let load = Load::start(pool, goods);
    let recovered = kill_each(site, pool, goods, rounds).await;
    let rate = load.end().await;
    let recovered = recovered?;
    part(&recovered, rate, duty.repaired().await?.saturating_sub(repaired))
}

fn part(recovered: &[Recovered], rate: f64, repaired: u64) -> Result<Part> {
    let mut part = Part::new(
        "recovery",
        format!("from SIGKILL until a write sent after it has come through the part, at {EVENTS} events/s"),
    );
    for Recovered { part: name, millis, .. } in recovered {
        let series = Series::new(millis.clone()).context("there was no round")?;
        part.comparisons.push(Comparison::new(
            *name,
            Figure::Milliseconds(Some(series.median())),
            Some(Goal::AtMost(PROMISED)),
        ));
        part.contenders.push(Contender {
            name: (*name).to_owned(),
            unit: Unit::Latency,
            series,
        });
    }
    let all = || {
        recovered
            .iter()
            .flat_map(|one| one.compared.iter().map(move |found| (one.part, found)))
    };
    let sum = |of: fn(&Compared) -> u64| all().fold(0_u64, |sum, (_, found)| sum.saturating_add(of(found)));
    for (name, count, goal) in [
        (
            "differences between the models and Postgres, after all kills",
            sum(|found| found.differences),
            true,
        ),
        (
            "keys that were not known within a minute, because a model was behind",
            sum(|found| found.behind),
            true,
        ),
        (
            "differences that the continuous comparison has put right meanwhile",
            repaired,
            false,
        ),
    ] {
        let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let goal = goal.then_some(Goal::AtMost(0.0));
        part.comparisons
            .push(Comparison::new(name, Figure::Count(Some(count)), goal));
    }
    part.notes.push(
        "publish: until it is on warehouse.stock.updated; alerts: until the level is judged by it; ingest: a command in Kafka, until it is in \
         Redis and Elasticsearch; all others: a write over HTTP, until it is there"
            .to_owned(),
    );
    for (name, found) in all().filter(|(_, found)| !found.is_equal()) {
        part.notes.push(format!("after {name} was killed: {}", found.text));
    }
    part.notes
        .push(format!("{rate:.0} events/s were written, outages included"));
    Ok(part)
}

async fn kill_each(site: &Site, pool: &Pool, goods: &Goods, rounds: u16) -> Result<Vec<Recovered>> {
    let canary = Canary::new(site, goods)?;
    let mut all: Vec<Recovered> = PARTS
        .iter()
        .map(|(part, _)| Recovered {
            part,
            millis: Vec::new(),
            compared: Vec::new(),
        })
        .collect();
    for _ in 0..rounds {
        for (recovered, (part, way)) in all.iter_mut().zip(PARTS) {
            sleep(QUIET).await;
            let follow = Follow::start(site, pool, &canary, way).await?;
            let took = kill(&follow, part)
                .await
                .with_context(|| format!("{part} was killed"))?;
            let compared = compare(site).await.with_context(|| format!("{part} was killed"))?;
            progress(format_args!(
                "{part}: {:.1} s, {} differences",
                took.as_secs_f64(),
                compared.differences
            ));
            recovered.millis.push(took.as_secs_f64() * 1_000.0);
            recovered.compared.push(compared);
        }
    }
    Ok(all)
}

/// How long it took until all was well again.
async fn kill(follow: &Follow<'_>, part: &str) -> Result<Duration> {
    stack::kill_part(part)?;
    let since = Instant::now();
    let arrives = async {
        timeout(PATIENCE, follow.arrives())
            .await
            .with_context(|| format!("a write did not arrive within {} s", PATIENCE.as_secs()))??;
        anyhow::Ok(since.elapsed())
    };
    // What was not started is not waited for.
    let ((), took) = tokio::try_join!(up::run(&[]), arrives)?;
    Ok(took)
}

/// Writers that go on whatever happens.
struct Load {
    stop: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    since: Instant,
    tasks: JoinSet<()>,
}

impl Load {
    fn start(pool: &Pool, goods: &Goods) -> Self {
        let mut load = Self {
            stop: Arc::new(AtomicBool::new(false)),
            written: Arc::new(AtomicU64::new(0)),
            since: Instant::now(),
            tasks: JoinSet::new(),
        };
        let pause = Duration::from_secs(1) * WRITERS * u32::try_from(SIZE).unwrap_or(1) / EVENTS;
        // The first item is the canary's.
        let skus: Vec<String> = goods.items.iter().skip(1).map(|(sku, _)| sku.clone()).collect();
        for writer in 0..WRITERS {
            let (pool, stop, written) = (pool.clone(), Arc::clone(&load.stop), Arc::clone(&load.written));
            let start = usize::try_from(writer).unwrap_or(0) * SIZE;
            let skus: Vec<String> = skus.iter().skip(start).take(SIZE).cloned().collect();
            load.tasks.spawn(async move {
                let mut clock = interval(pause);
                clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stop.load(Ordering::Relaxed) {
                    clock.tick().await;
                    if let Ok(client) = pool.get().await
                        && let Ok(versions) = goods::add(&client, skus.iter()).await
                    {
                        let events = u64::try_from(versions.len()).unwrap_or(0);
                        written.fetch_add(events, Ordering::Relaxed);
                    }
                }
            });
        }
        load
    }

    /// Events per second.
    async fn end(mut self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        while self.tasks.join_next().await.is_some() {}
        figures::rate(self.written.load(Ordering::Relaxed), self.since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn recovered(part: &'static str, millis: f64, differences: u64) -> Recovered {
        Recovered {
            part,
            millis: vec![millis],
            compared: vec![Compared {
                differences,
                behind: 0,
                text: format!("{differences} found"),
            }],
        }
    }

    #[test]
    fn a_model_that_differs_is_a_goal_missed_however_fast_the_part_was() {
        let text = part(&[recovered("api", 900.0, 0), recovered("redis", 2_000.0, 3)], 498.0, 2)
            .unwrap()
            .to_string();
        let missed: Vec<&str> = text.lines().filter(|line| line.contains("MISSED")).collect();
        assert!(
            missed.len() == 1 && missed.iter().all(|line| line.contains("differences between")),
            "{text}"
        );
        assert!(text.contains("after redis was killed: 3 found"), "{text}");
        assert!(!text.contains("after api was killed"), "{text}");
    }

    #[test]
    fn a_part_that_takes_longer_than_promised_is_seen() {
        let text = part(&[recovered("kafka", 10_500.0, 0)], 498.0, 0).unwrap().to_string();
        assert!(text.contains("kafka: 10500 ms (goal <= 10000: MISSED)"), "{text}");
    }

    #[test]
    fn every_consumer_of_the_product_is_killed() {
        for kind in onhand_consumers::SinkKind::ALL {
            assert!(PARTS.iter().any(|(part, _)| *part == kind.name()), "{kind:?}");
        }
    }
}
