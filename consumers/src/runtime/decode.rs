//! Decoding of one record, and the patience with schema ids that the registry does not know.
//!
//! What the records of a sink's topics are is one type, a [`Message`]; the runtime is the same for all.

use onhand_cdc::error_chain;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::Timestamp;
use onhand_cdc::{Change, DecodeClass, DecodeError, Decoder, Operation, Table};

use super::sink::Record;

/// After an id was waited for in vain, others that are unknown too get only this long in each batch: a flood of garbage must
/// not hold a partition up for seconds per batch.
const SHORT_WAIT: Duration = Duration::from_millis(200);
/// For how long that holds.
const MEMORY: Duration = Duration::from_secs(60);
/// For how long a registry counts as one that has its state, once it has shown that.
const TRUST: Duration = Duration::from_secs(1);

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

/// What is known of the registry when it does not know an id.
enum Registry {
    /// The id may still come.
    HasTime,
    /// It has no state, or does not say.
    Away(String),
    /// It had its state a moment ago, before it was asked for the id.
    Trusted,
    /// It has its state now; it was asked for the id before that.
    Seen,
}

/// Decodes records, one at a time, without waiting itself.
#[derive(Debug)]
pub(crate) struct DecodeStage {
    decoder: Decoder,
    patience: Duration,
    /// Since when unknown ids of this batch are waited for. One wait for all of them: their records stood in Kafka together.
    waiting: Option<Instant>,
    /// When an id was last waited for in vain.
    disappointed: Option<Instant>,
    /// When the registry last showed that it has its state.
    trusted: Option<Instant>,
}

impl DecodeStage {
    pub(crate) fn new(decoder: Decoder, patience: Duration) -> Self {
        Self {
            decoder,
            patience,
            waiting: None,
            disappointed: None,
            trusted: None,
        }
    }

    /// The records that follow were read together.
    pub(crate) fn begin_batch(&mut self) {
        self.waiting = None;
    }

    pub(crate) async fn decode<M: Message>(&mut self, record: &Record) -> Decoded<M> {
        let mut decoded = self.read(record).await;
        if let Err(error) = &decoded
            && matches!(error.class(), DecodeClass::UnknownSchema(_))
        {
            match self.look_at_registry().await {
                Registry::HasTime => return Decoded::Wait(error.to_string()),
                Registry::Away(reason) => return self.outage(format!("{error}, {reason}")),
                Registry::Trusted => {}
                // It may have got its state back since it was asked for the id.
                Registry::Seen => decoded = self.read(record).await,
            }
        }
        let error = match decoded {
            Ok(Some(message)) => return Decoded::Message(message),
            Ok(None) => return Decoded::Tombstone,
            Err(error) => error,
        };
        match error.class() {
            DecodeClass::Poison => {}
            DecodeClass::Transient => return self.outage(error_chain(&error)),
            DecodeClass::UnknownSchema(id) => {
                self.decoder.give_up(id);
                self.disappointed = Some(Instant::now());
            }
        }
        Decoded::Poison(error_chain(&error))
    }

    /// An id that was given up long ago, as seen from the record, is asked for again.
    async fn read<M: Message>(&self, record: &Record) -> Result<Option<M>, DecodeError> {
        let decoded = M::decode(&self.decoder, record).await;
        match decoded {
            Err(DecodeError::GivenUp(id)) if age(record).is_some_and(|age| self.decoder.ask_again(id, age)) => {
                M::decode(&self.decoder, record).await
            }
            decoded => decoded,
        }
    }

    /// What the registry did not know before or during an outage it may know after it: the patience starts anew.
    fn outage<M>(&mut self, reason: String) -> Decoded<M> {
        self.waiting = None;
        self.trusted = None;
        Decoded::Wait(reason)
    }

    /// Unknown ids are waited for a bounded time, once per batch. A registry without a single subject has lost its state: then
    /// nothing is given up until it has them back.
    async fn look_at_registry(&mut self) -> Registry {
        let waited = self.waiting.get_or_insert_with(Instant::now).elapsed();
        if waited < self.patience_now() {
            return Registry::HasTime;
        }
        if self.trusted.is_some_and(|at| at.elapsed() < TRUST) {
            return Registry::Trusted;
        }
        match self.decoder.registry().subjects().await {
            Ok(subjects) if subjects.is_empty() => Registry::Away("nor any other: the registry is empty".to_owned()),
            Ok(_) => {
                self.trusted = Some(Instant::now());
                Registry::Seen
            }
            Err(error) => Registry::Away(error.to_string()),
        }
    }

    fn patience_now(&self) -> Duration {
        match self.disappointed {
            Some(at) if at.elapsed() < MEMORY => SHORT_WAIT.min(self.patience),
            _ => self.patience,
        }
    }
}

/// How long ago the record was written to Kafka; nothing if that was in the future, by a clock ahead of ours.
fn age(record: &Record) -> Option<Duration> {
    let written = Timestamp::from_millisecond(record.timestamp_ms?).ok()?;
    Duration::try_from(Timestamp::now().duration_since(written)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use onhand_cdc::{RegistryClient, RegistryConfig};
    use tokio::net::TcpListener;

    use super::*;

    fn stage() -> DecodeStage {
        stage_of("http://127.0.0.1:9".to_owned(), Duration::ZERO)
    }

    fn stage_of(url: String, patience: Duration) -> DecodeStage {
        let registry = RegistryConfig { url, timeout_ms: 2_000 };
        let decoder = Decoder::new(RegistryClient::new(&registry).unwrap());
        DecodeStage::new(decoder, patience)
    }

    /// A registry that knows no id, and one subject or none; how often it was asked for an id and for its subjects.
    #[derive(Clone, Default)]
    struct Forgetful {
        empty: Arc<AtomicBool>,
        refuses: Arc<AtomicBool>,
        ids: Arc<AtomicUsize>,
        subjects: Arc<AtomicUsize>,
    }

    impl Forgetful {
        async fn start(&self) -> String {
            let (of_id, of_all) = (self.clone(), self.clone());
            let schema = move || async move {
                of_id.ids.fetch_add(1, Ordering::Relaxed);
                if of_id.refuses.load(Ordering::Relaxed) {
                    StatusCode::UNAUTHORIZED
                } else {
                    StatusCode::NOT_FOUND
                }
            };
            let subjects = move || async move {
                of_all.subjects.fetch_add(1, Ordering::Relaxed);
                if of_all.empty.load(Ordering::Relaxed) {
                    axum::Json(vec![])
                } else {
                    axum::Json(vec!["onhand.inventory.stock_level-value"])
                }
            };
            let router = Router::new()
                .route("/schemas/ids/{id}", get(schema))
                .route("/subjects", get(subjects));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}", listener.local_addr().unwrap());
            tokio::spawn(async move { axum::serve(listener, router).await });
            url
        }
    }

    fn framed(id: u32) -> Record {
        record(Some(b"k"), Some(&[&[0][..], &id.to_be_bytes(), b"x"].concat()))
    }

    /// Decodes until the record is settled one way or the other, as the worker does.
    async fn settled(stage: &mut DecodeStage, id: u32) -> Decoded<Change> {
        loop {
            match stage.decode(&framed(id)).await {
                Decoded::Wait(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                decoded => return decoded,
            }
        }
    }

    #[tokio::test]
    async fn a_flood_of_unknown_ids_waits_once_per_batch_and_asks_once_per_id() {
        const BATCHES: u32 = 4;
        const IDS: u32 = 500;
        let registry = Forgetful::default();
        let patience = Duration::from_millis(600);
        let mut stage = stage_of(registry.start().await, patience);
        let begun = Instant::now();
        for batch in 0..BATCHES {
            stage.begin_batch();
            for n in 0..IDS * 4 {
                // Each id of the batch comes four times, and one of them in every batch.
                let id = if n % IDS == 0 { 7 } else { 1_000 * batch + n % IDS };
                let decoded = settled(&mut stage, id).await;
                assert!(matches!(decoded, Decoded::Poison(_)), "{id}: {decoded:?}");
            }
        }
        let took = begun.elapsed();
        assert!(took >= patience, "the first was waited for: {took:?}");
        assert!(
            took < Duration::from_secs(20),
            "{} records took {took:?}",
            BATCHES * IDS * 4
        );
        let asked = registry.ids.load(Ordering::Relaxed);
        let once = usize::try_from(BATCHES * IDS).unwrap();
        assert!(asked < once + 100, "{asked} questions for {once} ids");
        let subjects = registry.subjects.load(Ordering::Relaxed);
        assert!((1..=30).contains(&subjects), "{subjects} questions for the subjects");
    }

    /// Within one call: a worker that has waited for long pauses for longer than the registry is trusted.
    #[tokio::test]
    async fn an_id_is_asked_for_once_more_after_the_registry_was_seen_to_have_subjects_and_then_given_up() {
        let registry = Forgetful::default();
        let mut stage = stage_of(registry.start().await, Duration::ZERO);
        stage.begin_batch();
        let decoded = stage.decode::<Change>(&framed(7)).await;
        assert!(matches!(decoded, Decoded::Poison(_)), "{decoded:?}");
        let asked = [&registry.ids, &registry.subjects].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(asked, [2, 1]);
    }

    #[tokio::test]
    async fn nothing_is_given_up_to_a_registry_that_is_empty_or_refuses() {
        let registry = Forgetful::default();
        let mut stage = stage_of(registry.start().await, Duration::from_millis(100));
        for (trouble, words) in [(&registry.empty, "is empty"), (&registry.refuses, "401")] {
            trouble.store(true, Ordering::Relaxed);
            stage.begin_batch();
            let mut seen = 0;
            while seen < 3 {
                let decoded = stage.decode::<Change>(&framed(7)).await;
                let Decoded::Wait(reason) = decoded else {
                    panic!("{words}: {decoded:?}");
                };
                seen += usize::from(reason.contains(words));
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            trouble.store(false, Ordering::Relaxed);
            // It gets its time once more, now that the registry is well.
            let decoded = stage.decode::<Change>(&framed(7)).await;
            assert!(matches!(decoded, Decoded::Wait(_)), "{words}: {decoded:?}");
        }
        assert!(matches!(settled(&mut stage, 7).await, Decoded::Poison(_)));
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
