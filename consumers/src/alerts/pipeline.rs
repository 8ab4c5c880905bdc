//! How far the pipeline itself is behind: change capture and the consumer groups.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use onhand_cdc::offsets::{self, Marks, Partition};
use onhand_cdc::{KafkaConfig, error_chain};
use onhand_db::migrate::SLOT;
use onhand_db::{DbError, PooledClient, alert};
use rdkafka::consumer::BaseConsumer;
use rdkafka::error::KafkaResult;
use serde_json::{Value, json};

use super::config::{AlertsConfig, Severity};
use crate::config::{ConsumerConfig, SinkKind};

/// Longest wait for one answer of the broker.
const TIMEOUT: Duration = Duration::from_secs(5);
const KIND: &str = "pipeline_lag";

/// One measure of the pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Lag {
    reference: String,
    value: i64,
    threshold: i64,
    unit: &'static str,
}

/// Measures the pipeline.
#[derive(Debug)]
pub(super) struct Pipeline {
    kafka: KafkaConfig,
    /// Group, and the topics it reads.
    groups: Vec<(String, Vec<String>)>,
    config: AlertsConfig,
}

impl Pipeline {
    pub(super) fn new(config: &ConsumerConfig) -> Self {
        let prefix = &config.runtime.topic_prefix;
        let groups = SinkKind::ALL
            .into_iter()
            .map(|kind| (kind.group().to_owned(), kind.topics(prefix)))
            .collect();
        Self {
            kafka: config.kafka.clone(),
            groups,
            config: config.alerts.clone(),
        }
    }

    /// What is behind now, as conditions of alerts. What is open resolves only at half of its threshold.
    pub(super) async fn conditions(&self, client: &PooledClient) -> Result<Vec<Value>, DbError> {
        let open: BTreeSet<String> = alert::get_open_alerts(client, Some(KIND), 100, "")
            .await?
            .into_iter()
            .filter_map(|state| state.reference)
            .collect();
        let mut lags = self.capture(client).await?;
        lags.extend(self.groups(&open).await);
        Ok(lags
            .into_iter()
            .filter(|lag| is_behind(lag, open.contains(&lag.reference)))
            .map(|lag| condition(&lag))
            .collect())
    }

    async fn capture(&self, client: &PooledClient) -> Result<Vec<Lag>, DbError> {
        let (seconds, bytes) = alert::get_capture_lag(client, SLOT).await?;
        let heartbeat = seconds.map(|value| Lag {
            reference: "heartbeat".to_owned(),
            value,
            threshold: self.config.max_heartbeat_seconds,
            unit: "seconds",
        });
        let slot = bytes.map(|value| Lag {
            reference: "slot".to_owned(),
            value,
            threshold: self.config.max_slot_bytes,
            unit: "bytes",
        });
        Ok(heartbeat.into_iter().chain(slot).collect())
    }

    /// Groups that never committed are not in use. A broker that does not answer says nothing about any, so what is
    /// open stays open.
    async fn groups(&self, open: &BTreeSet<String>) -> Vec<Lag> {
        let (kafka, groups) = (self.kafka.clone(), self.groups.clone());
        let threshold = self.config.max_lag_records;
        let lag = move |reference: &str, value: i64| Lag {
            reference: reference.to_owned(),
            value,
            threshold,
            unit: "records",
        };
        let measured = tokio::task::spawn_blocking(move || records_behind(&kafka, &groups));
        let problem = match measured.await {
            Ok(Ok(behind)) => return behind.iter().map(|(group, records)| lag(group, *records)).collect(),
            Ok(Err(error)) => error_chain(&error),
            Err(error) => error.to_string(),
        };
        tracing::warn!(error = problem, "lag of the consumer groups is not known");
        self.groups
            .iter()
            .filter(|(group, _)| open.contains(group))
            .map(|(group, _)| lag(group, i64::MAX))
            .collect()
    }
}

/// Opens above its threshold, and stays open down to half of it.
fn is_behind(lag: &Lag, open: bool) -> bool {
    let limit = if open { lag.threshold / 2 } else { lag.threshold };
    lag.value > limit
}

fn condition(lag: &Lag) -> Value {
    json!({
        "fingerprint": format!("{KIND}/{}", lag.reference),
        "kind": KIND,
        "reference": lag.reference,
        "severity": Severity::Critical.name(),
        "value": lag.value,
        "threshold": lag.threshold,
        "detail": {"unit": lag.unit},
    })
}

/// Records that each group has not settled; without those that never settled any.
fn records_behind(kafka: &KafkaConfig, groups: &[(String, Vec<String>)]) -> KafkaResult<Vec<(String, i64)>> {
    // Most topics are read by more than one group.
    let mut marks: BTreeMap<Partition, Marks> = BTreeMap::new();
    let mut behind = Vec::new();
    for (group, topics) in groups {
        let client: BaseConsumer = kafka
            .client()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .create()?;
        let seen: BTreeSet<&String> = marks.keys().map(|(topic, _)| topic).collect();
        let others: Vec<&String> = topics.iter().filter(|topic| !seen.contains(topic)).collect();
        let partitions = offsets::partitions(&client, &others, TIMEOUT)?;
        marks.extend(offsets::marks(&client, &partitions, TIMEOUT)?);
        let read: Vec<Partition> = marks
            .keys()
            .filter(|(topic, _)| topics.contains(topic))
            .cloned()
            .collect();
        let committed = offsets::committed(&client, &read, TIMEOUT)?;
        if !committed.is_empty() {
            behind.push((group.clone(), offsets::behind(&marks, &read, &committed)));
        }
    }
    Ok(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lag(value: i64) -> Lag {
        Lag {
            reference: "onhand.cache".to_owned(),
            value,
            threshold: 100,
            unit: "records",
        }
    }

    #[test]
    fn it_opens_above_the_threshold_and_resolves_at_half_of_it() {
        assert!(!is_behind(&lag(100), false));
        assert!(is_behind(&lag(101), false));
        assert!(is_behind(&lag(51), true));
        assert!(!is_behind(&lag(50), true));
    }

    #[test]
    fn every_sink_is_measured() {
        let pipeline = Pipeline::new(&ConsumerConfig::default());
        assert!(
            pipeline.groups.iter().any(|(group, topics)| group == "onhand.cache"
                && topics.contains(&"onhand.inventory.stock_level".to_owned()))
        );
        assert!(pipeline.groups.iter().all(|(_, topics)| !topics.is_empty()));
        assert_eq!(pipeline.groups.len(), SinkKind::ALL.len());
    }
}
