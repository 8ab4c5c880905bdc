//! The sink: a batch of records becomes calls of `api.apply_commands`, and each record has an outcome.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use onhand_cdc::{ConfigError, KafkaConfig, RegistryConfig};
use onhand_db::{DatabaseConfig, Pool};
use serde_json::Value;

use super::answers::{Answers, Refused};
use super::apply::{Applier, Reason, Verdict};
use super::command::command_of;
use super::config::IngestConfig;
use super::metrics;
use super::model::Inbound;
use crate::runtime::{Event, Outcome, Sink, SinkError, Warmth};

/// One connection for the batch, one for the probe.
const POOL_SIZE: usize = 2;

/// Applies what other systems send.
#[derive(Debug)]
pub struct IngestSink {
    applier: Applier,
    answers: Answers,
    config: IngestConfig,
}

impl IngestSink {
    /// Connects when it is first needed. The login must be allowed to write stock (role `onhand_api`).
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(
        config: &IngestConfig,
        database: &DatabaseConfig,
        kafka: &KafkaConfig,
        registry: &RegistryConfig,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let database = DatabaseConfig {
            pool_size: POOL_SIZE,
            ..database.clone()
        };
        let pool = Pool::new(&database).map_err(|problem| ConfigError::new("database", problem))?;
        Ok(Self {
            applier: Applier::new(pool, config),
            answers: Answers::new(kafka, registry)?,
            config: config.clone(),
        })
    }

    /// One verdict for each event. Between topics no order is promised, so those of one topic go together: its name is part
    /// of the caller, and ids are distinct only within a topic.
    async fn decide(&self, batch: &[&Event<Inbound>]) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::Later("not decided".to_owned()); batch.len()];
        let mut topics: BTreeMap<&Arc<str>, (Vec<usize>, Vec<Value>)> = BTreeMap::new();
        for ((index, event), verdict) in batch.iter().enumerate().zip(&mut verdicts) {
            match command_of(event, &self.config) {
                Ok(command) => {
                    let (indexes, commands) = topics.entry(&event.record.topic).or_default();
                    indexes.push(index);
                    commands.push(command);
                }
                Err(refusal) => *verdict = Verdict::Refused((*refusal).into()),
            }
        }
        for (topic, (indexes, commands)) in topics {
            let decided = self.applier.apply(&format!("ingest:{topic}"), &commands).await;
            for ((index, command), outcome) in indexes.into_iter().zip(&commands).zip(decided) {
                count(topic, command, &outcome);
                if let Some(verdict) = verdicts.get_mut(index) {
                    *verdict = outcome;
                }
            }
        }
        verdicts
    }

    /// Answers the commands that were refused, and says what became of each event. An answer that is not confirmed leaves its
    /// command undecided: it is asked for again, and refused again or not.
    async fn settle(&self, batch: &[&Event<Inbound>], verdicts: &[Verdict]) -> Vec<Outcome> {
        let refused: Vec<Refused<'_>> = batch
            .iter()
            .zip(verdicts)
            .filter_map(|(event, verdict)| to_answer(event, verdict))
            .collect();
        let mut answered = self.answers.send(&refused).await.into_iter();
        batch
            .iter()
            .zip(verdicts)
            .map(|(event, verdict)| match verdict {
                Verdict::Applied => Outcome::Applied,
                Verdict::Replayed => Outcome::Stale,
                Verdict::Later(reason) => Outcome::Retry(reason.clone()),
                Verdict::Refused(reason) => match to_answer(event, verdict).and_then(|_| answered.next()) {
                    None => Outcome::Poison(reason.to_string()),
                    Some(Ok(())) => Outcome::Refused,
                    Some(Err(problem)) => Outcome::Retry(problem),
                },
            })
            .collect()
    }
}

/// Commands have a topic for their failures; events go to their dead letters as they were.
fn to_answer<'b>(event: &'b Event<Inbound>, verdict: &'b Verdict) -> Option<Refused<'b>> {
    match (&event.change, verdict) {
        (Inbound::Command(command), Verdict::Refused(reason)) => Some(Refused {
            record: &event.record,
            command,
            reason,
        }),
        _ => None,
    }
}

fn count(topic: &str, command: &Value, verdict: &Verdict) {
    match verdict {
        Verdict::Applied => metrics::decided(topic, command, "applied"),
        Verdict::Replayed => metrics::decided(topic, command, "replayed"),
        Verdict::Refused(Reason { code, .. }) => {
            metrics::decided(topic, command, "refused");
            metrics::refused(topic, code);
        }
        Verdict::Later(_) => {}
    }
}

#[async_trait]
impl Sink<Inbound> for IngestSink {
    fn name(&self) -> &'static str {
        "ingest"
    }

    async fn prepare(&self) -> Result<(), SinkError> {
        self.answers.prepare().await
    }

    async fn health(&self) -> Result<(), SinkError> {
        self.applier.probe().await
    }

    /// There is nothing to fill: it keeps no state.
    fn warmth(&self) -> Warmth {
        Warmth::Warm
    }

    async fn write(&self, batch: &[&Event<Inbound>]) -> Result<Vec<Outcome>, SinkError> {
        let verdicts = self.decide(batch).await;
        Ok(self.settle(batch, &verdicts).await)
    }

    async fn tick(&self) -> Result<(), SinkError> {
        Ok(())
    }

    async fn shutdown(&self) {
        self.answers.flush();
    }
}
