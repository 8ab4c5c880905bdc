//! What the HTTP interface asks of Postgres, beside the write lanes.
//!
//! Reads and lanes use pools of their own: a flood of fallback reads must not keep a write waiting.

mod executor;
mod traced;
mod types;

use std::collections::HashMap;
use std::time::Instant;

use onhand_db::{DbError, LevelRow, Pool, PooledClient, Saved, StockState};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::extract::ItemRef;
use crate::metrics;
use crate::problem::{DATABASE_UNAVAILABLE, INTERNAL, OVERLOADED, Problem, refused};
pub(crate) use executor::{LaneExecutor, in_full};
pub(crate) use types::{Item, Location, Reservation};

/// Reads and catalogue writes; stock is written through the lanes alone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pool: Pool,
}

impl Store {
    pub(crate) fn new(pool: Pool) -> Self {
        Self { pool }
    }

    /// The pool that reads use.
    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn client(&self) -> Result<PooledClient, DbError> {
        self.pool.get().await
    }

    /// Whether Postgres answers.
    pub(crate) async fn ping(&self) -> Result<(), DbError> {
        self.client().await?.simple_query("select 1").await?;
        Ok(())
    }

    pub(crate) async fn item(&self, item: &ItemRef) -> Result<Option<Item>, DbError> {
        let client = self.client().await?;
        let found = match item {
            ItemRef::Id(id) => onhand_db::get_item(&client, None, Some(*id)).await?,
            ItemRef::Sku(sku) => onhand_db::get_item(&client, Some(sku), None).await?,
        };
        Ok(found.map(Item::from))
    }

    /// Ids of the items with these skus; unknown skus are left out.
    pub(crate) async fn item_ids(&self, skus: &[String]) -> Result<HashMap<String, Uuid>, DbError> {
        let found = onhand_db::item_ids(&self.client().await?, skus).await?;
        Ok(found.into_iter().collect())
    }

    pub(crate) async fn location(&self, id: &str) -> Result<Option<Location>, DbError> {
        let found = onhand_db::get_location(&self.client().await?, id).await?;
        Ok(found.map(Location::from))
    }

    pub(crate) async fn reservation(&self, id: Uuid) -> Result<Reservation, DbError> {
        onhand_db::get_reservation(&self.client().await?, id)
            .await
            .map(Reservation::from)
    }

    /// Balances as readers see them: holds past their deadline are not counted.
    pub(crate) async fn exact_levels(&self, sku: &str) -> Result<Vec<StockState>, DbError> {
        onhand_db::get_stock_level(&self.client().await?, sku, None).await
    }

    /// Balances as they are stored, with their versions.
    pub(crate) async fn stored_levels(&self, items: &[Uuid]) -> Result<Vec<LevelRow>, DbError> {
        let client = self.client().await?;
        let begun = Instant::now();
        let levels = onhand_db::levels_of_items(&client, items).await;
        metrics::database_call("levels_of_items", begun.elapsed());
        levels
    }

    pub(crate) async fn upsert_items<T: Serialize>(
        &self,
        items: &[T],
        key: Option<&str>,
    ) -> Result<Saved<Item>, DbError> {
        let saved = onhand_db::upsert_items_once(&self.client().await?, &values(items)?, key).await?;
        Ok(Saved {
            rows: saved.rows.into_iter().map(Item::from).collect(),
            replayed: saved.replayed,
        })
    }

    pub(crate) async fn upsert_locations<T: Serialize>(
        &self,
        locations: &[T],
        key: Option<&str>,
    ) -> Result<Saved<Location>, DbError> {
        let saved = onhand_db::upsert_locations_once(&self.client().await?, &values(locations)?, key).await?;
        Ok(Saved {
            rows: saved.rows.into_iter().map(Location::from).collect(),
            replayed: saved.replayed,
        })
    }
}

fn values<T: Serialize>(entries: &[T]) -> Result<Vec<Value>, DbError> {
    let values = entries.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    values.map_err(|error| DbError::Unexpected(error.to_string()))
}

impl From<DbError> for Problem {
    /// For calls that may simply be made again: reads, and writes that are idempotent by nature.
    fn from(error: DbError) -> Self {
        if let DbError::Refused(refusal) = &error {
            return refused(refusal);
        }
        tracing::error!(error = %in_full(&error), "database call failed");
        match error {
            DbError::Unreachable(_) | DbError::Interrupted(_) => Self::new(&DATABASE_UNAVAILABLE)
                .detail("the database could not be reached, or the connection to it broke")
                .hint("Retry: this request may be sent again as it is."),
            DbError::Conflict(_) => Self::new(&OVERLOADED),
            _ => Self::new(&INTERNAL),
        }
    }
}
