//! Alerts: open where stock has run out, and only there; each edge told once, openings and resolutions in turns.

use super::subject::{Failed, Part, Subject};
use super::world::World;
use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use onhand_db::tokio_postgres::Client;
use onhand_tests::inbound::Inventory;
use onhand_tests::kafka::RawRecord;
use onhand_tests::stack::eventually;
use rand::seq::IndexedRandom;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Mutex;

const LEVELS: &str = "onhand.inventory.stock_level";
const SKUS: [&str; 4] = ["CONFAL-1", "CONFAL-2", "CONFAL-3", "CONFAL-4"];

/// Levels whose alert is not what their stock says.
const WRONG: &str = "select i.sku, s.available, s.version, l.version, l.open_kinds from inventory.stock_level as s \
    join inventory.item as i on i.id = s.item_id and i.sku like 'CONFAL-%' \
    left join inventory.alert_level as l on l.item_id = s.item_id and l.location_id = s.location_id \
    where l.version is distinct from s.version or (s.available <= 0) <> ('out_of_stock' = any (l.open_kinds))";
/// Edges that follow one of their own sort.
const DOUBLE: &str = "select e.fingerprint, e.event from (select e.fingerprint, e.event = 'resolved' as ends, e.event, \
        lag(e.event = 'resolved', 1, true) over (partition by e.fingerprint order by e.id) as ended \
        from inventory.alert_event as e where e.kind = 'out_of_stock') as e where e.ends = e.ended";

/// Holds the locks of what it makes impossible to write.
#[derive(Default)]
pub(crate) struct Alerts {
    locks: Mutex<BTreeMap<Part, Client>>,
}

/// The item whose row is locked.
fn sku_of(part: Part) -> &'static str {
    match part {
        Part::Gate => "CONFAL-3",
        Part::Broken => "CONFAL-4",
    }
}

#[async_trait]
impl Subject for Alerts {
    fn name(&self) -> &'static str {
        "alerts"
    }

    fn group(&self) -> &'static str {
        "onhand.alerts"
    }

    fn topics(&self) -> Vec<&'static str> {
        vec![LEVELS]
    }

    fn store(&self) -> &'static str {
        "postgres"
    }

    fn port(&self) -> u16 {
        97
    }

    async fn prepare(&self, world: &World) -> Result<()> {
        let inventory = Inventory::connect(&world.stack).await?;
        for sku in SKUS {
            inventory.stock(sku, &["CONF-W1"], 1).await?;
        }
        Ok(())
    }

    /// Each call is a change of its own, so that each edge is an event.
    async fn feed(&self, world: &World, events: usize) -> Result<()> {
        let client = world.client().await?;
        for _ in 0..events.div_ceil(4) {
            let sku = *SKUS.choose(&mut rand::rng()).context("no sku")?;
            let held = client
                .query_one("select available from api.get_stock_level($1)", &[&sku])
                .await?
                .get::<_, i64>(0);
            let command = match held {
                1.. => json!([{"op": "remove", "sku": sku, "location": "CONF-W1", "quantity": held}]),
                _ => json!([{"op": "add", "sku": sku, "location": "CONF-W1", "quantity": 5}]),
            };
            client
                .query("select outcome from api.apply_commands($1)", &[&command])
                .await?;
        }
        Ok(())
    }

    /// Nothing changes while Postgres is away; what had changed comes again.
    async fn feed_without_store(&self, world: &World, events: usize) -> Result<()> {
        let records = world.stack.records(LEVELS)?;
        let late: Vec<RawRecord> = records.iter().rev().take(events).cloned().collect();
        world.stack.produce_all(LEVELS, &late).await
    }

    async fn holds(&self, world: &World) -> Result<()> {
        eventually("alerts are what the stock says", || async {
            Ok(world.query(WRONG).await?.is_empty())
        })
        .await?;
        let double = world.query(DOUBLE).await?;
        let double: Vec<(String, String)> = double.iter().map(|row| (row.get(0), row.get(1))).collect();
        ensure!(double.is_empty(), "edges that were told twice: {double:?}");
        Ok(())
    }

    fn failed(&self) -> Failed {
        Failed::IsRetried
    }

    async fn break_part(&self, world: &World, part: Part) -> Result<()> {
        let client = world.superuser().await?;
        let sku = sku_of(part);
        let lock = format!(
            "begin; select from inventory.alert_level where item_id = (select id from inventory.item where sku = '{sku}') for update"
        );
        client.batch_execute(&lock).await?;
        self.locks.lock().unwrap().insert(part, client);
        Ok(())
    }

    async fn rest_holds(&self, world: &World) -> Result<()> {
        eventually("only the alerts of the locked item lag", || async {
            let wrong = world.query(WRONG).await?;
            let wrong: Vec<String> = wrong.iter().map(|row| row.get(0)).collect();
            Ok(!wrong.is_empty() && wrong.iter().all(|sku| sku == sku_of(Part::Broken)))
        })
        .await
    }

    async fn mend_part(&self, _world: &World, part: Part) -> Result<()> {
        let client = self.locks.lock().unwrap().remove(&part);
        if let Some(client) = client {
            client.batch_execute("rollback").await?;
        }
        Ok(())
    }
}
