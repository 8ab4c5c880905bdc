//! Consumers: they carry change events from Kafka into read models.
//!
//! [`runtime`] is the one contract (batches, retries, dead letters, offsets, health, metrics); each
//! sink is one folder beside it, with the same file names as its neighbours: `config.rs`,
//! `model.rs`, `sink.rs`, `warm.rs`. To add a sink, copy a folder, implement
//! [`runtime::Sink`], and add it to [`SinkKind`] and [`run`].

pub mod cache;
mod config;
mod postgres;
pub mod runtime;
pub mod search;
pub mod verify;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use cache::{RedisConfig, StockCache};
pub use config::{ConsumerConfig, SinkKind};
pub use runtime::{ConsumerError, RuntimeConfig};
pub use search::ElasticsearchConfig;
pub use verify::VerifyConfig;

use postgres::RowSource;
use runtime::Sink;

/// Runs one consumer until the token is cancelled or something happens that no retry can mend.
///
/// # Errors
/// [`ConsumerError`] says what; after it nothing is left running.
pub async fn run(kind: SinkKind, config: ConsumerConfig, token: CancellationToken) -> Result<(), ConsumerError> {
    config.validate()?;
    let rows = RowSource::new(&config.database)?;
    let sink: Arc<dyn Sink> = match kind {
        SinkKind::Cache => Arc::new(cache::CacheSink::new(&config.redis, rows)?),
        SinkKind::Search => Arc::new(search::SearchSink::new(&config.elasticsearch, rows)?),
    };
    runtime::run(kind, config, sink, token).await
}
