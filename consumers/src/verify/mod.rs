//! Postgres, Redis, Elasticsearch and the ledger compared, and what differs put right.
//!
//! Postgres says what is right. A run goes through it in pages of items, so that its memory does not grow with the stock and no
//! query lasts long. Of each page, digests of sixteen buckets are compared; only a bucket that differs is compared key by key
//! (`digest.rs`, `source.rs`). Then it asks each read model for keys that Postgres does not have.
//!
//! Writes go on meanwhile, so what differs at first is only suspected. It is looked at again until it is equal, or has moved on, or
//! the pipeline has passed a mark behind the first look (`settle.rs`, `progress.rs`): a read model that is behind is not wrong, and
//! is reported as behind. `repair.rs` writes under the same guard as the consumers do.

mod config;
mod digest;
mod duty;
mod ledger;
pub mod metrics;
mod movements;
mod progress;
mod redis;
mod repair;
mod report;
mod scan;
mod search;
mod settle;
mod source;

use std::sync::Mutex;
use std::time::Duration;

use onhand_cdc::{ConfigError, KafkaConfig, error_chain};
use onhand_db::{DatabaseConfig, DbError};
use tokio::time::Instant;

use crate::cache::{CacheError, RedisConfig, StockCache};
use crate::postgres::RowSourceError;
use crate::search::{ClientError, ElasticsearchConfig};
use movements::Rotation;
use progress::Progress;
use source::Source;

pub use config::VerifyConfig;
pub use duty::run;
pub use report::{Difference, Kind, Report, Store, StoreReport};

/// What is compared. A read model that is left out is not asked.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// The system of record; its login needs the role `onhand_reader`.
    pub database: DatabaseConfig,
    /// What carries the changes: tells whether a read model is behind.
    pub kafka: KafkaConfig,
    /// What comes before the table in the name of a topic.
    pub topic_prefix: String,
    /// The cache.
    pub redis: Option<RedisConfig>,
    /// The indexes.
    pub elasticsearch: Option<ElasticsearchConfig>,
}

/// How one run goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long to wait for a read model that is behind.
    pub wait: Duration,
    /// Whether to put right what differs.
    pub repair: bool,
    /// Items in one page.
    pub page_items: u32,
    /// Share of its time, in percent, that the run works.
    pub duty_percent: u32,
    /// Adds up the ledger of one sixteenth of the items only: that of this number, modulo sixteen. All of it if none is given.
    pub turn: Option<u8>,
    /// Compares about so many movements with their documents, from where the last run of the same [`Verifier`] ended, and of one
    /// sixteenth of the items every document. All of them by their sums if none is given.
    pub movements: Option<u64>,
    /// How many differences the report lists; all are counted.
    pub keep: usize,
}

impl Default for Options {
    /// One run at full speed that changes nothing.
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(60),
            repair: false,
            page_items: VerifyConfig::default().page_items,
            duty_percent: 100,
            turn: None,
            movements: None,
            keep: 10,
        }
    }
}

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A setting that cannot work.
    #[error("{0}")]
    Config(String),
    /// Postgres cannot be read.
    #[error("postgres cannot be read")]
    Database(#[from] DbError),
    /// Redis cannot be read.
    #[error("redis cannot be read")]
    Redis(#[from] CacheError),
    /// Elasticsearch cannot be read, or refuses.
    #[error("elasticsearch: {0}")]
    Search(String),
}

impl From<ConfigError> for VerifyError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<::redis::RedisError> for VerifyError {
    fn from(error: ::redis::RedisError) -> Self {
        Self::Redis(error.into())
    }
}

impl From<RowSourceError> for VerifyError {
    fn from(error: RowSourceError) -> Self {
        Self::Config(error_chain(&error))
    }
}

impl From<ClientError> for VerifyError {
    fn from(error: ClientError) -> Self {
        Self::Search(error.to_string())
    }
}

/// Compares, again and again if wanted. Connects when it first needs to.
pub struct Verifier {
    source: Source,
    progress: Progress,
    cache: Option<redis::Cache>,
    search: Option<search::Search>,
    rotation: Mutex<Rotation>,
}

impl Verifier {
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(targets: &Targets) -> Result<Self, VerifyError> {
        let cache = match &targets.redis {
            Some(config) => Some(redis::Cache::new(StockCache::new(config)?)),
            None => None,
        };
        let search = match &targets.elasticsearch {
            Some(config) => Some(search::Search::new(config)?),
            None => None,
        };
        Ok(Self {
            source: Source::new(&targets.database)?,
            progress: Progress::new(&targets.kafka, &targets.topic_prefix),
            cache,
            search,
            rotation: Mutex::default(),
        })
    }

    /// Compares everything once.
    ///
    /// # Errors
    /// [`VerifyError`] if one of the targets cannot be read; then nothing is known.
    pub async fn verify(&self, options: &Options) -> Result<Report, VerifyError> {
        let started = Instant::now();
        let mut report = Report::keeping(options.keep);
        let suspects = self.scan(options, &mut report).await?;
        let settled = self.settle(suspects, options.wait).await?;
        for (store, why) in settled.lag {
            report.store(store).lag = why;
        }
        for finding in &settled.behind {
            let store = report.store(finding.place.store());
            store.behind = store.behind.saturating_add(1);
        }
        let left = if options.repair {
            self.repair(&settled.confirmed).await?
        } else {
            settled.confirmed.iter().map(key).collect()
        };
        for finding in &settled.confirmed {
            report.add(finding, !left.contains(&key(finding)));
        }
        report.seconds = started.elapsed().as_secs_f64();
        Ok(report)
    }
}

fn key(finding: &report::Finding) -> (report::Place, String) {
    (finding.place, finding.id.clone())
}
