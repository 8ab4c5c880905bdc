//! Memory of each consumer: with nothing to do, and the most it ever had while it drained a backlog.

mod own;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result};
use onhand_consumers::SinkKind;

use super::super::figures::Series;
use super::super::report::{Comparison, Contender, Figure, Goal, Part, Unit};
use super::backlog::Backlog;
use super::drain::{self, Store};
use super::flow::Flow;
use super::running::Running;
use super::shop::Shop;
use super::site::Site;
use super::{kafka, process};
use crate::stack;

/// Steady.
const IDLE_GOAL: f64 = 40.0;
/// With a backlog of a million.
const BACKLOG_GOAL: f64 = 64.0;

/// It reads no topic and so has no backlog: seen as it runs in the local stack.
const RUNNING: &str = "verify";

/// What drainings have shown already, by the name of the consumer.
pub(super) type Flows = BTreeMap<&'static str, Vec<Flow>>;

/// Each consumer without records, and with the backlog, unless that was seen before.
pub(super) async fn run(
    site: &Site,
    shop: &Shop,
    backlog: &Backlog,
    flows: &Flows,
    pace: (u16, Duration),
) -> Result<Part> {
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
    own_roles(
        &mut part,
        own::run(site, shop, backlog.events, pace).await?,
        backlog.events,
    )?;
    if let Some(memory) = stack::part_pid(RUNNING)?.and_then(process::memory) {
        for (when, size, goal) in [
            ("now", memory.resident, IDLE_GOAL),
            ("most since it was started", memory.peak, BACKLOG_GOAL),
        ] {
            note(&mut part, format!("{RUNNING} of the stack, {when}"), vec![size], goal)?;
        }
    }
    Ok(part)
}

/// Roles that work on the topics of the stack.
fn own_roles(part: &mut Part, sizes: Option<Vec<own::Sizes>>, deliveries: u32) -> Result<()> {
    let names = own::ROLES.map(SinkKind::name).join(", ");
    let Some(sizes) = sizes else {
        part.notes
            .push(format!("{names}: not measured, they do not run on this machine"));
        return Ok(());
    };
    for own::Sizes { role, idle, peak } in sizes {
        let name = role.name();
        note(part, format!("{name}, idle"), idle, IDLE_GOAL)?;
        note(
            part,
            format!("{name}, most while working off {deliveries}"),
            vec![peak],
            BACKLOG_GOAL,
        )?;
    }
    part.notes.push(format!(
        "{names}: the stack's own processes, as no setting gives their output other names; their backlog are {deliveries} deliveries to items of \
         the benchmark, sent to inventory.stock.commands while they were away"
    ));
    Ok(())
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

    #[test]
    fn every_consumer_has_both_figures() {
        let measured = Store::ALL.map(Store::sink).into_iter().chain(own::ROLES);
        let mut measured: Vec<&str> = measured.map(SinkKind::name).collect();
        let mut all = SinkKind::ALL.map(SinkKind::name);
        measured.sort_unstable();
        all.sort_unstable();
        assert_eq!(measured, all);
        let mut part = Part::new("memory", "memory");
        let sizes = own::ROLES.map(|role| own::Sizes {
            role,
            idle: vec![20.0],
            peak: 70.0,
        });
        own_roles(&mut part, Some(sizes.into()), 1_000).unwrap();
        let text = part.to_string();
        for role in own::ROLES.map(SinkKind::name) {
            assert!(
                text.contains(&format!("{role}, idle: 20.0 MB (goal <= 40: reached)")),
                "{text}"
            );
            assert!(
                text.contains(&format!(
                    "{role}, most while working off 1000: 70.0 MB (goal <= 64: MISSED)"
                )),
                "{text}"
            );
        }
    }

    #[test]
    fn roles_that_run_elsewhere_are_named() {
        let mut part = Part::new("memory", "memory");
        own_roles(&mut part, None, 1_000).unwrap();
        assert!(part.to_string().contains("ingest, publish, alerts: not measured"));
        assert!(part.comparisons.is_empty());
    }
}
