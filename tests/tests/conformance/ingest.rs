//! What other systems send: each event that was sent has one movement in the ledger.

use super::subject::Subject;
use super::world::World;
use anyhow::{Result, bail};
use async_trait::async_trait;
use jiff::Timestamp;
use onhand_tests::inbound::{Contract, Inventory, record};
use onhand_tests::stack::SETTLE;
use serde_json::json;
use std::sync::Mutex;
use std::time::Instant;

const EVENTS: &str = "inventory-events";
const SKUS: [&str; 4] = ["CONFIN-1", "CONFIN-2", "CONFIN-3", "CONFIN-4"];

#[derive(Default)]
pub(crate) struct Ingest {
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl Subject for Ingest {
    fn name(&self) -> &'static str {
        "ingest"
    }

    fn group(&self) -> &'static str {
        "onhand.ingest"
    }

    fn topics(&self) -> Vec<&'static str> {
        vec![EVENTS, "inventory.stock.commands"]
    }

    fn store(&self) -> &'static str {
        "postgres"
    }

    fn port(&self) -> u16 {
        99
    }

    fn dead_letters(&self, topic: &str) -> String {
        match topic {
            EVENTS => "inventory-events-dlq".to_owned(),
            _ => "inventory.failures".to_owned(),
        }
    }

    async fn prepare(&self, world: &World) -> Result<()> {
        let inventory = Inventory::connect(&world.stack).await?;
        for sku in SKUS {
            inventory.stock(sku, &["CONF-W1"], 0).await?;
        }
        Ok(())
    }

    async fn feed(&self, world: &World, events: usize) -> Result<()> {
        let contract = Contract::own("inventory/v2_inventory_event.avsc").await?;
        let mut records = Vec::with_capacity(events);
        for (n, sku) in SKUS.iter().cycle().take(events).enumerate() {
            let id = format!("conf-{}", uuid::Uuid::now_v7());
            let event = json!({"eventId": id, "sku": sku, "eventType": "STOCK_IN", "quantity": n % 9 + 1,
                "locationId": "CONF-W1", "timestamp": Timestamp::now().as_millisecond()});
            records.push(record(sku, contract.encode(&event)?));
            self.sent.lock().unwrap().push(id);
        }
        world.stack.produce_all(EVENTS, &records).await
    }

    async fn holds(&self, world: &World) -> Result<()> {
        let sent = self.sent.lock().unwrap().clone();
        let deadline = Instant::now() + SETTLE * 2;
        loop {
            let found = Inventory::connect(&world.stack).await?.movements(&sent).await?;
            if let Some((id, count)) = found.iter().find(|(_, count)| **count != 1) {
                bail!("event {id} has {count} movements");
            }
            if found.len() == sent.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} of {} events have a movement", found.len(), sent.len());
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
    }
}
