//! Taking out of the cache what Postgres does not have: rows whose delete was never seen.

use std::collections::{HashMap, HashSet};

use redis::Pipeline;
use uuid::Uuid;

use super::model::{CacheError, ItemRows, StockCache, StockRow};

/// Keys that one step of a scan looks at.
const SCAN_STEP: usize = 500;

/// What one step of the scan found: of each item the rows that are not deleted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Where the next step begins; zero after the last.
    pub(crate) cursor: u64,
    /// Rows by item.
    pub(crate) items: HashMap<Uuid, Vec<StockRow>>,
}

/// One step of a scan through all items of the cache.
pub(crate) async fn scan(cache: &StockCache, cursor: u64) -> Result<Found, CacheError> {
    let mut connection = cache.connection();
    let (cursor, keys): (u64, Vec<String>) = redis::cmd("SCAN")
        .arg(cursor)
        .arg("MATCH")
        .arg(cache.keys().pattern())
        .arg("COUNT")
        .arg(SCAN_STEP)
        .query_async(&mut connection)
        .await?;
    let ids: Vec<Uuid> = keys.iter().filter_map(|key| cache.keys().item_of(key)).collect();
    if ids.is_empty() {
        return Ok(Found {
            cursor,
            ..Found::default()
        });
    }
    let mut pipeline = Pipeline::with_capacity(ids.len());
    for id in &ids {
        pipeline.cmd("HGETALL").arg(cache.keys().item(*id));
    }
    let hashes: Vec<HashMap<String, String>> = pipeline.query_async(&mut connection).await?;
    let items = ids.into_iter().zip(hashes.iter().map(rows_of)).collect();
    Ok(Found { cursor, items })
}

/// Rows that cannot be read are left to the comparison, which reports them.
fn rows_of(hash: &HashMap<String, String>) -> Vec<StockRow> {
    hash.iter()
        .filter_map(|(name, text)| StockRow::parse(name.strip_prefix("row:")?, text).ok())
        .filter(|row| !row.is_deleted())
        .collect()
}

/// Takes out what is not among these: rows leave a tombstone of their own version, which a newer row still beats; hashes of
/// items that do not exist go as a whole. Returns how many rows and hashes went.
pub(crate) async fn remove_others(
    cache: &StockCache,
    found: HashMap<Uuid, Vec<StockRow>>,
    items: &HashSet<Uuid>,
    levels: &HashSet<(Uuid, String)>,
) -> Result<u64, CacheError> {
    let (mut removed, mut gone, mut tombstones) = (0, Vec::new(), Vec::new());
    for (item_id, rows) in found {
        if !items.contains(&item_id) {
            gone.push(cache.keys().item(item_id));
            continue;
        }
        let rows: Vec<StockRow> = rows
            .into_iter()
            .filter(|row| !levels.contains(&(item_id, row.location.clone())))
            .map(|row| StockRow::tombstone(&row.location, row.version))
            .collect();
        if !rows.is_empty() {
            tombstones.push(ItemRows {
                item_id,
                at_ms: 0,
                rows,
            });
        }
    }
    for answers in cache.apply(&tombstones).await? {
        removed += answers.into_iter().filter(|applied| *applied).count();
    }
    if !gone.is_empty() {
        let mut connection = cache.connection();
        // One by one: in a cluster they live in different places.
        let mut pipeline = Pipeline::with_capacity(gone.len());
        for key in &gone {
            pipeline.cmd("UNLINK").arg(key);
        }
        let counts: Vec<usize> = pipeline.query_async(&mut connection).await?;
        removed += counts.into_iter().sum::<usize>();
    }
    Ok(u64::try_from(removed).unwrap_or(u64::MAX))
}
