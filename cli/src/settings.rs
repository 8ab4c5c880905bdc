//! Settings of a role: defaults, then a TOML file, then the environment; later ones win.
//!
//! `ONHAND_<SECTION>__<FIELD>` sets one field, for example `ONHAND_KAFKA__BROKERS`. A name that no section knows is refused
//! at the start, because a misspelt setting that is silently ignored is found much later.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use figment::Figment;
use figment::providers::{Env, Format, Toml};
use onhand_api::{ApiConfig, ApiServerConfig};
use onhand_cdc::{ConnectConfig, KafkaConfig, RegistryConfig};
use onhand_consumers::verify::Targets;
use onhand_consumers::{
    AlertsConfig, ConsumerConfig, ElasticsearchConfig, IngestConfig, PublishConfig, RedisConfig, RuntimeConfig,
    VerifyConfig,
};
use onhand_db::DatabaseConfig;
use serde::Deserialize;

/// All sections; each role takes those that it needs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Postgres.
    pub(crate) database: DatabaseConfig,
    /// Brokers.
    pub(crate) kafka: KafkaConfig,
    /// Schema registry.
    pub(crate) registry: RegistryConfig,
    /// Kafka Connect.
    pub(crate) connect: ConnectConfig,
    /// Cache.
    pub(crate) redis: RedisConfig,
    /// Search.
    pub(crate) elasticsearch: ElasticsearchConfig,
    /// Public event contracts.
    pub(crate) publish: PublishConfig,
    /// What other systems send.
    pub(crate) ingest: IngestConfig,
    /// Alerts.
    pub(crate) alerts: AlertsConfig,
    /// The runtime of the consumers.
    pub(crate) runtime: RuntimeConfig,
    /// HTTP interface.
    pub(crate) api: ApiConfig,
    /// The comparison of the read models with Postgres.
    pub(crate) verify: VerifyConfig,
}

/// Where the optional file is; an argument that all roles share.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SettingsFile {
    /// TOML file with settings; the environment overrides it
    #[arg(long = "config", env = "ONHAND_CONFIG", value_name = "FILE")]
    path: Option<PathBuf>,
}

impl SettingsFile {
    /// The file, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Merges and checks.
    pub(crate) fn load(&self) -> Result<Settings> {
        self.load_over(Figment::new())
    }

    /// The same for commands that a person gives beside a local stack: its addresses are the defaults, unless the
    /// environment names a database.
    pub(crate) fn load_near(&self) -> Result<Settings> {
        let mut figment = Figment::new();
        if std::env::var_os("ONHAND_DATABASE__URL").is_none() {
            for (name, value) in crate::stack::local_settings()? {
                let key = name.trim_start_matches("ONHAND_").to_lowercase().replace("__", ".");
                figment = figment.merge((key, value));
            }
        }
        self.load_over(figment)
    }

    /// The same for what changes more than the roles of the product may: beside a local stack as its superuser.
    pub(crate) fn load_as_admin(&self) -> Result<Settings> {
        let mut settings = self.load_near()?;
        if std::env::var_os("ONHAND_DATABASE__URL").is_none()
            && let Some(url) = crate::stack::local_superuser_url()?
        {
            settings.database.url = url.into();
        }
        Ok(settings)
    }

    fn load_over(&self, mut figment: Figment) -> Result<Settings> {
        if let Some(path) = &self.path {
            // Without this a file that is not there would count as an empty one.
            std::fs::metadata(path).with_context(|| format!("settings file {} cannot be read", path.display()))?;
            figment = figment.merge(Toml::file(path));
        }
        let settings: Settings = figment.merge(environment()).extract().context("settings")?;
        settings.validate()?;
        Ok(settings)
    }
}

/// Only names with a double underscore are settings; the others (`ONHAND_STATE`, `ONHAND_LOG`...) are no part of a section.
fn environment() -> Env {
    Env::prefixed("ONHAND_")
        .filter(|name| name.as_str().contains("__"))
        .split("__")
}

impl Settings {
    /// The sections that a consumer takes.
    pub(crate) fn consumer(self) -> ConsumerConfig {
        ConsumerConfig {
            kafka: self.kafka,
            registry: self.registry,
            redis: self.redis,
            elasticsearch: self.elasticsearch,
            publish: self.publish,
            alerts: self.alerts,
            database: self.database,
            ingest: self.ingest,
            runtime: self.runtime,
        }
    }

    /// What a comparison looks at.
    pub(crate) fn targets(&self) -> Targets {
        Targets {
            database: self.database.clone(),
            kafka: self.kafka.clone(),
            topic_prefix: self.runtime.topic_prefix.clone(),
            redis: Some(self.redis.clone()),
            elasticsearch: Some(self.elasticsearch.clone()),
        }
    }

    /// The sections that the HTTP interface takes.
    pub(crate) fn api(self) -> ApiServerConfig {
        ApiServerConfig {
            api: self.api,
            database: self.database,
            redis: self.redis,
            elasticsearch: self.elasticsearch,
        }
    }

    fn validate(&self) -> Result<()> {
        self.database.validate().map_err(anyhow::Error::msg)?;
        self.kafka.validate()?;
        self.registry.validate()?;
        self.connect.validate()?;
        self.redis.validate()?;
        self.elasticsearch.validate()?;
        self.publish.validate()?;
        self.ingest.validate()?;
        self.alerts.validate()?;
        self.runtime.validate()?;
        self.verify.validate()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::result_large_err)]

    use super::*;
    use figment::Jail;

    fn load(path: Option<&str>) -> Result<Settings> {
        SettingsFile {
            path: path.map(PathBuf::from),
        }
        .load()
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        Jail::expect_with(|jail| {
            jail.create_file("onhand.toml", "[kafka]\nbrokers = 'file:1'\nrequest_timeout_ms = 7\n")?;
            jail.set_env("ONHAND_KAFKA__BROKERS", "env:2");
            jail.set_env("ONHAND_STATE", "/tmp/elsewhere");
            let settings = load(Some("onhand.toml")).unwrap();
            assert_eq!(settings.kafka.brokers, "env:2");
            assert_eq!(settings.kafka.request_timeout_ms, 7);
            assert_eq!(settings.connect.url, ConnectConfig::default().url);
            Ok(())
        });
    }

    #[test]
    fn a_misspelt_name_a_missing_file_and_nonsense_are_refused() {
        Jail::expect_with(|jail| {
            assert!(load(Some("none.toml")).is_err());
            jail.set_env("ONHAND_KAFKA__BROKER", "x:1");
            assert!(load(None).is_err());
            Ok(())
        });
        Jail::expect_with(|jail| {
            jail.set_env("ONHAND_CONNECT__URL", "ftp://x");
            assert!(load(None).is_err());
            Ok(())
        });
    }
}
