//! Items of the benchmark's own, for what has to go through Postgres. They stay in the database, archived and without stock: the
//! ledger forgets nothing, and the next run uses them again.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_cdc::{Change, Decoder, Operation, RegistryClient, Table};
use onhand_db::{Outcome, Pool, PooledClient};
use rdkafka::Message;
use serde_json::{Value, json};
use uuid::Uuid;

use super::kafka::{self, Start, StopFlag};
use super::shop;
use super::site::{PATIENCE, Site};
use super::template::Template;

/// Items that are written to.
const ITEMS: usize = 480;
/// Where they are.
pub(super) const LOCATION: &str = "ONHAND-BENCH";
/// Who writes, in the ledger.
pub(super) const SOURCE: &str = "bench";

/// The items, by their number.
#[derive(Debug, Clone)]
pub(super) struct Goods {
    /// Business key and id.
    pub(super) items: Vec<(String, Uuid)>,
}

impl Goods {
    /// Makes what is missing.
    pub(super) async fn open(pool: &Pool) -> Result<Self> {
        let client = pool.get().await?;
        onhand_db::upsert_locations(&client, &[place(LOCATION, "open")]).await?;
        let bodies: Vec<Value> = (0..ITEMS).map(|number| item(&sku(number), "active")).collect();
        let items = onhand_db::upsert_items(&client, &bodies).await?;
        Ok(Self {
            items: items.into_iter().map(|item| (item.sku, item.id)).collect(),
        })
    }
}

/// Takes away the stock and the holds that the benchmark has made, and puts its items out of sight. Does nothing where there
/// are none.
pub(super) async fn close(pool: &Pool) -> Result<()> {
    let client = pool.get().await?;
    let mut skus: Vec<String> = (0..ITEMS).map(sku).collect();
    skus.extend(shop::skus());
    let items = onhand_db::item_ids(&client, &skus).await?;
    if items.is_empty() {
        return Ok(());
    }
    let mut locations = vec![LOCATION];
    locations.extend(shop::LOCATIONS);
    cancel_holds(&client).await?;
    remove_stock(&client, &skus, &locations).await?;
    let bodies: Vec<Value> = items.iter().map(|(sku, _)| item(sku, "archived")).collect();
    for page in bodies.chunks(shop::PAGE) {
        onhand_db::upsert_items(&client, page).await?;
    }
    for id in locations {
        if onhand_db::get_location(&client, id).await?.is_some() {
            onhand_db::upsert_locations(&client, &[place(id, "closed")]).await?;
        }
    }
    Ok(())
}

/// Carts that were left standing.
async fn cancel_holds(client: &PooledClient) -> Result<()> {
    let rows = client
        .query(
            "select id from inventory.reservation where owner = $1 and status = 'PENDING'",
            &[&shop::OWNER],
        )
        .await?;
    let mut commands = Vec::with_capacity(rows.len());
    for row in rows {
        commands.push(json!({"op": "cancel", "reservation_id": row.try_get::<_, Uuid>(0)?}));
    }
    for page in commands.chunks(shop::PAGE) {
        // One that has ended by itself meanwhile is refused, and that is as good.
        onhand_db::apply_commands(client, page, None, SOURCE).await?;
    }
    Ok(())
}

async fn remove_stock(client: &PooledClient, skus: &[String], locations: &[&str]) -> Result<()> {
    let rows = client
        .query(
            "select i.sku, l.location_id, l.on_hand from inventory.stock_level l join inventory.item i on i.id = l.item_id \
             where l.location_id = any($1) and i.sku = any($2) and l.on_hand > 0",
            &[&locations, &skus],
        )
        .await?;
    let mut commands = Vec::with_capacity(rows.len());
    for row in rows {
        let (sku, location, quantity): (String, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        commands
            .push(json!({"op": "remove", "sku": sku, "location": location, "quantity": quantity, "reason": "bench"}));
    }
    for page in commands.chunks(shop::PAGE) {
        apply(client, page).await?;
    }
    Ok(())
}

/// Adds one unit of each of these items in one call; answers the version that each level has then.
pub(super) async fn add(client: &PooledClient, skus: impl Iterator<Item = &String>) -> Result<Vec<i64>> {
    let commands: Vec<Value> = skus
        .map(|sku| json!({"op": "add", "sku": sku, "location": LOCATION, "quantity": 1, "reason": "bench"}))
        .collect();
    apply(client, &commands).await
}

/// Applies commands that must not be refused; answers the version that the level of each has then.
pub(super) async fn apply(client: &PooledClient, commands: &[Value]) -> Result<Vec<i64>> {
    let outcomes = onhand_db::apply_commands(client, commands, None, SOURCE).await?;
    let mut versions = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Outcome::Applied(answer) => {
                versions.push(answer.levels.first().context("an answer without a level")?.version);
            }
            other => bail!("a write of the benchmark was not applied: {other:?}"),
        }
    }
    Ok(versions)
}

fn sku(number: usize) -> String {
    format!("ONHAND-BENCH-{number:04}")
}

/// An item of the benchmark.
pub(super) fn item(sku: &str, status: &str) -> Value {
    json!({"sku": sku, "name": "item of onhand bench pipeline", "status": status})
}

/// A location of the benchmark.
pub(super) fn place(id: &str, status: &str) -> Value {
    json!({"id": id, "name": "location of onhand bench pipeline", "type": "partner", "priority": 9_999, "status": status})
}

/// A location of the benchmark by its id; none if it is not one.
pub(super) fn known_location(id: &str) -> Option<&'static str> {
    [LOCATION].into_iter().chain(shop::LOCATIONS).find(|known| *known == id)
}

/// Changes a level and takes the record that the connector writes about it.
pub(super) async fn template(site: &Site, pool: &Pool, goods: &Goods) -> Result<Template> {
    let topic = Table::StockLevel.topic();
    let config = site.settings.kafka.clone();
    let consumer = kafka::blocking(move || kafka::reader(&config, &topic, Start::Now)).await?;
    let client = pool.get().await?;
    // Two changes: the first may make the level.
    for _ in 0..2 {
        add(&client, goods.items.iter().take(1).map(|(sku, _)| sku)).await?;
    }
    let registry = RegistryClient::new(&site.settings.registry)?;
    let decoder = Decoder::new(registry.clone());
    let deadline = Instant::now() + PATIENCE;
    let (flag, stop) = StopFlag::new();
    let handle = tokio::runtime::Handle::current();
    let found = kafka::blocking(move || {
        while Instant::now() < deadline && !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let Some(message) = kafka::next(&consumer, Duration::from_millis(200)) else {
                continue;
            };
            let (Some(key), Some(value)) = (message.key(), message.payload()) else {
                continue;
            };
            let change = handle.block_on(decoder.decode(Table::StockLevel, value))?;
            if is_template(&change) {
                return Ok(Some((key.to_vec(), value.to_vec())));
            }
        }
        Ok(None)
    })
    .await?;
    drop(flag);
    let (key, value) = found.context("no change of a stock level came through the connector; see `onhand doctor`")?;
    Template::fetch(&registry, &key, &value).await
}

/// A plain update whose times are known.
fn is_template(change: &Change) -> bool {
    matches!(change, Change::StockLevel(envelope)
        if envelope.op == Operation::Update && envelope.after.is_some() && envelope.source.ts_us.is_some())
}
