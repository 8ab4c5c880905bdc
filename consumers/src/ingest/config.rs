//! Settings of the ingest sink.

use std::time::Duration;

use onhand_cdc::ConfigError;
use serde::Deserialize;

/// How records of other systems become commands (section `ingest`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Most commands in one call; `api.apply_commands` takes no more than 1,000.
    pub max_commands: usize,
    /// Longest wait for the answer of a call, in milliseconds. Longer than the login's `statement_timeout` (30 s), so that
    /// Postgres is the one to give up: then it is known that nothing was changed.
    pub call_timeout_ms: u64,
    /// Code for the adjustments that give no reason. Without one they are refused, as everywhere.
    pub adjustment_reason_code: Option<String>,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            max_commands: 1_000,
            call_timeout_ms: 35_000,
            adjustment_reason_code: None,
        }
    }
}

impl IngestConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if !(1..=1_000).contains(&self.max_commands) {
            return Err(ConfigError::new("ingest.max_commands", "must be 1 to 1000"));
        }
        if self.call_timeout_ms == 0 {
            return Err(ConfigError::new("ingest.call_timeout_ms", "must be more than zero"));
        }
        if self.adjustment_reason_code.as_ref().is_some_and(String::is_empty) {
            return Err(ConfigError::new("ingest.adjustment_reason_code", "must not be empty"));
        }
        Ok(())
    }

    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_millis(self.call_timeout_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_nonsense_is_not() {
        IngestConfig::default().validate().unwrap();
        for max_commands in [0, 1_001] {
            let config = IngestConfig {
                max_commands,
                ..IngestConfig::default()
            };
            assert!(config.validate().is_err());
        }
    }
}
