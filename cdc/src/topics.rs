//! Names, shapes and creation of the topics.

use std::collections::BTreeSet;
use std::time::Duration;

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::envelope::Table;
use crate::{Environment, KafkaConfig};

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
/// What the connector tells about its snapshots.
pub const NOTIFICATION: &str = "onhand.notification";
/// Stock events for other teams.
pub const STOCK_EVENTS: &str = "inventory.stock.events";
/// Inventory events from other teams.
pub const INVENTORY_EVENTS: &str = "inventory-events";
/// Balances by item and location after their latest change.
pub const STATE: &str = "inventory.state";
/// Balances by item.
pub const AGGREGATES: &str = "inventory-aggregates";
/// CloudEvents: each change of a balance.
pub const WAREHOUSE_UPDATED: &str = "warehouse.stock.updated";
/// CloudEvents: corrections.
pub const WAREHOUSE_ADJUSTED: &str = "warehouse.stock.adjusted";
/// CloudEvents: steps of transfers between locations.
pub const WAREHOUSE_TRANSFERRED: &str = "warehouse.stock.transferred";
/// CloudEvents: stock is held.
pub const WAREHOUSE_RESERVED: &str = "warehouse.stock.reserved";
/// CloudEvents: held stock is free again.
pub const WAREHOUSE_RELEASED: &str = "warehouse.stock.released";
/// CloudEvents: what is available fell to its threshold.
pub const WAREHOUSE_LOW_STOCK: &str = "warehouse.inventory.low_stock";
/// Every CloudEvents topic.
pub const WAREHOUSE: [&str; 6] = [
    WAREHOUSE_UPDATED,
    WAREHOUSE_ADJUSTED,
    WAREHOUSE_TRANSFERRED,
    WAREHOUSE_RESERVED,
    WAREHOUSE_RELEASED,
    WAREHOUSE_LOW_STOCK,
];
/// Inventory events that could not be applied, as they were, with the reason in their headers.
pub const INVENTORY_EVENTS_DLQ: &str = "inventory-events-dlq";
/// Commands from other systems.
pub const STOCK_COMMANDS: &str = "inventory.stock.commands";
/// Commands that were refused, each with its reason.
pub const STOCK_FAILURES: &str = "inventory.stock.failures";
/// Records of command topics that nobody could read, as they were.
pub const FAILURES: &str = "inventory.failures";
/// Which dead letters were sent again or dropped.
pub const DLQ_STATE: &str = "onhand.dlq.state";
/// Topics of refused commands, beside all whose names end like those of dead letters.
const FAILURE_TOPICS: [&str; 2] = [FAILURES, STOCK_FAILURES];
/// Consumer group of the cache sink.
pub const GROUP_CACHE: &str = "onhand.cache";
/// Consumer group of the search sink.
pub const GROUP_SEARCH: &str = "onhand.search";
/// Consumer group of the publish sink.
pub const GROUP_PUBLISH: &str = "onhand.publish";
/// Consumer group of the ingest sink.
pub const GROUP_INGEST: &str = "onhand.ingest";
/// Consumer group of the alerts sink.
pub const GROUP_ALERTS: &str = "onhand.alerts";

/// Tables the cache sink reads.
pub const CACHE_TABLES: [Table; 1] = [Table::StockLevel];
/// Tables the search sink reads.
pub const SEARCH_TABLES: [Table; 4] = [
    Table::Item,
    Table::StockLevel,
    Table::StockSummary,
    Table::StockMovement,
];
/// Tables the publish sink reads.
pub const PUBLISH_TABLES: [Table; 4] = [Table::StockMovement, Table::Item, Table::Location, Table::StockSummary];
/// Topics the ingest sink reads.
pub const INGEST_TOPICS: [&str; 2] = [INVENTORY_EVENTS, STOCK_COMMANDS];

/// Captured tables that no consumer of the product reads: they are there for those who analyse. State, compacted by key.
pub const ANALYTICS_STATE: [&str; 16] = [
    "item_unit",
    "bundle_component",
    "reason_code",
    "transfer",
    "transfer_line",
    "transfer_lot",
    "lot",
    "lot_level",
    "reservation_lot",
    "serial",
    "supplier",
    "item_supplier",
    "purchase_order",
    "purchase_order_line",
    "stock_count",
    "stock_count_line",
];
/// The same where rows are only added, kept by time as the ledger is.
pub const ANALYTICS_HISTORY: [&str; 2] = ["lot_movement", "serial_movement"];
/// Tables the alerts sink reads.
pub const ALERTS_TABLES: [Table; 1] = [Table::StockLevel];

const DAY_MS: &str = "86400000";
const WEEK_MS: &str = "604800000";
/// A poison record is evidence and can be replayed: it outlives a holiday.
const DLQ_RETENTION_MS: &str = "2592000000";
/// Largest record that other systems may send: Kafka's own default, said because senders count on it.
const INBOUND_MAX_BYTES: &str = "1048588";
/// A dead letter is its record and our headers, a failure embeds it: what fitted there must fit here.
const DLQ_MAX_BYTES: &str = "20971520";

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

    fn with(mut self, setting: &'static str, value: &'static str) -> Self {
        self.config.push((setting, value));
        self
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

/// Name of the dead letter topic of a topic and group. Topics that other systems write to have
/// one that their senders know, whatever the group is called.
pub fn dlq(topic: &str, group: &str) -> String {
    match topic {
        INVENTORY_EVENTS => INVENTORY_EVENTS_DLQ.to_owned(),
        STOCK_COMMANDS => FAILURES.to_owned(),
        _ => format!("{topic}.{group}.dlq"),
    }
}

/// The dead letter topic of a topic and group.
pub fn dlq_spec(topic: &str, group: &str) -> TopicSpec {
    TopicSpec::kept_by_time(&dlq(topic, group), 1, DLQ_RETENTION_MS).with("max.message.bytes", DLQ_MAX_BYTES)
}

/// Where refused commands are answered.
pub fn stock_failures_spec() -> TopicSpec {
    TopicSpec::kept_by_time(STOCK_FAILURES, 1, DLQ_RETENTION_MS).with("max.message.bytes", DLQ_MAX_BYTES)
}

/// Topics that other systems write to, and where they are answered. A segment goes as a whole, so a record stays for as
/// long again as its segment is written to: a day here, a week or two by the brokers' defaults. What may be read again
/// finds its idempotency key: they are kept a day longer than that (`api.purge_idempotency_keys`).
fn inbound() -> Vec<TopicSpec> {
    let mut specs = vec![stock_failures_spec()];
    for topic in INGEST_TOPICS {
        specs.push(
            TopicSpec::kept_by_time(topic, 4, WEEK_MS)
                .with("segment.ms", DAY_MS)
                .with("max.message.bytes", INBOUND_MAX_BYTES),
        );
        specs.push(dlq_spec(topic, GROUP_INGEST));
    }
    specs
}

/// Whether a topic holds records that were given up or refused.
pub fn holds_dead_letters(topic: &str) -> bool {
    topic.ends_with(".dlq") || topic.ends_with("-dlq") || FAILURE_TOPICS.contains(&topic)
}

/// The topic that keeps what was done about dead letters. One partition: it is read as a whole.
pub fn dlq_state_spec() -> TopicSpec {
    TopicSpec::compacted(DLQ_STATE.to_owned(), 1)
}

/// Every topic of the product.
pub fn all() -> Vec<TopicSpec> {
    let mut specs: Vec<TopicSpec> = Table::ALL.into_iter().map(table_spec).collect();
    let topic = |table: &str| format!("{TABLE_PREFIX}.{table}");
    specs.extend(ANALYTICS_STATE.map(|table| TopicSpec::compacted(topic(table), 1)));
    specs.extend(ANALYTICS_HISTORY.map(|table| TopicSpec::kept_by_time(&topic(table), 1, WEEK_MS)));
    specs.push(TopicSpec::kept_by_time(TRANSACTION, 1, DAY_MS));
    specs.push(TopicSpec::kept_by_time(HEARTBEAT, 1, DAY_MS));
    specs.push(TopicSpec::compacted(HEARTBEAT_TABLE.to_owned(), 1));
    specs.push(TopicSpec::kept_by_time(SIGNAL_TABLE, 1, WEEK_MS));
    specs.extend(published());
    specs.push(TopicSpec::kept_by_time(NOTIFICATION, 1, WEEK_MS));
    specs.push(dlq_state_spec());
    for (group, tables) in [
        (GROUP_CACHE, CACHE_TABLES.as_slice()),
        (GROUP_SEARCH, SEARCH_TABLES.as_slice()),
        (GROUP_PUBLISH, PUBLISH_TABLES.as_slice()),
        (GROUP_ALERTS, ALERTS_TABLES.as_slice()),
    ] {
        specs.extend(tables.iter().map(|table| dlq_spec(&table.topic(), group)));
    }
    specs.extend(inbound());
    specs
}

/// The topics that the publish sink writes, but for the one that is named after the environment.
pub fn published() -> Vec<TopicSpec> {
    let mut specs = vec![
        TopicSpec::kept_by_time(STOCK_EVENTS, 4, WEEK_MS),
        TopicSpec::compacted(STATE.to_owned(), 4),
        TopicSpec::compacted(AGGREGATES.to_owned(), 4),
    ];
    specs.extend(WAREHOUSE.map(|name| TopicSpec::kept_by_time(name, 4, WEEK_MS)));
    specs
}

/// The topic that is named after the environment. A deployment is one environment, so only the
/// publisher there makes it, and [`all`] does not list it.
pub fn environment_events(environment: Environment) -> TopicSpec {
    TopicSpec::kept_by_time(environment.events_topic(), 4, WEEK_MS)
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
    fn topics_of_dead_letters_are_known_by_their_names() {
        for name in [
            &dlq("onhand.inventory.item", GROUP_CACHE),
            "inventory-events-dlq",
            "inventory.failures",
        ] {
            assert!(holds_dead_letters(name), "{name}");
        }
        assert!(!holds_dead_letters(DLQ_STATE));
        assert!(!holds_dead_letters(&Table::Item.topic()));
    }

    #[test]
    fn each_consumed_topic_has_its_dead_letter_topic() {
        let names: Vec<String> = all().into_iter().map(|spec| spec.name).collect();
        assert!(names.contains(&"onhand.inventory.stock_level.onhand.cache.dlq".to_owned()));
        assert!(names.contains(&"onhand.inventory.item.onhand.search.dlq".to_owned()));
        assert!(names.contains(&"onhand.inventory.stock_movement.onhand.publish.dlq".to_owned()));
        for topic in INGEST_TOPICS {
            assert!(names.contains(&topic.to_owned()) && names.contains(&dlq(topic, "any")));
        }
        assert!(names.contains(&"inventory-events-dlq".to_owned()) && names.contains(&"inventory.failures".to_owned()));
    }
}
