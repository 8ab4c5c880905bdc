//! Stock levels and the ledger, read.

use crate::{DbError, PooledClient};
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

/// A stock level as a reader sees it: holds past their deadline are not counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockState {
    /// Sku of the item.
    pub sku: String,
    /// The row; `reserved` and `available` leave out holds past their deadline.
    pub level: LevelRow,
}

/// A row of `inventory.stock_level` with what read models keep of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelRow {
    /// Id of the item.
    pub item_id: Uuid,
    /// Id of the location.
    pub location_id: String,
    /// Units on hand.
    pub on_hand: i64,
    /// Units held by reservations.
    pub reserved: i64,
    /// Units on their way here.
    pub in_transit: i64,
    /// Units promised and not there.
    pub backordered: i64,
    /// Units that cannot be sold.
    pub damaged: i64,
    /// on_hand - reserved.
    pub available: i64,
    /// Units to keep in reserve.
    pub safety_stock: i64,
    /// Level at which to order again.
    pub reorder_point: i64,
    /// `deny` or `oversell`.
    pub policy: String,
    /// `in_stock`, `low_stock` or `out_of_stock`.
    pub status: String,
    /// No pending hold on this row ends before this instant.
    pub next_hold_at: Option<Timestamp>,
    /// Version of the row.
    pub version: i64,
    /// When the row last changed.
    pub last_movement_at: Timestamp,
}

/// A row of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of api.movement, described there")]
pub struct Movement {
    pub location: String,
    pub version: i64,
    pub movement_type: String,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
    pub reason: Option<String>,
    pub reference: Option<String>,
    pub reservation_id: Option<Uuid>,
    pub user_id: Option<String>,
    pub source: String,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
}

const LEVEL_COLUMNS: &str = "item_id, location_id, on_hand, reserved, in_transit, backordered, damaged, available, safety_stock, \
    reorder_point, policy, status, next_hold_at, version, last_movement_at";

fn level(row: &Row, first: usize) -> Result<LevelRow, tokio_postgres::Error> {
    Ok(LevelRow {
        item_id: row.try_get(first)?,
        location_id: row.try_get(first + 1)?,
        on_hand: row.try_get(first + 2)?,
        reserved: row.try_get(first + 3)?,
        in_transit: row.try_get(first + 4)?,
        backordered: row.try_get(first + 5)?,
        damaged: row.try_get(first + 6)?,
        available: row.try_get(first + 7)?,
        safety_stock: row.try_get(first + 8)?,
        reorder_point: row.try_get(first + 9)?,
        policy: row.try_get(first + 10)?,
        status: row.try_get(first + 11)?,
        next_hold_at: row.try_get(first + 12)?,
        version: row.try_get(first + 13)?,
        last_movement_at: row.try_get(first + 14)?,
    })
}

/// `api.get_stock_level`: the balance of an item at one location or at all.
///
/// # Errors
/// See [`DbError`]; an unknown item or location is no error but no rows.
pub async fn get_stock_level(
    client: &PooledClient,
    sku: &str,
    location: Option<&str>,
) -> Result<Vec<StockState>, DbError> {
    let statement = client
        .prepare_cached(
            "select sku, item_id, location, on_hand, reserved, in_transit, backordered, damaged, available, safety_stock, \
             reorder_point, policy, status, next_hold_at, version, last_movement_at from api.get_stock_level($1, $2)",
        )
        .await?;
    let rows = client.query(&statement, &[&sku, &location]).await?;
    rows.iter()
        .map(|row| {
            Ok(StockState {
                sku: row.try_get(0)?,
                level: level(row, 1)?,
            })
        })
        .collect()
}

/// The rows of these items as they are stored, with their versions: what a cache is filled with.
///
/// # Errors
/// See [`DbError`].
pub async fn levels_of_items(client: &PooledClient, items: &[Uuid]) -> Result<Vec<LevelRow>, DbError> {
    let statement = client
        .prepare_cached(&format!(
            "select {LEVEL_COLUMNS} from inventory.stock_level where item_id = any($1) order by item_id, location_id"
        ))
        .await?;
    let rows = client.query(&statement, &[&items]).await?;
    rows.iter().map(|row| level(row, 0).map_err(DbError::from)).collect()
}

/// The next `limit` rows in key order after a key: pages through the whole table.
///
/// # Errors
/// See [`DbError`].
pub async fn levels_after(client: &PooledClient, after: (Uuid, &str), limit: i64) -> Result<Vec<LevelRow>, DbError> {
    let statement = client
        .prepare_cached(&format!(
            "select {LEVEL_COLUMNS} from inventory.stock_level where (item_id, location_id) > ($1, $2) \
             order by item_id, location_id limit $3"
        ))
        .await?;
    let rows = client.query(&statement, &[&after.0, &after.1, &limit]).await?;
    rows.iter().map(|row| level(row, 0).map_err(DbError::from)).collect()
}

/// `api.get_stock_history`: movements of an item, newest first.
///
/// # Errors
/// [`DbError::Refused`] if `max_rows` is not 1 to 1000.
pub async fn get_stock_history(
    client: &PooledClient,
    sku: &str,
    location: Option<&str>,
    max_rows: i32,
    before: Option<(Timestamp, i64)>,
) -> Result<Vec<Movement>, DbError> {
    let statement = client
        .prepare_cached(
            "select location, version, type, on_hand_delta, reserved_delta, on_hand, reserved, available, reason, reference, \
             reservation_id, user_id, source, occurred_at, recorded_at \
             from api.get_stock_history($1, $2, max_rows => $3, before => $4, before_version => $5)",
        )
        .await?;
    let (instant, version) = before.unzip();
    let rows = client
        .query(&statement, &[&sku, &location, &max_rows, &instant, &version])
        .await?;
    rows.iter().map(|row| movement(row).map_err(DbError::from)).collect()
}

fn movement(row: &Row) -> Result<Movement, tokio_postgres::Error> {
    Ok(Movement {
        location: row.try_get(0)?,
        version: row.try_get(1)?,
        movement_type: row.try_get(2)?,
        on_hand_delta: row.try_get(3)?,
        reserved_delta: row.try_get(4)?,
        on_hand: row.try_get(5)?,
        reserved: row.try_get(6)?,
        available: row.try_get(7)?,
        reason: row.try_get(8)?,
        reference: row.try_get(9)?,
        reservation_id: row.try_get(10)?,
        user_id: row.try_get(11)?,
        source: row.try_get(12)?,
        occurred_at: row.try_get(13)?,
        recorded_at: row.try_get(14)?,
    })
}

/// `api.set_stock_policy`: safety stock, reorder point and oversell policy; `None` leaves a setting as it is.
///
/// # Errors
/// [`DbError::Refused`] for an unknown item or location or a value out of range.
pub async fn set_stock_policy(
    client: &PooledClient,
    sku: &str,
    location: &str,
    safety_stock: Option<i64>,
    reorder_point: Option<i64>,
    policy: Option<&str>,
) -> Result<i64, DbError> {
    let statement = client
        .prepare_cached(
            "select version from api.set_stock_policy($1, $2, safety_stock => $3, reorder_point => $4, policy => $5)",
        )
        .await?;
    let row = client
        .query_one(&statement, &[&sku, &location, &safety_stock, &reorder_point, &policy])
        .await?;
    Ok(row.try_get(0)?)
}
