//! The public events: what the ledger says of the moved units, each at least once, first in order, under one id.

use super::subject::Subject;
use super::world::World;
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use onhand_tests::inbound::header;
use onhand_tests::kafka::Tail;
use onhand_tests::stack::SETTLE;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

const EVENTS: &str = "warehouse.stock.updated";

/// An item at a location.
type Level = (String, String);

/// Reads the topic as it grows.
pub(crate) struct Publish {
    published: Mutex<Option<Log>>,
}

impl Publish {
    pub(crate) fn new() -> Self {
        Self {
            published: Mutex::new(None),
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
        let log = published.get_or_insert_with(|| Log::new(world));
        let deadline = Instant::now() + SETTLE;
        loop {
            log.read_on()?;
            let missing = ledger
                .iter()
                .filter(|movement| !log.movements.contains_key(*movement))
                .count();
            if missing == 0 {
                break;
            }
            ensure!(Instant::now() < deadline, "{missing} movements are not published");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let published = &log.movements;
        let mut last: BTreeMap<Level, i64> = BTreeMap::new();
        let mut by_place: Vec<(&(String, String, i64), &Published)> = published.iter().collect();
        by_place.sort_by_key(|(_, event)| event.first);
        for ((item, location, version), event) in by_place {
            ensure!(
                event.ids.len() == 1,
                "{item} {location} {version} has the ids {:?}",
                event.ids
            );
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
}

/// What stands in the topic about one movement.
#[derive(Default)]
struct Published {
    /// Place of its first record among all.
    first: usize,
    ids: BTreeSet<String>,
}

async fn ledger(world: &World) -> Result<BTreeSet<(String, String, i64)>> {
    let rows = world
        .query(
            "select i.id::text, m.location_id, m.version from inventory.stock_movement as m \
             join inventory.item as i on i.id = m.item_id and i.sku like 'CONF-%' \
             where (m.on_hand_delta, m.reserved_delta, m.backordered_delta) <> (0, 0, 0)",
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect())
}

/// What stands in the topic.
struct Log {
    tail: Tail,
    records: usize,
    movements: BTreeMap<(String, String, i64), Published>,
}

impl Log {
    fn new(world: &World) -> Self {
        Self {
            tail: Tail::new(&world.stack.brokers, EVENTS),
            records: 0,
            movements: BTreeMap::new(),
        }
    }

    fn read_on(&mut self) -> Result<()> {
        for record in self.tail.read()? {
            self.records += 1;
            let data: Value = serde_json::from_slice(record.value.as_deref().context("no value")?)?;
            let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
            if !text("sku").starts_with("CONF-") {
                continue;
            }
            let movement = (
                text("product_id"),
                text("warehouse_id"),
                data["version"].as_i64().unwrap_or(0),
            );
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
