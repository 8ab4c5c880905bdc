//! Filling the cache from Postgres: at the start, and again whenever Redis came back empty or old.
//!
//! Events go on being written meanwhile; each row's version decides which of the two stays. The
//! marker that says "everything is here" names the Redis process it was written to: another process
//! (a restart, a failover) may have lost writes that were confirmed, so it is filled again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use onhand_cdc::envelope::StockLevelRow;
use redis::aio::ConnectionManager;
use redis::{RedisError, Script};
use uuid::Uuid;

use super::model::{CacheError, ItemRows, StockCache, StockRow};
use super::sink::transient;
use crate::postgres::{RowSource, Rows};
use crate::runtime::metrics;
use crate::runtime::{SinkError, Warmth};

/// Rows in one page: a few milliseconds of Postgres, a few megabytes here.
const PAGE_ROWS: i64 = 10_000;
/// Rows in one write: Redis does nothing else meanwhile, and live changes wait behind it.
const WRITE_ROWS: usize = 1_000;
/// The lock of a consumer that died is free again after this.
const LOCK_TTL: Duration = Duration::from_secs(20);

/// Prolongs the lock if it is still ours. An emptied Redis has lost it, which ends the filling.
const RENEW: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0";
/// Sets the marker if the lock is still ours, and frees it.
const FINISH: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    redis.call('SET', KEYS[2], ARGV[2])
    return redis.call('DEL', KEYS[1])
end
return 0";

/// Fills the cache and knows whether it is full.
#[derive(Debug)]
pub(super) struct Warmer {
    cache: StockCache,
    rows: RowSource,
    warmth: Mutex<Warmth>,
    token: String,
}

impl Warmer {
    pub(super) fn new(cache: StockCache, rows: RowSource) -> Self {
        Self {
            cache,
            rows,
            warmth: Mutex::new(Warmth::Warming("not looked at yet".to_owned())),
            token: Uuid::new_v4().to_string(),
        }
    }

    pub(super) fn warmth(&self) -> Warmth {
        self.warmth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, warmth: Warmth) {
        *self.warmth.lock().unwrap_or_else(PoisonError::into_inner) = warmth;
    }

    /// Is the marker still there? Cheap: it goes beside every batch.
    pub(super) async fn check(&self) -> Result<(), RedisError> {
        let mut connection = self.cache.connection();
        let there: bool = redis::cmd("EXISTS")
            .arg(self.cache.keys().warm())
            .query_async(&mut connection)
            .await?;
        if !there && self.warmth() == Warmth::Warm {
            tracing::warn!("redis came back empty, the cache is filled again");
            self.set(Warmth::Warming("redis came back empty".to_owned()));
        }
        Ok(())
    }

    /// Looks at marker and process, and fills the cache if one is not what it should be.
    pub(super) async fn tick(&self) -> Result<(), SinkError> {
        let mut connection = self.cache.connection();
        let process = run_id(&mut connection).await.map_err(transient)?;
        let marker: Option<String> = redis::cmd("GET")
            .arg(self.cache.keys().warm())
            .query_async(&mut connection)
            .await
            .map_err(transient)?;
        if marker.as_deref() == Some(process.as_str()) {
            self.set(Warmth::Warm);
            return Ok(());
        }
        let reason = match marker {
            Some(_) => "redis was restarted",
            None => "the cache is empty",
        };
        self.set(Warmth::Warming(reason.to_owned()));
        if !self.lock(&mut connection).await.map_err(transient)? {
            self.set(Warmth::Warming("another consumer is filling it".to_owned()));
            return Ok(());
        }
        tracing::info!(reason, "filling the cache from postgres");
        let filled = self.fill(&mut connection).await;
        let finished = match filled {
            Ok(rows) => self.finish(&mut connection, &process).await.map(|()| rows),
            Err(error) => {
                self.unlock(&mut connection).await;
                Err(error)
            }
        };
        let rows = finished?;
        tracing::info!(rows, "cache filled");
        self.set(Warmth::Warm);
        Ok(())
    }

    /// Pages through all rows. The last item of a page may go on in the next one, so it waits.
    async fn fill(&self, connection: &mut ConnectionManager) -> Result<usize, SinkError> {
        let rows = self.open().await?;
        let mut total = 0;
        let mut open: Vec<StockLevelRow> = Vec::new();
        loop {
            let page = rows
                .stock_levels(open.last(), PAGE_ROWS)
                .await
                .map_err(|error| SinkError::Transient(error.to_string()))?;
            total += page.len();
            let last = i64::try_from(page.len()).unwrap_or(i64::MAX) < PAGE_ROWS;
            metrics::warmed("cache", page.len());
            open.extend(page);
            let unfinished = if last { Vec::new() } else { split_last_item(&mut open) };
            self.load(std::mem::replace(&mut open, unfinished)).await?;
            if last {
                return Ok(total);
            }
            self.renew(connection).await?;
            self.set(Warmth::Warming(format!("{total} rows filled")));
        }
    }

    async fn open(&self) -> Result<Rows, SinkError> {
        self.rows
            .open()
            .await
            .map_err(|error| SinkError::Transient(error.to_string()))
    }

    async fn load(&self, rows: Vec<StockLevelRow>) -> Result<(), SinkError> {
        let mut waiting: Vec<ItemRows> = Vec::new();
        let mut count = 0;
        for item in group(rows)? {
            count += item.rows.len();
            waiting.push(item);
            if count >= WRITE_ROWS {
                self.write(&waiting).await?;
                waiting.clear();
                count = 0;
            }
        }
        self.write(&waiting).await
    }

    async fn write(&self, items: &[ItemRows]) -> Result<(), SinkError> {
        self.cache
            .load(items)
            .await
            .map(drop)
            .map_err(|error| SinkError::Transient(format!("filling: {error}")))
    }

    async fn lock(&self, connection: &mut ConnectionManager) -> Result<bool, RedisError> {
        let taken: Option<String> = redis::cmd("SET")
            .arg(self.cache.keys().warming())
            .arg(&self.token)
            .arg("NX")
            .arg("PX")
            .arg(millis(LOCK_TTL))
            .query_async(connection)
            .await?;
        Ok(taken.is_some())
    }

    async fn renew(&self, connection: &mut ConnectionManager) -> Result<(), SinkError> {
        let held: i64 = Script::new(RENEW)
            .key(self.cache.keys().warming())
            .arg(&self.token)
            .arg(millis(LOCK_TTL))
            .invoke_async(connection)
            .await
            .map_err(transient)?;
        still_held(held)
    }

    async fn finish(&self, connection: &mut ConnectionManager, process: &str) -> Result<(), SinkError> {
        let held: i64 = Script::new(FINISH)
            .key(self.cache.keys().warming())
            .key(self.cache.keys().warm())
            .arg(&self.token)
            .arg(process)
            .invoke_async(connection)
            .await
            .map_err(transient)?;
        still_held(held)
    }

    /// Another attempt must not wait for the lock of this one to run out.
    async fn unlock(&self, connection: &mut ConnectionManager) {
        let freed: Result<i64, RedisError> =
            Script::new("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
                .key(self.cache.keys().warming())
                .arg(&self.token)
                .invoke_async(connection)
                .await;
        if let Err(error) = freed {
            tracing::debug!(%error, "lock of the filling runs out by itself");
        }
    }
}

/// Says of a cache that it is full, so that no consumer fills it: for one that is to hold only what comes from Kafka.
///
/// # Errors
/// [`CacheError`] if Redis does not answer.
pub async fn declare_warm(cache: &StockCache) -> Result<(), CacheError> {
    let mut connection = cache.connection();
    let process = run_id(&mut connection).await?;
    let () = redis::cmd("SET")
        .arg(cache.keys().warm())
        .arg(process)
        .query_async(&mut connection)
        .await?;
    Ok(())
}

fn still_held(held: i64) -> Result<(), SinkError> {
    if held == 1 {
        return Ok(());
    }
    Err(SinkError::Transient(
        "redis was emptied while the cache was filled".to_owned(),
    ))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Names the Redis process. A service that hides it counts as one process for ever.
async fn run_id(connection: &mut ConnectionManager) -> Result<String, RedisError> {
    let info: String = redis::cmd("INFO").arg("server").query_async(connection).await?;
    Ok(info
        .lines()
        .find_map(|line| line.strip_prefix("run_id:"))
        .map_or_else(|| "unknown".to_owned(), |id| id.trim().to_owned()))
}

/// Cuts the rows of the last item off.
fn split_last_item(rows: &mut Vec<StockLevelRow>) -> Vec<StockLevelRow> {
    let Some(last) = rows.last().map(|row| row.item_id) else {
        return Vec::new();
    };
    let first = rows
        .iter()
        .rposition(|row| row.item_id != last)
        .map_or(0, |before| before + 1);
    rows.split_off(first)
}

/// Rows in the order of their items become one entry per item.
fn group(rows: Vec<StockLevelRow>) -> Result<Vec<ItemRows>, SinkError> {
    let mut items: Vec<ItemRows> = Vec::new();
    for level in rows {
        let row =
            StockRow::from_level(&level).map_err(|error| SinkError::Transient(format!("row in postgres: {error}")))?;
        match items.last_mut() {
            Some(item) if item.item_id == level.item_id => item.rows.push(row),
            _ => items.push(ItemRows {
                item_id: level.item_id,
                at_ms: 0,
                rows: vec![row],
            }),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::RowVersion;

    use super::*;

    fn level(item: u128, location: &str) -> StockLevelRow {
        StockLevelRow {
            item_id: Uuid::from_u128(item),
            location_id: location.to_owned(),
            on_hand: 1,
            reserved: 0,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            safety_stock: 0,
            reorder_point: 0,
            available: 1,
            policy: "deny".to_owned(),
            status: "in_stock".to_owned(),
            next_hold_at: None,
            version: RowVersion::new(1),
            last_movement_at: None,
            created_at: None,
        }
    }

    #[test]
    fn the_item_a_page_ends_in_waits_for_its_other_rows() {
        let mut rows = vec![level(1, "A"), level(2, "A"), level(2, "B")];
        let open = split_last_item(&mut rows);
        assert_eq!((rows.len(), open.len()), (1, 2));
        // One item that fills the whole page goes on growing.
        let mut rows = vec![level(1, "A"), level(1, "B")];
        assert_eq!(split_last_item(&mut rows).len(), 2);
        assert!(rows.is_empty());
        assert!(split_last_item(&mut Vec::new()).is_empty());
    }

    #[test]
    fn rows_are_grouped_by_item() {
        let items = group(vec![level(1, "A"), level(1, "B"), level(2, "A")]).unwrap();
        let sizes: Vec<usize> = items.iter().map(|item| item.rows.len()).collect();
        assert_eq!(sizes, [2, 1]);
    }
}
