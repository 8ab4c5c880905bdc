//! Repair of hashes that do not hold what Postgres has.

use jiff::Timestamp;
use redis::{Pipeline, RedisError, Script};
use uuid::Uuid;

use super::cache::{CacheError, StockCache, is_no_script};
use super::row::StockRow;

const REPAIR: &str = concat!(include_str!("row.lua"), include_str!("repair.lua"));

/// A row as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowRepair {
    /// Location.
    pub location: String,
    /// The row; none removes what was seen.
    pub row: Option<StockRow>,
    /// The text that was seen there and is wrong; empty if nothing was.
    pub seen: String,
}

/// An item to put right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The item.
    pub item_id: Uuid,
    /// Whether Postgres has rows of it; then every one of them is among `rows`.
    pub known: bool,
    /// The rows.
    pub rows: Vec<RowRepair>,
}

impl StockCache {
    /// Writes rows that are missing or newer, replaces those that are still what was seen to be wrong, and works out all sums
    /// from the rows. A newer row is never touched.
    ///
    /// # Errors
    /// [`CacheError`] if Redis does not answer; all of it may be done again.
    pub async fn repair(&self, repairs: &[Repair]) -> Result<(), CacheError> {
        if repairs.is_empty() {
            return Ok(());
        }
        let script = Script::new(REPAIR);
        match self.evaluate_repairs(&script, repairs).await {
            Err(error) if is_no_script(&error) => {
                script.load_async(&mut self.connection()).await?;
                Ok(self.evaluate_repairs(&script, repairs).await?)
            }
            done => Ok(done?),
        }
    }

    /// Whether every item was loaded.
    ///
    /// # Errors
    /// [`CacheError`] if Redis does not answer.
    pub async fn is_warm(&self) -> Result<bool, CacheError> {
        let there: bool = redis::cmd("EXISTS")
            .arg(self.keys().warm())
            .query_async(&mut self.connection())
            .await?;
        Ok(there)
    }

    /// Takes the mark away that every item was loaded: the consumer loads all of them again, each under the guard of its versions.
    /// What is there goes on being read meanwhile.
    ///
    /// # Errors
    /// [`CacheError`] if Redis does not answer.
    pub async fn forget_warmth(&self) -> Result<(), CacheError> {
        redis::cmd("DEL")
            .arg(self.keys().warm())
            .exec_async(&mut self.connection())
            .await?;
        Ok(())
    }

    async fn evaluate_repairs(&self, script: &Script, repairs: &[Repair]) -> Result<(), RedisError> {
        let now_ms = Timestamp::now().as_millisecond();
        let mut pipeline = Pipeline::with_capacity(repairs.len());
        for repair in repairs {
            let command = pipeline.cmd("EVALSHA");
            command
                .arg(script.get_hash())
                .arg(1)
                .arg(self.keys().item(repair.item_id))
                .arg(u8::from(repair.known))
                .arg(now_ms);
            for row in &repair.rows {
                let text = row.row.as_ref().map(StockRow::format).unwrap_or_default();
                command.arg(&row.location).arg(text).arg(&row.seen);
            }
        }
        let _: Vec<i64> = pipeline.query_async(&mut self.connection()).await?;
        Ok(())
    }
}
