//! Decoding of one record, and the patience with schema ids that the registry does not know.
//!
//! What the records of a sink's topics are is one type, a [`Message`]; the runtime is the same for all.

use onhand_cdc::error_chain;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use onhand_cdc::{Change, DecodeClass, DecodeError, Decoder, Operation, Table};

use super::sink::Record;

/// After one id was waited for in vain, others that are unknown too get only this long: a flood of
/// garbage must not hold a partition up for seconds per record.
const SHORT_WAIT: Duration = Duration::from_millis(200);
/// For how long that holds.
const MEMORY: Duration = Duration::from_secs(60);
/// Ids remembered; garbage can name four thousand million.
const MAX_UNKNOWN: usize = 1_024;

/// What the records of a sink's topics say.
#[async_trait]
pub trait Message: std::fmt::Debug + Sized + Send + Sync + 'static {
    /// Reads one record; `None` if it says nothing (a tombstone). Its errors tell the runtime whether to try again.
    async fn decode(decoder: &Decoder, record: &Record) -> Result<Option<Self>, DecodeError>;

    /// When it was committed in Postgres, if it is news from there: latencies are measured from then on.
    fn committed_at(&self) -> Option<Timestamp>;

    /// When Debezium had read it, in milliseconds since 1970.
    fn captured_ms(&self) -> Option<i64> {
        None
    }

    /// The change of a captured table, if it is one.
    fn as_change(&self) -> Option<&Change> {
        None
    }
}

#[async_trait]
impl Message for Change {
    async fn decode(decoder: &Decoder, record: &Record) -> Result<Option<Self>, DecodeError> {
        let Some(bytes) = record.value.as_deref() else {
            // The delete before a tombstone said everything.
            return record.key.as_ref().map(|_| None).ok_or(DecodeError::Empty);
        };
        let table =
            Table::of_topic(&record.topic).ok_or_else(|| DecodeError::UnknownTopic(record.topic.to_string()))?;
        decoder.decode(table, bytes).await.map(Some)
    }

    fn committed_at(&self) -> Option<Timestamp> {
        // A snapshot reads rows that were written long ago: that is no latency.
        match self.operation() {
            Operation::Read => None,
            _ => self.source().committed_at(),
        }
    }

    fn captured_ms(&self) -> Option<i64> {
        Change::captured_ms(self)
    }

    fn as_change(&self) -> Option<&Change> {
        Some(self)
    }
}

/// What a record turned out to be.
#[derive(Debug)]
pub(crate) enum Decoded<M> {
    /// What it says.
    Message(M),
    /// A tombstone.
    Tombstone,
    /// Never a message.
    Poison(String),
    /// Not now.
    Wait(String),
}

/// Decodes records, one at a time, without waiting itself.
#[derive(Debug)]
pub(crate) struct DecodeStage {
    decoder: Decoder,
    patience: Duration,
    /// When each unknown id was first met.
    unknown: HashMap<u32, Instant>,
    /// When an id was last waited for in vain.
    disappointed: Option<Instant>,
}

impl DecodeStage {
    pub(crate) fn new(decoder: Decoder, patience: Duration) -> Self {
        Self {
            decoder,
            patience,
            unknown: HashMap::new(),
            disappointed: None,
        }
    }

    pub(crate) async fn decode<M: Message>(&mut self, record: &Record) -> Decoded<M> {
        let error = match M::decode(&self.decoder, record).await {
            Ok(Some(message)) => return Decoded::Message(message),
            Ok(None) => return Decoded::Tombstone,
            Err(error) => error,
        };
        match error.class() {
            DecodeClass::Poison => Decoded::Poison(error_chain(&error)),
            DecodeClass::Transient => Decoded::Wait(error_chain(&error)),
            DecodeClass::UnknownSchema(id) => self.unknown(id, &error).await,
        }
    }

    /// An unknown id is waited for a bounded time. A registry without a single subject has lost
    /// its state: then nothing is given up until it has them back.
    async fn unknown<M>(&mut self, id: u32, error: &DecodeError) -> Decoded<M> {
        let now = Instant::now();
        if self.unknown.len() >= MAX_UNKNOWN {
            self.unknown.clear();
        }
        let first = *self.unknown.entry(id).or_insert(now);
        let short = self.disappointed.is_some_and(|at| at.elapsed() < MEMORY);
        let patience = if short {
            SHORT_WAIT.min(self.patience)
        } else {
            self.patience
        };
        if now.duration_since(first) < patience {
            return Decoded::Wait(error.to_string());
        }
        match self.decoder.registry().subjects().await {
            Ok(subjects) if subjects.is_empty() => {
                Decoded::Wait(format!("{error}, nor any other: the registry is empty"))
            }
            Ok(_) => {
                self.unknown.remove(&id);
                self.disappointed = Some(now);
                Decoded::Poison(error.to_string())
            }
            Err(error) => Decoded::Wait(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use onhand_cdc::{RegistryClient, RegistryConfig};

    use super::*;

    fn stage() -> DecodeStage {
        let registry = RegistryConfig {
            url: "http://127.0.0.1:9".to_owned(),
            timeout_ms: 300,
        };
        let decoder = Decoder::new(RegistryClient::new(&registry).unwrap());
        DecodeStage::new(decoder, Duration::ZERO)
    }

    fn record(key: Option<&[u8]>, value: Option<&[u8]>) -> Record {
        Record {
            key: key.map(<[u8]>::to_vec),
            value: value.map(<[u8]>::to_vec),
            ..Record::new("onhand.inventory.stock_level", 0, 0)
        }
    }

    #[tokio::test]
    async fn tombstones_are_told_from_nothing_at_all() {
        let mut stage = stage();
        let tombstone = stage.decode::<Change>(&record(Some(b"k"), None)).await;
        assert!(matches!(tombstone, Decoded::Tombstone));
        let nothing = stage.decode::<Change>(&record(None, None)).await;
        assert!(matches!(nothing, Decoded::Poison(_)));
    }

    #[tokio::test]
    async fn a_frame_that_is_none_is_poison_and_a_closed_registry_is_not() {
        let mut stage = stage();
        let text = stage.decode::<Change>(&record(None, Some(b"hello"))).await;
        assert!(matches!(text, Decoded::Poison(_)));
        let framed = stage.decode::<Change>(&record(None, Some(&[0, 0, 0, 0, 1, 2]))).await;
        assert!(matches!(framed, Decoded::Wait(_)), "{framed:?}");
    }
}
