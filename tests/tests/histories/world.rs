//! The items and places of one history, and how its numbers become names and commands.

mod make;
mod papers;
mod render;

use crate::model::{Key, Model};
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

/// Names of one history, and what it has made so far.
#[derive(Clone, Debug)]
pub(crate) struct World {
    tag: String,
    /// Reservations in the order in which they became known.
    pub(crate) holds: Vec<Uuid>,
    pub(crate) transfers: Vec<Uuid>,
    pub(crate) orders: Vec<Uuid>,
    pub(crate) counts: Vec<Uuid>,
    /// Instants between the steps, as the server writes them.
    moments: Vec<String>,
    /// Requests with an idempotency key, in the order in which they were sent.
    pub(crate) requests: Vec<Value>,
    /// The newest version of each key that an answer has shown.
    pub(crate) versions: BTreeMap<Key, i64>,
    sent: u32,
    /// Milliseconds of the clock when it began; expiries are told from there.
    begun: i64,
}

impl World {
    /// A world of its own in a database that other histories may have used before.
    pub(crate) fn new(tag: String) -> Self {
        Self {
            tag,
            holds: Vec::new(),
            transfers: Vec::new(),
            orders: Vec::new(),
            counts: Vec::new(),
            moments: Vec::new(),
            requests: Vec::new(),
            versions: BTreeMap::new(),
            sent: 0,
            begun: jiff::Timestamp::now().as_millisecond(),
        }
    }

    pub(crate) fn caller(&self) -> &str {
        &self.tag
    }

    /// The code of a supplier, or one that nobody has.
    fn supplier(&self, known: bool) -> String {
        format!("{}-{}", self.tag, if known { "SUPPLIER" } else { "NONE" })
    }

    /// Keeps an instant at which nothing is under way, for the model too.
    pub(crate) async fn note_moment(&mut self, client: &Client, model: &mut Model) -> Result<String> {
        let now: String = client
            .query_one("select to_jsonb(clock_timestamp()) #>> '{}'", &[])
            .await?
            .get(0);
        self.moments.push(now.clone());
        model.facts.note_moment(now.clone());
        Ok(now)
    }

    pub(crate) fn sku(&self, item: u8) -> String {
        let name = make::ITEMS.get(usize::from(item)).map_or("NONE", |item| item.0);
        format!("{}-{name}", self.tag)
    }

    pub(crate) fn place(&self, place: u8) -> String {
        let name = make::PLACES.get(usize::from(place)).map_or("NONE", |place| place.0);
        format!("{}-{name}", self.tag)
    }

    /// Takes back what a failed history wrote, so that what is broken there does not count against the next one.
    pub(crate) async fn remove(&self, client: &Client) -> Result<()> {
        let tables = [
            "stock_movement",
            "stock_level",
            "reservation_line",
            "transfer_line",
            "purchase_order_line",
            "stock_count_line",
            "lot_movement",
            "reservation_lot",
            "transfer_lot",
            "lot_level",
            "lot",
            "serial_movement",
            "serial",
        ];
        client.batch_execute("set session_replication_role = replica").await?;
        for table in tables {
            let delete = format!(
                "delete from inventory.{table} as t using inventory.item as i where i.id = t.item_id and i.sku like $1"
            );
            client.execute(&delete, &[&format!("{}-%", self.tag)]).await?;
        }
        client
            .batch_execute(
                "delete from inventory.reservation as r where not exists \
                    (select from inventory.reservation_line as l where l.reservation_id = r.id); \
                 delete from inventory.transfer as t where not exists \
                    (select from inventory.transfer_line as l where l.transfer_id = t.id); \
                 delete from inventory.purchase_order as o where not exists \
                    (select from inventory.purchase_order_line as l where l.purchase_order_id = o.id); \
                 set session_replication_role = origin",
            )
            .await?;
        Ok(())
    }

    /// Remembers what the answer to a command shows.
    pub(crate) fn learn(&mut self, command: &Value, answer: &Value) {
        let id = |field: &str| answer[field].as_str().and_then(|id| id.parse::<Uuid>().ok());
        let made = match command["op"].as_str() {
            Some("reserve") => Some((&mut self.holds, "reservation_id")),
            Some("ship") => Some((&mut self.transfers, "transfer_id")),
            Some("order") => Some((&mut self.orders, "purchase_order_id")),
            Some("open_count") => Some((&mut self.counts, "count_id")),
            _ => None,
        };
        if let Some((known, field)) = made {
            let new = id(field).filter(|id| !known.contains(id));
            known.extend(new);
        }
        for level in answer["levels"].as_array().into_iter().flatten() {
            if let (Some(sku), Some(place), Some(version)) = (
                level["sku"].as_str(),
                level["location"].as_str(),
                level["version"].as_i64(),
            ) {
                let newest = self.versions.entry((sku.to_owned(), place.to_owned())).or_default();
                *newest = version.max(*newest);
            }
        }
    }
}

/// The one that a number stands for, or one that nobody has made.
fn pick(known: &[Uuid], number: u8) -> Uuid {
    let unknown = Uuid::from_u128(0xbad);
    // Of those that are known, the newest are asked for most.
    let back = usize::from(number) % 8;
    match known.len().checked_sub(back + 1) {
        Some(at) => known.get(at).copied().unwrap_or(unknown),
        None if usize::from(number) % 16 == 15 => unknown,
        None => known.last().copied().unwrap_or(unknown),
    }
}
