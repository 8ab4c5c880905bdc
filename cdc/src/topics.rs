//! Names, shapes and creation of the topics.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::KafkaConfig;
use crate::envelope::Table;

/// `topic.prefix` of the connector.
pub const PREFIX: &str = "onhand";
/// Prefix of the topics that carry tables.
pub const TABLE_PREFIX: &str = "onhand.inventory";
/// Transaction boundaries (`provide.transaction.metadata`).
pub const TRANSACTION: &str = "onhand.transaction";
/// Heartbeats of the connector.
pub const HEARTBEAT: &str = "__debezium-heartbeat.onhand";
/// Changes of the heartbeat table, written so that the slot moves while the database is idle.
pub const HEARTBEAT_TABLE: &str = "onhand.inventory.debezium_heartbeat";
/// Changes of the signal table.
pub const SIGNAL_TABLE: &str = "onhand.inventory.debezium_signal";
/// Stock events for other teams.
pub const STOCK_EVENTS: &str = "inventory.stock.events";
/// Inventory events from other teams.
pub const INVENTORY_EVENTS: &str = "inventory-events";
/// Consumer group of the cache sink.
pub const GROUP_CACHE: &str = "onhand.cache";
/// Consumer group of the search sink.
pub const GROUP_SEARCH: &str = "onhand.search";

/// Tables the cache sink reads.
pub const CACHE_TABLES: [Table; 1] = [Table::StockLevel];
/// Tables the search sink reads.
pub const SEARCH_TABLES: [Table; 4] = [
    Table::Item,
    Table::StockLevel,
    Table::StockSummary,
    Table::StockMovement,
];

const DAY_MS: &str = "86400000";
const WEEK_MS: &str = "604800000";
/// A poison record is evidence and can be replayed: it outlives a holiday.
const DLQ_RETENTION_MS: &str = "2592000000";

/// Topics could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    /// The client could not be made, or the broker did not answer.
    #[error("kafka did not answer about topics")]
    Kafka(#[from] KafkaError),
    /// The broker refuses one topic.
    #[error("topic '{topic}' was refused: {reason}")]
    Refused {
        /// The topic.
        topic: String,
        /// The broker's word.
        reason: RDKafkaErrorCode,
    },
}

/// A topic as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name.
    pub name: String,
    /// Number of partitions, when it is made. An existing topic is left alone: more partitions
    /// would move keys and break their order.
    pub partitions: i32,
    /// Topic settings that differ from the broker's.
    pub config: Vec<(&'static str, &'static str)>,
}

impl TopicSpec {
    fn kept_by_time(name: &str, partitions: i32, retention_ms: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            partitions,
            config: vec![("cleanup.policy", "delete"), ("retention.ms", retention_ms)],
        }
    }

    fn compacted(name: String, partitions: i32) -> Self {
        Self {
            name,
            partitions,
            config: vec![
                ("cleanup.policy", "compact"),
                // A reader that was away for a week still sees the deletes.
                ("delete.retention.ms", WEEK_MS),
            ],
        }
    }
}

/// What [`ensure`] did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TopicsReport {
    /// Topics that were made now.
    pub created: Vec<String>,
    /// Topics that were there.
    pub existing: Vec<String>,
}

/// Name of the dead letter topic of a topic and group.
pub fn dlq(topic: &str, group: &str) -> String {
    format!("{topic}.{group}.dlq")
}

/// The dead letter topic of a topic and group.
pub fn dlq_spec(topic: &str, group: &str) -> TopicSpec {
    TopicSpec::kept_by_time(&dlq(topic, group), 1, DLQ_RETENTION_MS)
}

/// Every topic of the product.
pub fn all() -> Vec<TopicSpec> {
    let mut specs: Vec<TopicSpec> = Table::ALL.into_iter().map(table_spec).collect();
    specs.push(TopicSpec::kept_by_time(TRANSACTION, 1, DAY_MS));
    specs.push(TopicSpec::kept_by_time(HEARTBEAT, 1, DAY_MS));
    specs.push(TopicSpec::compacted(HEARTBEAT_TABLE.to_owned(), 1));
    specs.push(TopicSpec::kept_by_time(SIGNAL_TABLE, 1, WEEK_MS));
    for (group, tables) in [
        (GROUP_CACHE, CACHE_TABLES.as_slice()),
        (GROUP_SEARCH, SEARCH_TABLES.as_slice()),
    ] {
        specs.extend(tables.iter().map(|table| dlq_spec(&table.topic(), group)));
    }
    specs
}

/// State is compacted by primary key, the ledger is kept by time. Partitions: enough to spread
/// the hot tables over several consumers, few enough for one small broker.
fn table_spec(table: Table) -> TopicSpec {
    match table {
        Table::StockMovement => TopicSpec::kept_by_time(&table.topic(), 4, WEEK_MS),
        Table::StockLevel | Table::StockSummary | Table::Reservation | Table::ReservationLine | Table::Item => {
            TopicSpec::compacted(table.topic(), 4)
        }
        Table::Category | Table::Location => TopicSpec::compacted(table.topic(), 1),
    }
}

/// Makes every topic of the product that is missing. Safe to run again and beside another.
pub async fn ensure(config: &KafkaConfig) -> Result<TopicsReport, TopicsError> {
    ensure_these(config, &all()).await
}

/// Makes those of the given topics that are missing.
pub async fn ensure_these(config: &KafkaConfig, specs: &[TopicSpec]) -> Result<TopicsReport, TopicsError> {
    let known = existing(config).await?;
    let (present, missing): (Vec<_>, Vec<_>) = specs.iter().partition(|spec| known.contains(&spec.name));
    let mut report = TopicsReport {
        created: Vec::new(),
        existing: present.into_iter().map(|spec| spec.name.clone()).collect(),
    };
    if missing.is_empty() {
        return Ok(report);
    }
    let admin: AdminClient<DefaultClientContext> = config.client().create()?;
    let wanted: Vec<NewTopic<'_>> = missing
        .into_iter()
        .map(|spec| new_topic(spec, config.replication_factor))
        .collect();
    let options = AdminOptions::new()
        .request_timeout(Some(config.request_timeout()))
        .operation_timeout(Some(config.request_timeout()));
    for result in admin.create_topics(&wanted, &options).await? {
        match result {
            Ok(name) => report.created.push(name),
            Err((name, RDKafkaErrorCode::TopicAlreadyExists)) => report.existing.push(name),
            Err((topic, reason)) => return Err(TopicsError::Refused { topic, reason }),
        }
    }
    Ok(report)
}

fn new_topic(spec: &TopicSpec, replication: i32) -> NewTopic<'_> {
    spec.config.iter().fold(
        NewTopic::new(&spec.name, spec.partitions, TopicReplication::Fixed(replication)),
        |topic, (key, value)| topic.set(key, value),
    )
}

/// Names of the topics that are there. The metadata call blocks, so it runs on its own thread.
async fn existing(config: &KafkaConfig) -> Result<BTreeSet<String>, KafkaError> {
    let client = config.client();
    let timeout: Duration = config.request_timeout();
    let listed = tokio::task::spawn_blocking(move || {
        let consumer: BaseConsumer = client.create()?;
        let metadata = consumer.fetch_metadata(None, timeout)?;
        Ok(metadata.topics().iter().map(|topic| topic.name().to_owned()).collect())
    });
    match listed.await {
        Ok(names) => names,
        Err(_) => Err(KafkaError::Canceled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_topic_is_named_once_and_short_enough_for_kafka() {
        let specs = all();
        let names: BTreeSet<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        assert_eq!(names.len(), specs.len());
        assert!(names.iter().all(|name| name.len() <= 249));
    }

    #[test]
    fn state_is_compacted_and_the_ledger_is_kept_by_time() {
        let policy = |table: Table| {
            table_spec(table)
                .config
                .iter()
                .find(|(key, _)| *key == "cleanup.policy")
                .map(|(_, value)| *value)
        };
        assert_eq!(policy(Table::StockLevel), Some("compact"));
        assert_eq!(policy(Table::StockSummary), Some("compact"));
        assert_eq!(policy(Table::StockMovement), Some("delete"));
    }

    #[test]
    fn each_consumed_topic_has_its_dead_letter_topic() {
        let names: Vec<String> = all().into_iter().map(|spec| spec.name).collect();
        assert!(names.contains(&"onhand.inventory.stock_level.onhand.cache.dlq".to_owned()));
        assert!(names.contains(&"onhand.inventory.item.onhand.search.dlq".to_owned()));
    }
}
