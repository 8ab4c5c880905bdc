//! Postgres, Redis, Elasticsearch and the ledger, compared key by key.
//!
//! Postgres says what is right. The comparison goes through it in pages of items, so that its memory does not grow with
//! the stock, and is meant for a system at rest: while writes go on, what is on its way looks like a difference. Items
//! that differ are therefore looked at again for a moment before they are reported.

mod ledger;
mod page;
mod redis;
mod report;
mod search;

use std::collections::HashSet;
use std::time::Duration;

use onhand_cdc::ConfigError;
use onhand_db::{DatabaseConfig, DbError, Pool};
use tokio::time::Instant;
use uuid::Uuid;

use crate::cache::{CacheError, RedisConfig, StockCache};
use crate::search::ElasticsearchConfig;

pub use report::{Difference, Differences, Report};
pub use search::SearchError;

/// Items in one page; some thousand levels.
const PAGE: i64 = 250;
/// How many items that differ are looked at again; more of them are no matter of a moment.
const AGAIN: usize = 500;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// What is compared. A read model that is left out is not asked.
#[derive(Debug, Clone, Default)]
pub struct Targets {
    /// The system of record; its login needs the role `onhand_reader`.
    pub database: DatabaseConfig,
    /// The cache.
    pub redis: Option<RedisConfig>,
    /// The index.
    pub elasticsearch: Option<ElasticsearchConfig>,
}

/// Why a comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A setting that cannot work.
    #[error("{0}")]
    Config(String),
    /// Postgres cannot be read.
    #[error("postgres cannot be read")]
    Database(#[from] DbError),
    /// Redis cannot be read.
    #[error("redis cannot be read")]
    Redis(#[from] CacheError),
    /// Elasticsearch cannot be read.
    #[error("elasticsearch cannot be read")]
    Search(#[from] SearchError),
}

impl From<ConfigError> for CompareError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<::redis::RedisError> for CompareError {
    fn from(error: ::redis::RedisError) -> Self {
        Self::Redis(error.into())
    }
}

/// Compares everything once. What differs and is not settled within `patience` is reported.
///
/// # Errors
/// [`CompareError`] if one of the targets cannot be read; then nothing is known.
pub async fn run(targets: &Targets, patience: Duration) -> Result<Report, CompareError> {
    let comparison = Comparison::new(targets)?;
    let deadline = Instant::now() + patience;
    loop {
        let pass = comparison.pass().await?;
        if pass.differing.len() <= AGAIN {
            return comparison.settle(pass, deadline).await;
        }
        if Instant::now() >= deadline {
            let mut report = pass.report;
            report.merge(pass.strangers);
            return Ok(report);
        }
        // Far behind: the pipeline is still at work, so everything is looked at once more.
        tokio::time::sleep(PAUSE * 10).await;
    }
}

/// What one look at everything found.
#[derive(Debug, Default)]
struct Pass {
    /// By key of Postgres.
    report: Report,
    /// Keys that Postgres does not have.
    strangers: Report,
    /// Items that differ, or somewhat more than are looked at again.
    differing: HashSet<Uuid>,
}

struct Comparison {
    pool: Pool,
    cache: Option<redis::Cache>,
    search: Option<search::Search>,
}

impl Comparison {
    fn new(targets: &Targets) -> Result<Self, CompareError> {
        let pool = Pool::new(&targets.database).map_err(CompareError::Config)?;
        let cache = match &targets.redis {
            Some(config) => Some(redis::Cache::new(&StockCache::new(config)?)),
            None => None,
        };
        let search = match &targets.elasticsearch {
            Some(config) => Some(search::Search::new(config)?),
            None => None,
        };
        Ok(Self { pool, cache, search })
    }

    /// Goes through everything.
    async fn pass(&self) -> Result<Pass, CompareError> {
        let mut pass = Pass::default();
        let mut known = HashSet::new();
        let mut after = Uuid::nil();
        loop {
            let items = page::item_ids(&self.pool.get().await?, after, PAGE).await?;
            let Some(last) = items.last() else { break };
            after = *last;
            let report = self.items(&items).await?;
            if !report.is_equal() && pass.differing.len() <= AGAIN {
                pass.differing.extend(self.guilty(&items).await?);
            }
            known.extend(items);
            pass.report.merge(report);
        }
        if let Some(cache) = &self.cache {
            pass.strangers.redis = cache.strangers(&known).await?;
        }
        if let Some(search) = &self.search {
            pass.strangers.search = search.strangers(pass.report.levels, pass.report.items).await?;
        }
        Ok(pass)
    }

    /// Which of these items differ.
    async fn guilty(&self, items: &[Uuid]) -> Result<Vec<Uuid>, CompareError> {
        let mut guilty = Vec::new();
        for item in items {
            if !self.items(std::slice::from_ref(item)).await?.is_equal() {
                guilty.push(*item);
            }
        }
        Ok(guilty)
    }

    /// Looks at the items that differ until they are equal or time is up.
    async fn settle(&self, pass: Pass, deadline: Instant) -> Result<Report, CompareError> {
        let Pass {
            report,
            strangers,
            mut differing,
        } = pass;
        let mut settled = Report {
            levels: report.levels,
            items: report.items,
            movements: report.movements,
            ..strangers
        };
        loop {
            let mut left = Report::default();
            let mut still = HashSet::new();
            for item in &differing {
                let found = self.items(std::slice::from_ref(item)).await?;
                if !found.is_equal() {
                    still.insert(*item);
                    left.merge(Report {
                        levels: 0,
                        items: 0,
                        movements: 0,
                        ..found
                    });
                }
            }
            differing = still;
            if differing.is_empty() || Instant::now() >= deadline {
                settled.merge(left);
                return Ok(settled);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Compares these items in all targets at once.
    async fn items(&self, items: &[Uuid]) -> Result<Report, CompareError> {
        let client = self.pool.get().await?;
        let levels = page::levels(&client, items).await?;
        let documents = page::items(&client, items).await?;
        let mut report = Report {
            levels: levels
                .iter()
                .map(|item| u64::try_from(item.levels.len()).unwrap_or(0))
                .sum(),
            items: u64::try_from(documents.len()).unwrap_or(0),
            ..Report::default()
        };
        let cache = async {
            match &self.cache {
                Some(cache) => Ok(cache.compare(&levels).await?),
                None => Ok::<_, CompareError>(Differences::default()),
            }
        };
        let search = async {
            let Some(search) = &self.search else {
                return Ok(Differences::default());
            };
            let mut found = search.compare_levels(&levels).await?;
            found.merge(search.compare_items(documents).await?);
            Ok::<_, CompareError>(found)
        };
        let ledger = async { Ok::<_, CompareError>(ledger::compare(&client, items).await?) };
        let (cache, search, (ledger, movements)) = tokio::try_join!(cache, search, ledger)?;
        report.redis = cache;
        report.search = search;
        report.ledger = ledger;
        report.movements = movements;
        Ok(report)
    }
}
