//! Where Kafka, the schema registry and Connect are, and how long to wait for them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use serde::Deserialize;

/// A setting that cannot work, and why.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    setting: &'static str,
    problem: String,
}

impl ConfigError {
    /// Names the setting and what is wrong with it.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self {
            setting,
            problem: problem.into(),
        }
    }
}

/// Settings of the Kafka client (section `kafka`).
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Comma separated `host:port` list of brokers to start from.
    pub brokers: String,
    /// Further librdkafka properties, for example `security.protocol` or `sasl.password`.
    /// Their values never appear in logs.
    pub security: BTreeMap<String, String>,
    /// Replicas of a topic that is made here; -1 lets the broker decide.
    pub replication_factor: i32,
    /// Longest wait for an answer to an administrative request, in milliseconds.
    pub request_timeout_ms: u64,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: "127.0.0.1:17092".to_owned(),
            security: BTreeMap::new(),
            replication_factor: -1,
            request_timeout_ms: 15_000,
        }
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("security", &self.security.keys())
            .field("replication_factor", &self.replication_factor)
            .field("request_timeout_ms", &self.request_timeout_ms)
            .finish()
    }
}

impl KafkaConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.brokers.trim().is_empty() {
            return Err(ConfigError::new("kafka.brokers", "must name a broker"));
        }
        if self.replication_factor == 0 || self.replication_factor < -1 {
            return Err(ConfigError::new(
                "kafka.replication_factor",
                "must be positive, or -1 for the default of the broker",
            ));
        }
        require_positive("kafka.request_timeout_ms", self.request_timeout_ms)
    }

    /// A librdkafka configuration with what every client of this cluster needs.
    pub fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            // Small requests must leave at once: this path is measured in milliseconds.
            .set("socket.nagle.disable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "2000");
        for (property, value) in &self.security {
            client.set(property, value);
        }
        client
    }

    /// `request_timeout_ms` as a duration.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

/// Settings of the schema registry client (section `registry`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegistryConfig {
    /// Base of the Confluent API, without a slash at its end.
    pub url: String,
    /// Longest wait for an answer, in milliseconds.
    pub timeout_ms: u64,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:17081/apis/ccompat/v7".to_owned(),
            timeout_ms: 5_000,
        }
    }
}

impl RegistryConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require_http("registry.url", &self.url)?;
        require_positive("registry.timeout_ms", self.timeout_ms)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }
}

/// Settings of the Kafka Connect client (section `connect`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConnectConfig {
    /// Base of the Connect REST interface.
    pub url: String,
    /// Longest wait for one answer, in milliseconds. A worker that rebalances answers late.
    pub timeout_ms: u64,
    /// Longest wait for a connector and its tasks to run after they were applied.
    pub ready_timeout_ms: u64,
}

impl Default for ConnectConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:17083".to_owned(),
            timeout_ms: 30_000,
            ready_timeout_ms: 90_000,
        }
    }
}

impl ConnectConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require_http("connect.url", &self.url)?;
        require_positive("connect.timeout_ms", self.timeout_ms)?;
        require_positive("connect.ready_timeout_ms", self.ready_timeout_ms)
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(crate) fn ready_timeout(&self) -> Duration {
        Duration::from_millis(self.ready_timeout_ms)
    }
}

fn require_http(setting: &'static str, url: &str) -> Result<(), ConfigError> {
    match reqwest::Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(()),
        Ok(parsed) => Err(ConfigError::new(
            setting,
            format!("scheme '{}' is not http", parsed.scheme()),
        )),
        Err(error) => Err(ConfigError::new(setting, error.to_string())),
    }
}

fn require_positive(setting: &'static str, value: u64) -> Result<(), ConfigError> {
    if value == 0 {
        return Err(ConfigError::new(setting, "must be more than zero"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_valid() {
        KafkaConfig::default().validate().unwrap();
        RegistryConfig::default().validate().unwrap();
        ConnectConfig::default().validate().unwrap();
    }

    #[test]
    fn nonsense_is_refused_with_the_name_of_the_setting() {
        let config = RegistryConfig {
            url: "ftp://x".to_owned(),
            ..RegistryConfig::default()
        };
        let message = config.validate().unwrap_err().to_string();
        assert!(message.starts_with("registry.url: "), "{message}");
        let config = KafkaConfig {
            brokers: " ".to_owned(),
            ..KafkaConfig::default()
        };
        assert!(config.validate().is_err());
    }

    #[test]
    fn debug_output_hides_the_values_of_security_properties() {
        let config = KafkaConfig {
            security: BTreeMap::from([("sasl.password".to_owned(), "hunter2".to_owned())]),
            ..KafkaConfig::default()
        };
        let text = format!("{config:?}");
        assert!(text.contains("sasl.password") && !text.contains("hunter2"));
    }
}
