//! Sends records in order and waits until each is confirmed.
//!
//! The producer is idempotent and gives no record up by itself: within a partition, what is confirmed is always a beginning
//! of what was sent. When a confirmation is overdue, everything that is under way is taken back, and the whole batch comes
//! again later, so a reader may see the beginning twice, and never sees a later record of a key without the earlier ones.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use onhand_cdc::KafkaConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer, PurgeConfig};
use tokio::time::{sleep, timeout};

use super::config::PublishConfig;
use super::metrics;
use super::model::Message;
use crate::runtime::SinkError;

/// A record with a long description in it; the broker's own limit may be lower, which makes the record poison.
const MAX_MESSAGE_BYTES: &str = "16777216";
/// How long the answers to what was taken back may take; the library gives them at once.
const PURGE_TIMEOUT: Duration = Duration::from_secs(5);
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);
const FULL_PAUSE: Duration = Duration::from_millis(2);

/// The consumer of this process says when the broker is away; a second voice every half second would say nothing more.
#[derive(Clone)]
struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, detail = message, "kafka producer");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka producer error");
    }
}

/// Writes the public topics.
pub(super) struct Publisher {
    producer: FutureProducer<Quiet>,
    timeout: Duration,
}

impl Publisher {
    pub(super) fn new(kafka: &KafkaConfig, client_id: &str, config: &PublishConfig) -> KafkaResult<Self> {
        let producer = kafka
            .client()
            .set("client.id", format!("{client_id}.producer"))
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("compression.type", "zstd")
            .set("compression.level", "1")
            .set("linger.ms", config.linger_ms.to_string())
            // The same as every JVM client, so that a reader may join our topics with its own by key.
            .set("partitioner", "murmur2_random")
            // No record fails by time alone; see the module.
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set(
                "queue.buffering.max.kbytes",
                (config.queue_max_bytes / 1024).to_string(),
            )
            .create_with_context(Quiet)?;
        Ok(Self {
            producer,
            timeout: config.delivery_timeout(),
        })
    }

    /// Does a broker answer?
    pub(super) async fn probe(&self, topic: &'static str) -> Result<(), SinkError> {
        let producer = self.producer.clone();
        let asked =
            tokio::task::spawn_blocking(move || producer.client().fetch_metadata(Some(topic), PROBE_TIMEOUT).map(drop));
        match asked.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(SinkError::Transient(format!("kafka does not answer: {error}"))),
            Err(error) => Err(SinkError::Transient(error.to_string())),
        }
    }

    /// A batch that is about to be sent.
    pub(super) fn flight(&self) -> Flight<'_> {
        Flight {
            publisher: self,
            waiting: VecDeque::new(),
            refused: Vec::new(),
            confirmed: HashMap::new(),
        }
    }
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

struct Waiting {
    event: usize,
    topic: &'static str,
    delivery: DeliveryFuture,
}

/// The records of one batch that are under way.
pub(super) struct Flight<'p> {
    publisher: &'p Publisher,
    waiting: VecDeque<Waiting>,
    refused: Vec<(usize, String)>,
    confirmed: HashMap<&'static str, u64>,
}

impl Flight<'_> {
    /// Hands a record over. Waits while too much is under way. `event` is what it was made from.
    pub(super) async fn send(&mut self, event: usize, message: Message) -> Result<(), SinkError> {
        let headers = message.headers.iter().fold(
            OwnedHeaders::new_with_capacity(message.headers.len()),
            |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value.as_bytes()),
                })
            },
        );
        let mut record: FutureRecord<'_, str, [u8]> = FutureRecord::to(message.topic)
            .key(message.key.as_str())
            .headers(headers);
        record.payload = message.value.as_deref();
        loop {
            match self.publisher.producer.send_result(record) {
                Ok(delivery) => {
                    self.waiting.push_back(Waiting {
                        event,
                        topic: message.topic,
                        delivery,
                    });
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    self.settle_oldest().await?;
                }
                Err((error, _)) => return self.failed(event, message.topic, error).await,
            }
        }
    }

    /// Waits for every confirmation. Answers which events have a record that will never be taken, and why.
    pub(super) async fn finish(mut self) -> Result<Vec<(usize, String)>, SinkError> {
        while !self.waiting.is_empty() {
            self.settle_oldest().await?;
        }
        for (topic, records) in self.confirmed {
            metrics::published(topic, records);
        }
        Ok(self.refused)
    }

    async fn settle_oldest(&mut self) -> Result<(), SinkError> {
        let Some(Waiting { event, topic, delivery }) = self.waiting.pop_front() else {
            sleep(FULL_PAUSE).await;
            return Ok(());
        };
        match timeout(self.publisher.timeout, delivery).await {
            Ok(Ok(Ok(_))) => {
                *self.confirmed.entry(topic).or_default() += 1;
                Ok(())
            }
            Ok(Ok(Err((error, _)))) => self.failed(event, topic, error).await,
            Ok(Err(_)) => self.take_back(format!("{topic}: the producer has ended")).await,
            Err(_) => {
                let waited = self.publisher.timeout;
                self.take_back(format!("{topic}: no confirmation within {waited:?}"))
                    .await
            }
        }
    }

    /// A refusal for good concerns one event; anything else the batch.
    async fn failed(&mut self, event: usize, topic: &'static str, error: KafkaError) -> Result<(), SinkError> {
        let reason = format!("{topic}: {error}");
        match error.rdkafka_error_code() {
            Some(code) if is_refusal(code) => {
                self.refused.push((event, reason));
                Ok(())
            }
            Some(code) if is_fatal(code) => Err(SinkError::Fatal(reason)),
            _ => self.take_back(reason).await,
        }
    }

    /// Everything under way comes again with the batch. Its fate is known before that.
    async fn take_back(&mut self, reason: String) -> Result<(), SinkError> {
        self.publisher.producer.purge(PurgeConfig::default().queue().inflight());
        let answers = async {
            for Waiting { delivery, .. } in self.waiting.drain(..) {
                drop(delivery.await);
            }
        };
        if timeout(PURGE_TIMEOUT, answers).await.is_err() {
            tracing::warn!("the producer did not give all records back");
        }
        Err(SinkError::Transient(reason))
    }
}

/// The broker will never take this record, whenever it is sent.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::MessageSizeTooLarge | RDKafkaErrorCode::InvalidMessage | RDKafkaErrorCode::InvalidRecord
    )
}

/// The broker will take no record, or the client can send none.
fn is_fatal(code: RDKafkaErrorCode) -> bool {
    matches!(
        code,
        RDKafkaErrorCode::Fatal
            | RDKafkaErrorCode::TopicAuthorizationFailed
            | RDKafkaErrorCode::ClusterAuthorizationFailed
    )
}
