//! Taking out of the read models what Postgres does not have.
//!
//! A snapshot brings every row that is there; it says nothing of rows that are not. After a gap in the stream (a slot that
//! was lost, a database that was restored) their deletes were never seen. Each read model is read first and Postgres after
//! it, so what Postgres lacks then was deleted and not made just now; what is taken out leaves a tombstone of its own
//! version, so that a row that comes later still wins.
//!
//! What was on its way when the gap began must have arrived before: see `onhand_cdc::backlog`.

use std::collections::HashSet;

use onhand_db::{DatabaseConfig, DbError, Pool, levels_of_items};
use uuid::Uuid;

use crate::cache::{self, CacheError, RedisConfig, StockCache};
use crate::runtime::SinkError;
use crate::search::{self, ElasticsearchConfig};

/// The read models or Postgres could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// A setting that cannot work.
    #[error("{0}")]
    Config(String),
    /// Postgres.
    #[error("postgres cannot be read")]
    Database(#[from] DbError),
    /// Redis.
    #[error("redis cannot be swept")]
    Redis(#[from] CacheError),
    /// Elasticsearch.
    #[error("elasticsearch cannot be swept")]
    Search(#[from] SinkError),
}

impl From<tokio_postgres::Error> for SweepError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// What was taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Rows and hashes of Redis.
    pub redis: u64,
    /// Documents of Elasticsearch.
    pub search: u64,
}

/// Goes through both read models once.
///
/// # Errors
/// [`SweepError`]; what was taken out until then is out, and it can be run again.
pub async fn run(
    database: &DatabaseConfig,
    redis: &RedisConfig,
    elasticsearch: &ElasticsearchConfig,
) -> Result<Swept, SweepError> {
    let pool = Pool::new(database).map_err(SweepError::Config)?;
    Ok(Swept {
        redis: sweep_redis(&pool, redis).await?,
        search: sweep_search(&pool, elasticsearch).await?,
    })
}

async fn sweep_redis(pool: &Pool, config: &RedisConfig) -> Result<u64, SweepError> {
    let cache = StockCache::new(config).map_err(|error| SweepError::Config(error.to_string()))?;
    let (mut removed, mut cursor) = (0, 0);
    loop {
        let found = cache::scan(&cache, cursor).await?;
        let ids: Vec<Uuid> = found.items.keys().copied().collect();
        let items = items_among(pool, &ids).await?;
        let levels = levels_among(pool, &ids).await?;
        removed += cache::remove_others(&cache, found.items, &items, &levels).await?;
        if found.cursor == 0 {
            return Ok(removed);
        }
        cursor = found.cursor;
    }
}

async fn sweep_search(pool: &Pool, config: &ElasticsearchConfig) -> Result<u64, SweepError> {
    let sweeper = search::Sweeper::new(config)?;
    let mut removed = 0;
    for kind in [search::SweepKind::Items, search::SweepKind::Stock] {
        let mut pages = sweeper.open(kind).await?;
        loop {
            let stored = sweeper.next(&mut pages).await?;
            if stored.is_empty() {
                break;
            }
            let ids: Vec<Uuid> = stored.iter().filter_map(|document| item_of(&document.id)).collect();
            let known: HashSet<String> = match kind {
                search::SweepKind::Items => {
                    let items = items_among(pool, &ids).await?;
                    items.iter().map(Uuid::to_string).collect()
                }
                search::SweepKind::Stock => {
                    let levels = levels_among(pool, &ids).await?;
                    levels
                        .iter()
                        .map(|(item, location)| format!("{item}:{location}"))
                        .collect()
                }
            };
            removed += sweeper.remove_others(kind, &stored, &known).await?;
        }
        sweeper.close(pages).await?;
    }
    Ok(removed)
}

/// The item that an id of a document begins with.
fn item_of(id: &str) -> Option<Uuid> {
    id.split(':').next()?.parse().ok()
}

async fn items_among(pool: &Pool, ids: &[Uuid]) -> Result<HashSet<Uuid>, SweepError> {
    let client = pool.get().await?;
    let statement = client
        .prepare_cached("select i.id from inventory.item as i where i.id = any($1)")
        .await?;
    let rows = client.query(&statement, &[&ids]).await?;
    Ok(rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

async fn levels_among(pool: &Pool, ids: &[Uuid]) -> Result<HashSet<(Uuid, String)>, SweepError> {
    let rows = levels_of_items(&pool.get().await?, ids).await?;
    Ok(rows.into_iter().map(|row| (row.item_id, row.location_id)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_both_kinds_name_their_item() {
        let item = Uuid::from_u128(7);
        assert_eq!(item_of(&item.to_string()), Some(item));
        assert_eq!(item_of(&format!("{item}:W:1")), Some(item));
        assert_eq!(item_of("nonsense"), None);
    }
}
