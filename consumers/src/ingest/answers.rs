//! Answers to commands that were refused, on `inventory.stock.failures`.

use std::sync::OnceLock;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use onhand_cdc::inbound::{EncodeError, StockCommand, StockFailure};
use onhand_cdc::{ConfigError, KafkaConfig, RegistryClient, RegistryConfig, decode, schemas, topics};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;

use super::apply::Reason;
use crate::runtime::{Record, SinkError};

/// An answer is confirmed or has failed after this; its command is then asked for again.
const DELIVERY_TIMEOUT_MS: &str = "10000";
/// An answer embeds its command, and what stands around it.
const MAX_MESSAGE_BYTES: &str = "20971520";

/// A command that is to be answered, and why it was refused.
pub(super) struct Refused<'b> {
    pub(super) record: &'b Record,
    pub(super) command: &'b StockCommand,
    pub(super) reason: &'b Reason,
}

/// Writes answers.
pub(super) struct Answers {
    kafka: KafkaConfig,
    registry: RegistryClient,
    producer: FutureProducer,
    /// The id of the contract, from the first time that the registry was asked.
    schema_id: OnceLock<u32>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("schema_id", &self.schema_id).finish()
    }
}

impl Answers {
    pub(super) fn new(kafka: &KafkaConfig, registry: &RegistryConfig) -> Result<Self, ConfigError> {
        let registry =
            RegistryClient::new(registry).map_err(|error| ConfigError::new("registry", error.to_string()))?;
        let producer = kafka
            .client()
            .set("client.id", format!("{}.answers", topics::GROUP_INGEST))
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("compression.type", "zstd")
            .set("compression.level", "1")
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .create()
            .map_err(|error| ConfigError::new("kafka", error.to_string()))?;
        Ok(Self {
            kafka: kafka.clone(),
            registry,
            producer,
            schema_id: OnceLock::new(),
        })
    }

    /// Topic and contract.
    pub(super) async fn prepare(&self) -> Result<(), SinkError> {
        topics::ensure_these(&self.kafka, &[topics::stock_failures_spec()])
            .await
            .map_err(|error| SinkError::Transient(error.to_string()))?;
        if self.schema_id.get().is_none() {
            let Some(contract) = schemas::newest(topics::STOCK_FAILURES) else {
                return Err(SinkError::Fatal("there is no contract for failures".to_owned()));
            };
            let id = self
                .registry
                .register(&contract.subject(), contract.text)
                .await
                .map_err(|error| SinkError::Transient(error.to_string()))?;
            let _ = self.schema_id.set(id);
        }
        Ok(())
    }

    /// Sends all of them and waits until the broker has confirmed each; says of each whether it did. One that is there twice
    /// has the same failure id.
    pub(super) async fn send(&self, refused: &[Refused<'_>]) -> Vec<Result<(), String>> {
        join_all(refused.iter().map(|refused| self.send_one(refused))).await
    }

    async fn send_one(&self, refused: &Refused<'_>) -> Result<(), String> {
        let id = self
            .schema_id
            .get()
            .ok_or("the contract of failures is not registered yet")?;
        let body = failure(refused).map_err(|error| error.to_string())?;
        let value = decode::frame(*id, &body);
        let mut record: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(topics::STOCK_FAILURES).headers(headers(refused));
        record.key = refused.record.key.as_deref();
        record.payload = Some(&value);
        self.producer
            .send(record, Timeout::Never)
            .await
            .map(drop)
            .map_err(|(error, _)| format!("failures cannot be answered: {error}"))
    }

    pub(super) fn flush(&self) {
        if let Err(error) = self.producer.flush(Duration::from_secs(5)) {
            tracing::warn!(%error, "answers were not flushed in time");
        }
    }
}

fn failure(refused: &Refused<'_>) -> Result<Vec<u8>, EncodeError> {
    let Refused {
        record,
        command,
        reason,
    } = refused;
    let failure = StockFailure {
        command_id: command.command_id.clone(),
        command_type: command.command_type.clone(),
        code: reason.code.clone(),
        slug: reason.slug.clone(),
        message: reason.message.clone(),
        detail: Some(reason.detail.clone()).filter(|detail| !detail.is_null()),
        correlation_id: command.correlation_id.clone(),
        original_topic: record.topic.to_string(),
        original_partition: record.partition,
        original_offset: record.offset,
        original_key: record.key.clone(),
        original_value: record.value.clone(),
        failed_at: Timestamp::now(),
    };
    failure.encode()
}

/// The original headers first, except for those that describe the value: it is another one now.
fn headers(refused: &Refused<'_>) -> OwnedHeaders {
    let original = refused.record.headers.iter().filter(|(key, _)| {
        !key.eq_ignore_ascii_case("content-type") && !key.eq_ignore_ascii_case(decode::SCHEMA_ID_HEADER)
    });
    let headers = original.fold(OwnedHeaders::new(), |all, (key, value)| {
        all.insert(Header {
            key,
            value: value.as_deref(),
        })
    });
    let error = refused.reason.to_string();
    [
        ("error", error.as_str()),
        ("original_topic", &refused.record.topic),
        ("code", &refused.reason.code),
    ]
    .into_iter()
    .fold(headers, |all, (key, value)| {
        all.insert(Header {
            key,
            value: Some(value),
        })
    })
}
