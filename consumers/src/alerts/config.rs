//! Settings of alerts.

use std::fmt;
use std::time::Duration;

use onhand_cdc::ConfigError;
use onhand_db::alert::Horizons;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// Who is told of alerts, and what counts as one (section `alerts`). Webhooks are kept in the database
/// (`api.set_webhook`). Without any receiver only the state of the alerts is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AlertsConfig {
    /// Base addresses of all members of an Alertmanager cluster; each is told.
    pub alertmanager_urls: Vec<String>,
    /// How often open alerts are sent to Alertmanager again. They end by themselves four times as long after the last time.
    pub alertmanager_resend_ms: u64,
    /// Incoming webhook of a Slack channel. The address is its secret.
    pub slack_webhook_url: Option<SecretString>,
    /// Slack is told from this severity on: info, warning or critical.
    pub slack_min_severity: Severity,
    /// Integration key of a PagerDuty service (Events API v2).
    pub pagerduty_routing_key: Option<SecretString>,
    /// Where PagerDuty takes events.
    pub pagerduty_url: String,
    /// PagerDuty is told from this severity on.
    pub pagerduty_min_severity: Severity,
    /// Longest wait for a receiver's answer.
    pub request_timeout_ms: u64,
    /// Pause after the first failed attempt; it doubles from there, with jitter.
    pub retry_min_ms: u64,
    /// Longest pause between two attempts.
    pub retry_max_ms: u64,
    /// After so many failed attempts a message is given up. With the pauses above some 19 hours.
    pub max_attempts: u32,
    /// Messages to one receiver that are under way at once.
    pub receiver_concurrency: usize,
    /// Receivers that are spoken to at once.
    pub max_receivers: usize,
    /// How often it is looked for messages that became due by themselves. New ones are sent at once.
    pub poll_ms: u64,
    /// How far above its threshold stock must rise before an alert resolves, unless a rule says so: in percent of the
    /// threshold, rounded up.
    pub margin_percent: u32,
    /// How often lots, holds, counts, rules and the pipeline are looked at.
    pub check_interval_ms: u64,
    /// How long before its expiry a lot is an alert.
    pub lot_horizon_seconds: u64,
    /// How long before its end a hold is an alert.
    pub hold_horizon_seconds: u64,
    /// Holds that were made for less are none: those of a checkout end all the time.
    pub hold_least_seconds: u64,
    /// Smallest difference of a line of a count that is an alert.
    pub least_variance: i64,
    /// A consumer group that is so many records behind is an alert; it resolves at half of it.
    pub max_lag_records: i64,
    /// Change capture that has not confirmed so much of the write-ahead log is an alert; it resolves at half of it.
    pub max_slot_bytes: i64,
    /// Change capture whose last heartbeat is older is an alert. It beats every five seconds.
    pub max_heartbeat_seconds: i64,
    /// Edges and deliveries are kept so long.
    pub history_days: u16,
}

impl Default for AlertsConfig {
    fn default() -> Self {
        Self {
            alertmanager_urls: Vec::new(),
            alertmanager_resend_ms: 60_000,
            slack_webhook_url: None,
            slack_min_severity: Severity::Warning,
            pagerduty_routing_key: None,
            pagerduty_url: "https://events.pagerduty.com/v2/enqueue".to_owned(),
            pagerduty_min_severity: Severity::Critical,
            request_timeout_ms: 10_000,
            retry_min_ms: 1_000,
            retry_max_ms: 3_600_000,
            max_attempts: 30,
            receiver_concurrency: 4,
            max_receivers: 16,
            poll_ms: 1_000,
            margin_percent: 10,
            check_interval_ms: 5_000,
            lot_horizon_seconds: 3 * 86_400,
            hold_horizon_seconds: 3_600,
            hold_least_seconds: 86_400,
            least_variance: 1,
            max_lag_records: 20_000,
            max_slot_bytes: 256 * 1024 * 1024,
            max_heartbeat_seconds: 60,
            history_days: 90,
        }
    }
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is to be done.
    Warning,
    /// At once.
    Critical,
}

impl Severity {
    /// Name in rules, labels and messages.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl AlertsConfig {
    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        for url in &self.alertmanager_urls {
            address("alerts.alertmanager_urls", url)?;
        }
        address("alerts.pagerduty_url", &self.pagerduty_url)?;
        if let Some(url) = &self.slack_webhook_url {
            address("alerts.slack_webhook_url", url.expose_secret())?;
        }
        if self
            .pagerduty_routing_key
            .as_ref()
            .is_some_and(|key| key.expose_secret().trim().is_empty())
        {
            return Err(ConfigError::new("alerts.pagerduty_routing_key", "must not be empty"));
        }
        for (setting, value) in [
            ("alerts.alertmanager_resend_ms", self.alertmanager_resend_ms),
            ("alerts.request_timeout_ms", self.request_timeout_ms),
            ("alerts.retry_min_ms", self.retry_min_ms),
            ("alerts.poll_ms", self.poll_ms),
            ("alerts.check_interval_ms", self.check_interval_ms),
        ] {
            if value == 0 {
                return Err(ConfigError::new(setting, "must be more than zero"));
            }
        }
        self.validate_bounds()
    }

    fn validate_bounds(&self) -> Result<(), ConfigError> {
        if self.retry_max_ms < self.retry_min_ms {
            return Err(ConfigError::new(
                "alerts.retry_max_ms",
                "must not be less than alerts.retry_min_ms",
            ));
        }
        for (setting, value) in [
            ("alerts.receiver_concurrency", self.receiver_concurrency),
            ("alerts.max_receivers", self.max_receivers),
        ] {
            if !(1..=100).contains(&value) {
                return Err(ConfigError::new(setting, "must be 1 to 100"));
            }
        }
        for (setting, value) in [
            ("alerts.least_variance", self.least_variance),
            ("alerts.max_lag_records", self.max_lag_records),
            ("alerts.max_slot_bytes", self.max_slot_bytes),
            ("alerts.max_heartbeat_seconds", self.max_heartbeat_seconds),
            ("alerts.max_attempts", i64::from(self.max_attempts)),
            ("alerts.history_days", i64::from(self.history_days)),
        ] {
            if value < 1 {
                return Err(ConfigError::new(setting, "must be more than zero"));
            }
        }
        Ok(())
    }

    pub(super) fn horizons(&self) -> Horizons {
        Horizons {
            lot: Duration::from_secs(self.lot_horizon_seconds),
            hold: Duration::from_secs(self.hold_horizon_seconds),
            hold_least_length: Duration::from_secs(self.hold_least_seconds),
            least_variance: self.least_variance,
        }
    }

    pub(super) fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(super) fn resend(&self) -> Duration {
        Duration::from_millis(self.alertmanager_resend_ms)
    }

    pub(super) fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }

    pub(super) fn check_interval(&self) -> Duration {
        Duration::from_millis(self.check_interval_ms)
    }
}

/// The address itself stays out of the message: that of Slack is a secret.
fn address(setting: &'static str, url: &str) -> Result<Url, ConfigError> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => Ok(parsed),
        _ => Err(ConfigError::new(setting, "must be an http or https address")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_valid_and_secrets_are_never_shown() {
        AlertsConfig::default().validate().unwrap();
        let config = AlertsConfig {
            slack_webhook_url: Some(SecretString::from("https://hooks.slack.example/services/T/B/hunter2")),
            pagerduty_routing_key: Some(SecretString::from("hunter2")),
            ..AlertsConfig::default()
        };
        config.validate().unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let config = AlertsConfig {
            slack_webhook_url: Some(SecretString::from("hunter2")),
            ..AlertsConfig::default()
        };
        assert!(!config.validate().unwrap_err().to_string().contains("hunter2"));
    }

    #[test]
    fn nonsense_is_refused() {
        let bad = [
            AlertsConfig {
                alertmanager_urls: vec!["ftp://x".to_owned()],
                ..AlertsConfig::default()
            },
            AlertsConfig {
                retry_max_ms: 1,
                ..AlertsConfig::default()
            },
            AlertsConfig {
                receiver_concurrency: 0,
                ..AlertsConfig::default()
            },
            AlertsConfig {
                max_lag_records: 0,
                ..AlertsConfig::default()
            },
        ];
        for config in bad {
            assert!(config.validate().is_err(), "{config:?}");
        }
    }
}
