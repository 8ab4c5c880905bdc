//! Rows read from Postgres to fill a read model that came up empty.
//!
//! Pages by primary key, each its own short query: nothing holds a snapshot open, and nothing is
//! ever whole in memory. Rows carry their versions, so what is read here loses to any newer event.

mod lookup;

use onhand_cdc::error_chain;
use std::time::Duration;

use onhand_cdc::envelope::{ItemRow, StockLevelRow};
use onhand_cdc::{ConfigError, RowVersion};
use onhand_db::{DatabaseConfig, DbError, LevelRow, Pool, PooledClient};
use tokio_postgres::Row;
use uuid::Uuid;

pub(crate) use lookup::{LevelKey, LevelThen};

/// Longest wait for one page; a page takes some milliseconds.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// One round of reading uses one connection; another may be on its way out.
const POOL_SIZE: usize = 2;

const ITEMS: &str = "
    select i.id, i.sku, i.name, i.description, i.kind, i.parent_id, i.category_id,
           i.unit_of_measure, i.tags, i.dimensions::text as dimensions,
           i.metadata::text as metadata, i.status, i.version, i.created_at, i.updated_at
      from inventory.item i
     where i.id > $1
     order by i.id
     limit $2";

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
