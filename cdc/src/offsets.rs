//! Where topics begin and end, and where consumer groups are in them.
//!
//! All partitions are asked for at once: a question for each of them is a round trip for each, and the same again for every group that
//! is looked at.

use std::collections::BTreeMap;

use rdkafka::consumer::{Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

/// Topic and number of a partition.
pub type Partition = (String, i32);

/// The records that the broker has of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Offset of the first.
    pub low: i64,
    /// Offset behind the last.
    pub high: i64,
}

impl Marks {
    /// Offset of the next record for a group that has committed this: what the broker has dropped does not come any more.
    pub fn next(self, committed: Option<i64>) -> i64 {
        committed.map_or(self.low, |offset| offset.max(self.low))
    }

    /// Records from there to the end.
    pub fn behind(self, committed: Option<i64>) -> i64 {
        self.high.saturating_sub(self.next(committed)).max(0)
    }
}

/// The partitions of topics; none of a topic that does not exist. Blocks.
///
/// # Errors
/// If Kafka does not answer in time.
pub fn partitions<C: ConsumerContext>(
    client: &impl Consumer<C>,
    topics: &[impl AsRef<str>],
    timeout: impl Into<Timeout>,
) -> KafkaResult<Vec<Partition>> {
    let timeout = timeout.into();
    let mut found = Vec::new();
    for topic in topics.iter().map(AsRef::as_ref) {
        let metadata = client.fetch_metadata(Some(topic), timeout)?;
        let numbers = metadata.topics().iter().flat_map(|topic| topic.partitions());
        found.extend(numbers.map(|partition| (topic.to_owned(), partition.id())));
    }
    Ok(found)
}

/// Begin and end of each of these partitions, by two questions to each broker. Blocks.
///
/// # Errors
/// If Kafka does not answer in time, or does not know one of them.
pub fn marks<C: ConsumerContext>(
    client: &impl Consumer<C>,
    partitions: &[Partition],
    timeout: impl Into<Timeout>,
) -> KafkaResult<BTreeMap<Partition, Marks>> {
    let timeout = timeout.into();
    let lows = ends(client, partitions, Offset::Beginning, timeout)?;
    let highs = ends(client, partitions, Offset::End, timeout)?;
    Ok(highs
        .into_iter()
        .filter_map(|(partition, high)| {
            let low = *lows.get(&partition)?;
            Some((partition, Marks { low, high }))
        })
        .collect())
}

/// What the group of this client has committed of each of these partitions; those of which it has committed nothing are left out. Blocks.
///
/// # Errors
/// If Kafka does not answer in time.
pub fn committed<C: ConsumerContext>(
    client: &impl Consumer<C>,
    partitions: &[Partition],
    timeout: impl Into<Timeout>,
) -> KafkaResult<BTreeMap<Partition, i64>> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    offsets(&client.committed_offsets(list(partitions, Offset::Invalid)?, timeout)?)
}

/// Records of these partitions behind what was committed of each.
pub fn behind(
    marks: &BTreeMap<Partition, Marks>,
    partitions: &[Partition],
    committed: &BTreeMap<Partition, i64>,
) -> i64 {
    let of = |partition| {
        let marks = marks.get(partition)?;
        Some(marks.behind(committed.get(partition).copied()))
    };
    partitions.iter().filter_map(of).fold(0, i64::saturating_add)
}

/// A protocol for times answers this too: the first and the next offset stand for times of their own.
fn ends<C: ConsumerContext>(
    client: &impl Consumer<C>,
    partitions: &[Partition],
    end: Offset,
    timeout: Timeout,
) -> KafkaResult<BTreeMap<Partition, i64>> {
    if partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    offsets(&client.offsets_for_times(list(partitions, end)?, timeout)?)
}

fn list(partitions: &[Partition], offset: Offset) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition_offset(topic, *partition, offset)?;
    }
    Ok(list)
}

fn offsets(list: &TopicPartitionList) -> KafkaResult<BTreeMap<Partition, i64>> {
    let mut found = BTreeMap::new();
    for element in list.elements() {
        element.error()?;
        if let Offset::Offset(offset) = element.offset() {
            found.insert((element.topic().to_owned(), element.partition()), offset);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_begins_at_what_the_broker_still_has() {
        let marks = |low, high| Marks { low, high };
        assert_eq!(marks(0, 10).behind(Some(7)), 3);
        assert_eq!(marks(9, 10).behind(Some(7)), 1);
        assert_eq!(marks(4, 10).behind(None), 6);
        // A topic that was made anew ends before what was committed of the old one.
        assert_eq!(marks(0, 10).behind(Some(12)), 0);
    }
}
