//! Settings of the publisher.

use std::collections::BTreeSet;
use std::time::Duration;

use onhand_cdc::{ConfigError, Environment};
use serde::Deserialize;

/// A group of contracts that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// `inventory.stock.events`.
    StockEvents,
    /// `inventory.<env>.events`.
    CatalogueEvents,
    /// `inventory.state`.
    State,
    /// The six topics `warehouse.*`.
    CloudEvents,
    /// `inventory-aggregates`.
    Aggregates,
}

impl Output {
    /// Every output.
    pub const ALL: [Output; 5] = [
        Self::StockEvents,
        Self::CatalogueEvents,
        Self::State,
        Self::CloudEvents,
        Self::Aggregates,
    ];
}

/// What is published, and how (section `publish`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PublishConfig {
    /// The environment in the name of topic `inventory.<env>.events`: `dev`, `sit` or `prod`.
    pub env: Environment,
    /// `source` of the CloudEvents: a URI reference that names this inventory.
    pub source: String,
    /// What is published. An output that is left out for a while has a gap when it comes back.
    pub outputs: BTreeSet<Output>,
    /// How long a record may wait for its confirmation before everything that is under way is taken back and sent again.
    pub delivery_timeout_ms: u64,
    /// How long a record may wait for company in its request.
    pub linger_ms: u64,
    /// Bytes that may wait for their confirmation.
    pub queue_max_bytes: usize,
    /// Bytes for items that are kept at hand; the others are read when an event names them.
    pub item_table_bytes: usize,
    /// Bytes for stock levels whose thresholds are kept at hand.
    pub level_table_bytes: usize,
}

impl Default for PublishConfig {
    fn default() -> Self {
        Self {
            env: Environment::default(),
            source: "/onhand/inventory".to_owned(),
            outputs: Output::ALL.into(),
            delivery_timeout_ms: 30_000,
            linger_ms: 25,
            queue_max_bytes: 2 * 1024 * 1024,
            item_table_bytes: 4 * 1024 * 1024,
            level_table_bytes: 2 * 1024 * 1024,
        }
    }
}

impl PublishConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.source.is_empty()
            || self
                .source
                .chars()
                .any(|letter| letter.is_whitespace() || letter.is_control())
        {
            return Err(ConfigError::new("publish.source", "is no URI reference"));
        }
        if self.outputs.is_empty() {
            return Err(ConfigError::new("publish.outputs", "must name at least one output"));
        }
        // librdkafka counts in kilobytes, and one record must fit.
        if self.queue_max_bytes < 1024 * 1024 {
            return Err(ConfigError::new("publish.queue_max_bytes", "must be at least 1 MiB"));
        }
        // Beyond two minutes the process would count as stuck.
        if !(1..=60_000).contains(&self.delivery_timeout_ms) {
            return Err(ConfigError::new("publish.delivery_timeout_ms", "must be 1 to 60000"));
        }
        if self.linger_ms >= self.delivery_timeout_ms {
            return Err(ConfigError::new(
                "publish.linger_ms",
                "must be less than publish.delivery_timeout_ms",
            ));
        }
        Ok(())
    }

    pub(super) fn has(&self, output: Output) -> bool {
        self.outputs.contains(&output)
    }

    /// Both low stock contracts need the thresholds of the level.
    pub(super) fn has_low_stock(&self) -> bool {
        self.has(Output::CatalogueEvents) || self.has(Output::CloudEvents)
    }

    pub(super) fn delivery_timeout(&self) -> Duration {
        Duration::from_millis(self.delivery_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_valid_and_nonsense_is_not() {
        let good = PublishConfig::default();
        good.validate().unwrap();
        let bad = [
            PublishConfig {
                source: "two words".to_owned(),
                ..good.clone()
            },
            PublishConfig {
                outputs: BTreeSet::new(),
                ..good.clone()
            },
            PublishConfig {
                delivery_timeout_ms: 0,
                ..good.clone()
            },
            PublishConfig {
                queue_max_bytes: 10,
                ..good.clone()
            },
            PublishConfig {
                linger_ms: 30_000,
                ..good
            },
        ];
        for config in bad {
            assert!(config.validate().is_err(), "{config:?}");
        }
    }

    #[test]
    fn outputs_are_named_as_the_settings_name_them() {
        let config: PublishConfig = serde_json::from_str(
            r#"{"env": "sit", "outputs": ["stock_events", "catalogue_events", "state", "cloud_events"]}"#,
        )
        .unwrap();
        assert_eq!(config.env, Environment::Sit);
        assert!(config.has_low_stock() && !config.has(Output::Aggregates));
        assert!(serde_json::from_str::<PublishConfig>(r#"{"env": "test"}"#).is_err());
    }
}
