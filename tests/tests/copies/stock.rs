//! The stock of a test's database, and a cache of our own beside it.

use crate::story::event;
use anyhow::{Context, Result};
use onhand_cdc::Table;
use onhand_consumers::cache::rows_of;
use onhand_consumers::runtime::Event;
use onhand_consumers::{RedisConfig, StockCache};
use onhand_tests::database::Database;
use onhand_tests::inventory;
use secrecy::SecretString;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio_postgres::Client;
use uuid::Uuid;

/// What is available, by item and location.
pub(crate) type Available = BTreeMap<(Uuid, String), i64>;

/// A session, items, locations, and 10 of item A at W1 and 5 at W2.
pub(crate) async fn open(database: &Database) -> Result<Client> {
    let client = database.client().await?;
    inventory::make_catalogue(&client).await?;
    client
        .batch_execute("select from api.add_stock('A', 'W1', 10); select from api.add_stock('A', 'W2', 5)")
        .await?;
    Ok(client)
}

/// The rows of `stock_level` as this session sees them.
pub(crate) async fn levels(client: &Client) -> Result<Vec<Value>> {
    let query = "select to_jsonb(s) from inventory.stock_level as s order by s.item_id, s.location_id";
    Ok(client.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// What is available by these rows.
pub(crate) fn available(rows: &[Value]) -> Available {
    let pairs = rows.iter().map(|row| {
        let id = row["item_id"].as_str().unwrap().parse().unwrap();
        let location = row["location_id"].as_str().unwrap().to_owned();
        ((id, location), row["available"].as_i64().unwrap())
    });
    pairs.collect()
}

/// Settings of a cache that nobody else uses.
pub(crate) fn redis() -> Result<RedisConfig> {
    let url = std::env::var("ONHAND_REDIS__URL").context("ONHAND_REDIS__URL is not set: run ./onhand test")?;
    Ok(RedisConfig {
        url: SecretString::from(url),
        key_prefix: format!("copies:{}:", Uuid::now_v7().simple()),
        ..RedisConfig::default()
    })
}

/// An event for each of these rows.
pub(crate) fn events(rows: &[Value]) -> Result<Vec<Event>> {
    rows.iter()
        .map(|row| event(Table::StockLevel, 0, &Value::Null, row))
        .collect()
}

/// Takes these rows in as our cache sink takes its events. Answers how many were newer than what was there.
pub(crate) async fn apply(cache: &StockCache, rows: &[Value]) -> Result<usize> {
    let events = events(rows)?;
    let applied = cache.apply(&rows_of(&events.iter().collect::<Vec<_>>())).await?;
    Ok(applied.into_iter().flatten().filter(|applied| *applied).count())
}

/// Fills our cache with all rows of an item, as whoever has read them from Postgres does.
pub(crate) async fn load(cache: &StockCache, rows: &[Value]) -> Result<()> {
    let events = events(rows)?;
    cache.load(&rows_of(&events.iter().collect::<Vec<_>>())).await?;
    Ok(())
}

/// What our cache holds of these items, trusted or not.
pub(crate) async fn cached(cache: &StockCache, items: &[Uuid]) -> Result<Available> {
    let found = cache.peek(items).await?;
    let rows = found.into_iter().flatten().flat_map(|item| {
        let id = item.item_id;
        item.rows
            .into_iter()
            .map(move |row| ((id, row.location), row.available))
    });
    Ok(rows.collect())
}

/// The id of an item.
pub(crate) async fn id_of(client: &Client, sku: &str) -> Result<Uuid> {
    let query = "select id from inventory.item where sku = $1";
    Ok(client.query_one(query, &[&sku]).await?.get(0))
}
