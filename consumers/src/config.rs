//! All settings of one consumer process.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use onhand_cdc::topics;
use onhand_cdc::{ConfigError, KafkaConfig, RegistryConfig, Table};
use onhand_db::DatabaseConfig;
use serde::Deserialize;

use crate::alerts::AlertsConfig;
use crate::cache::RedisConfig;
use crate::ingest::IngestConfig;
use crate::publish::PublishConfig;
use crate::runtime::RuntimeConfig;
use crate::search::ElasticsearchConfig;

/// Which read model a consumer keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkKind {
    /// Availability in Redis.
    Cache,
    /// Items and stock in Elasticsearch.
    Search,
    /// The public event contracts.
    Publish,
    /// None: what other systems send becomes commands.
    Ingest,
    /// Alerts in Postgres, and whoever is to hear of them.
    Alerts,
}

impl SinkKind {
    /// Every kind.
    pub const ALL: [SinkKind; 5] = [Self::Cache, Self::Search, Self::Alerts, Self::Publish, Self::Ingest];

    /// Name in commands, metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Search => "search",
            Self::Publish => "publish",
            Self::Ingest => "ingest",
            Self::Alerts => "alerts",
        }
    }

    /// Consumer group, unless the settings name another.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Cache => topics::GROUP_CACHE,
            Self::Search => topics::GROUP_SEARCH,
            Self::Publish => topics::GROUP_PUBLISH,
            Self::Ingest => topics::GROUP_INGEST,
            Self::Alerts => topics::GROUP_ALERTS,
        }
    }

    /// Records in one batch at most, unless the settings say otherwise. Where each becomes several records, with their texts in memory
    /// until all are confirmed, a larger batch costs memory and gains nothing.
    pub const fn batch_max_records(self) -> usize {
        match self {
            Self::Cache => 1_000,
            // Of each row only the newest version is written, and what waits is often about the same rows. More would take more memory than
            // it saves time.
            Self::Search => 1_500,
            // A level that is judged comes with its rules and what was told of it.
            Self::Alerts => 500,
            Self::Publish | Self::Ingest => 250,
        }
    }

    /// Bytes that a fetch gathers, unless the settings say otherwise: see `fetch_min_bytes` there.
    pub(crate) const fn fetch_min_bytes(self) -> u32 {
        match self {
            Self::Cache | Self::Ingest => 1,
            Self::Search | Self::Publish | Self::Alerts => 64 * 1024,
        }
    }

    /// Tables this read model is made of.
    pub const fn tables(self) -> &'static [Table] {
        match self {
            Self::Cache => &topics::CACHE_TABLES,
            Self::Search => &topics::SEARCH_TABLES,
            Self::Publish => &topics::PUBLISH_TABLES,
            Self::Ingest => &[],
            Self::Alerts => &topics::ALERTS_TABLES,
        }
    }

    /// Topics of our own contracts that it reads beside the tables.
    pub const fn contract_topics(self) -> &'static [&'static str] {
        match self {
            Self::Ingest => &topics::INGEST_TOPICS,
            _ => &[],
        }
    }

    /// Every topic that it reads, where tables have this prefix.
    pub fn topics(self, table_prefix: &str) -> Vec<String> {
        let tables = self
            .tables()
            .iter()
            .map(|table| format!("{table_prefix}.{}", table.name()));
        tables
            .chain(self.contract_topics().iter().map(ToString::to_string))
            .collect()
    }

    /// Where metrics and health listen, unless the settings say so.
    pub fn default_listen(self) -> SocketAddr {
        let port = match self {
            Self::Cache => 17_094,
            Self::Search => 17_095,
            Self::Publish => 17_098,
            Self::Ingest => 17_099,
            Self::Alerts => 17_097,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

impl FromStr for SinkKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("'{name}' is no sink; there are {names}")
        })
    }
}

/// Everything one consumer process needs to know.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerConfig {
    /// Kafka.
    pub kafka: KafkaConfig,
    /// Schema registry.
    pub registry: RegistryConfig,
    /// Redis, written by the cache sink.
    pub redis: RedisConfig,
    /// Elasticsearch, written by the search sink.
    pub elasticsearch: ElasticsearchConfig,
    /// The public contracts, written by the publish sink.
    pub publish: PublishConfig,
    /// Rules and receivers of the alerts sink.
    pub alerts: AlertsConfig,
    /// Postgres, read to warm an empty read model. The login needs the role `onhand_reader`, and for the alerts sink
    /// `onhand_alerts`.
    pub database: DatabaseConfig,
    /// What other systems send, applied by the ingest sink.
    pub ingest: IngestConfig,
    /// The runtime around the sink.
    pub runtime: RuntimeConfig,
}

impl ConsumerConfig {
    /// Refuses settings that cannot work, before anything is started.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.kafka.validate()?;
        self.registry.validate()?;
        self.redis.validate()?;
        self.elasticsearch.validate()?;
        self.publish.validate()?;
        self.alerts.validate()?;
        self.database
            .validate()
            .map_err(|problem| ConfigError::new("database", problem))?;
        self.ingest.validate()?;
        self.runtime.validate()
    }
}
