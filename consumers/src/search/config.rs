//! Settings of the search index.

use std::time::Duration;

use onhand_cdc::ConfigError;
use serde::Deserialize;

/// Where Elasticsearch (or OpenSearch) is (section `elasticsearch`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ElasticsearchConfig {
    /// Base of its HTTP interface.
    pub url: String,
    /// Start of every index name, so that several read models can share one cluster.
    pub index_prefix: String,
    /// Longest wait for an answer, in milliseconds.
    pub timeout_ms: u64,
    /// How soon a written document of an item, a stock level or a summary is found. Shorter costs more merging.
    pub refresh_interval: String,
    /// The same of a movement. There are the most of these, and who searches the past does not search for the last second.
    pub movements_refresh_interval: String,
    /// Most bytes in one bulk request.
    pub bulk_max_bytes: usize,
    /// Bulk requests under way at once, into which a large batch is divided.
    pub bulk_requests: usize,
    /// Months whose movements are kept, the present one included. The ledger in Postgres keeps them longer.
    pub movement_months: u32,
}

impl Default for ElasticsearchConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:17200".to_owned(),
            index_prefix: "onhand-".to_owned(),
            timeout_ms: 10_000,
            refresh_interval: "1s".to_owned(),
            movements_refresh_interval: "5s".to_owned(),
            bulk_max_bytes: 4 * 1024 * 1024,
            bulk_requests: 2,
            movement_months: 3,
        }
    }
}

impl ElasticsearchConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        match reqwest::Url::parse(&self.url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            _ => {
                return Err(ConfigError::new("elasticsearch.url", "is not an http url"));
            }
        }
        let prefix_ok = !self.index_prefix.is_empty()
            && self
                .index_prefix
                .chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
            && !self.index_prefix.starts_with('-');
        if !prefix_ok {
            return Err(ConfigError::new(
                "elasticsearch.index_prefix",
                "must be lower case letters, digits and dashes, not starting with a dash",
            ));
        }
        if self.timeout_ms == 0 || self.bulk_max_bytes == 0 {
            return Err(ConfigError::new(
                "elasticsearch.timeout_ms and bulk_max_bytes",
                "must be more than zero",
            ));
        }
        if !(1..=16).contains(&self.bulk_requests) {
            return Err(ConfigError::new("elasticsearch.bulk_requests", "must be 1 to 16"));
        }
        if !(1..=120).contains(&self.movement_months) {
            return Err(ConfigError::new("elasticsearch.movement_months", "must be 1 to 120"));
        }
        Ok(())
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_valid_and_a_bad_prefix_is_not() {
        ElasticsearchConfig::default().validate().unwrap();
        let config = ElasticsearchConfig {
            index_prefix: "Onhand".to_owned(),
            ..ElasticsearchConfig::default()
        };
        assert!(config.validate().is_err());
    }
}
