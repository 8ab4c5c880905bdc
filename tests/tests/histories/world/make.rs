//! Makes the items and places of a history.

use super::World;
use crate::model::{Item, Model, Place};
use crate::script::{BY_LOT, BY_SERIAL};
use anyhow::Result;
use serde_json::{Value, json};
use tokio_postgres::Client;

/// Name, kind, policy, and components by their number.
type Description = (&'static str, &'static str, Option<&'static str>, &'static [(u8, i64)]);
/// Item by its number, unit of measure, base units in it.
const UNITS: [(u8, &str, i64); 3] = [(0, "CASE", 6), (0, "PALLET", 48), (1, "CASE", 4)];

/// The items of a history.
pub(super) const ITEMS: [Description; 8] = [
    ("A", "physical", None, &[]),
    ("B", "physical", None, &[]),
    ("C", "physical", Some("backorder"), &[]),
    ("D", "digital", None, &[]),
    ("X", "bundle", None, &[(0, 2), (1, 1)]),
    ("Y", "bundle", None, &[(4, 1), (2, 2)]),
    ("L", "physical", None, &[]),
    ("S", "physical", None, &[]),
];
/// Its places: name, priority, policy.
pub(super) const PLACES: [(&str, i32, Option<&str>); 3] =
    [("W1", 20, None), ("W2", 10, None), ("W3", 30, Some("oversell"))];

impl World {
    /// Makes the items and places, and a model that knows them.
    pub(crate) async fn make(&self, client: &Client) -> Result<Model> {
        let mut model = Model::default();
        model.begun = self.begun;
        model.supplier = self.supplier(true);
        let (mut items, mut places) = (Vec::new(), Vec::new());
        for (number, (_, kind, policy, parts)) in (0_u8..).zip(ITEMS) {
            let (by_lot, by_serial) = (number == BY_LOT, number == BY_SERIAL);
            let tracking = match number {
                BY_LOT => "lot",
                BY_SERIAL => "serial",
                _ => "none",
            };
            items.push(json!({"sku": self.sku(number), "name": "of a history", "kind": kind, "tracking": tracking}));
            let parts = parts
                .iter()
                .map(|(part, quantity)| (self.sku(*part), *quantity))
                .collect();
            let units = UNITS
                .iter()
                .filter(|unit| unit.0 == number)
                .map(|unit| (unit.1, unit.2));
            let item = Item {
                kind,
                policy,
                archived: false,
                by_lot,
                by_serial,
                parts,
                units: units.collect(),
            };
            model.items.insert(self.sku(number), item);
        }
        for (number, (_, priority, policy)) in (0_u8..).zip(PLACES) {
            places.push(json!({"id": self.place(number), "priority": priority}));
            let closed = false;
            model.places.insert(
                self.place(number),
                Place {
                    priority,
                    policy,
                    closed,
                },
            );
        }
        client
            .query("select from api.upsert_items($1)", &[&json!(items)])
            .await?;
        client
            .query("select from api.upsert_locations($1)", &[&json!(places)])
            .await?;
        client
            .query("select from api.upsert_supplier($1)", &[&self.supplier(true)])
            .await?;
        self.set_policies(client, &model).await?;
        self.set_parts_and_units(client, &model).await?;
        model.version_floor = client
            .query_one("select max(version_floor) from inventory.epoch", &[])
            .await?
            .get(0);
        Ok(model)
    }

    async fn set_policies(&self, client: &Client, model: &Model) -> Result<()> {
        for (sku, item) in &model.items {
            let update = "update inventory.item set stock_policy = $2 where sku = $1";
            client.execute(update, &[sku, &item.policy]).await?;
        }
        for (id, place) in &model.places {
            let update = "update inventory.location set stock_policy = $2 where id = $1";
            client.execute(update, &[id, &place.policy]).await?;
        }
        Ok(())
    }

    async fn set_parts_and_units(&self, client: &Client, model: &Model) -> Result<()> {
        for (sku, item) in &model.items {
            for (part, quantity) in &item.parts {
                let insert = "insert into inventory.bundle_component (bundle_id, component_id, quantity) \
                    select b.id, c.id, $3 from inventory.item as b, inventory.item as c where b.sku = $1 and c.sku = $2";
                client.execute(insert, &[sku, part, quantity]).await?;
            }
            let units: Vec<Value> = item
                .units
                .iter()
                .map(|(unit, quantity)| json!({"unit": unit, "quantity": quantity}))
                .collect();
            if !units.is_empty() {
                client
                    .query("select from api.set_item_units($1, $2)", &[sku, &json!(units)])
                    .await?;
            }
        }
        Ok(())
    }
}
