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
        onhand_db::upsert_locations(&client, &[place("open")]).await?;
        let bodies: Vec<Value> = (0..ITEMS).map(|number| item(&sku(number), "active")).collect();
        let items = onhand_db::upsert_items(&client, &bodies).await?;
        Ok(Self {
            items: items.into_iter().map(|item| (item.sku, item.id)).collect(),
        })
    }
}

/// Takes the stock away that the benchmark has made, and puts its items out of sight. Does nothing where there are none.
pub(super) async fn close(pool: &Pool) -> Result<()> {
    let client = pool.get().await?;
    let skus: Vec<String> = (0..ITEMS).map(sku).collect();
    let items = onhand_db::item_ids(&client, &skus).await?;
    if items.is_empty() {
        return Ok(());
    }
    let rows = client
        .query(
            "select i.sku, l.on_hand from inventory.stock_level l join inventory.item i on i.id = l.item_id \
             where l.location_id = $1 and i.sku = any($2) and l.on_hand > 0",
            &[&LOCATION, &skus],
        )
        .await?;
    let mut commands = Vec::with_capacity(rows.len());
    for row in rows {
        let (sku, quantity): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        commands
            .push(json!({"op": "remove", "sku": sku, "location": LOCATION, "quantity": quantity, "reason": "bench"}));
    }
    if !commands.is_empty() {
        apply(&client, &commands).await?;
    }
    let bodies: Vec<Value> = items.iter().map(|(sku, _)| item(sku, "archived")).collect();
    onhand_db::upsert_items(&client, &bodies).await?;
    onhand_db::upsert_locations(&client, &[place("closed")]).await?;
    Ok(())
}

/// Adds one unit of each of these items in one call; answers the version that each level has then.
pub(super) async fn add(client: &PooledClient, skus: impl Iterator<Item = &String>) -> Result<Vec<i64>> {
    let commands: Vec<Value> = skus
        .map(|sku| json!({"op": "add", "sku": sku, "location": LOCATION, "quantity": 1, "reason": "bench"}))
        .collect();
    apply(client, &commands).await
}

async fn apply(client: &PooledClient, commands: &[Value]) -> Result<Vec<i64>> {
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

fn item(sku: &str, status: &str) -> Value {
    json!({"sku": sku, "name": "item of onhand bench pipeline", "status": status})
}

fn place(status: &str) -> Value {
    json!({"id": LOCATION, "name": "location of onhand bench pipeline", "type": "partner", "priority": 9_999, "status": status})
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
