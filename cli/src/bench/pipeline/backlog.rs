//! A backlog: so many changes of some thousand stock levels, as a shop would make them. A few items are sold all the time, so
//! a batch holds the same level several times; versions grow by one with each change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rdkafka::producer::{BaseProducer, BaseRecord};
use uuid::Uuid;

use super::super::progress;
use super::kafka::{self, StopFlag};
use super::site::Site;
use super::template::{Level, Template, Writer};
use crate::demo::popularity::Popularity;

/// Items that change.
const ITEMS: usize = 2_000;
/// Places where each of them is.
const LOCATIONS: usize = 4;
/// The same changes in every run.
const SEED: u64 = 20_260_102;
/// Levels that are looked at after a draining, to see that what was fast was also right.
const LOOKED_AT: usize = 200;

/// Changes one after the other, without end.
pub(super) struct Changes {
    random: StdRng,
    popularity: Popularity,
    levels: Vec<Level>,
}

impl Changes {
    /// From the first one on.
    pub(super) fn new() -> Self {
        let levels = (0..ITEMS)
            .flat_map(|item| (0..LOCATIONS).map(move |location| (item, location)))
            .map(|(item, location)| Level {
                item: item_id(item),
                location: format!("BENCH-{location}"),
                version: 0,
                on_hand: 1_000,
                reserved: 0,
                at_ms: 0,
            })
            .collect();
        Self {
            random: StdRng::seed_from_u64(SEED),
            popularity: Popularity::new(ITEMS),
            levels,
        }
    }

    /// The level after the next change.
    pub(super) fn next_level(&mut self) -> Option<Level> {
        let at_ms = Timestamp::now().as_millisecond();
        self.change().map(|level| Level { at_ms, ..level.clone() })
    }

    /// The next one: a hold, a hold that is given up, a sale, or a delivery when little is left.
    fn change(&mut self) -> Option<&Level> {
        let item = self.popularity.next(&mut self.random);
        let place = self.random.random_range(0..LOCATIONS);
        let quantity = self.random.random_range(1..5);
        let kind = self.random.random_range(0..3);
        let level = self
            .levels
            .get_mut(item.saturating_mul(LOCATIONS).saturating_add(place))?;
        level.version = level.version.saturating_add(1);
        match kind {
            _ if level.on_hand.saturating_sub(level.reserved) < quantity => {
                level.on_hand = level.on_hand.saturating_add(500);
            }
            0 => level.reserved = level.reserved.saturating_add(quantity),
            1 => level.reserved = level.reserved.saturating_sub(quantity).max(0),
            _ => level.on_hand = level.on_hand.saturating_sub(quantity),
        }
        Some(level)
    }
}

/// Ids that no item of a database has: those are of version 7.
fn item_id(number: usize) -> Uuid {
    let number = u128::try_from(number).unwrap_or_default();
    Uuid::from_u128((0xbe4c << 112) | number)
}

/// A topic that holds a backlog.
pub(super) struct Backlog {
    /// What comes before the table in its name.
    pub(super) prefix: String,
    /// Its name.
    pub(super) topic: String,
    /// Records in it.
    pub(super) events: u32,
    /// Some of the levels, as they are at its end.
    pub(super) last: Vec<Level>,
}

impl Backlog {
    /// Fills a topic.
    pub(super) async fn fill(site: &Site, template: Template, events: u32) -> Result<Self> {
        let since = Instant::now();
        let prefix = site.topic_prefix("backlog");
        kafka::make(&site.settings.kafka, &prefix).await?;
        let topic = format!("{prefix}.stock_level");
        let (client, to) = (site.settings.kafka.client(), topic.clone());
        let (flag, stop) = StopFlag::new();
        let last = kafka::blocking(move || {
            let producer = producer(client)?;
            let mut changes = Changes::new();
            write(&producer, &to, &mut template.writer()?, &mut changes, (events, &stop))?;
            Ok(sample(changes.levels))
        })
        .await
        .context("the backlog was not written")?;
        drop(flag);
        let seconds = since.elapsed().as_secs_f64();
        progress(format_args!(
            "{events} change events are in {topic} after {seconds:.1} s"
        ));
        Ok(Self {
            prefix,
            topic,
            events,
            last,
        })
    }
}

/// With the connector's compression, and its way to choose a partition.
fn producer(mut client: rdkafka::ClientConfig) -> Result<BaseProducer> {
    client
        .set("partitioner", "murmur2_random")
        .set("compression.type", "zstd")
        .set("compression.level", "1")
        .set("linger.ms", "20")
        .set("batch.size", "262144")
        .set("enable.idempotence", "true");
    Ok(client.create()?)
}

fn write(
    producer: &BaseProducer,
    topic: &str,
    writer: &mut Writer<'_>,
    changes: &mut Changes,
    (events, stop): (u32, &AtomicBool),
) -> Result<()> {
    for _ in 0..events {
        if stop.load(Ordering::Relaxed) {
            bail!("stopped");
        }
        let level = changes.next_level().context("there is no such level")?;
        let (key, value) = writer.write(&level)?;
        kafka::enqueue(producer, BaseRecord::to(topic).key(&key).payload(&value))?;
    }
    kafka::flush(producer, "records")
}

/// Some of the levels that were changed: the popular ones and others.
fn sample(levels: Vec<Level>) -> Vec<Level> {
    let changed: Vec<Level> = levels.into_iter().filter(|level| level.version > 0).collect();
    let step = (changed.len() / LOOKED_AT).max(1);
    changed.into_iter().step_by(step).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn versions_grow_by_one_and_no_stock_is_sold_twice() {
        let mut changes = Changes::new();
        let mut versions: HashMap<(Uuid, String), i64> = HashMap::new();
        for _ in 0..20_000 {
            let level = changes.change().unwrap().clone();
            assert!(level.reserved >= 0 && level.on_hand >= level.reserved, "{level:?}");
            let version = versions.entry((level.item, level.location)).or_default();
            *version += 1;
            assert_eq!(level.version, *version);
        }
        assert!(versions.len() > 2_000, "{}", versions.len());
    }

    #[test]
    fn a_batch_holds_some_levels_several_times() {
        let mut changes = Changes::new();
        let batch: std::collections::BTreeSet<(Uuid, String)> = (0..1_000)
            .map(|_| changes.change().unwrap().clone())
            .map(|level| (level.item, level.location))
            .collect();
        assert!((300..900).contains(&batch.len()), "{}", batch.len());
    }

    #[test]
    fn the_same_changes_come_in_every_run() {
        let (mut one, mut other) = (Changes::new(), Changes::new());
        for _ in 0..500 {
            assert_eq!(one.change(), other.change());
        }
    }

    #[test]
    fn the_sample_holds_changed_levels_at_their_last_version() {
        let mut changes = Changes::new();
        for _ in 0..5_000 {
            assert!(changes.change().is_some());
        }
        let sample = sample(changes.levels);
        assert!(sample.len() >= 100 && sample.iter().all(|level| level.version > 0));
    }
}
