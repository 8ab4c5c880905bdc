//! Consumers: they carry change events from Kafka into read models, and what other systems send to Postgres.
//!
//! [`runtime`] is the one contract (batches, retries, dead letters, offsets, health, metrics); each
//! sink is one folder beside it, with the same file names as its neighbours: `config.rs`,
//! `model.rs`, `sink.rs`, `warm.rs`. To add a sink, copy a folder, implement
//! [`runtime::Sink`], and add it to [`SinkKind`] and [`run`].

pub mod alerts;
pub mod cache;
mod config;
pub mod ingest;
pub mod letters;
mod postgres;
pub mod publish;
pub mod runtime;
pub mod search;
pub mod sweep;
pub mod verify;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

pub use alerts::AlertsConfig;
pub use cache::{RedisConfig, StockCache};
pub use config::{ConsumerConfig, SinkKind};
pub use ingest::IngestConfig;
pub use publish::PublishConfig;
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
        SinkKind::Publish => Arc::new(publish::PublishSink::new(
            &config.publish,
            &config.kafka,
            &config.registry,
            rows,
        )?),
        SinkKind::Ingest => return run_ingest(config, token).await,
        SinkKind::Alerts => Arc::new(alerts::AlertsSink::new(&config, rows)?),
    };
    runtime::run(kind, config, sink, token).await
}

/// It reads something else than changes, and needs no rows.
async fn run_ingest(config: ConsumerConfig, token: CancellationToken) -> Result<(), ConsumerError> {
    let sink = ingest::IngestSink::new(&config.ingest, &config.database, &config.kafka, &config.registry)?;
    let sink: Arc<dyn Sink<ingest::Inbound>> = Arc::new(sink);
    runtime::run(SinkKind::Ingest, config, sink, token).await
}
