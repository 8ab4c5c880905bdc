//! What other systems send: each event that was sent has one movement in the ledger.

use super::subject::{Failed, Part, Subject};
use super::world::World;
use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use jiff::Timestamp;
use onhand_tests::inbound::{Contract, Inventory, record};
use onhand_tests::stack::{SETTLE, eventually};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::Instant;

const EVENTS: &str = "inventory-events";
const SKUS: [&str; 4] = ["CONFIN-1", "CONFIN-2", "CONFIN-3", "CONFIN-4"];

/// The item that Postgres takes no stock of for a while, so that a call with one of its commands fails as a whole.
const REFUSED: &str = "CONFIN-4";
const REFUSE: &str = "create or replace function public.conformance_refuses() returns trigger language plpgsql as \
        $$ begin raise exception 'not this item'; end $$; \
    create or replace trigger conformance_refuses before insert or update on inventory.stock_level for each row ";
const REFUSE_NO_MORE: &str = "drop trigger if exists conformance_refuses on inventory.stock_level; \
    drop function if exists public.conformance_refuses()";

#[derive(Default)]
pub(crate) struct Ingest {
    /// Ids of the events, and what each is about.
    sent: Mutex<Vec<(String, &'static str)>>,
    broken: Mutex<bool>,
}

impl Ingest {
    fn ids(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let wanted = sent.iter().filter(|(_, sku)| wanted(sku));
        wanted.map(|(id, _)| id.clone()).collect()
    }

    /// Waits until each of these events has its movement.
    async fn arrived(&self, world: &World, sent: &[String]) -> Result<()> {
        let deadline = Instant::now() + SETTLE * 2;
        loop {
            let found = Inventory::connect(&world.stack).await?.movements(sent).await?;
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
            self.sent.lock().unwrap().push((id, *sku));
        }
        world.stack.produce_all(EVENTS, &records).await
    }

    async fn holds(&self, world: &World) -> Result<()> {
        self.arrived(world, &self.ids(|_| true)).await
    }

    fn failed(&self) -> Failed {
        Failed::IsBuried
    }

    async fn break_part(&self, world: &World, _part: Part) -> Result<()> {
        *self.broken.lock().unwrap() = true;
        let admin = world.superuser().await?;
        let item = admin
            .query_one("select id::text from inventory.item where sku = $1", &[&REFUSED])
            .await?;
        let only = format!(
            "when (new.item_id = '{}') execute function public.conformance_refuses()",
            item.get::<_, String>(0)
        );
        Ok(admin.batch_execute(&format!("{REFUSE}{only}")).await?)
    }

    async fn rest_holds(&self, world: &World) -> Result<()> {
        self.arrived(world, &self.ids(|sku| sku != REFUSED)).await?;
        // Those of before the failure are there, those of the time of it are among the dead letters.
        let mine = self.ids(|sku| sku == REFUSED);
        let there = Inventory::connect(&world.stack).await?.movements(&mine).await?;
        let buried: Vec<&String> = mine.iter().filter(|id| !there.contains_key(*id)).collect();
        ensure!(!buried.is_empty(), "nothing was refused");
        let contract = Contract::own("inventory/v2_inventory_event.avsc").await?;
        eventually("what was refused is among the dead letters", || async {
            let letters = world.stack.records("inventory-events-dlq")?;
            let ids: Vec<Value> = letters
                .iter()
                .filter_map(|letter| contract.read(letter.value.as_deref()?).ok())
                .map(|event| event["eventId"].clone())
                .collect();
            Ok(buried.iter().all(|id| ids.contains(&json!(id))))
        })
        .await
    }

    async fn mend_part(&self, world: &World, part: Part) -> Result<()> {
        if part == Part::Gate || !std::mem::take(&mut *self.broken.lock().unwrap()) {
            return Ok(());
        }
        let admin = world.superuser().await?;
        admin.batch_execute(REFUSE_NO_MORE).await.context("the trigger stays")?;
        world.redrive(self.group(), "rejected_by_database").await
    }
}
