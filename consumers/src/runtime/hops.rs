//! When a record passed each hop of its way: commit, Debezium, Kafka, this consumer, its sink.
//!
//! Each hop tells its own clock, and some only whole milliseconds, so a time is never taken to be before the one of the
//! hop before it: a stage may read as zero, never as negative.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use super::decode::Message;
use super::sink::Event;

/// Names of the stages between two hops, in order.
pub(crate) const STAGES: [&str; 5] = ["capture", "publish", "fetch", "queue", "write"];

/// The times of one record, in microseconds since 1970, never going back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hops {
    /// The transaction committed in Postgres.
    committed: i64,
    /// Debezium had read the change.
    captured: i64,
    /// The record was handed to Kafka.
    published: i64,
    /// This consumer had it.
    taken: i64,
    /// Its batch went to the sink.
    begun: i64,
    /// The sink confirmed it.
    settled: i64,
}

impl Hops {
    /// The way of an event whose batch went to the sink at `begun` and was confirmed at `settled`. `None` if it does not say
    /// when it was committed.
    pub(crate) fn of<M: Message>(event: &Event<M>, begun: Timestamp, settled: Timestamp) -> Option<Self> {
        let committed = event.change.committed_at()?.as_microsecond();
        let millis = |at: Option<i64>| at.map_or(committed, |at| at.saturating_mul(1_000));
        let captured = millis(event.change.captured_ms()).max(committed);
        let published = millis(event.record.timestamp_ms).max(captured);
        let taken = event.record.taken_at.as_microsecond().max(published);
        let begun = begun.as_microsecond().max(taken);
        Some(Self {
            committed,
            captured,
            published,
            taken,
            begun,
            settled: settled.as_microsecond().max(begun),
        })
    }

    /// What each of the [`STAGES`] took.
    pub(crate) fn stages(&self) -> [Duration; 5] {
        [
            between(self.committed, self.captured),
            between(self.captured, self.published),
            between(self.published, self.taken),
            between(self.taken, self.begun),
            between(self.begun, self.settled),
        ]
    }

    pub(crate) fn committed(&self) -> SystemTime {
        at(self.committed)
    }

    pub(crate) fn captured(&self) -> SystemTime {
        at(self.captured)
    }

    pub(crate) fn published(&self) -> SystemTime {
        at(self.published)
    }

    pub(crate) fn taken(&self) -> SystemTime {
        at(self.taken)
    }

    pub(crate) fn begun(&self) -> SystemTime {
        at(self.begun)
    }

    pub(crate) fn settled(&self) -> SystemTime {
        at(self.settled)
    }
}

fn between(earlier: i64, later: i64) -> Duration {
    Duration::from_micros(u64::try_from(later.saturating_sub(earlier)).unwrap_or(0))
}

fn at(micros: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_to_the_whole_way() {
        let hops = Hops {
            committed: 1_000_000,
            captured: 1_003_000,
            published: 1_003_000,
            taken: 1_006_500,
            begun: 1_006_600,
            settled: 1_008_000,
        };
        let whole: Duration = hops.stages().iter().sum();
        assert_eq!(whole, Duration::from_millis(8));
        assert_eq!(hops.stages()[1], Duration::ZERO);
        assert_eq!(hops.settled().duration_since(hops.committed()).ok(), Some(whole));
    }
}
