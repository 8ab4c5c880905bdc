//! How to reach Postgres.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Settings of the section `database`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// Connection string, e.g. `postgres://onhand_app:secret@127.0.0.1:17432/onhand`.
    pub url: SecretString,
    /// Most connections that one process opens.
    pub pool_size: usize,
    /// How long to wait for a free connection or a new one, in milliseconds.
    pub connect_timeout_ms: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            url: SecretString::from("postgres://onhand_app@127.0.0.1:17432/onhand"),
            pool_size: 16,
            connect_timeout_ms: 2_000,
        }
    }
}

impl DatabaseConfig {
    /// Says what is wrong with these settings.
    ///
    /// # Errors
    /// A sentence that names the field and what it must be.
    pub fn validate(&self) -> Result<(), String> {
        self.parsed()?;
        if self.pool_size == 0 || self.pool_size > 1_000 {
            return Err("database.pool_size must be 1 to 1000".into());
        }
        if !(10..=600_000).contains(&self.connect_timeout_ms) {
            return Err("database.connect_timeout_ms must be 10 to 600000".into());
        }
        Ok(())
    }

    /// The connection string, parsed.
    pub(crate) fn parsed(&self) -> Result<tokio_postgres::Config, String> {
        let mut config: tokio_postgres::Config = self
            .url
            .expose_secret()
            .parse()
            .map_err(|error| format!("database.url is not a Postgres connection string: {error}"))?;
        config.connect_timeout(std::time::Duration::from_millis(self.connect_timeout_ms));
        if config.get_application_name().is_none() {
            config.application_name("onhand");
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_is_named() {
        let config = DatabaseConfig {
            url: SecretString::from("postgres://:::"),
            ..DatabaseConfig::default()
        };
        assert!(
            config
                .validate()
                .is_err_and(|message| message.starts_with("database.url"))
        );
    }

    #[test]
    fn defaults_are_valid() {
        assert_eq!(DatabaseConfig::default().validate(), Ok(()));
    }
}
