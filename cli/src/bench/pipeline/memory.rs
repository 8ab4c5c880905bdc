//! Memory of each consumer: with nothing to do, and the most it ever had while it drained a backlog, or in the stack that runs.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};

use super::super::figures::Series;
use super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::backlog::Backlog;
use super::drain::{self, Store};
use super::flow::Flow;
use super::running::Running;
use super::site::Site;
use super::{kafka, process};
use crate::stack;

/// Steady.
const IDLE_GOAL: f64 = 40.0;
/// With a backlog of a million.
const BACKLOG_GOAL: f64 = 64.0;

/// Roles that read other topics than the backlog's: seen as they run in the local stack.
const RUNNING: [&str; 4] = ["alerts", "publish", "ingest", "verify"];

/// What drainings have shown already, by the name of the consumer.
pub(super) type Flows = BTreeMap<&'static str, Vec<Flow>>;

/// Each consumer without records, and with the backlog, unless that was seen before.
pub(super) async fn run(site: &Site, backlog: &Backlog, flows: &Flows, pace: (u16, Duration)) -> Result<Part> {
    let mut part = Part::new("memory", "resident memory of a consumer");
    let prefix = site.topic_prefix("idle");
    kafka::make(&site.settings.kafka, &prefix).await?;
    for store in Store::ALL {
        let name = store.sink().name();
        let idle = idle(site, store, &prefix, pace).await?;
        note(&mut part, format!("{name}, idle"), idle, IDLE_GOAL)?;
        let peaks = match flows.get(name) {
            Some(flows) => flows.iter().map(|flow| flow.peak).collect(),
            None => vec![drain::ours(site, store, backlog).await?.peak],
        };
        note(
            &mut part,
            format!("{name}, most while draining {}", backlog.events),
            peaks,
            BACKLOG_GOAL,
        )?;
    }
    for role in RUNNING {
        let Some(memory) = stack::part_pid(role)?.and_then(process::memory) else {
            continue;
        };
        note(
            &mut part,
            format!("{role} of the stack, now"),
            vec![memory.resident],
            IDLE_GOAL,
        )?;
        note(
            &mut part,
            format!("{role} of the stack, most since it was started"),
            vec![memory.peak],
            BACKLOG_GOAL,
        )?;
    }
    Ok(part)
}

/// Started anew each time.
async fn idle(site: &Site, store: Store, prefix: &str, (rounds, settle): (u16, Duration)) -> Result<Vec<f64>> {
    let mut sizes = Vec::new();
    for _ in 0..rounds {
        let place = site.place();
        store.prepare(&place).await?;
        let mut consumer = Running::consumer(site, store.sink(), prefix, &place)?;
        consumer.ready().await?;
        tokio::time::sleep(settle).await;
        let memory = process::memory(consumer.pid()).context("a consumer ended by itself")?;
        sizes.push(memory.resident);
        consumer.stop().await?;
        site.empty(&place).await?;
    }
    Ok(sizes)
}

fn note(part: &mut Part, name: String, sizes: Vec<f64>, goal: f64) -> Result<()> {
    let series = Series::new(sizes).context("there was no round")?;
    part.comparisons.push(Comparison::new(
        &name,
        Figure::Megabytes(Some(series.median())),
        Some(Goal::AtMost(goal)),
    ));
    part.contenders.push(Contender {
        name,
        unit: Unit::Memory,
        series,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_median_is_held_against_the_goal() {
        let mut part = Part::new("memory", "memory");
        note(&mut part, "cache, idle".into(), vec![20.0, 41.0, 22.0], IDLE_GOAL).unwrap();
        note(&mut part, "cache, most".into(), vec![64.1], BACKLOG_GOAL).unwrap();
        let text = part.to_string();
        assert!(text.contains("cache, idle: 22.0 MB (goal <= 40: reached)"), "{text}");
        assert!(text.contains("cache, most: 64.1 MB (goal <= 64: MISSED)"), "{text}");
        assert!(note(&mut part, "none".into(), Vec::new(), 1.0).is_err());
    }
}
