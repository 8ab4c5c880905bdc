//! Traces of writes, continued: the spans of a record's way from the commit into the sink.
//!
//! A line of the ledger carries the trace context of its writer, a stock level does not (it would widen every row and
//! every event). Consumers of stock levels therefore read the ledger's topic beside their own while traces are on, and join:
//! a movement has reached the sink with the first settled event of its row that is not older. Both sides wait for each
//! other in rings of bounded length; what falls out was not followed to its end, which harms nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use onhand_cdc::envelope::StockMovementRow;
use onhand_cdc::{Change, Decoder, RowVersion, Table};
use onhand_trace::{KeyValue, SpanBuilder, SpanKind, TraceParent};
use rdkafka::consumer::{Consumer, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::decode;
use super::hops::Hops;
use super::sink::Event;

/// Settled rows that a movement may still come for: some seconds of a busy consumer.
const SETTLED: usize = 4_096;
/// Movements of sampled traces whose rows have not been settled.
const WAITING: usize = 1_024;
/// The ledger's reader begins again after a failure.
const PAUSE: Duration = Duration::from_secs(2);
const METADATA_TIMEOUT: Duration = Duration::from_secs(10);

/// Which row, and as new as what.
#[derive(Debug, Clone, PartialEq)]
struct RowState {
    item: Uuid,
    location: String,
    version: RowVersion,
}

impl RowState {
    /// Whether this state contains what the other says.
    fn contains(&self, other: &Self) -> bool {
        self.item == other.item && self.location == other.location && self.version >= other.version
    }
}

/// A record that the sink has confirmed.
#[derive(Debug, Clone)]
struct Passed {
    topic: Arc<str>,
    partition: i32,
    offset: i64,
    hops: Hops,
}

#[derive(Debug, Default)]
struct Rings {
    settled: VecDeque<(RowState, Passed)>,
    waiting: VecDeque<(RowState, TraceParent)>,
}

/// Follows traces through one consumer. Does nothing while traces are off.
#[derive(Debug)]
pub(crate) struct Follower {
    sink: &'static str,
    group: String,
    rings: Mutex<Rings>,
}

impl Follower {
    pub(crate) fn new(sink: &'static str, group: &str) -> Self {
        Self {
            sink,
            group: group.to_owned(),
            rings: Mutex::default(),
        }
    }

    /// The sink has confirmed this event.
    pub(crate) fn settled<M: decode::Message>(&self, event: &Event<M>, hops: Hops) {
        if !onhand_trace::enabled() {
            return;
        }
        let passed = Passed {
            topic: Arc::clone(&event.record.topic),
            partition: event.record.partition,
            offset: event.record.offset,
            hops,
        };
        match event.change.as_change() {
            Some(Change::StockMovement(envelope)) => {
                if let Some(parent) = envelope.after.as_ref().and_then(traceparent) {
                    self.tell(&parent, &passed);
                }
            }
            Some(Change::StockLevel(envelope)) => {
                if let Some(row) = &envelope.after {
                    let state = RowState {
                        item: row.item_id,
                        location: row.location_id.clone(),
                        version: row.version,
                    };
                    self.row_settled(state, passed);
                }
            }
            _ => {}
        }
    }

    fn row_settled(&self, state: RowState, passed: Passed) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let (reached, waiting) = rings.waiting.drain(..).partition(|(asked, _)| state.contains(asked));
        rings.waiting = waiting;
        push(&mut rings.settled, SETTLED, (state, passed.clone()));
        drop(rings);
        let reached: VecDeque<(RowState, TraceParent)> = reached;
        for (_, parent) in reached {
            self.tell(&parent, &passed);
        }
    }

    /// The ledger says that a traced write changed a row.
    fn moved(&self, row: &StockMovementRow) {
        let Some(parent) = traceparent(row) else {
            return;
        };
        let asked = RowState {
            item: row.item_id,
            location: row.location_id.clone(),
            version: row.version,
        };
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let found = rings.settled.iter().find(|(state, _)| state.contains(&asked));
        let found = found.map(|(_, passed)| passed.clone());
        match found {
            Some(passed) => {
                drop(rings);
                self.tell(&parent, &passed);
            }
            None => push(&mut rings.waiting, WAITING, (asked, parent)),
        }
    }

    /// One span for each hop, each the child of the one before it.
    fn tell(&self, write: &TraceParent, passed: &Passed) {
        let hops = &passed.hops;
        let record = || {
            vec![
                KeyValue::new("messaging.system", "kafka"),
                KeyValue::new("messaging.destination.name", passed.topic.to_string()),
                KeyValue::new("messaging.destination.partition.id", passed.partition.to_string()),
                KeyValue::new("messaging.kafka.offset", passed.offset),
            ]
        };
        let capture = SpanBuilder::new("debezium capture", SpanKind::Internal).at(hops.committed());
        let Some(capture) = capture.start(Some(write)) else {
            return;
        };
        let publish = SpanBuilder::new(format!("send {}", passed.topic), SpanKind::Producer)
            .at(hops.captured())
            .attributes(record());
        let publish = publish.start(Some(&capture.parent()));
        capture.end_at(hops.captured());
        let Some(publish) = publish else {
            return;
        };
        let mut attributes = record();
        attributes.push(KeyValue::new("messaging.consumer.group.name", self.group.clone()));
        let process = SpanBuilder::new(format!("process {}", passed.topic), SpanKind::Consumer)
            .at(hops.taken())
            .attributes(attributes);
        let process = process.start(Some(&publish.parent()));
        publish.end_at(hops.published());
        let Some(process) = process else {
            return;
        };
        let write = SpanBuilder::new(format!("{} write", self.sink), SpanKind::Client).at(hops.begun());
        let write = write.start(Some(&process.parent()));
        process.end_at(hops.settled());
        if let Some(write) = write {
            write.end_at(hops.settled());
        }
    }
}

fn traceparent(row: &StockMovementRow) -> Option<TraceParent> {
    row.traceparent.as_deref().and_then(TraceParent::sampled)
}

fn push<T>(ring: &mut VecDeque<T>, length: usize, entry: T) {
    if ring.len() >= length {
        ring.pop_front();
    }
    ring.push_back(entry);
}

/// Reads the ledger's topic from its end until the token is cancelled, and tells the follower of traced movements. What
/// it cannot read it leaves out: nothing but a trace depends on it.
pub(crate) async fn read_ledger(
    client: ClientConfig,
    topic: String,
    decoder: Decoder,
    follower: Arc<Follower>,
    stop: CancellationToken,
) {
    while !stop.is_cancelled() {
        let (client, name) = (client.clone(), topic.clone());
        let opened = tokio::task::spawn_blocking(move || open(client, &name)).await;
        match opened {
            Ok(Ok(consumer)) => {
                let reading = follow(&consumer, &decoder, &follower);
                if stop.run_until_cancelled(reading).await.is_none() {
                    return;
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, topic, "the ledger cannot be followed yet"),
            Err(_) => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// No member of a group: each process follows the whole ledger, and commits nothing.
fn open(mut client: ClientConfig, topic: &str) -> KafkaResult<StreamConsumer> {
    client.remove("group.instance.id");
    client
        .set("group.id", "onhand.trace")
        .set("enable.auto.commit", "false")
        // Nobody reads them here; the client would write them to the log.
        .set("statistics.interval.ms", "0");
    let consumer: StreamConsumer = client.create()?;
    let metadata = consumer.fetch_metadata(Some(topic), METADATA_TIMEOUT)?;
    let mut all = TopicPartitionList::new();
    for partition in metadata.topics().iter().flat_map(|found| found.partitions()) {
        all.add_partition_offset(topic, partition.id(), Offset::End)?;
    }
    consumer.assign(&all)?;
    Ok(consumer)
}

async fn follow(consumer: &StreamConsumer, decoder: &Decoder, follower: &Follower) {
    loop {
        let message = match consumer.recv().await {
            Ok(message) => message,
            Err(error) => {
                tracing::debug!(%error, "the ledger is read again");
                return;
            }
        };
        let Some(bytes) = message.payload() else {
            continue;
        };
        if let Ok(Change::StockMovement(envelope)) = decoder.decode(Table::StockMovement, bytes).await
            && let Some(row) = &envelope.after
        {
            follower.moved(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(location: &str, version: i64) -> RowState {
        RowState {
            item: Uuid::nil(),
            location: location.to_owned(),
            version: RowVersion::new(version),
        }
    }

    #[test]
    fn a_row_contains_what_it_is_not_older_than() {
        assert!(state("W1", 5).contains(&state("W1", 5)));
        assert!(state("W1", 6).contains(&state("W1", 5)));
        assert!(!state("W1", 4).contains(&state("W1", 5)));
        assert!(!state("W2", 6).contains(&state("W1", 5)));
    }

    #[test]
    fn a_ring_forgets_its_oldest() {
        let mut ring = VecDeque::new();
        for n in 0..5 {
            push(&mut ring, 3, n);
        }
        assert_eq!(ring, [2, 3, 4]);
    }
}
