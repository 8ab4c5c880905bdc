//! How long a part that is killed keeps a write from its readers: from SIGKILL, with `onhand up` right after it, until a write that
//! was sent after the kill is acknowledged over HTTP and is in Redis and in Elasticsearch. Writes go on meanwhile.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use onhand_db::Pool;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::super::figures::{self, Series};
use super::super::progress;
use super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::canary::Canary;
use super::goods::{self, Goods};
use super::site::Site;
use crate::stack;

/// What is killed: all that lies between a write and these two readers, and what they lean on.
const PARTS: [&str; 9] = [
    "postgres",
    "redis",
    "kafka",
    "registry",
    "elasticsearch",
    "connect",
    "api",
    "cache",
    "search",
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

/// Kills each part so many times.
pub(super) async fn run(site: &Site, pool: &Pool, goods: &Goods, rounds: u16) -> Result<Part> {
    let load = Load::start(pool, goods);
    let recovered = kill_each(site, goods, rounds).await;
    let rate = load.end().await;
    let mut part = Part::new(
        "recovery",
        format!("from SIGKILL until a write sent after it is in Redis and Elasticsearch, at {EVENTS} events/s"),
    );
    for (name, millis) in recovered? {
        let series = Series::new(millis).context("there was no round")?;
        part.comparisons.push(Comparison::new(
            name,
            Figure::Milliseconds(Some(series.median())),
            Some(Goal::AtMost(PROMISED)),
        ));
        part.contenders.push(Contender {
            name: name.to_owned(),
            unit: Unit::Latency,
            series,
        });
    }
    part.notes
        .push(format!("{rate:.0} events/s were written, outages included"));
    Ok(part)
}

async fn kill_each(site: &Site, goods: &Goods, rounds: u16) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let mut recovered: Vec<(&'static str, Vec<f64>)> = PARTS.iter().map(|part| (*part, Vec::new())).collect();
    for _ in 0..rounds {
        for (part, millis) in &mut recovered {
            sleep(QUIET).await;
            let took = kill(site, goods, part)
                .await
                .with_context(|| format!("{part} was killed"))?;
            progress(format_args!("{part}: {:.1} s", took.as_secs_f64()));
            millis.push(took.as_secs_f64() * 1_000.0);
        }
    }
    Ok(recovered)
}

/// How long it took until all was well again.
async fn kill(site: &Site, goods: &Goods, part: &str) -> Result<Duration> {
    stack::kill_part(part)?;
    let since = Instant::now();
    let up = Command::new(std::env::current_exe()?)
        .arg("up")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let arrives = async {
        let canary = Canary::new(site, goods)?;
        timeout(PATIENCE, canary.arrives())
            .await
            .with_context(|| format!("a write did not arrive within {} s", PATIENCE.as_secs()))?;
        anyhow::Ok(since.elapsed())
    };
    let (up, took) = tokio::join!(up, arrives);
    let status = up?;
    ensure!(
        status.success(),
        "`onhand up` ended with {status}; `onhand status` says what is missing"
    );
    took
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
