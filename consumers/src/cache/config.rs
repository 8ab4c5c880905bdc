//! Settings of the cache.

use std::time::Duration;

use onhand_cdc::ConfigError;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Where Redis is (section `redis`). Run it without persistence: a cache that comes back empty is
/// filled again, one that comes back old is not noticed before the next probe.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// `redis://[user:password@]host:port/database`.
    pub url: SecretString,
    /// Start of every key, so that several read models can share one server.
    pub key_prefix: String,
    /// Longest wait for a connection, in milliseconds.
    pub connect_timeout_ms: u64,
    /// Longest wait for an answer, in milliseconds.
    pub response_timeout_ms: u64,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from("redis://127.0.0.1:17379/0"),
            key_prefix: "catalog:".to_owned(),
            connect_timeout_ms: 1_000,
            response_timeout_ms: 2_000,
        }
    }
}

impl RedisConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.client().map(drop)?;
        for (setting, value) in [
            ("redis.connect_timeout_ms", self.connect_timeout_ms),
            ("redis.response_timeout_ms", self.response_timeout_ms),
        ] {
            if value == 0 {
                return Err(ConfigError::new(setting, "must be more than zero"));
            }
        }
        Ok(())
    }

    pub(crate) fn client(&self) -> Result<redis::Client, ConfigError> {
        redis::Client::open(self.url.expose_secret())
            .map_err(|error| ConfigError::new("redis.url", error.category().to_owned()))
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_valid_and_a_password_is_never_shown() {
        RedisConfig::default().validate().unwrap();
        let config = RedisConfig {
            url: SecretString::from("redis://u:hunter2@127.0.0.1:1/0"),
            ..RedisConfig::default()
        };
        assert!(!format!("{config:?}").contains("hunter2"));
        let config = RedisConfig {
            url: SecretString::from("http://x:hunter2@y"),
            ..RedisConfig::default()
        };
        let message = config.validate().unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
