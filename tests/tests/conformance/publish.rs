//! The public events: what the ledger says of the moved units, each at least once, first in order, under one id.

use super::subject::{Failed, Part, Subject};
use super::world::World;
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use onhand_tests::inbound::header;
use onhand_tests::kafka::Tail;
use onhand_tests::stack::SETTLE;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ConfigSource, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const EVENTS: &str = "warehouse.stock.updated";
/// Another output for the same movements.
const CATALOGUE: &str = "inventory.dev.events";
const LIMIT: &str = "max.message.bytes";

/// Item, location and version.
type Movement = (String, String, i64);
/// An item at a location.
type Level = (String, String);

/// What the broker did not take at first, for all tests of this run, which read the topic from its beginning: it is sent again
/// behind whatever came meanwhile (a hold that ended, for example).
static LATE: Mutex<BTreeSet<Movement>> = Mutex::const_new(BTreeSet::new());

/// Reads the topic as it grows.
pub(crate) struct Publish {
    published: Mutex<Option<Log>>,
    broken: Mutex<bool>,
}

impl Publish {
    pub(crate) fn new() -> Self {
        Self {
            published: Mutex::new(None),
            broken: Mutex::new(false),
        }
    }
}

#[async_trait]
impl Subject for Publish {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn group(&self) -> &'static str {
        "onhand.publish"
    }

    fn topics(&self) -> Vec<&'static str> {
        vec!["onhand.inventory.stock_movement", "onhand.inventory.stock_summary"]
    }

    fn store(&self) -> &'static str {
        "kafka"
    }

    fn port(&self) -> u16 {
        98
    }

    async fn feed(&self, world: &World, events: usize) -> Result<()> {
        world.move_stock(events).await
    }

    async fn holds(&self, world: &World) -> Result<()> {
        let ledger = ledger(world).await?;
        ensure!(!ledger.is_empty(), "nothing was moved");
        let mut published = self.published.lock().await;
        let log = published.get_or_insert_with(|| Log::new(world, EVENTS));
        log.read_until(&ledger).await?;
        let published = &log.movements;
        let late = LATE.lock().await;
        let mut last: BTreeMap<Level, i64> = BTreeMap::new();
        let mut by_place: Vec<(&Movement, &Published)> = published.iter().collect();
        by_place.sort_by_key(|(_, event)| event.first);
        for ((item, location, version), event) in by_place {
            ensure!(
                event.ids.len() == 1,
                "{item} {location} {version} has the ids {:?}",
                event.ids
            );
            if late.contains(&(item.clone(), location.clone(), *version)) {
                continue;
            }
            let before = last.insert((item.clone(), location.clone()), *version).unwrap_or(0);
            ensure!(
                before < *version,
                "{item} {location}: {version} came first after {before}"
            );
        }
        // Nothing but what happened.
        let now = self::ledger(world).await?;
        let invented = published.keys().find(|movement| !now.contains(*movement));
        ensure!(invented.is_none(), "{invented:?} is in no ledger");
        Ok(())
    }

    fn failed(&self) -> Failed {
        Failed::IsBuried
    }

    /// The broker takes no record of one of the outputs.
    async fn break_part(&self, world: &World, _part: Part) -> Result<()> {
        *self.broken.lock().await = true;
        limit_events(world, Some("1")).await
    }

    async fn rest_holds(&self, world: &World) -> Result<()> {
        let ledger = ledger(world).await?;
        Log::new(world, CATALOGUE).read_until(&ledger).await?;
        let mut published = self.published.lock().await;
        let log = published.get_or_insert_with(|| Log::new(world, EVENTS));
        log.read_on()?;
        let missing = ledger.iter().filter(|one| !log.movements.contains_key(*one)).count();
        ensure!(missing > 0, "nothing was refused");
        Ok(())
    }

    async fn mend_part(&self, world: &World, part: Part) -> Result<()> {
        if part == Part::Gate || !std::mem::take(&mut *self.broken.lock().await) {
            return Ok(());
        }
        limit_events(world, None).await?;
        let ledger = ledger(world).await?;
        let mut published = self.published.lock().await;
        let log = published.get_or_insert_with(|| Log::new(world, EVENTS));
        log.read_on()?;
        let missing = ledger.into_iter().filter(|one| !log.movements.contains_key(one));
        LATE.lock().await.extend(missing);
        world.redrive(self.group(), EVENTS).await
    }
}

/// Sets this limit of the topic of events, or takes it away; the other settings of the topic stay.
async fn limit_events(world: &World, bytes: Option<&str>) -> Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", &world.stack.brokers)
        .create()?;
    let options = AdminOptions::new();
    let described = admin
        .describe_configs([&ResourceSpecifier::Topic(EVENTS)], &options)
        .await?;
    let described = described.into_iter().next().context("no topic in the answer")??;
    let kept: Vec<(String, String)> = described
        .entries
        .into_iter()
        .filter(|entry| entry.source == ConfigSource::DynamicTopic && entry.name != LIMIT)
        .filter_map(|entry| Some((entry.name, entry.value?)))
        .collect();
    let mut all = AlterConfig::new(ResourceSpecifier::Topic(EVENTS));
    for (name, value) in &kept {
        all = all.set(name, value);
    }
    if let Some(bytes) = bytes {
        all = all.set(LIMIT, bytes);
    }
    for altered in admin.alter_configs([&all], &options).await? {
        altered.map_err(|(_, code)| anyhow::anyhow!("{EVENTS}: {code}"))?;
    }
    Ok(())
}

/// What stands in the topic about one movement.
#[derive(Default)]
struct Published {
    /// Place of its first record among all.
    first: usize,
    ids: BTreeSet<String>,
}

async fn ledger(world: &World) -> Result<BTreeSet<Movement>> {
    let rows = world
        .query(
            "select i.id::text, m.location_id, m.version from inventory.stock_movement as m \
             join inventory.item as i on i.id = m.item_id and i.sku like 'CONF-%' \
             where (m.on_hand_delta, m.reserved_delta, m.backordered_delta) <> (0, 0, 0)",
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// Which movement an event of either topic is about, if it is one of this suite.
fn movement_of(event: &Value) -> Option<Movement> {
    let (data, [item, location, version]) = match event.get("payload") {
        None => (event, ["product_id", "warehouse_id", "version"]),
        Some(payload) => (payload, ["productId", "locationId", "stockVersion"]),
    };
    if !data["sku"].as_str()?.starts_with("CONF-") {
        return None;
    }
    let text = |name: &str| data[name].as_str().map(str::to_owned);
    Some((text(item)?, text(location)?, data[version].as_i64()?))
}

/// What stands in the topic.
struct Log {
    tail: Tail,
    records: usize,
    movements: BTreeMap<Movement, Published>,
}

impl Log {
    fn new(world: &World, topic: &str) -> Self {
        Self {
            tail: Tail::new(&world.stack.brokers, topic),
            records: 0,
            movements: BTreeMap::new(),
        }
    }

    /// Reads until each of these movements was there.
    async fn read_until(&mut self, wanted: &BTreeSet<Movement>) -> Result<()> {
        let deadline = Instant::now() + SETTLE;
        loop {
            self.read_on()?;
            let missing = wanted.iter().filter(|one| !self.movements.contains_key(*one)).count();
            if missing == 0 {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{missing} movements are not published");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn read_on(&mut self) -> Result<()> {
        for record in self.tail.read()? {
            self.records += 1;
            let data: Value = serde_json::from_slice(record.value.as_deref().context("no value")?)?;
            let Some(movement) = movement_of(&data) else {
                continue;
            };
            let event = self.movements.entry(movement).or_insert_with(|| Published {
                first: self.records,
                ..Published::default()
            });
            event
                .ids
                .insert(header(&record, "ce_id").unwrap_or_default().to_owned());
        }
        Ok(())
    }
}
