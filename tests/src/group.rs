//! Consumer groups: how far they are behind, and how they are sent back.

use crate::kafka::reader;
use crate::stack::SETTLE;
use anyhow::{Context, Result, bail, ensure};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// Marks of transactions that stand in a row at most.
const MOST_MARKS: i64 = 100;

/// A consumer group and the topics that it reads.
#[derive(Debug, Clone)]
pub struct Group {
    /// Brokers.
    pub brokers: String,
    /// Its name.
    pub name: String,
    /// Its topics.
    pub topics: Vec<String>,
}

/// One partition: where it begins and ends, and how far the group is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset that is kept.
    pub low: i64,
    /// Offset of the next record.
    pub high: i64,
    /// Next offset that the group wants; `low` if it has committed none.
    pub committed: i64,
}

impl Group {
    fn client(&self) -> Result<BaseConsumer> {
        Ok(ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("group.id", &self.name)
            .set("enable.auto.commit", "false")
            .create()?)
    }

    /// Every partition of the group's topics. A broker that has just come back may not know yet what it leads, and is asked again.
    ///
    /// # Errors
    /// If Kafka does not answer or a topic is missing.
    pub fn places(&self) -> Result<Vec<Place>> {
        let deadline = Instant::now() + SETTLE / 2;
        loop {
            match self.look() {
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
                found => return found,
            }
        }
    }

    fn look(&self) -> Result<Vec<Place>> {
        let client = self.client()?;
        let mut places = Vec::new();
        for topic in &self.topics {
            let metadata = client.fetch_metadata(Some(topic), SETTLE)?;
            let found = metadata.topics().first().context("no topic in the answer")?;
            ensure!(!found.partitions().is_empty(), "topic {topic} does not exist");
            for partition in found.partitions() {
                let (low, high) = client.fetch_watermarks(topic, partition.id(), SETTLE)?;
                let mut wanted = TopicPartitionList::new();
                wanted.add_partition(topic, partition.id());
                let committed = client.committed_offsets(wanted, SETTLE)?;
                let committed = committed.elements().first().map(|element| element.offset());
                places.push(Place {
                    topic: topic.clone(),
                    partition: partition.id(),
                    low,
                    high,
                    committed: match committed {
                        Some(Offset::Offset(offset)) => offset,
                        _ => low,
                    },
                });
            }
        }
        Ok(places)
    }

    /// Records that the group has not settled yet.
    ///
    /// # Errors
    /// If Kafka does not answer.
    pub fn lag(&self) -> Result<i64> {
        Ok(self
            .places()?
            .iter()
            .map(|place| (place.high - place.committed).max(0))
            .sum())
    }

    /// Waits until nothing is added to the topics any more.
    ///
    /// # Errors
    /// If something still is after [`SETTLE`].
    pub async fn quiet(&self) -> Result<()> {
        let ends = || -> Result<Vec<i64>> { Ok(self.places()?.iter().map(|place| place.high).collect()) };
        let deadline = Instant::now() + SETTLE;
        let mut before = ends()?;
        loop {
            // Change capture polls several times a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = ends()?;
            if now == before {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the topics of {} still grow", self.name);
            before = now;
        }
    }

    /// Whether nothing but the marks that end a transaction stands between the group and the end of a partition. No reader is ever given
    /// those, so none can settle them.
    fn is_at_the_end(&self, at: &Place) -> Result<bool> {
        if at.high - at.committed > MOST_MARKS {
            return Ok(false);
        }
        let reader = reader(&self.brokers)?;
        let mut from = TopicPartitionList::new();
        from.add_partition_offset(&at.topic, at.partition, Offset::Offset(at.committed))?;
        reader.assign(&from)?;
        Ok(matches!(reader.poll(SETTLE), Some(Err(KafkaError::PartitionEOF(_)))))
    }

    /// Waits until everything that stands in the topics now is settled.
    ///
    /// # Errors
    /// If it is not within twice [`SETTLE`].
    pub async fn caught_up(&self) -> Result<()> {
        let goal = self.places()?;
        let deadline = Instant::now() + SETTLE * 2;
        loop {
            let mut behind = Vec::new();
            for at in self.places()? {
                let wanted = goal
                    .iter()
                    .any(|end| (&at.topic, at.partition) == (&end.topic, end.partition) && at.committed < end.high);
                if wanted && !self.is_at_the_end(&at)? {
                    behind.push(at);
                }
            }
            if behind.is_empty() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("group {} has not settled {behind:?}", self.name);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Sends the group back by so many records in each partition. Its members must be stopped.
    ///
    /// # Errors
    /// If Kafka refuses, as it does while the group has members.
    pub fn rewind(&self, records: i64) -> Result<()> {
        let mut back = TopicPartitionList::new();
        for place in self.places()? {
            let offset = Offset::Offset((place.committed - records).max(place.low));
            back.add_partition_offset(&place.topic, place.partition, offset)?;
        }
        // A static member that was stopped counts as a member until its session has run out.
        let deadline = Instant::now() + SETTLE;
        loop {
            match self.client()?.commit(&back, CommitMode::Sync) {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}
