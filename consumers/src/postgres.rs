//! Rows read from Postgres to fill a read model that came up empty.
//!
//! Pages by primary key, each its own short query: nothing holds a snapshot open, and nothing is
//! ever whole in memory. Rows carry their versions, so what is read here loses to any newer event.

mod ledger;
mod lookup;

use onhand_cdc::error_chain;
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::envelope::{ItemRow, StockLevelRow, StockSummaryRow};
use onhand_cdc::{ConfigError, RowVersion};
pub(crate) use onhand_db::PooledClient;
use onhand_db::{DatabaseConfig, DbError, LevelRow, Pool};
use serde::Serialize;
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) use ledger::{MovementKey, MovementPart, movements_by_key, movements_of_item};
pub(crate) use lookup::{LevelKey, LevelThen};

/// Longest wait for one page; a page takes some milliseconds.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// One round of reading uses one connection; another may be on its way out.
const POOL_SIZE: usize = 2;

/// Any number that no other advisory lock of the product has.
const REBUILD_LOCK: i64 = 0x6f6e_6861_6e64_0052;

/// Whether an SQLSTATE is about the data of a call and not about the database: what Postgres cannot take (21, 22, 23, 54), an
/// error raised by a function (P0) or inside Postgres itself (XX000).
pub(crate) fn is_about_data(state: &str) -> bool {
    const CLASSES: [&str; 5] = ["21", "22", "23", "54", "P0"];
    state == "XX000" || CLASSES.iter().any(|class| state.starts_with(class))
}

const ITEMS: &str = "
    select i.id, i.sku, i.name, i.description, i.kind, i.parent_id, i.category_id,
           i.unit_of_measure, i.tags, i.dimensions::text as dimensions,
           i.metadata::text as metadata, i.status, i.version, i.created_at, i.updated_at
      from inventory.item i
     where i.id > $1
     order by i.id
     limit $2";

const ITEMS_OF: &str = "
    select i.id, i.sku, i.name, i.description, i.kind, i.parent_id, i.category_id,
           i.unit_of_measure, i.tags, i.dimensions::text as dimensions,
           i.metadata::text as metadata, i.status, i.version, i.created_at, i.updated_at
      from inventory.item i
     where i.id = any($1)";

const SUMMARIES: &str = "
    select s.item_id, s.sku, s.on_hand, s.reserved, s.available, s.in_transit, s.backordered,
           s.damaged, s.incoming, s.oversold, s.threshold, s.status, s.location_count, s.version, s.updated_at
      from inventory.stock_summary s
     where s.item_id > $1
     order by s.item_id
     limit $2";

const SUMMARIES_OF: &str = "
    select s.item_id, s.sku, s.on_hand, s.reserved, s.available, s.in_transit, s.backordered,
           s.damaged, s.incoming, s.oversold, s.threshold, s.status, s.location_count, s.version, s.updated_at
      from inventory.stock_summary s
     where s.item_id = any($1)";

/// In the order of the primary key of each month's partition, which is the one that the two instants leave.
const MOVEMENTS: &str = "
    select m.item_id, m.location_id, m.version, m.type, m.on_hand_delta, m.reserved_delta, m.on_hand,
           m.reserved, m.available, m.reason, m.reference, m.reservation_id, m.correlation_id,
           m.occurred_at, m.recorded_at, m.traceparent
      from inventory.stock_movement m
     where m.recorded_at >= $1 and m.recorded_at < $2
       and (m.item_id, m.location_id, m.version) > ($3, $4, $5)
     order by m.item_id, m.location_id, m.version
     limit $6";

/// Postgres could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowSourceError {
    /// Not reachable, or the query failed.
    #[error("postgres cannot be read: {0}")]
    Postgres(String),
    /// No answer in time.
    #[error("postgres did not answer within {0:?}")]
    Timeout(Duration),
}

impl From<DbError> for RowSourceError {
    fn from(error: DbError) -> Self {
        Self::Postgres(error_chain(&error))
    }
}

impl From<tokio_postgres::Error> for RowSourceError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error_chain(&error))
    }
}

/// A line of the ledger, as far as read models keep it, and as the search engine has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct MovementLine {
    pub(crate) item_id: Uuid,
    pub(crate) location_id: String,
    pub(crate) version: i64,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) on_hand_delta: i64,
    pub(crate) reserved_delta: i64,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
    pub(crate) available: i64,
    pub(crate) reason: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) reservation_id: Option<Uuid>,
    pub(crate) correlation_id: Option<String>,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) recorded_at: Timestamp,
    pub(crate) traceparent: Option<String>,
}

/// Where rows come from.
#[derive(Debug, Clone)]
pub struct RowSource {
    pool: Pool,
}

impl RowSource {
    /// Connects when the first row is needed. The login must be allowed to read the tables of
    /// schema `inventory` (role `onhand_reader`).
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &DatabaseConfig) -> Result<Self, ConfigError> {
        let config = DatabaseConfig {
            pool_size: POOL_SIZE,
            ..config.clone()
        };
        let pool = Pool::new(&config).map_err(|problem| ConfigError::new("database", problem))?;
        Ok(Self { pool })
    }

    /// The lock of whoever builds a read model anew; none if somebody holds it. It belongs to the connection that is answered, and
    /// goes with this source when it is dropped.
    pub(crate) async fn try_lock(&self) -> Result<Option<PooledClient>, RowSourceError> {
        let client = self.pool.get().await?;
        let row = bounded(client.query_one("select pg_try_advisory_lock($1)", &[&REBUILD_LOCK])).await?;
        Ok(row.try_get::<_, bool>(0)?.then_some(client))
    }

    /// A connection for one round of reading.
    pub(crate) async fn open(&self) -> Result<Rows, RowSourceError> {
        let client = self.pool.get().await?;
        Ok(Rows { client })
    }
}

/// One connection that reads pages.
pub(crate) struct Rows {
    client: PooledClient,
}

impl Rows {
    /// The next rows after this key, in the order of the key.
    pub(crate) async fn stock_levels(
        &self,
        after: Option<&StockLevelRow>,
        limit: i64,
    ) -> Result<Vec<StockLevelRow>, RowSourceError> {
        let after = match after {
            Some(row) => (row.item_id, row.location_id.as_str()),
            None => (Uuid::nil(), ""),
        };
        let rows = bounded(onhand_db::levels_after(&self.client, after, limit)).await?;
        Ok(rows.into_iter().map(stock_level).collect())
    }

    /// The next items after this one, in the order of their ids.
    pub(crate) async fn items(&self, after: Option<&ItemRow>, limit: i64) -> Result<Vec<ItemRow>, RowSourceError> {
        let after = after.map_or_else(Uuid::nil, |row| row.id);
        let rows = bounded(self.client.query(ITEMS, &[&after, &limit])).await?;
        rows.iter().map(item).collect()
    }

    /// The next summaries after this one, in the order of their items.
    pub(crate) async fn summaries(
        &self,
        after: Option<&StockSummaryRow>,
        limit: i64,
    ) -> Result<Vec<StockSummaryRow>, RowSourceError> {
        let after = after.map_or_else(Uuid::nil, |row| row.item_id);
        let rows = bounded(self.client.query(SUMMARIES, &[&after, &limit])).await?;
        rows.iter().map(summary).collect()
    }

    /// The next movements after this one that were recorded in a span of time, in the order of their keys.
    pub(crate) async fn movements(
        &self,
        span: (Timestamp, Timestamp),
        after: Option<&MovementLine>,
        limit: i64,
    ) -> Result<Vec<MovementLine>, RowSourceError> {
        let (item, location, version) = match after {
            Some(row) => (row.item_id, row.location_id.as_str(), row.version),
            None => (Uuid::nil(), "", 0),
        };
        let rows = bounded(
            self.client
                .query(MOVEMENTS, &[&span.0, &span.1, &item, &location, &version, &limit]),
        )
        .await?;
        rows.iter().map(movement).collect()
    }
}

/// These items.
pub(crate) async fn items_of(client: &PooledClient, items: &[Uuid]) -> Result<Vec<ItemRow>, RowSourceError> {
    let rows = bounded(client.query(ITEMS_OF, &[&items])).await?;
    rows.iter().map(item).collect()
}

/// The summaries of these items.
pub(crate) async fn summaries_of(
    client: &PooledClient,
    items: &[Uuid],
) -> Result<Vec<StockSummaryRow>, RowSourceError> {
    let rows = bounded(client.query(SUMMARIES_OF, &[&items])).await?;
    rows.iter().map(summary).collect()
}

async fn bounded<T, E>(query: impl Future<Output = Result<T, E>>) -> Result<T, RowSourceError>
where
    RowSourceError: From<E>,
{
    tokio::time::timeout(QUERY_TIMEOUT, query)
        .await
        .map_err(|_| RowSourceError::Timeout(QUERY_TIMEOUT))?
        .map_err(RowSourceError::from)
}

/// A row of the table in the shape that events have, so that both are handled by the same code.
pub(crate) fn stock_level(row: LevelRow) -> StockLevelRow {
    StockLevelRow {
        item_id: row.item_id,
        location_id: row.location_id,
        on_hand: row.on_hand,
        reserved: row.reserved,
        in_transit: row.in_transit,
        backordered: row.backordered,
        damaged: row.damaged,
        safety_stock: row.safety_stock,
        reorder_point: row.reorder_point,
        available: row.available,
        policy: row.policy,
        status: row.status,
        next_hold_at: row.next_hold_at,
        version: RowVersion::new(row.version),
        last_movement_at: Some(row.last_movement_at),
        created_at: None,
    }
}

fn item(row: &Row) -> Result<ItemRow, RowSourceError> {
    Ok(ItemRow {
        id: row.try_get("id")?,
        sku: row.try_get("sku")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        kind: row.try_get("kind")?,
        parent_id: row.try_get("parent_id")?,
        category_id: row.try_get("category_id")?,
        unit_of_measure: row.try_get("unit_of_measure")?,
        tags: row.try_get("tags")?,
        dimensions: row.try_get("dimensions")?,
        metadata: row.try_get("metadata")?,
        status: row.try_get("status")?,
        version: RowVersion::new(row.try_get("version")?),
        created_at: row.try_get("created_at")?,
        updated_at: row.try_get("updated_at")?,
    })
}

fn summary(row: &Row) -> Result<StockSummaryRow, RowSourceError> {
    Ok(StockSummaryRow {
        item_id: row.try_get("item_id")?,
        sku: row.try_get("sku")?,
        on_hand: row.try_get("on_hand")?,
        reserved: row.try_get("reserved")?,
        available: row.try_get("available")?,
        in_transit: row.try_get("in_transit")?,
        backordered: row.try_get("backordered")?,
        damaged: row.try_get("damaged")?,
        incoming: row.try_get("incoming")?,
        oversold: row.try_get("oversold")?,
        threshold: row.try_get("threshold")?,
        status: row.try_get("status")?,
        location_count: row.try_get("location_count")?,
        // The breakdowns are not read: no read model here has them.
        by_location: String::new(),
        by_location_type: String::new(),
        version: RowVersion::new(row.try_get("version")?),
        updated_at: row.try_get("updated_at")?,
    })
}

fn movement(row: &Row) -> Result<MovementLine, RowSourceError> {
    Ok(MovementLine {
        item_id: row.try_get("item_id")?,
        location_id: row.try_get("location_id")?,
        version: row.try_get("version")?,
        kind: row.try_get("type")?,
        on_hand_delta: row.try_get("on_hand_delta")?,
        reserved_delta: row.try_get("reserved_delta")?,
        on_hand: row.try_get("on_hand")?,
        reserved: row.try_get("reserved")?,
        available: row.try_get("available")?,
        reason: row.try_get("reason")?,
        reference: row.try_get("reference")?,
        reservation_id: row.try_get("reservation_id")?,
        correlation_id: row.try_get("correlation_id")?,
        occurred_at: row.try_get("occurred_at")?,
        recorded_at: row.try_get("recorded_at")?,
        traceparent: row.try_get("traceparent")?,
    })
}
