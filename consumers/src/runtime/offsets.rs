//! How far each partition is settled, and what of that Kafka has been told.

use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::sink::Record;

/// A partition of a topic.
pub(crate) type Partition = (Arc<str>, i32);

#[derive(Debug, Clone, Copy)]
struct Progress {
    /// The offset to go on from.
    next: i64,
    /// What was committed last.
    committed: i64,
}

/// The last record of a partition in a batch: settling the batch settles all up to here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    partition: Partition,
    generation: u64,
    offset: i64,
}

/// The marks of a batch: one per partition and assignment.
pub(crate) fn marks(records: &[Record]) -> Vec<Mark> {
    let mut last: HashMap<(&str, i32, u64), &Record> = HashMap::new();
    for record in records {
        // Records of a partition come in order, so the later one has the higher offset.
        last.insert((&record.topic, record.partition, record.generation), record);
    }
    last.into_values()
        .map(|record| Mark {
            partition: (Arc::clone(&record.topic), record.partition),
            generation: record.generation,
            offset: record.offset,
        })
        .collect()
}

/// Offsets of settled records. Only the worker touches it.
#[derive(Debug, Default)]
pub(crate) struct Offsets {
    partitions: HashMap<Partition, Progress>,
    /// Records read under an older assignment than this are not ours any more.
    valid_from: HashMap<Partition, u64>,
}

impl Offsets {
    /// Notes that everything up to these marks is settled. Marks of an assignment that was lost
    /// meanwhile are left out: another member goes on from the committed offset. Within an assignment records come in order, so
    /// an offset below the last one is of a topic that was deleted and made again, and is the one that counts.
    pub(crate) fn settle(&mut self, marks: Vec<Mark>) {
        for mark in marks {
            if !self.is_valid(&mark.partition, mark.generation) {
                continue;
            }
            let next = mark.offset.saturating_add(1);
            self.partitions
                .entry(mark.partition)
                .and_modify(|progress| progress.next = next)
                .or_insert(Progress { next, committed: -1 });
        }
    }

    /// False for a record of an assignment that is gone.
    pub(crate) fn is_current(&self, record: &Record) -> bool {
        if self.valid_from.is_empty() {
            return true;
        }
        let partition = (Arc::clone(&record.topic), record.partition);
        self.is_valid(&partition, record.generation)
    }

    fn is_valid(&self, partition: &Partition, generation: u64) -> bool {
        self.valid_from.get(partition).is_none_or(|from| generation >= *from)
    }

    /// What has to be committed now; it counts as committed from here on.
    pub(crate) fn take_uncommitted(&mut self) -> KafkaResult<Option<TopicPartitionList>> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), progress) in &mut self.partitions {
            if progress.next != progress.committed {
                list.add_partition_offset(topic, *partition, Offset::Offset(progress.next))?;
                progress.committed = progress.next;
            }
        }
        Ok((list.count() > 0).then_some(list))
    }

    /// A commit failed: everything counts as not committed again.
    pub(crate) fn forget_commits(&mut self) {
        for progress in self.partitions.values_mut() {
            progress.committed = -1;
        }
    }

    /// Gives partitions up: answers what is to be committed for them, and refuses their older
    /// records from now on. What was committed before is committed again: that may have been refused because of the very rebalance
    /// that takes the partitions away, and the next owner would do all of it a second time.
    pub(crate) fn revoke(&mut self, partitions: &[Partition], generation: u64) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for key in partitions {
            self.valid_from.insert(key.clone(), generation);
            if let Some(progress) = self.partitions.remove(key) {
                list.add_partition_offset(&key.0, key.1, Offset::Offset(progress.next))?;
            }
        }
        Ok(list)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn record(partition: i32, offset: i64, generation: u64) -> Record {
        Record {
            generation,
            ..Record::new("t", partition, offset)
        }
    }

    fn committed(offsets: &mut Offsets) -> Vec<(i32, Offset)> {
        let list = offsets.take_uncommitted().unwrap();
        let mut found: Vec<(i32, Offset)> = list
            .iter()
            .flat_map(|list| list.elements())
            .map(|element| (element.partition(), element.offset()))
            .collect();
        found.sort_by_key(|(partition, _)| *partition);
        found
    }

    #[test]
    fn the_offset_after_the_last_settled_record_is_committed_once() {
        let mut offsets = Offsets::default();
        offsets.settle(marks(&[record(0, 4, 0), record(0, 5, 0), record(1, 9, 0)]));
        let expected = vec![(0, Offset::Offset(6)), (1, Offset::Offset(10))];
        assert_eq!(committed(&mut offsets), expected);
        assert_eq!(committed(&mut offsets), vec![]);
        offsets.forget_commits();
        assert_eq!(committed(&mut offsets), expected);
    }

    #[test]
    fn offsets_of_a_topic_that_was_made_anew_are_committed() {
        let mut offsets = Offsets::default();
        offsets.settle(marks(&[record(0, 9, 0)]));
        assert_eq!(committed(&mut offsets), vec![(0, Offset::Offset(10))]);
        offsets.settle(marks(&[record(0, 10, 0), record(0, 0, 0), record(0, 1, 0)]));
        assert_eq!(committed(&mut offsets), vec![(0, Offset::Offset(2))]);
    }

    #[test]
    fn what_is_given_up_is_committed_even_if_a_commit_is_under_way() {
        let mut offsets = Offsets::default();
        offsets.settle(marks(&[record(0, 4, 0)]));
        assert_eq!(committed(&mut offsets), vec![(0, Offset::Offset(5))]);
        let list = offsets.revoke(&[(Arc::from("t"), 0)], 1).unwrap();
        let offset = list.find_partition("t", 0).map(|element| element.offset());
        assert_eq!(offset, Some(Offset::Offset(5)));
    }

    #[test]
    fn records_of_a_lost_assignment_do_not_count() {
        let mut offsets = Offsets::default();
        offsets.settle(marks(&[record(0, 4, 0)]));
        let list = offsets.revoke(&[(Arc::from("t"), 0)], 1).unwrap();
        assert_eq!(list.count(), 1);
        assert!(!offsets.is_current(&record(0, 5, 0)));
        offsets.settle(marks(&[record(0, 5, 0)]));
        assert_eq!(committed(&mut offsets), vec![]);
        offsets.settle(marks(&[record(0, 5, 1)]));
        assert_eq!(committed(&mut offsets), vec![(0, Offset::Offset(6))]);
    }
}
