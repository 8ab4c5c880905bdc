//! Random operations on a few items.

use anyhow::{Result, ensure};
use onhand_db::tokio_postgres::Client;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

/// A warehouse, a shop and a web shop.
pub(super) const PLACES: [(&str, &str); 3] = [("PUB-W1", "warehouse"), ("PUB-S1", "store"), ("PUB-E1", "ecommerce")];
/// Commands of one call.
const CALL: usize = 15;

/// Makes these items and the places.
pub(super) async fn catalogue(client: &Client, skus: &[String]) -> Result<()> {
    let items: Vec<Value> = skus
        .iter()
        .map(|sku| json!({"sku": sku, "name": format!("Item {sku}"), "metadata": {"colour": "red", "size": 4}}))
        .collect();
    let places: Vec<Value> = PLACES
        .iter()
        .map(|(id, kind)| json!({"id": id, "name": format!("Place {id}"), "type": kind}))
        .collect();
    client
        .query("select from api.upsert_items($1)", &[&Value::from(items)])
        .await?;
    client
        .query("select from api.upsert_locations($1)", &[&Value::from(places)])
        .await?;
    Ok(())
}

/// Items of one run, and what is drawn for them.
pub(super) struct Draw {
    pub(super) skus: Vec<String>,
    random: StdRng,
    reservations: Vec<String>,
}

impl Draw {
    /// Makes the items and the places, and receives stock of each item everywhere.
    pub(super) async fn start(client: &Client, seed: u64) -> Result<Self> {
        let run = uuid::Uuid::now_v7().simple().to_string();
        let skus: Vec<String> = (0..3).map(|number| format!("PUB-{run}-{number}")).collect();
        catalogue(client, &skus).await?;
        let mut draw = Self {
            skus,
            random: StdRng::seed_from_u64(seed),
            reservations: Vec::new(),
        };
        let receipts: Vec<Value> = draw
            .skus
            .iter()
            .flat_map(|sku| {
                PLACES.map(|(place, _)| json!({"op": "add", "sku": sku, "location": place, "quantity": 60}))
            })
            .collect();
        draw.apply(client, receipts).await?;
        Ok(draw)
    }

    /// Some calls of random commands, with changes of thresholds between them. Refused ones change nothing.
    pub(super) async fn work(&mut self, client: &Client, calls: usize) -> Result<()> {
        for _ in 0..calls {
            let commands: Vec<Value> = (0..CALL).map(|_| self.command()).collect();
            self.apply(client, commands).await?;
            let (sku, place) = (self.sku(), self.place());
            let reorder_point: i64 = self.random.random_range(0..60);
            client
                .execute(
                    "select from api.set_stock_policy(sku => $1, location => $2, reorder_point => $3)",
                    &[&sku, &place, &reorder_point],
                )
                .await?;
        }
        Ok(())
    }

    async fn apply(&mut self, client: &Client, commands: Vec<Value>) -> Result<()> {
        let count = i64::try_from(commands.len())?;
        let rows = client
            .query(
                "select outcome from api.apply_commands($1, 'publish test')",
                &[&Value::from(commands)],
            )
            .await?;
        ensure!(
            i64::try_from(rows.len())? == count,
            "{} answers to {count} commands",
            rows.len()
        );
        Ok(())
    }

    fn sku(&mut self) -> String {
        let number = self.random.random_range(0..self.skus.len());
        self.skus[number].clone()
    }

    fn place(&mut self) -> &'static str {
        PLACES[self.random.random_range(0..PLACES.len())].0
    }

    fn command(&mut self) -> Value {
        let (sku, place) = (self.sku(), self.place());
        let quantity = self.random.random_range(1..20);
        let mut command = match self.random.random_range(0..9) {
            0 => json!({"op": "add", "sku": sku, "location": place, "quantity": quantity}),
            1 => json!({"op": "remove", "sku": sku, "location": place, "quantity": quantity}),
            2 => {
                json!({"op": "adjust", "sku": sku, "location": place, "quantity": quantity - 10, "reason": "recounted"})
            }
            3 => json!({"op": "move", "sku": sku, "from": place, "to": self.place(), "quantity": quantity}),
            4 => json!({"op": "quarantine", "sku": sku, "location": place, "quantity": quantity}),
            5 | 6 => {
                let id = uuid::Uuid::now_v7().to_string();
                self.reservations.push(id.clone());
                json!({"op": "reserve", "sku": sku, "location": place, "quantity": quantity, "reservation_id": id})
            }
            number => {
                let op = if number == 7 { "confirm" } else { "cancel" };
                let id = self
                    .reservations
                    .pop()
                    .unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
                json!({"op": op, "reservation_id": id})
            }
        };
        command["correlation_id"] = json!("publish-test");
        command["traceparent"] = json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        command
    }
}
