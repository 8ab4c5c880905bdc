//! Sending letters again and dropping them, each exactly once.
//!
//! What is sent and the note that it was sent are one Kafka transaction, and the transactional id is one for all: who
//! begins later ends the one before, reads what that one had finished, and goes on from there. So nothing is sent twice,
//! whether a redrive is run again, runs twice at once, or dies in the middle.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::{KafkaConfig, topics};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::util::Timeout;

use super::closed::{Act, Closed, STATE_TOPIC, ranges};
use super::letter::{Letter, LetterId};
use super::{LettersError, headers, walk};

/// One for all who act on letters, so that two of them never do so at once.
const TRANSACTIONAL_ID: &str = "onhand.dlq";
/// As long as it takes to send one batch on a slow day; the broker undoes what takes longer.
const TRANSACTION_TIMEOUT_MS: &str = "60000";
/// Below the one of the transaction, as librdkafka demands.
const DELIVERY_TIMEOUT_MS: &str = "45000";
/// The record must fit even where it itself only just did.
const MAX_MESSAGE_BYTES: &str = "20971520";
/// Waiting for a queue that is full.
const QUEUE_PAUSE: Duration = Duration::from_millis(20);

/// Where a letter goes when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Target {
    /// Topic of its record.
    pub topic: String,
    /// Partition its record had, unless the topic has fewer by now.
    pub partition: Option<i32>,
}

/// Why a letter cannot be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unsendable {
    /// It does not say where it came from.
    NoOrigin,
    /// That topic is not there any more.
    NoTopic,
}

impl Unsendable {
    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::NoOrigin => "they do not name the topic they came from",
            Self::NoTopic => "the topic they came from does not exist",
        }
    }
}

/// Finds out where letters go.
pub struct Router {
    config: KafkaConfig,
    partitions: HashMap<String, i32>,
}

impl Router {
    /// A router of this cluster.
    pub fn new(config: &KafkaConfig) -> Self {
        Self {
            config: config.clone(),
            partitions: HashMap::new(),
        }
    }

    /// Where this letter goes.
    ///
    /// # Errors
    /// If Kafka cannot be asked.
    pub fn target(&mut self, letter: &Letter) -> Result<Result<Target, Unsendable>, LettersError> {
        let Some(topic) = &letter.origin.topic else {
            return Ok(Err(Unsendable::NoOrigin));
        };
        let count = match self.partitions.get(topic) {
            Some(count) => *count,
            None => {
                let count = walk::partitions_of(&self.config, topic)?;
                self.partitions.insert(topic.clone(), count);
                count
            }
        };
        if count == 0 {
            return Ok(Err(Unsendable::NoTopic));
        }
        Ok(Ok(Target {
            topic: topic.clone(),
            // Debezium and this client spread keys in different ways: the order within a key rests on the partition.
            partition: letter.origin.partition.filter(|partition| *partition < count),
        }))
    }
}

/// What was done with one batch of letters of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Sent or dropped.
    pub act: Act,
    /// Dead-letter topic.
    pub topic: String,
    /// Partition of it.
    pub partition: i32,
    /// How many.
    pub count: usize,
    /// Which ones, first and last offset of each stretch.
    pub offsets: Vec<[i64; 2]>,
}

/// Acts on letters.
pub struct Actor {
    producer: ThreadedProducer<DefaultProducerContext>,
    closed: Closed,
    timeout: Duration,
}

impl Actor {
    /// Takes over from whoever acted before, and reads what was done.
    ///
    /// # Errors
    /// If Kafka cannot be used for it.
    pub fn open(config: &KafkaConfig) -> Result<Self, LettersError> {
        let producer: ThreadedProducer<DefaultProducerContext> = config
            .client()
            .set("client.id", TRANSACTIONAL_ID)
            .set("transactional.id", TRANSACTIONAL_ID)
            .set("transaction.timeout.ms", TRANSACTION_TIMEOUT_MS)
            .set("message.timeout.ms", DELIVERY_TIMEOUT_MS)
            .set("message.max.bytes", MAX_MESSAGE_BYTES)
            .set("linger.ms", "5")
            .create()?;
        let timeout = config.request_timeout();
        producer.init_transactions(timeout)?;
        // Only now: nobody else can finish anything from here on.
        let closed = walk::read_closed(config)?;
        Ok(Self {
            producer,
            closed,
            timeout,
        })
    }

    /// What was done until now.
    pub fn closed(&self) -> &Closed {
        &self.closed
    }

    /// Begins a batch: sends the letters (for [`Act::Redrive`]) and the note, without making it count yet.
    ///
    /// # Errors
    /// If something is not taken; nothing of the batch counts then.
    pub fn begin(&mut self, act: Act, letters: &[(Letter, Option<Target>)]) -> Result<Batch, LettersError> {
        let Some((first, _)) = letters.first() else {
            return Err(LettersError::Empty);
        };
        let batch = Batch {
            act,
            topic: first.id.topic.clone(),
            partition: first.id.partition,
            count: letters.len(),
            offsets: ranges(letters.iter().map(|(letter, _)| letter.id.offset)),
        };
        self.producer.begin_transaction()?;
        let sent = self.send_all(act, letters);
        if sent.is_err() {
            self.producer.abort_transaction(self.timeout)?;
        }
        sent.map(|()| batch)
    }

    /// Makes the batch count.
    ///
    /// # Errors
    /// If Kafka refuses, for example because another redrive has begun; nothing of the batch counts then.
    pub fn commit(&mut self) -> Result<(), LettersError> {
        match self
            .producer
            .commit_transaction(Timeout::from(self.timeout.saturating_mul(2)))
        {
            Ok(()) => Ok(()),
            Err(KafkaError::Transaction(error)) if error.txn_requires_abort() => {
                self.producer.abort_transaction(self.timeout)?;
                Err(KafkaError::Transaction(error).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the batch up.
    ///
    /// # Errors
    /// If Kafka does not answer; the broker then gives it up by itself.
    pub fn abort(&mut self) -> Result<(), LettersError> {
        Ok(self.producer.abort_transaction(self.timeout)?)
    }

    /// Forgets what was done about letters that are not kept any more.
    ///
    /// # Errors
    /// If Kafka does not take it.
    pub fn tidy(&mut self, lows: &[(String, i32, i64)]) -> Result<(), LettersError> {
        let mut gone = Vec::new();
        for (topic, partition, low) in lows {
            gone.extend(self.closed.outlived(topic, *partition, *low));
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.producer.begin_transaction()?;
        for key in &gone {
            self.send(BaseRecord::<[u8], [u8]>::to(STATE_TOPIC).key(key))?;
        }
        self.commit()
    }

    fn send_all(&mut self, act: Act, letters: &[(Letter, Option<Target>)]) -> Result<(), LettersError> {
        for (letter, target) in letters {
            if let (Act::Redrive, Some(target)) = (act, target) {
                self.redrive(letter, target)?;
            }
        }
        let ids: Vec<(LetterId, i64)> = letters
            .iter()
            .map(|(letter, _)| (letter.id.clone(), letter.written_ms))
            .collect();
        let now = Timestamp::now().as_millisecond();
        for (key, value) in self.closed.close(&ids, act, now) {
            self.send(
                BaseRecord::to(STATE_TOPIC)
                    .key(key.as_slice())
                    .payload(value.as_slice()),
            )?;
        }
        Ok(())
    }

    /// The record as it was, and for whom it is sent again.
    fn redrive(&self, letter: &Letter, target: &Target) -> Result<(), LettersError> {
        let attempts = letter.retry_count.saturating_add(1).to_string();
        let mut all = letter.headers.iter().fold(OwnedHeaders::new(), |all, (key, value)| {
            all.insert(Header {
                key,
                value: value.as_deref(),
            })
        });
        if let Some(group) = &letter.origin.group {
            all = all
                .insert(Header {
                    key: headers::REDRIVE_GROUP,
                    value: Some(group),
                })
                .insert(Header {
                    key: headers::REDRIVE_COUNT,
                    value: Some(&attempts),
                });
        }
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(&target.topic).headers(all);
        record.key = letter.key.as_deref();
        record.payload = letter.value.as_deref();
        record.partition = target.partition;
        self.send(record)
    }

    /// Whether it was delivered is known when the transaction is committed: it fails if something was not.
    fn send(&self, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<(), LettersError> {
        use rdkafka::error::RDKafkaErrorCode::QueueFull;
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(QUEUE_PAUSE);
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
    }
}

/// Makes the topic that keeps what was done, if it is missing.
///
/// # Errors
/// If Kafka refuses it.
pub async fn ensure_state_topic(config: &KafkaConfig) -> Result<(), LettersError> {
    topics::ensure_these(config, &[topics::dlq_state_spec()]).await?;
    Ok(())
}
