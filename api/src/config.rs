//! Settings of the HTTP interface, one struct per concern. Every field has a default that works on
//! one machine; `validate` is called before anything is started.

use std::net::SocketAddr;
use std::time::Duration;

use onhand_consumers::{ElasticsearchConfig, RedisConfig};
use onhand_db::DatabaseConfig;
use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::housekeeping::HousekeepingConfig;
use crate::summaries::SummaryConfig;

/// `api.apply_commands` refuses larger batches.
const MAX_LANE_BATCH: usize = 1_000;
/// More than this and the lanes only wait for each other's row locks.
const MAX_LANES: usize = 16;

/// Everything one API process needs to know.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiServerConfig {
    /// The HTTP interface itself.
    pub api: ApiConfig,
    /// Postgres.
    pub database: DatabaseConfig,
    /// Redis, read for availability.
    pub redis: RedisConfig,
    /// Elasticsearch, read for product search.
    pub elasticsearch: ElasticsearchConfig,
}

impl ApiServerConfig {
    /// Checks what a type cannot say.
    ///
    /// # Errors
    /// [`ApiError::Config`] names the first setting that cannot work.
    pub fn validate(&self) -> Result<(), ApiError> {
        self.api.validate()
    }
}

/// Listeners, limits and time-outs of the HTTP interface.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApiConfig {
    /// Address of the public interface.
    pub listen: SocketAddr,
    /// Address of the metrics listener, which is not meant for clients.
    pub metrics_listen: SocketAddr,
    /// Largest request body in bytes; a larger one is answered with 413.
    pub max_body_bytes: usize,
    /// A request that takes longer is answered with 503.
    pub request_timeout_ms: u64,
    /// How long open requests may take to finish after SIGTERM.
    pub shutdown_deadline_ms: u64,
    /// How long the process goes on serving after it reports itself not ready, so that load
    /// balancers notice first. 0 on one machine.
    pub drain_delay_ms: u64,
    /// The write lanes.
    pub lane: LaneConfig,
    /// The reads.
    pub read: ReadConfig,
    /// The sweep of expired holds.
    pub upkeep: UpkeepConfig,
    /// What the database needs done now and then.
    pub housekeeping: HousekeepingConfig,
    /// The summaries and reports.
    pub summaries: SummaryConfig,
}

/// How concurrent writes are gathered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LaneConfig {
    /// Number of lanes: calls of `api.apply_commands` that can be under way at once.
    pub lanes: usize,
    /// Most commands in one call.
    pub max_batch: usize,
    /// Commands that may wait in front of one lane; the next one is answered with 503.
    pub queue: usize,
    /// How often a batch is tried again after a deadlock, a serialization failure or a connection
    /// that could not be made. Never after a failure whose outcome is unknown.
    pub max_retries: u32,
}

/// How reads are answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadConfig {
    /// Longest wait for Redis before Postgres is asked.
    pub redis_timeout_ms: u64,
    /// Longest wait for Elasticsearch.
    pub search_timeout_ms: u64,
    /// How long a read whose token is ahead of Redis waits for the write to arrive there before Postgres is asked.
    /// A write is there after some 10 ms; 0 asks Postgres at once.
    pub token_wait_ms: u64,
    /// How long a search whose token is ahead of Elasticsearch waits; then it is answered with 503.
    pub token_search_wait_ms: u64,
    /// Entries of the in-process map between sku and item id.
    pub identity_cache_entries: u64,
    /// Life of one such entry.
    pub identity_cache_ttl_ms: u64,
    /// Items of one batch read that may be looked up in Postgres at the same time.
    pub fallback_concurrency: usize,
}

/// The sweep of expired holds, which one instance at a time carries out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UpkeepConfig {
    /// Whether this process takes part.
    pub enabled: bool,
    /// Pause between two sweeps of expired holds.
    pub sweep_interval_ms: u64,
    /// Holds expired by one call.
    pub sweep_batch: i32,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 17_080)),
            metrics_listen: SocketAddr::from(([127, 0, 0, 1], 17_090)),
            max_body_bytes: 1024 * 1024,
            request_timeout_ms: 10_000,
            shutdown_deadline_ms: 10_000,
            drain_delay_ms: 0,
            lane: LaneConfig::default(),
            read: ReadConfig::default(),
            upkeep: UpkeepConfig::default(),
            housekeeping: HousekeepingConfig::default(),
            summaries: SummaryConfig::default(),
        }
    }
}

impl Default for LaneConfig {
    fn default() -> Self {
        // Two lanes keep Postgres busy while one batch commits; 256 is where the measured gain of
        // larger batches ends.
        Self {
            lanes: 2,
            max_batch: 256,
            queue: 8_192,
            max_retries: 3,
        }
    }
}

impl Default for ReadConfig {
    fn default() -> Self {
        Self {
            redis_timeout_ms: 100,
            search_timeout_ms: 2_000,
            token_wait_ms: 20,
            token_search_wait_ms: 3_000,
            identity_cache_entries: 100_000,
            identity_cache_ttl_ms: 600_000,
            fallback_concurrency: 8,
        }
    }
}

impl Default for UpkeepConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            sweep_interval_ms: 1_000,
            sweep_batch: 1_000,
        }
    }
}

impl ApiConfig {
    /// Longest time one request may take.
    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    /// Longest time a clean shutdown may take.
    #[must_use]
    pub fn shutdown_deadline(&self) -> Duration {
        Duration::from_millis(self.shutdown_deadline_ms)
    }

    fn validate(&self) -> Result<(), ApiError> {
        check("api.max_body_bytes", self.max_body_bytes >= 1_024, "at least 1024")?;
        check("api.request_timeout_ms", self.request_timeout_ms >= 10, "at least 10")?;
        check("api.lane.lanes", (1..=MAX_LANES).contains(&self.lane.lanes), "1 to 16")?;
        check(
            "api.lane.max_batch",
            (1..=MAX_LANE_BATCH).contains(&self.lane.max_batch),
            "1 to 1000",
        )?;
        check("api.lane.queue", self.lane.queue >= 1, "at least 1")?;
        check("api.lane.max_retries", self.lane.max_retries <= 20, "at most 20")?;
        check(
            "api.read.redis_timeout_ms",
            self.read.redis_timeout_ms >= 1,
            "at least 1",
        )?;
        check(
            "api.read.search_timeout_ms",
            self.read.search_timeout_ms >= 1,
            "at least 1",
        )?;
        check(
            "api.read.token_wait_ms",
            self.read.token_wait_ms <= 5_000,
            "at most 5000",
        )?;
        check(
            "api.read.token_search_wait_ms",
            self.read.token_search_wait_ms < self.request_timeout_ms,
            "less than api.request_timeout_ms",
        )?;
        check(
            "api.read.fallback_concurrency",
            self.read.fallback_concurrency >= 1,
            "at least 1",
        )?;
        check(
            "api.upkeep.sweep_interval_ms",
            self.upkeep.sweep_interval_ms >= 10,
            "at least 10",
        )?;
        check("api.upkeep.sweep_batch", self.upkeep.sweep_batch >= 1, "at least 1")?;
        self.housekeeping.validate()?;
        self.summaries.validate()
    }
}

/// Names a setting that cannot work.
pub(crate) fn check(setting: &'static str, holds: bool, must_be: &'static str) -> Result<(), ApiError> {
    if holds {
        Ok(())
    } else {
        Err(ApiError::Config { setting, must_be })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn defaults_are_valid() {
        ApiConfig::default().validate().unwrap();
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let mut config = ApiConfig::default();
        config.lane.lanes = 0;
        let error = config.validate().unwrap_err().to_string();
        assert_eq!(error, "setting api.lane.lanes must be 1 to 16");
    }
}
