//! Settings of the runtime around every sink.

use std::net::SocketAddr;
use std::time::Duration;

use onhand_cdc::{ConfigError, topics};
use serde::Deserialize;

use crate::config::SinkKind;

/// What Kafka's client takes at most for the bytes that a fetch gathers.
const FETCH_MIN_BYTES_MAX: u32 = 100_000_000;

/// Batch size, retries, dead letters, shutdown and the address of metrics and health.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RuntimeConfig {
    /// Consumer group; by default `onhand.<sink>`.
    pub group_id: Option<String>,
    /// What comes before the table in the name of a topic.
    pub topic_prefix: String,
    /// Name of this process in Kafka's logs; by default the group.
    pub client_id: Option<String>,
    /// Keeps the partitions of a process that is restarted quickly (a StatefulSet's pod name).
    /// Leave it out under a Deployment.
    pub group_instance_id: Option<String>,
    /// Most records in one batch; by default 1,000, 1,500 for search, 500 for alerts, and 250 for ingest and publish, which make several records of
    /// each. A batch takes what waits and never waits for more.
    pub batch_max_records: Option<usize>,
    /// Records that may wait between Kafka and the sink; by default two batches.
    pub queue_max_records: Option<usize>,
    /// Bytes that may wait between Kafka and the sink.
    pub queue_max_bytes: usize,
    /// A full queue for this long pauses the partitions, so that the group member stays alive.
    pub pause_after_ms: u64,
    /// How often the broker is asked how much waits while partitions are paused.
    pub lag_interval_ms: u64,
    /// Bytes that the broker gathers before it answers a fetch; by default 1 (at once) for the cache and ingest, and 64 KiB for
    /// search, alerts and publish: there nobody waits for the single record, and a batch costs far less than its records one by one.
    pub fetch_min_bytes: Option<u32>,
    /// Longest time the broker holds a fetch that has less than that to answer.
    pub fetch_wait_max_ms: u32,
    /// Kafka gives up a member that is silent for so long.
    pub session_timeout_ms: u32,
    /// How often offsets are committed while records flow.
    pub commit_interval_ms: u64,
    /// First pause after a transient failure; it doubles from there, with jitter.
    pub retry_min_ms: u64,
    /// Longest pause between two attempts.
    pub retry_max_ms: u64,
    /// Failures in a row after which the breaker opens: from then on a cheap probe, not the batch,
    /// is what is tried.
    pub breaker_failures: u32,
    /// How long schema ids that the registry does not know may still turn up before their records are
    /// given up; those of one batch are waited for together.
    pub unknown_schema_wait_ms: u64,
    /// How often the sink's maintenance and the probes run.
    pub tick_ms: u64,
    /// How long a partition that is taken away may hold up the group while its records finish.
    pub revoke_deadline_ms: u64,
    /// How long a shutdown may take.
    pub shutdown_deadline_ms: u64,
    /// Where metrics and health listen; by default port 17094 (cache), 17095 (search), 17097 (alerts), 17098 (publish) or 17099 (ingest)
    /// of this host.
    pub metrics_listen: Option<SocketAddr>,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self {
            group_id: None,
            topic_prefix: topics::TABLE_PREFIX.to_owned(),
            client_id: None,
            group_instance_id: None,
            batch_max_records: None,
            queue_max_records: None,
            queue_max_bytes: 4 * 1024 * 1024,
            pause_after_ms: 2_000,
            lag_interval_ms: 5_000,
            fetch_min_bytes: None,
            fetch_wait_max_ms: 100,
            session_timeout_ms: 10_000,
            commit_interval_ms: 500,
            retry_min_ms: 50,
            retry_max_ms: 2_000,
            breaker_failures: 5,
            unknown_schema_wait_ms: 2_000,
            tick_ms: 1_000,
            revoke_deadline_ms: 5_000,
            shutdown_deadline_ms: 10_000,
            metrics_listen: None,
        }
    }
}

impl RuntimeConfig {
    /// Most records in one batch of this sink.
    #[must_use]
    pub fn batch_max(&self, kind: SinkKind) -> usize {
        self.batch_max_records.unwrap_or(kind.batch_max_records())
    }

    /// Records that may wait for this sink.
    #[must_use]
    pub fn queue_max(&self, kind: SinkKind) -> usize {
        self.queue_max_records
            .unwrap_or_else(|| self.batch_max(kind).saturating_mul(2))
    }

    /// Refuses settings that cannot work.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let positive = [
            ("runtime.batch_max_records", self.batch_max_records.unwrap_or(1)),
            ("runtime.queue_max_records", self.queue_max_records.unwrap_or(1)),
            ("runtime.queue_max_bytes", self.queue_max_bytes),
        ];
        for (setting, value) in positive {
            if value == 0 {
                return Err(ConfigError::new(setting, "must be more than zero"));
            }
        }
        for (setting, value) in [
            ("runtime.commit_interval_ms", self.commit_interval_ms),
            ("runtime.tick_ms", self.tick_ms),
            ("runtime.lag_interval_ms", self.lag_interval_ms),
            ("runtime.retry_min_ms", self.retry_min_ms),
            ("runtime.shutdown_deadline_ms", self.shutdown_deadline_ms),
        ] {
            if value == 0 {
                return Err(ConfigError::new(setting, "must be more than zero"));
            }
        }
        if self
            .fetch_min_bytes
            .is_some_and(|bytes| !(1..=FETCH_MIN_BYTES_MAX).contains(&bytes))
        {
            return Err(ConfigError::new(
                "runtime.fetch_min_bytes",
                format!("must be 1 to {FETCH_MIN_BYTES_MAX}"),
            ));
        }
        if self.retry_max_ms < self.retry_min_ms {
            return Err(ConfigError::new(
                "runtime.retry_max_ms",
                "must not be less than runtime.retry_min_ms",
            ));
        }
        if self.topic_prefix.is_empty() {
            return Err(ConfigError::new("runtime.topic_prefix", "must not be empty"));
        }
        Ok(())
    }

    pub(crate) fn commit_interval(&self) -> Duration {
        Duration::from_millis(self.commit_interval_ms)
    }

    pub(crate) fn tick(&self) -> Duration {
        Duration::from_millis(self.tick_ms)
    }

    pub(crate) fn pause_after(&self) -> Duration {
        Duration::from_millis(self.pause_after_ms)
    }

    pub(crate) fn lag_interval(&self) -> Duration {
        Duration::from_millis(self.lag_interval_ms)
    }

    pub(crate) fn revoke_deadline(&self) -> Duration {
        Duration::from_millis(self.revoke_deadline_ms)
    }

    pub(crate) fn shutdown_deadline(&self) -> Duration {
        Duration::from_millis(self.shutdown_deadline_ms)
    }

    pub(crate) fn unknown_schema_wait(&self) -> Duration {
        Duration::from_millis(self.unknown_schema_wait_ms)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_nonsense_is_not() {
        RuntimeConfig::default().validate().unwrap();
        let config = RuntimeConfig {
            retry_max_ms: 1,
            ..RuntimeConfig::default()
        };
        assert!(config.validate().is_err());
        let config = RuntimeConfig {
            fetch_min_bytes: Some(0),
            ..RuntimeConfig::default()
        };
        assert!(config.validate().is_err());
        let config = RuntimeConfig {
            batch_max_records: Some(0),
            ..RuntimeConfig::default()
        };
        assert!(config.validate().is_err());
    }
}
