//! Settings of the verification.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use onhand_cdc::ConfigError;
use serde::Deserialize;

/// How everything is compared (section `verify`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyConfig {
    /// From the start of one run to the start of the next, when it runs continuously.
    pub interval_ms: u64,
    /// A complete run has to end within this after the one before; else it is late, which is an alarm.
    pub late_after_ms: u64,
    /// How long a run waits for a read model that is behind. What it still does not know then is no difference, and the run is
    /// not complete.
    pub wait_ms: u64,
    /// Share of its time, in percent, that a continuous run works; it pauses for the rest.
    pub duty_percent: u32,
    /// Items in one page: one question to each store.
    pub page_items: u32,
    /// Whether a continuous run puts right what it finds.
    pub repair: bool,
    /// Where metrics and health listen.
    pub metrics_listen: SocketAddr,
}

impl Default for VerifyConfig {
    fn default() -> Self {
        Self {
            interval_ms: 60_000,
            late_after_ms: 900_000,
            wait_ms: 60_000,
            duty_percent: 25,
            page_items: 250,
            repair: true,
            metrics_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 17_096)),
        }
    }
}

impl VerifyConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.interval_ms == 0 || self.late_after_ms <= self.interval_ms {
            return Err(ConfigError::new(
                "verify.late_after_ms",
                "must be more than verify.interval_ms, which must be more than zero",
            ));
        }
        if !(1..=100).contains(&self.duty_percent) {
            return Err(ConfigError::new("verify.duty_percent", "must be 1 to 100"));
        }
        // An item has many levels, and a request to Elasticsearch has a bound.
        if !(1..=5_000).contains(&self.page_items) {
            return Err(ConfigError::new("verify.page_items", "must be 1 to 5000"));
        }
        Ok(())
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_millis(self.interval_ms)
    }

    pub(crate) fn late_after(&self) -> Duration {
        Duration::from_millis(self.late_after_ms)
    }

    pub(crate) fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_valid_and_an_alarm_before_the_first_run_is_not() {
        VerifyConfig::default().validate().unwrap();
        let config = VerifyConfig {
            late_after_ms: 60_000,
            ..VerifyConfig::default()
        };
        assert!(config.validate().is_err());
        let config = VerifyConfig {
            duty_percent: 0,
            ..VerifyConfig::default()
        };
        assert!(config.validate().is_err());
    }
}
