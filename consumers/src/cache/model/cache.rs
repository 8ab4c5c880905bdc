//! Reads and guarded writes of the cache, pipelined.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Pipeline, RedisError, RedisResult, Script};
use uuid::Uuid;

use super::item::CachedItem;
use super::keys::Keys;
use super::row::StockRow;
use crate::cache::RedisConfig;
use onhand_cdc::ConfigError;

/// The guarded write, as Redis runs it; the head of the file says what it takes and answers.
pub const APPLY_SCRIPT: &str = concat!(include_str!("row.lua"), include_str!("apply.lua"));
/// Rows in one call of the script; Lua's stack takes some thousand values. An item with more
/// locations takes several calls.
const MAX_ROWS_PER_CALL: usize = 1_000;

/// Redis could not do it.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// Not reachable, too slow, or refusing: try again, or do without.
    #[error("redis is not available")]
    Unavailable(#[from] RedisError),
    /// It answered something that is no answer to what was asked.
    #[error("redis answers unexpectedly: {0}")]
    Unexpected(String),
}

/// Rows of one item that are to be written together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRows {
    /// The item.
    pub item_id: Uuid,
    /// Commit time of the newest change among them, milliseconds since 1970; zero if unknown.
    pub at_ms: i64,
    /// The rows, each location once.
    pub rows: Vec<StockRow>,
}

/// The cache. Cloning is cheap; all clones share one connection, which comes back by itself.
#[derive(Clone)]
pub struct StockCache {
    connection: ConnectionManager,
    keys: Keys,
    script: Script,
}

impl std::fmt::Debug for StockCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StockCache")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
enum Mode {
    Apply,
    Load,
}

impl StockCache {
    /// Connects when the first request needs it, so a server that is down does not stop a start.
    ///
    /// # Errors
    /// A url that cannot be used. Must be called within a tokio runtime.
    pub fn new(config: &RedisConfig) -> Result<Self, ConfigError> {
        let manager = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(config.connect_timeout()))
            .set_response_timeout(Some(config.response_timeout()))
            .set_number_of_retries(1)
            .set_max_delay(std::time::Duration::from_millis(200));
        let connection = ConnectionManager::new_lazy_with_config(config.client()?, manager)
            .map_err(|error| ConfigError::new("redis.url", error.category().to_owned()))?;
        Ok(Self {
            connection,
            keys: Keys::new(&config.key_prefix),
            script: Script::new(APPLY_SCRIPT),
        })
    }

    /// Names of the keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The connection, for what is asked beside the model (`PING`, markers).
    pub(crate) fn connection(&self) -> ConnectionManager {
        self.connection.clone()
    }

    /// The items as far as the cache can answer for them, in the order asked. `None`: not there, not
    /// completely there, not readable, or a hold may have ended by now. Then ask Postgres, and
    /// [`load`](Self::load) what it says.
    ///
    /// # Errors
    /// [`CacheError`] if Redis does not answer.
    pub async fn read(&self, items: &[Uuid]) -> Result<Vec<Option<CachedItem>>, CacheError> {
        let now_ms = Timestamp::now().as_millisecond();
        let found = self.peek(items).await?;
        Ok(found
            .into_iter()
            .map(|item| item.filter(|item| item.complete && !item.has_due_hold(now_ms)))
            .collect())
    }

    /// The items as they are, trusted or not.
    ///
    /// # Errors
    /// [`CacheError`] if Redis does not answer.
    pub async fn peek(&self, items: &[Uuid]) -> Result<Vec<Option<CachedItem>>, CacheError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut pipeline = Pipeline::with_capacity(items.len());
        for item in items {
            pipeline.cmd("HGETALL").arg(self.keys.item(*item));
        }
        let mut connection = self.connection.clone();
        let hashes: Vec<HashMap<String, String>> = pipeline.query_async(&mut connection).await?;
        if hashes.len() != items.len() {
            return Err(CacheError::Unexpected(format!(
                "{} hashes for {} items",
                hashes.len(),
                items.len()
            )));
        }
        let parsed = items.iter().zip(&hashes).map(|(item, hash)| {
            CachedItem::parse(*item, hash).unwrap_or_else(|error| {
                tracing::warn!(item.id = %item, %error, "cached item cannot be read");
                None
            })
        });
        Ok(parsed.collect())
    }

    /// Writes changed rows; each takes effect only if its version is newer. Answers, for each
    /// item and row, whether it did.
    ///
    /// # Errors
    /// [`CacheError`]; some rows may have been written, and all may be written again.
    pub async fn apply(&self, items: &[ItemRows]) -> Result<Vec<Vec<bool>>, CacheError> {
        self.write(items, Mode::Apply).await?.into_iter().collect()
    }

    /// Writes changed rows as [`apply`](Self::apply) does, and answers for each item by itself: one that Redis cannot write
    /// (a key of another type, for example) disturbs no other.
    ///
    /// # Errors
    /// [`CacheError`] if nothing is known of any item.
    pub async fn apply_each(&self, items: &[ItemRows]) -> Result<Vec<Result<Vec<bool>, CacheError>>, CacheError> {
        self.write(items, Mode::Apply).await
    }

    /// Writes all rows of items as Postgres has them, and marks the items complete. Rows that
    /// the cache has newer stay.
    ///
    /// # Errors
    /// As for [`apply`](Self::apply).
    pub async fn load(&self, items: &[ItemRows]) -> Result<Vec<Vec<bool>>, CacheError> {
        self.write(items, Mode::Load).await?.into_iter().collect()
    }

    async fn write(&self, items: &[ItemRows], mode: Mode) -> Result<Vec<Result<Vec<bool>, CacheError>>, CacheError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let mut answers = self.evaluate(items, mode).await?;
        // A server that restarted has forgotten the script.
        if answers.iter().any(|answer| answer.as_ref().is_err_and(is_no_script)) {
            let mut connection = self.connection.clone();
            self.script.load_async(&mut connection).await?;
            answers = self.evaluate(items, mode).await?;
        }
        let mut answers = answers.into_iter();
        Ok(items
            .iter()
            .map(|item| {
                // All that belong to the item are taken, also behind one that failed.
                let mine: Vec<RedisResult<String>> = answers.by_ref().take(calls(item)).collect();
                applied(item, mine)
            })
            .collect())
    }

    /// The commands that [`apply`](Self::apply) sends for these rows. They call [`APPLY_SCRIPT`] by its hash, so it has to be
    /// loaded first.
    pub fn commands(&self, items: &[ItemRows]) -> Pipeline {
        self.pipeline(items, Mode::Apply)
    }

    /// One answer for each call of the script. An error is that of one call, unless the connection failed.
    async fn evaluate(&self, items: &[ItemRows], mode: Mode) -> Result<Vec<RedisResult<String>>, RedisError> {
        let mut connection = self.connection.clone();
        let mut pipeline = self.pipeline(items, mode);
        pipeline.ignore_errors().query_async(&mut connection).await
    }

    fn pipeline(&self, items: &[ItemRows], mode: Mode) -> Pipeline {
        let mut pipeline = Pipeline::with_capacity(items.len());
        for item in items {
            let key = self.keys.item(item.item_id);
            let calls = calls(item);
            for call in 1..=calls {
                let rows = item
                    .rows
                    .iter()
                    .skip((call - 1) * MAX_ROWS_PER_CALL)
                    .take(MAX_ROWS_PER_CALL);
                // The hash is complete only when its last rows are in.
                let mode = match mode {
                    Mode::Load if call == calls => "load",
                    _ => "apply",
                };
                let command = pipeline.cmd("EVALSHA");
                command
                    .arg(self.script.get_hash())
                    .arg(1)
                    .arg(&key)
                    .arg(mode)
                    .arg(item.at_ms);
                for row in rows {
                    command.arg(&row.location).arg(row.format());
                }
            }
        }
        pipeline
    }
}

/// Calls of the script that an item takes; an item without rows is still loaded.
fn calls(item: &ItemRows) -> usize {
    item.rows.len().div_ceil(MAX_ROWS_PER_CALL).max(1)
}

/// Of each row of the item, whether it took effect.
fn applied(item: &ItemRows, answers: Vec<RedisResult<String>>) -> Result<Vec<bool>, CacheError> {
    let mut applied = Vec::with_capacity(item.rows.len());
    for answer in answers {
        applied.extend(answer?.bytes().map(|flag| flag == b'1'));
    }
    if applied.len() != item.rows.len() {
        let (got, sent) = (applied.len(), item.rows.len());
        return Err(CacheError::Unexpected(format!("{got} answers for {sent} rows")));
    }
    Ok(applied)
}

/// In a pipeline the error is wrapped; its text still names the code.
pub(super) fn is_no_script(error: &RedisError) -> bool {
    error.code() == Some("NOSCRIPT") || error.to_string().to_ascii_uppercase().contains("NOSCRIPT")
}

#[cfg(test)]
mod tests {
    use onhand_cdc::RowVersion;

    use super::*;

    fn item(rows: usize) -> ItemRows {
        ItemRows {
            item_id: Uuid::nil(),
            at_ms: 0,
            rows: (0..rows)
                .map(|n| StockRow::tombstone(&format!("W{n}"), RowVersion::new(1)))
                .collect(),
        }
    }

    #[test]
    fn an_error_or_a_missing_answer_is_that_of_its_item() {
        let flags = |text: &str| Ok(text.to_owned());
        assert_eq!(applied(&item(2), vec![flags("10")]).ok(), Some(vec![true, false]));
        assert!(matches!(
            applied(&item(2), vec![flags("1")]),
            Err(CacheError::Unexpected(_))
        ));
        let wrong_type = RedisError::from((redis::ErrorKind::UnexpectedReturnType, "WRONGTYPE"));
        assert!(matches!(
            applied(&item(2), vec![Err(wrong_type)]),
            Err(CacheError::Unavailable(_))
        ));
    }

    #[test]
    fn an_item_takes_as_many_calls_as_its_rows_need() {
        assert_eq!(calls(&item(0)), 1);
        assert_eq!(calls(&item(1)), 1);
        assert_eq!(calls(&item(MAX_ROWS_PER_CALL)), 1);
        assert_eq!(calls(&item(MAX_ROWS_PER_CALL + 1)), 2);
    }
}
