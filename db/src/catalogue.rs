//! Items and locations.

use crate::{DbError, PooledClient};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio_postgres::Row;
use uuid::Uuid;

/// An item as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Its id.
    pub id: Uuid,
    /// Its business key.
    pub sku: String,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: Option<String>,
    /// `physical`, `digital` or `bundle`.
    pub kind: String,
    /// The item that this one is a variant of.
    pub parent_sku: Option<String>,
    /// Code of its category.
    pub category: Option<String>,
    /// Unit that quantities are counted in.
    pub unit_of_measure: String,
    /// Labels.
    pub tags: Vec<String>,
    /// Length, width, height, unit.
    pub dimensions: Option<Value>,
    /// Whatever else the owner keeps about it.
    pub metadata: Value,
    /// `active` or `archived`.
    pub status: String,
    /// Version of the row.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A location as it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Location {
    /// Its business key.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `warehouse`, `store`, `dark_store`, `partner` or `ecommerce`.
    #[serde(rename = "type")]
    pub location_type: String,
    /// Lower numbers are allocated from first.
    pub priority: i32,
    /// `open` or `closed`.
    pub status: String,
    /// Postal address.
    pub address: Option<Value>,
    /// Whatever else the owner keeps about it.
    pub metadata: Value,
    /// Version of the row.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a keyed write of the catalogue answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved<T> {
    /// The rows after it, in the order of the request.
    pub rows: Vec<T>,
    /// Whether this is the stored answer to an earlier request under the same key.
    pub replayed: bool,
}

const ITEM_COLUMNS: &str = "id, sku, name, description, kind, parent_sku, category, unit_of_measure, tags, dimensions, metadata, \
    status, version, created_at, updated_at";
const LOCATION_COLUMNS: &str = "id, name, type, priority, status, address, metadata, version, created_at, updated_at";

fn item(row: &Row) -> Result<Item, tokio_postgres::Error> {
    Ok(Item {
        id: row.try_get(0)?,
        sku: row.try_get(1)?,
        name: row.try_get(2)?,
        description: row.try_get(3)?,
        kind: row.try_get(4)?,
        parent_sku: row.try_get(5)?,
        category: row.try_get(6)?,
        unit_of_measure: row.try_get(7)?,
        tags: row.try_get(8)?,
        dimensions: row.try_get(9)?,
        metadata: row.try_get(10)?,
        status: row.try_get(11)?,
        version: row.try_get(12)?,
        created_at: row.try_get(13)?,
        updated_at: row.try_get(14)?,
    })
}

fn location(row: &Row) -> Result<Location, tokio_postgres::Error> {
    Ok(Location {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        location_type: row.try_get(2)?,
        priority: row.try_get(3)?,
        status: row.try_get(4)?,
        address: row.try_get(5)?,
        metadata: row.try_get(6)?,
        version: row.try_get(7)?,
        created_at: row.try_get(8)?,
        updated_at: row.try_get(9)?,
    })
}

/// `api.upsert_items`: makes or changes at most 1,000 items by sku, all or nothing; absent fields stay as they are.
///
/// # Errors
/// [`DbError::Refused`] names the entry and the field that is wrong.
pub async fn upsert_items(client: &PooledClient, items: &[Value]) -> Result<Vec<Item>, DbError> {
    Ok(upsert_items_once(client, items, None).await?.rows)
}

/// `api.upsert_items` under an idempotency key: the same request again gets the stored answer.
///
/// # Errors
/// [`DbError::Refused`] names the entry and the field that is wrong, or the entry whose `expected_version` is stale.
pub async fn upsert_items_once(
    client: &PooledClient,
    items: &[Value],
    idempotency_key: Option<&str>,
) -> Result<Saved<Item>, DbError> {
    let statement = client
        .prepare_cached(&format!(
            "select {ITEM_COLUMNS}, replayed from api.upsert_items($1, $2)"
        ))
        .await?;
    let rows = client
        .query(&statement, &[&Value::from(items.to_vec()), &idempotency_key])
        .await?;
    saved(&rows, item)
}

/// `api.upsert_locations`: makes or changes at most 1,000 locations by id, all or nothing; absent fields stay as they are.
///
/// # Errors
/// [`DbError::Refused`] names the entry and the field that is wrong.
pub async fn upsert_locations(client: &PooledClient, locations: &[Value]) -> Result<Vec<Location>, DbError> {
    Ok(upsert_locations_once(client, locations, None).await?.rows)
}

/// `api.upsert_locations` under an idempotency key: the same request again gets the stored answer.
///
/// # Errors
/// [`DbError::Refused`] names the entry and the field that is wrong, or the entry whose `expected_version` is stale.
pub async fn upsert_locations_once(
    client: &PooledClient,
    locations: &[Value],
    idempotency_key: Option<&str>,
) -> Result<Saved<Location>, DbError> {
    let statement = client
        .prepare_cached(&format!(
            "select {LOCATION_COLUMNS}, replayed from api.upsert_locations($1, $2)"
        ))
        .await?;
    let rows = client
        .query(&statement, &[&Value::from(locations.to_vec()), &idempotency_key])
        .await?;
    saved(&rows, location)
}

fn saved<T>(rows: &[Row], read: fn(&Row) -> Result<T, tokio_postgres::Error>) -> Result<Saved<T>, DbError> {
    Ok(Saved {
        rows: rows.iter().map(read).collect::<Result<_, _>>()?,
        // One answer: it is a stored one as a whole.
        replayed: rows.first().map_or(Ok(false), |row| row.try_get("replayed"))?,
    })
}

/// `api.get_item` by sku or by id.
///
/// # Errors
/// [`DbError::Refused`] if neither or both are given.
pub async fn get_item(client: &PooledClient, sku: Option<&str>, id: Option<Uuid>) -> Result<Option<Item>, DbError> {
    let statement = client
        .prepare_cached(&format!("select {ITEM_COLUMNS} from api.get_item($1, $2)"))
        .await?;
    let row = client.query_opt(&statement, &[&sku, &id]).await?;
    Ok(row.as_ref().map(item).transpose()?)
}

/// `api.get_location`.
///
/// # Errors
/// See [`DbError`].
pub async fn get_location(client: &PooledClient, id: &str) -> Result<Option<Location>, DbError> {
    let statement = client
        .prepare_cached(&format!("select {LOCATION_COLUMNS} from api.get_location($1)"))
        .await?;
    let row = client.query_opt(&statement, &[&id]).await?;
    Ok(row.as_ref().map(location).transpose()?)
}

/// Ids of the items with these skus; unknown skus are left out. A sku never changes its item.
///
/// # Errors
/// See [`DbError`].
pub async fn item_ids(client: &PooledClient, skus: &[String]) -> Result<Vec<(String, Uuid)>, DbError> {
    let statement = client
        .prepare_cached("select sku, id from inventory.item where sku = any($1)")
        .await?;
    let rows = client.query(&statement, &[&skus]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}
