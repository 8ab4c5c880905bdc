//! How far consumer groups are behind.

use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use crate::KafkaConfig;
use crate::offsets;

/// One poll.
const POLL: Duration = Duration::from_millis(100);

/// A partition and the offset behind its last record.
#[derive(Debug, Clone)]
struct Goal {
    topic: String,
    partition: i32,
    end: i64,
}

/// The ends of topics at one moment, and whether a group has come so far since. Blocks.
pub struct Backlog {
    consumer: BaseConsumer,
    timeout: Duration,
    goals: Vec<Goal>,
}

impl Backlog {
    /// The ends of these topics as they are now, for this group.
    ///
    /// # Errors
    /// If Kafka does not answer.
    pub fn note(config: &KafkaConfig, group: &str, topics: &[String]) -> Result<Self, KafkaError> {
        let consumer: BaseConsumer = config
            .client()
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .create()?;
        let timeout = config.request_timeout();
        let mut goals = Vec::new();
        let partitions = offsets::partitions(&consumer, topics, timeout)?;
        for ((topic, partition), marks) in offsets::marks(&consumer, &partitions, timeout)? {
            if marks.high > marks.low {
                goals.push(Goal {
                    topic,
                    partition,
                    end: marks.high,
                });
            }
        }
        Ok(Self {
            consumer,
            timeout,
            goals,
        })
    }

    /// Offsets before the noted ends that the group has not settled yet; 0 if it has every record.
    ///
    /// # Errors
    /// If Kafka does not answer.
    pub fn left(&self) -> Result<i64, KafkaError> {
        if self.goals.is_empty() {
            return Ok(0);
        }
        let mut list = TopicPartitionList::new();
        for goal in &self.goals {
            list.add_partition(&goal.topic, goal.partition);
        }
        let committed = self.consumer.committed_offsets(list, self.timeout)?;
        let mut left: i64 = 0;
        for goal in &self.goals {
            let found = committed.find_partition(&goal.topic, goal.partition);
            let offset = match found.map(|found| found.offset()) {
                Some(Offset::Offset(offset)) => offset,
                _ => 0,
            };
            let behind = goal.end.saturating_sub(offset);
            if behind > 0 && self.has_record(goal, offset)? {
                left = left.saturating_add(behind);
            }
        }
        Ok(left)
    }

    /// The end of a transaction takes an offset too, and no consumer ever sees it: what is left may be nothing else.
    fn has_record(&self, goal: &Goal, from: i64) -> Result<bool, KafkaError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&goal.topic, goal.partition, Offset::Offset(from))?;
        self.consumer.assign(&list)?;
        let until = Instant::now() + self.timeout;
        let found = loop {
            match self.consumer.poll(POLL) {
                Some(Err(KafkaError::PartitionEOF(_))) => break false,
                Some(Ok(_)) => break true,
                Some(Err(error)) => return Err(error),
                None if Instant::now() >= until => break true,
                None => {}
            }
        };
        self.consumer.unassign()?;
        Ok(found)
    }
}
