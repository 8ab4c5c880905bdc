//! The contract between the runtime and a read model. This file is its specification.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use onhand_cdc::Change;

use super::decode::Message;

/// A record as Kafka gave it, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Topic it was read from.
    pub topic: Arc<str>,
    /// Partition.
    pub partition: i32,
    /// Place in the partition.
    pub offset: i64,
    /// Key.
    pub key: Option<Vec<u8>>,
    /// Value; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order; a header may have no value.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// When it was handed to Kafka, milliseconds since 1970.
    pub timestamp_ms: Option<i64>,
    /// When this consumer had it.
    pub taken_at: Timestamp,
    /// Which assignment of the partition it was read under; see `poll.rs`.
    pub(crate) generation: u64,
}

impl Record {
    /// A record at this place, without key, value and headers.
    pub fn new(topic: &str, partition: i32, offset: i64) -> Self {
        Self {
            topic: Arc::from(topic),
            partition,
            offset,
            key: None,
            value: None,
            headers: Vec::new(),
            timestamp_ms: None,
            taken_at: Timestamp::UNIX_EPOCH,
            generation: 0,
        }
    }

    /// Bytes it holds, roughly.
    pub fn bytes(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.as_ref().map_or(0, Vec::len))
            .sum();
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len) + headers
    }
}

/// A record and what it says: a change of a table, unless the sink reads something else.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<M = Change> {
    /// The record, kept for the dead letters.
    pub record: Record,
    /// The change in it.
    pub change: M,
}

/// What became of one event of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The read model has it now.
    Applied,
    /// The read model had something as new or newer. This is success: duplicates and old records
    /// are part of the contract.
    Stale,
    /// A newer event of the same batch made it needless.
    Superseded,
    /// It will never be accepted, whatever the state of the sink; it goes to the dead letters.
    Poison(String),
    /// A rule refused it, and the sink has answered whoever sent it, where its contract says so.
    Refused,
    /// This one was not taken now (the sink was busy): the runtime comes again with it.
    Retry(String),
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Try again later.
    Transient,
    /// Stop the consumer: no retry can mend it.
    Fatal,
}

/// The sink could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// It may work later.
    #[error("{0}")]
    Transient(String),
    /// It will not.
    #[error("{0}")]
    Fatal(String),
}

impl SinkError {
    /// The one answer that retries and shutdown read.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Transient(_) => ErrorClass::Transient,
            Self::Fatal(_) => ErrorClass::Fatal,
        }
    }
}

/// Whether a read model holds all there is, or only what changed lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warmth {
    /// It holds everything.
    Warm,
    /// It is being filled from Postgres.
    Warming(String),
}

/// A read model that change events are written to.
///
/// What the runtime promises:
/// - Events of one key arrive in the order of their partition, and a batch is written only after
///   the one before it was settled, unless the sink takes several at once.
/// - Any event may come again, alone or with others, at any later time (a restart, a rebalance, a
///   replay, a retry), also after newer events of its key.
/// - `write` is never called twice at once, unless the sink says so; `health`, `warmth` and `tick` may run beside it.
///
/// What a sink promises:
/// - A write takes effect only if its row version is newer than what the read model holds. A delete
///   leaves a versioned tombstone, so that an older event cannot bring the row back.
/// - Values come from the event; the row is never read again.
/// - `write` answers only when the read model has confirmed: offsets are committed on that word.
/// - It answers with one [`Outcome`] per event, in the order of the batch. One bad event is
///   [`Outcome::Poison`] and disturbs no other.
/// - Every call to the outside has a time limit.
#[async_trait]
pub trait Sink<M: Message = Change>: Send + Sync + 'static {
    /// Name in logs and metrics.
    fn name(&self) -> &'static str;

    /// Makes ready for the first batch (indexes, scripts). Called again after a transient failure.
    async fn prepare(&self) -> Result<(), SinkError>;

    /// Cheap probe: can the read model be written to now?
    async fn health(&self) -> Result<(), SinkError>;

    /// Does the read model hold everything?
    fn warmth(&self) -> Warmth;

    /// How many batches it takes at once, at least one. More only if nothing but the version of a row decides which of two events of it
    /// counts: the later batch may be there first.
    fn batches_at_once(&self) -> usize {
        1
    }

    /// Writes the events and says what became of each.
    async fn write(&self, batch: &[&Event<M>]) -> Result<Vec<Outcome>, SinkError>;

    /// Maintenance, about once a second: is the read model still the one that was filled? May take
    /// long (it fills an empty read model) and is dropped at any await when the consumer stops.
    async fn tick(&self) -> Result<(), SinkError>;

    /// Last call, after the last batch.
    async fn shutdown(&self);
}
