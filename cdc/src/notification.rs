//! What the connector tells about its snapshots, on a topic of its own ([`topics::NOTIFICATION`]).

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use serde::Deserialize;

use crate::decode::{DecodeError, Decoder};
use crate::lenient::optional;
use crate::registry::{RegistryClient, RegistryError};
use crate::{KafkaConfig, RegistryConfig, topics};

/// One poll: also how soon a caller hears that there is nothing.
const POLL: Duration = Duration::from_millis(200);

/// Which kind of snapshot a notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All tables, before the stream begins.
    Initial,
    /// Some rows, beside the stream.
    Incremental,
    /// Anything else.
    Other,
}

/// How far a snapshot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It has begun.
    Started,
    /// It goes on.
    InProgress,
    /// One table is done.
    TableScanned,
    /// All is done.
    Completed,
    /// It was broken off.
    Aborted,
    /// Anything else.
    Other,
}

/// One notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename = "Notification")]
pub struct Notification {
    /// Of an incremental snapshot the id of the signal that ordered it.
    pub id: String,
    /// Which kind, in the words of Debezium.
    pub aggregate_type: String,
    /// Which stage, in the words of Debezium.
    #[serde(rename = "type")]
    pub stage: String,
    /// Tables, keys, counts.
    #[serde(default, deserialize_with = "optional")]
    pub additional_data: Option<HashMap<String, String>>,
}

impl Notification {
    /// Which kind of snapshot it is about.
    pub fn kind(&self) -> Kind {
        match self.aggregate_type.as_str() {
            "Initial Snapshot" => Kind::Initial,
            "Incremental Snapshot" => Kind::Incremental,
            _ => Kind::Other,
        }
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        match self.stage.as_str() {
            "STARTED" => Stage::Started,
            "IN_PROGRESS" => Stage::InProgress,
            "TABLE_SCAN_COMPLETED" => Stage::TableScanned,
            "COMPLETED" => Stage::Completed,
            "ABORTED" => Stage::Aborted,
            _ => Stage::Other,
        }
    }

    /// One of the additional facts.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.additional_data.as_ref()?.get(name).map(String::as_str)
    }
}

/// Notifications cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum NotificationError {
    /// Kafka does not answer.
    #[error("kafka does not answer about notifications")]
    Kafka(#[from] KafkaError),
    /// The registry client could not be made.
    #[error("schema registry client failed")]
    Registry(#[from] RegistryError),
    /// A record is none.
    #[error("a notification cannot be decoded")]
    Decode(#[from] DecodeError),
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// With what comes from now on.
    Now,
    /// Where this group left off, or with the first that is there.
    LeftOff(&'static str),
}

/// The notifications, one after the other. Its calls block for a moment.
pub struct Notifications {
    consumer: BaseConsumer,
    decoder: Decoder,
    next: i64,
}

impl Notifications {
    /// Begins to read.
    ///
    /// # Errors
    /// If Kafka does not answer.
    pub fn open(kafka: &KafkaConfig, registry: &RegistryConfig, begin: Begin) -> Result<Self, NotificationError> {
        let group = match begin {
            Begin::Now => "onhand.notifications",
            Begin::LeftOff(group) => group,
        };
        let consumer: BaseConsumer = kafka
            .client()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("auto.offset.reset", "earliest")
            .create()?;
        let timeout = kafka.request_timeout();
        let (low, high) = consumer.fetch_watermarks(topics::NOTIFICATION, 0, timeout)?;
        let next = match begin {
            Begin::Now => high,
            Begin::LeftOff(_) => committed(&consumer, timeout)?.map_or(low, |offset| offset.clamp(low, high)),
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topics::NOTIFICATION, 0, Offset::Offset(next))?;
        consumer.assign(&list)?;
        Ok(Self {
            consumer,
            decoder: Decoder::new(RegistryClient::new(registry)?),
            next,
        })
    }

    /// The next notification, if one comes within this time.
    ///
    /// # Errors
    /// If Kafka does not answer or the record is no notification; that one is then passed over.
    pub async fn next(&mut self, patience: Duration) -> Result<Option<Notification>, NotificationError> {
        let until = Instant::now() + patience;
        loop {
            let polled = tokio::task::block_in_place(|| self.consumer.poll(POLL));
            let Some(message) = polled.transpose()? else {
                if Instant::now() >= until {
                    return Ok(None);
                }
                continue;
            };
            self.next = message.offset() + 1;
            let Some(value) = message.payload().map(<[u8]>::to_vec) else {
                continue;
            };
            drop(message);
            return Ok(Some(self.decoder.decode_as::<Notification>(&value).await?));
        }
    }

    /// Remembers for the group that everything until now was dealt with.
    ///
    /// # Errors
    /// If Kafka does not take it.
    pub fn settle(&self) -> Result<(), NotificationError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topics::NOTIFICATION, 0, Offset::Offset(self.next))?;
        Ok(self.consumer.commit(&list, CommitMode::Sync)?)
    }
}

fn committed(consumer: &BaseConsumer, timeout: Duration) -> Result<Option<i64>, KafkaError> {
    let mut list = TopicPartitionList::new();
    list.add_partition(topics::NOTIFICATION, 0);
    let found = consumer.committed_offsets(list, timeout)?;
    Ok(found.elements().first().and_then(|element| match element.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_debezium_are_understood() {
        let notification = Notification {
            id: "1".to_owned(),
            aggregate_type: "Incremental Snapshot".to_owned(),
            stage: "TABLE_SCAN_COMPLETED".to_owned(),
            additional_data: Some(HashMap::from([("status".to_owned(), "SUCCEEDED".to_owned())])),
        };
        assert_eq!(
            (notification.kind(), notification.stage()),
            (Kind::Incremental, Stage::TableScanned)
        );
        assert_eq!(notification.fact("status"), Some("SUCCEEDED"));
        assert_eq!(notification.fact("none"), None);
    }
}
