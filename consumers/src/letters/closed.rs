//! What was done about which letters: sent again or dropped.
//!
//! Letters cannot be taken out of a topic, and those of one topic are settled in any order. So a compacted topic
//! ([`topics::DLQ_STATE`]) keeps, for each stretch of [`STRETCH`] offsets, which of them were settled, how, and when. The
//! "when" makes it safe against a dead-letter topic that was deleted and made anew, whose offsets start again: what was
//! done before a letter was written was not done to it.

use std::collections::{BTreeMap, BTreeSet};

use onhand_cdc::topics;
use serde::{Deserialize, Serialize};

use super::letter::LetterId;

/// Offsets in one record of the topic: few records for many letters, and each far below a megabyte even if every second
/// letter of it is settled by itself.
const STRETCH: i64 = 4_096;

/// What was done about a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// Sent to its topic again.
    Redrive,
    /// Given up for good.
    Drop,
}

impl Act {
    /// As commands and the audit trail call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Drop => "drop",
        }
    }
}

/// Letters next to each other that were settled together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Span {
    from: i64,
    to: i64,
    act: Act,
    /// Milliseconds since 1970.
    at: i64,
}

/// The key of one record: a stretch of one partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    topic: String,
    partition: i32,
    stretch: i64,
}

/// All that was done.
#[derive(Debug, Default)]
pub struct Closed {
    stretches: BTreeMap<Key, Vec<Span>>,
}

/// The name of the topic that keeps it.
pub(super) const STATE_TOPIC: &str = topics::DLQ_STATE;

impl Closed {
    /// Takes in one record of the topic. What cannot be read is left out: its letters count as open, and sending one
    /// again does no harm.
    pub(super) fn read(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Ok(key) = serde_json::from_slice::<Key>(key) else {
            return;
        };
        match value.map(serde_json::from_slice::<Vec<Span>>) {
            Some(Ok(spans)) => drop(self.stretches.insert(key, spans)),
            Some(Err(_)) | None => drop(self.stretches.remove(&key)),
        }
    }

    /// What was done about the letter that was written then.
    pub(super) fn act(&self, id: &LetterId, written_ms: i64) -> Option<Act> {
        let spans = self.stretches.get(&key_of(&id.topic, id.partition, id.offset))?;
        spans
            .iter()
            .find(|span| (span.from..=span.to).contains(&id.offset) && span.at >= written_ms)
            .map(|span| span.act)
    }

    /// Notes an act on letters of one partition, in the order of their offsets, and answers the records to write.
    pub(super) fn close(&mut self, letters: &[(LetterId, i64)], act: Act, now_ms: i64) -> Vec<(Vec<u8>, Vec<u8>)> {
        // Clocks differ: a letter is never older than what is done about it.
        let at = letters.iter().map(|(_, written)| *written).fold(now_ms, i64::max);
        let mut touched = BTreeSet::new();
        for (id, _) in letters {
            let key = key_of(&id.topic, id.partition, id.offset);
            let spans = self.stretches.entry(key.clone()).or_default();
            close_one(
                spans,
                Span {
                    from: id.offset,
                    to: id.offset,
                    act,
                    at,
                },
            );
            touched.insert(key);
        }
        touched
            .into_iter()
            .filter_map(|key| {
                let spans = self.stretches.get(&key)?;
                Some((serde_json::to_vec(&key).ok()?, serde_json::to_vec(spans).ok()?))
            })
            .collect()
    }

    /// Stretches that lie wholly before the first offset that is kept: their letters are gone, and so may they.
    pub(super) fn outlived(&mut self, topic: &str, partition: i32, low: i64) -> Vec<Vec<u8>> {
        let gone: Vec<Key> = self
            .stretches
            .keys()
            .filter(|key| key.topic == topic && key.partition == partition && (key.stretch + 1) * STRETCH <= low)
            .cloned()
            .collect();
        for key in &gone {
            self.stretches.remove(key);
        }
        gone.iter().filter_map(|key| serde_json::to_vec(key).ok()).collect()
    }
}

fn key_of(topic: &str, partition: i32, offset: i64) -> Key {
    Key {
        topic: topic.to_owned(),
        partition,
        stretch: offset.div_euclid(STRETCH),
    }
}

/// Puts one offset in, out of whatever span had it before, and joins it to the span before it.
fn close_one(spans: &mut Vec<Span>, new: Span) {
    if let Some(index) = spans.iter().position(|span| (span.from..=span.to).contains(&new.from)) {
        let old = spans.remove(index);
        let before = Span {
            to: new.from - 1,
            ..old
        };
        let after = Span {
            from: new.to + 1,
            ..old
        };
        spans.extend([before, after].into_iter().filter(|span| span.from <= span.to));
    }
    let joined = spans
        .iter_mut()
        .find(|span| span.to + 1 == new.from && span.act == new.act && span.at == new.at);
    match joined {
        Some(span) => span.to = new.to,
        None => spans.push(new),
    }
}

/// Numbers as few ranges, for people and the audit trail.
pub(super) fn ranges(offsets: impl IntoIterator<Item = i64>) -> Vec<[i64; 2]> {
    let mut ranges: Vec<[i64; 2]> = Vec::new();
    for offset in offsets {
        match ranges.last_mut() {
            Some([_, to]) if *to + 1 == offset => *to = offset,
            _ => ranges.push([offset, offset]),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn id(offset: i64) -> LetterId {
        LetterId {
            topic: "t.g.dlq".to_owned(),
            partition: 0,
            offset,
        }
    }

    fn close(closed: &mut Closed, offsets: &[i64], act: Act, at: i64) -> Vec<(Vec<u8>, Vec<u8>)> {
        let letters: Vec<(LetterId, i64)> = offsets.iter().map(|offset| (id(*offset), 10)).collect();
        closed.close(&letters, act, at)
    }

    #[test]
    fn what_was_done_is_known_after_it_was_written_and_read() {
        let mut closed = Closed::default();
        let records = close(&mut closed, &[0, 1, 2, 5, STRETCH], Act::Redrive, 100);
        assert_eq!(records.len(), 2);
        let mut read = Closed::default();
        for (key, value) in &records {
            read.read(key, Some(value));
        }
        for offset in [0, 2, 5, STRETCH] {
            assert_eq!(read.act(&id(offset), 10), Some(Act::Redrive), "{offset}");
        }
        for offset in [3, 4, 6, STRETCH + 1] {
            assert_eq!(read.act(&id(offset), 10), None, "{offset}");
        }
        read.read(&records[0].0, None);
        assert_eq!(read.act(&id(0), 10), None);
        read.read(b"nonsense", Some(b"[]"));
    }

    #[test]
    fn a_letter_that_is_younger_than_the_act_is_another_one() {
        let mut closed = Closed::default();
        close(&mut closed, &[0, 1, 2], Act::Drop, 100);
        assert_eq!(closed.act(&id(1), 101), None);
        // In the topic made anew one of them is settled: the others stay open.
        closed.close(&[(id(1), 150)], Act::Redrive, 200);
        assert_eq!(closed.act(&id(1), 150), Some(Act::Redrive));
        assert_eq!(closed.act(&id(0), 150), None);
        assert_eq!(closed.act(&id(2), 150), None);
        assert_eq!(closed.act(&id(2), 50), Some(Act::Drop));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_open_a_letter_again() {
        let mut closed = Closed::default();
        closed.close(&[(id(0), 5_000)], Act::Redrive, 1_000);
        assert_eq!(closed.act(&id(0), 5_000), Some(Act::Redrive));
    }

    #[test]
    fn a_full_stretch_of_single_acts_fits_into_a_record() {
        let mut closed = Closed::default();
        let mut largest = 0;
        for offset in (0..STRETCH).step_by(2) {
            let records = close(&mut closed, &[offset], Act::Redrive, 1_700_000_000_000 + offset);
            largest = records.iter().map(|(_, value)| value.len()).fold(largest, usize::max);
        }
        assert!(largest < 500_000, "{largest} bytes");
    }

    #[test]
    fn stretches_whose_letters_are_gone_go_too() {
        let mut closed = Closed::default();
        close(&mut closed, &[1, STRETCH + 1], Act::Redrive, 100);
        assert_eq!(closed.outlived("t.g.dlq", 0, STRETCH - 1).len(), 0);
        assert_eq!(closed.outlived("t.g.dlq", 0, STRETCH).len(), 1);
        assert_eq!(closed.act(&id(STRETCH + 1), 10), Some(Act::Redrive));
    }

    #[test]
    fn numbers_become_ranges() {
        assert_eq!(ranges([1, 2, 3, 7, 9, 10]), vec![[1, 3], [7, 7], [9, 10]]);
        assert_eq!(ranges([]), Vec::<[i64; 2]>::new());
    }
}
