//! Topics as the tests read and write them: records byte for byte.

use crate::stack::SETTLE;
use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A record as it stands in a topic, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value.
    pub value: Option<Vec<u8>>,
    /// Headers in order.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl RawRecord {
    fn copied(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map(|headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.unwrap_or_default().to_vec()))
                .collect()
        });
        Self {
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.unwrap_or_default(),
        }
    }
}

/// Sends records as they are.
pub struct Sender {
    producer: FutureProducer,
}

impl Sender {
    /// Connects when it first sends.
    ///
    /// # Errors
    /// If the Kafka client cannot be made.
    pub fn new(brokers: &str) -> Result<Self> {
        let producer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("enable.idempotence", "true")
            .set("message.max.bytes", "20971520")
            // Together in one batch at the broker, so that they are read together.
            .set("linger.ms", "20")
            .create()?;
        Ok(Self { producer })
    }

    /// Sends records in their order, all under way at once, and waits until each is confirmed.
    ///
    /// # Errors
    /// If Kafka does not take one of them.
    pub async fn send(&self, topic: &str, records: &[RawRecord]) -> Result<()> {
        let sent: Vec<_> = records
            .iter()
            .map(|record| {
                let headers = record.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
                    all.insert(Header {
                        key,
                        value: Some(value),
                    })
                });
                let mut message: FutureRecord<'_, Vec<u8>, Vec<u8>> = FutureRecord::to(topic).headers(headers);
                message.key = record.key.as_ref();
                message.payload = record.value.as_ref();
                self.producer.send_result(message).map_err(|(error, _)| error)
            })
            .collect::<Result<_, _>>()?;
        let all = tokio::time::timeout(SETTLE, try_join_all(sent)).await;
        for outcome in all.with_context(|| format!("{topic}: not confirmed in time"))?? {
            outcome.map_err(|(error, _)| error)?;
        }
        Ok(())
    }
}

/// A client for records of assigned partitions, which says where a partition ends and commits nothing.
pub(crate) fn reader(brokers: &str) -> Result<BaseConsumer> {
    Ok(ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "onhand-tests")
        .set("enable.auto.commit", "false")
        // The end of a transaction takes an offset too, so the last one may hold no record.
        .set("enable.partition.eof", "true")
        .create()?)
}

/// Reads a topic again and again, each record once.
pub struct Tail {
    brokers: String,
    topic: String,
    /// The offset that each partition is wanted from next.
    next: HashMap<i32, i64>,
}

impl Tail {
    /// From the beginning of the topic.
    #[must_use]
    pub fn new(brokers: &str, topic: &str) -> Self {
        Self {
            brokers: brokers.to_owned(),
            topic: topic.to_owned(),
            next: HashMap::new(),
        }
    }

    /// The records that were added since the last call and stand in the topic now, in the order of each partition.
    ///
    /// # Errors
    /// If Kafka cannot be reached, the topic is missing, or the records do not come within [`SETTLE`].
    pub fn read(&mut self) -> Result<Vec<RawRecord>> {
        let consumer = reader(&self.brokers)?;
        let metadata = consumer.fetch_metadata(Some(&self.topic), SETTLE)?;
        let partitions = metadata
            .topics()
            .first()
            .map(|found| found.partitions().len())
            .unwrap_or_default();
        ensure!(partitions > 0, "topic {} does not exist", self.topic);
        let mut assignment = TopicPartitionList::new();
        let mut left: HashMap<i32, i64> = HashMap::new();
        for partition in 0..i32::try_from(partitions)? {
            let (low, high) = consumer.fetch_watermarks(&self.topic, partition, SETTLE)?;
            let from = self.next.get(&partition).copied().unwrap_or(low).max(low);
            if high > from {
                assignment.add_partition_offset(&self.topic, partition, Offset::Offset(from))?;
                left.insert(partition, high - 1);
            }
        }
        let ends = left.clone();
        consumer.assign(&assignment)?;
        let mut records = Vec::new();
        let deadline = Instant::now() + SETTLE;
        while !left.is_empty() {
            ensure!(
                Instant::now() < deadline,
                "topic {}: partitions {left:?} were not read to their end",
                self.topic
            );
            let Some(message) = consumer.poll(Duration::from_millis(200)) else {
                continue;
            };
            let message = match message {
                Err(KafkaError::PartitionEOF(partition)) => {
                    left.remove(&partition);
                    continue;
                }
                message => message?,
            };
            let Some(last) = left.get(&message.partition()).copied() else {
                // Behind the end of this call: the next one reads it.
                continue;
            };
            records.push(RawRecord::copied(&message));
            if message.offset() >= last {
                left.remove(&message.partition());
            }
        }
        self.next
            .extend(ends.into_iter().map(|(partition, last)| (partition, last + 1)));
        Ok(records)
    }
}
