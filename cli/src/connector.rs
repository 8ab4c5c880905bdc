//! The connector definition that is part of the program.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

const DEFINITION: &str = include_str!("../../connectors/debezium-postgres.json");

/// Name and configuration of a connector, as Connect takes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Definition {
    /// Name.
    pub(crate) name: String,
    /// Options; addresses and secrets are placeholders that the worker fills in.
    pub(crate) config: Map<String, Value>,
}

impl Definition {
    /// The definition that this program was built with.
    pub(crate) fn built_in() -> Result<Self> {
        serde_json::from_str(DEFINITION).context("the connector definition is damaged")
    }

    /// Names of the tables that are captured for readers, without their schema.
    pub(crate) fn captured(&self) -> Vec<String> {
        let list = self.config.get("table.include.list").and_then(Value::as_str);
        list.unwrap_or_default()
            .replace('\\', "")
            .split(',')
            .filter_map(|table| table.strip_prefix("inventory."))
            .filter(|table| !table.starts_with("debezium_"))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use onhand_cdc::{Table, topics};

    fn option(name: &str) -> String {
        let definition = Definition::built_in().unwrap();
        definition.config.get(name).unwrap().as_str().unwrap().to_owned()
    }

    #[test]
    fn no_secret_and_no_address_is_written_down() {
        for name in ["hostname", "port", "dbname", "user", "password", "sslmode"] {
            let value = option(&format!("database.{name}"));
            assert!(value.starts_with("${env:ONHAND_CDC_"), "{name}: {value}");
        }
    }

    #[test]
    fn the_topics_are_those_that_the_consumers_read() {
        assert_eq!(option("topic.prefix"), topics::PREFIX);
        assert_eq!(format!("{}.inventory", option("topic.prefix")), topics::TABLE_PREFIX);
        let tables = option("table.include.list").replace('\\', "");
        for table in tables.split(',') {
            let topic = format!("{}.{table}", topics::PREFIX);
            assert!(topics::all().iter().any(|spec| spec.name == topic), "{topic}");
        }
    }

    #[test]
    fn every_table_with_a_topic_is_captured() {
        let captured = Definition::built_in().unwrap().captured();
        for table in Table::ALL {
            assert!(captured.iter().any(|name| name == table.name()), "{table}");
        }
        for table in topics::ANALYTICS_STATE.iter().chain(&topics::ANALYTICS_HISTORY) {
            assert!(captured.iter().any(|name| name == table), "{table}");
        }
        let known = Table::ALL.len() + topics::ANALYTICS_STATE.len() + topics::ANALYTICS_HISTORY.len();
        assert_eq!(captured.len(), known);
        let snapshots = topics::all()
            .into_iter()
            .find(|spec| spec.name == option("notification.sink.topic.name"));
        assert_eq!(snapshots.map(|spec| spec.partitions), Some(1));
    }
}
