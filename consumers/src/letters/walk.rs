//! Going through the dead-letter topics, one letter at a time: what is held in memory does not grow with their number.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use onhand_cdc::offsets::{self, Marks};
use onhand_cdc::{KafkaConfig, topics};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::LettersError;
use super::closed::{Closed, STATE_TOPIC};
use super::letter::{Filter, Letter};

/// One poll.
const POLL: Duration = Duration::from_millis(200);
/// Waiting longer than this for the next record of a partition that has one is an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// A partition of a topic and the offsets to read: the first, and the one behind the last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    topic: String,
    partition: i32,
    low: i64,
    high: i64,
}

fn consumer(config: &KafkaConfig) -> Result<BaseConsumer, KafkaError> {
    config
        .client()
        // Kafka asks for a name; nothing is committed under it.
        .set("group.id", "onhand.dlq")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // What a redrive that was broken off had written does not count.
        .set("isolation.level", "read_committed")
        .set("queued.max.messages.kbytes", "8192")
        .create()
}

/// The dead-letter topics of the cluster, in the order of their names.
pub(super) fn topics_of(config: &KafkaConfig) -> Result<Vec<String>, LettersError> {
    let metadata = consumer(config)?.fetch_metadata(None, config.request_timeout())?;
    let mut names: Vec<String> = metadata
        .topics()
        .iter()
        .map(|topic| topic.name().to_owned())
        .filter(|name| topics::holds_dead_letters(name))
        .collect();
    names.sort();
    Ok(names)
}

/// How many partitions a topic has; none if it does not exist.
pub(super) fn partitions_of(config: &KafkaConfig, topic: &str) -> Result<i32, LettersError> {
    let metadata = consumer(config)?.fetch_metadata(Some(topic), config.request_timeout())?;
    let count = metadata.topics().first().map_or(0, |found| found.partitions().len());
    Ok(i32::try_from(count).unwrap_or(0))
}

/// Everything that was done about letters until now.
pub(super) fn read_closed(config: &KafkaConfig) -> Result<Closed, LettersError> {
    let mut closed = Closed::default();
    let mut reader = Reader::open(config, &[STATE_TOPIC.to_owned()])?;
    while let Some(()) = reader.next(|message| {
        if let Some(key) = message.key() {
            closed.read(key, message.payload());
        }
        Some(())
    })? {}
    Ok(closed)
}

/// A walk through the letters that a filter means.
pub struct Walk {
    reader: Reader,
    filter: Filter,
}

impl Walk {
    pub(super) fn open(config: &KafkaConfig, filter: &Filter) -> Result<Self, LettersError> {
        let mut names = topics_of(config)?;
        names.retain(|name| filter.may_match_topic(name));
        Ok(Self {
            reader: Reader::open(config, &names)?,
            filter: filter.clone(),
        })
    }

    /// The next letter that is meant; none at the end. Letters of one partition come one after the other.
    ///
    /// # Errors
    /// If Kafka cannot be read.
    pub fn next(&mut self, closed: &Closed) -> Result<Option<Letter>, LettersError> {
        let filter = &self.filter;
        self.reader.next(|message| {
            let mut letter = Letter::of(message);
            letter.act = closed.act(&letter.id, letter.written_ms);
            filter.matches(&letter).then_some(letter)
        })
    }

    /// First offset that is kept of each partition that is not empty.
    pub(super) fn lows(&self) -> Vec<(String, i32, i64)> {
        self.reader.lows.clone()
    }
}

/// Reads places one after the other, up to where they ended when it was opened.
struct Reader {
    consumer: BaseConsumer,
    places: VecDeque<Place>,
    current: Option<Place>,
    lows: Vec<(String, i32, i64)>,
}

impl Reader {
    fn open(config: &KafkaConfig, names: &[String]) -> Result<Self, LettersError> {
        let consumer = consumer(config)?;
        let timeout = config.request_timeout();
        let partitions = offsets::partitions(&consumer, names, timeout)?;
        let mut marks = offsets::marks(&consumer, &partitions, timeout)?;
        let mut places: VecDeque<Place> = partitions
            .into_iter()
            .filter_map(|key| {
                let Marks { low, high } = marks.remove(&key)?;
                let (topic, partition) = key;
                Some(Place {
                    topic,
                    partition,
                    low,
                    high,
                })
            })
            .collect();
        let lows = places
            .iter()
            .map(|place| (place.topic.clone(), place.partition, place.low))
            .collect();
        places.retain(|place| place.low < place.high);
        Ok(Self {
            consumer,
            places,
            current: None,
            lows,
        })
    }

    /// The first thing that `take` finds from here on.
    fn next<T>(
        &mut self,
        mut take: impl FnMut(&rdkafka::message::BorrowedMessage<'_>) -> Option<T>,
    ) -> Result<Option<T>, LettersError> {
        let mut deadline = Instant::now() + PATIENCE;
        loop {
            let Some(place) = self.current.clone() else {
                match self.places.pop_front() {
                    None => return Ok(None),
                    Some(place) => self.assign(place)?,
                }
                deadline = Instant::now() + PATIENCE;
                continue;
            };
            let polled = match self.consumer.poll(POLL) {
                None if Instant::now() >= deadline => return Err(LettersError::Silent(place.topic, place.partition)),
                None => continue,
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    self.current = None;
                    continue;
                }
                Some(polled) => polled?,
            };
            deadline = Instant::now() + PATIENCE;
            let offset = polled.offset();
            if offset + 1 >= place.high {
                self.current = None;
            }
            if offset >= place.high {
                continue;
            }
            if let Some(found) = take(&polled) {
                return Ok(Some(found));
            }
        }
    }

    fn assign(&mut self, place: Place) -> Result<(), LettersError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&place.topic, place.partition, Offset::Offset(place.low))?;
        self.consumer.assign(&list)?;
        self.current = Some(place);
        Ok(())
    }
}
