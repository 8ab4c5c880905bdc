//! Dead letters: records that will never be accepted, kept byte for byte so that they can be
//! replayed after the fix.

use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use onhand_cdc::{KafkaConfig, topics};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;

use super::sink::Record;
use crate::letters::headers;

/// Delivery is confirmed or has failed after this; the worker then tries again.
const DELIVERY_TIMEOUT_MS: &str = "10000";
/// The dead letter must fit even where the record itself only just did.
const MAX_MESSAGE_BYTES: &str = "20971520";
/// A reason is read by people; a whole schema in it helps nobody.
const MAX_REASON_CHARS: usize = 2_000;

/// A record to be given up, and why.
#[derive(Debug)]
pub(crate) struct DeadLetter {
    pub(crate) record: Record,
    /// Which stage refused it: `VALUE_CONVERTER` or `TASK_PUT`, as Kafka Connect names them.
    pub(crate) stage: &'static str,
    pub(crate) reason: String,
    /// Attempts that were made.
    pub(crate) attempts: u32,
}

/// Why dead letters are not in their topic.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// Kafka does not take them now.
    #[error("dead letters are not confirmed")]
    Unconfirmed(#[source] KafkaError),
    /// Kafka will not take them, however often they are sent.
    #[error("dead letters are refused")]
    Refused(#[source] KafkaError),
    /// The topic was made with a smaller limit than that of the records. Nothing is dropped, so somebody has to raise it.
    #[error(
        "the dead letter of {origin} ({bytes} bytes and its headers) does not fit into {topic}: raise max.message.bytes of that topic"
    )]
    TooLarge {
        /// The topic of dead letters.
        topic: String,
        /// Bytes of the record.
        bytes: usize,
        /// Where the record is.
        origin: String,
    },
}

impl DeadLetterError {
    fn of(error: KafkaError) -> Self {
        if is_fatal(&error) {
            Self::Refused(error)
        } else {
            Self::Unconfirmed(error)
        }
    }

    /// True for failures that no repetition mends.
    pub(crate) fn is_fatal(&self) -> bool {
        !matches!(self, Self::Unconfirmed(_))
    }
}

/// Writes dead letters of one consumer group.
pub(crate) struct DeadLetters {
    producer: FutureProducer,
    group: String,
}

impl DeadLetters {
    pub(crate) fn new(config: &KafkaConfig, group: &str) -> KafkaResult<Self> {
        let producer = config
            .client()
            .set("client.id", format!("{group}.dlq"))
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .create()?;
        Ok(Self {
            producer,
            group: group.to_owned(),
        })
    }

    /// Sends all of them and waits until the broker has confirmed each. After a failure all can
    /// be sent again: a dead letter that is there twice names the same topic, partition and offset.
    pub(crate) async fn send(&self, letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        let sent = join_all(letters.iter().map(|letter| self.send_one(letter))).await;
        match sent.into_iter().collect::<KafkaResult<()>>() {
            // The broker's limit counts for a batch of the client, so it says little of the letters in it.
            Err(error) if is_too_large(&error) => self.send_apart(letters).await,
            sent => sent.map_err(DeadLetterError::of),
        }
    }

    /// Each in a batch of its own: what is refused now does not fit by itself.
    async fn send_apart(&self, letters: &[DeadLetter]) -> Result<(), DeadLetterError> {
        for letter in letters {
            match self.send_one(letter).await {
                Err(error) if is_too_large(&error) => return Err(self.too_large(letter)),
                sent => sent.map_err(DeadLetterError::of)?,
            }
        }
        Ok(())
    }

    fn too_large(&self, letter: &DeadLetter) -> DeadLetterError {
        let record = &letter.record;
        DeadLetterError::TooLarge {
            topic: topics::dlq(&record.topic, &self.group),
            bytes: record.bytes(),
            origin: format!(
                "{} partition {} offset {}",
                record.topic, record.partition, record.offset
            ),
        }
    }

    async fn send_one(&self, letter: &DeadLetter) -> KafkaResult<()> {
        let topic = topics::dlq(&letter.record.topic, &self.group);
        let headers = self.headers(letter);
        let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&topic).headers(headers);
        record.key = letter.record.key.as_deref();
        record.payload = letter.record.value.as_deref();
        self.producer
            .send(record, Timeout::Never)
            .await
            .map(drop)
            .map_err(|(error, _)| error)
    }

    /// False for a record that was sent again for another group.
    pub(crate) fn concerns(&self, record: &Record) -> bool {
        headers::redriven(&record.headers)
            .group
            .is_none_or(|group| group == self.group)
    }

    /// The original headers first and unchanged, then ours. What a redrive had added is no part of the record.
    fn headers(&self, letter: &DeadLetter) -> OwnedHeaders {
        let own = headers::redriven(&letter.record.headers).own;
        let original = OwnedHeaders::new_with_capacity(own + 14);
        let original = letter
            .record
            .headers
            .iter()
            .take(own)
            .fold(original, |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: value.as_deref(),
                })
            });
        error_headers(letter, &self.group)
            .iter()
            .fold(original, |all, (key, value)| {
                all.insert(Header {
                    key,
                    value: Some(value.as_bytes()),
                })
            })
    }

    /// Waits for what is still under way.
    pub(crate) fn flush(&self, deadline: Duration) {
        if let Err(error) = self.producer.flush(deadline) {
            tracing::warn!(%error, "dead letters were not flushed in time");
        }
    }
}

fn error_headers(letter: &DeadLetter, group: &str) -> Vec<(&'static str, String)> {
    let record = &letter.record;
    let reason: String = letter.reason.chars().take(MAX_REASON_CHARS).collect();
    let class = match letter.stage {
        STAGE_DECODE => "onhand_cdc::DecodeError",
        _ => "onhand_consumers::runtime::Outcome::Poison",
    };
    let earlier = headers::redriven(&record.headers).attempts;
    let retry_count = earlier.saturating_add(letter.attempts.saturating_sub(1));
    vec![
        (headers::TOPIC, record.topic.to_string()),
        (headers::PARTITION, record.partition.to_string()),
        (headers::OFFSET, record.offset.to_string()),
        (headers::GROUP, group.to_owned()),
        ("__connect.errors.task.id", "0".to_owned()),
        (headers::STAGE, letter.stage.to_owned()),
        ("__connect.errors.class.name", env!("CARGO_PKG_NAME").to_owned()),
        ("__connect.errors.exception.class.name", class.to_owned()),
        ("__connect.errors.exception.message", reason.clone()),
        ("__connect.errors.exception.stacktrace", reason.clone()),
        (headers::REASON, reason),
        ("original_topic", record.topic.to_string()),
        (headers::RETRY_COUNT, retry_count.to_string()),
        (headers::FAILED_AT, Timestamp::now().to_string()),
    ]
}

/// The bytes could not be decoded.
pub(crate) const STAGE_DECODE: &str = "VALUE_CONVERTER";
/// The sink refused the event.
pub(crate) const STAGE_SINK: &str = "TASK_PUT";

fn is_too_large(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}

/// True for failures that no repetition mends.
fn is_fatal(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{Fatal, TopicAuthorizationFailed, TransactionalIdAuthorizationFailed};
    matches!(
        error.rdkafka_error_code(),
        Some(Fatal | TopicAuthorizationFailed | TransactionalIdAuthorizationFailed)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_say_where_it_came_from_and_why_it_failed() {
        let letter = DeadLetter {
            record: Record::new("onhand.inventory.item", 3, 42),
            stage: STAGE_DECODE,
            reason: "x".repeat(5_000),
            attempts: 1,
        };
        let headers = error_headers(&letter, "onhand.cache");
        let value = |name: &str| {
            headers
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value.as_str())
        };
        assert_eq!(value("__connect.errors.offset"), Some("42"));
        assert_eq!(value("original_topic"), Some("onhand.inventory.item"));
        assert_eq!(value("retry_count"), Some("0"));
        assert_eq!(value("error").map(str::len), Some(MAX_REASON_CHARS));
        assert!(value("failed_at").is_some_and(|at| at.parse::<Timestamp>().is_ok()));
        assert_eq!(headers.len(), 14);
    }

    #[test]
    fn what_does_not_fit_ends_the_consumer_and_says_what_to_do() {
        let refused = |code| DeadLetterError::of(KafkaError::MessageProduction(code));
        assert!(!refused(RDKafkaErrorCode::MessageTimedOut).is_fatal());
        assert!(refused(RDKafkaErrorCode::TopicAuthorizationFailed).is_fatal());
        let large = DeadLetterError::TooLarge {
            topic: "t.g.dlq".to_owned(),
            bytes: 9,
            origin: "t partition 0 offset 1".to_owned(),
        };
        assert!(large.is_fatal());
        assert!(large.to_string().contains("raise max.message.bytes"), "{large}");
    }

    #[test]
    fn what_failed_again_after_a_redrive_counts_on() {
        let mut record = Record::new("onhand.inventory.item", 3, 42);
        record.headers = vec![
            (headers::REDRIVE_GROUP.to_owned(), Some(b"onhand.cache".to_vec())),
            (headers::REDRIVE_COUNT.to_owned(), Some(b"4".to_vec())),
        ];
        let letter = DeadLetter {
            record,
            stage: STAGE_SINK,
            reason: String::new(),
            attempts: 3,
        };
        let headers = error_headers(&letter, "onhand.cache");
        assert!(headers.contains(&("retry_count", "6".to_owned())), "{headers:?}");
    }
}
