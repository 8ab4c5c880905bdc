//! The thread that polls Kafka, and what librdkafka calls back.
//!
//! Polling has a thread of its own, so that nothing the sink does can keep the consumer from being
//! polled: the group member stays alive through any outage of the sink. Records go over a bounded
//! queue to the one worker that owns all state; rebalances go over a second, small one. A queue
//! that stays full pauses the partitions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Statistics, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::config::RuntimeConfig;
use super::health::Health;
use super::lag;
use super::metrics::Telemetry;
use super::offsets::Partition;
use super::sink::Record;
use crate::config::SinkKind;

/// How long one poll waits for a record; also how soon a stop is noticed.
const POLL: Duration = Duration::from_millis(100);
/// How often a paused thread looks whether the queue has room again.
const PAUSED_POLL: Duration = Duration::from_millis(20);
/// Rebalances are rare and the thread waits for each answer; more never pile up.
const CONTROL_QUEUE: usize = 16;
/// Statistics in a row that must show a partition as lost to the client. An assignment that has just begun is no such thing.
const LOST_AFTER: u32 = 3;

pub(crate) type KafkaConsumer = BaseConsumer<PollContext>;

/// A record and its share of the bytes that may wait.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) record: Record,
    _share: OwnedSemaphorePermit,
}

/// What the worker must hear besides records.
#[derive(Debug)]
pub(crate) enum Control {
    /// Partitions are being taken away: answer with the offsets to commit for them.
    Revoked {
        partitions: Vec<Partition>,
        generation: u64,
        reply: SyncSender<TopicPartitionList>,
    },
    /// This topic was deleted and made again, and the client does not follow it: a new client must.
    MadeAnew(String),
    /// The client cannot go on.
    Fatal(String),
}

/// The ends of the queues that the worker holds.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) records: mpsc::Receiver<Queued>,
    pub(crate) control: mpsc::Receiver<Control>,
}

/// State shared by the thread, the callbacks and the worker.
pub(crate) struct PollContext {
    control: mpsc::Sender<Control>,
    handle: Handle,
    health: Arc<Health>,
    telemetry: Arc<Telemetry>,
    assigned: Mutex<BTreeSet<Partition>>,
    /// Grows with each revocation; records carry the value of their time.
    generation: AtomicU64,
    closing: AtomicBool,
    /// Whether nothing is fetched because the queue is full.
    paused: AtomicBool,
    commit_failed: AtomicBool,
    /// Topics with a partition that looks lost, and in how many statistics in a row.
    lost: Mutex<BTreeMap<String, u32>>,
    revoke_deadline: Duration,
}

impl PollContext {
    /// True once after a commit that failed.
    pub(crate) fn take_commit_failure(&self) -> bool {
        self.commit_failed.swap(false, Ordering::AcqRel)
    }

    /// True while nothing is fetched, and somebody still wants to know how much waits.
    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire) && !self.closing.load(Ordering::Acquire)
    }

    /// The broker has said how far behind a partition is. Said too late it does not count: it may be somebody else's, or be fetched
    /// again.
    pub(super) fn told_lag(&self, topic: &str, partition: i32, records: i64) {
        let assigned = self.assigned();
        if self.is_paused() && assigned.contains(&(Arc::from(topic), partition)) {
            self.telemetry.lag(topic, partition, records);
        }
    }

    fn assigned(&self) -> std::sync::MutexGuard<'_, BTreeSet<Partition>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_lags(&self, statistics: &Statistics) {
        for (topic, details) in &statistics.topics {
            for (number, partition) in &details.partitions {
                if partition.desired && partition.consumer_lag >= 0 {
                    self.telemetry.lag(topic, *number, partition.consumer_lag);
                }
            }
        }
    }

    /// A topic that has been lost to the client for some time although a broker can be reached. Said once.
    fn lost_topic(&self, statistics: &Statistics, reachable: bool) -> Option<String> {
        let mut counts = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        *counts = statistics
            .topics
            .iter()
            .filter(|(_, details)| reachable && details.partitions.values().any(is_lost))
            .map(|(topic, _)| {
                (
                    topic.clone(),
                    counts.get(topic).map_or(1, |count| count.saturating_add(1)),
                )
            })
            .collect();
        let (topic, _) = counts.iter().find(|(_, count)| **count == LOST_AFTER)?;
        Some(topic.clone())
    }

    /// Hands a message to the worker, unless it is stuck for longer than the deadline.
    fn tell(&self, message: Control) -> bool {
        // The timer must be made inside the runtime, which this thread is not part of.
        let sent = self
            .handle
            .block_on(async { timeout(self.revoke_deadline, self.control.send(message)).await });
        matches!(sent, Ok(Ok(())))
    }

    fn on_assign(&self, list: &TopicPartitionList) {
        let count = {
            let mut assigned = self.assigned();
            assigned.extend(partitions_of(list));
            assigned.len()
        };
        self.health.joined(count);
        self.telemetry.assigned(count);
    }

    /// Lets the worker finish what it has of these partitions and commits that, then gives them up.
    /// A worker that does not answer in time loses nothing: its records come again elsewhere.
    fn on_revoke(&self, consumer: &KafkaConsumer, list: &TopicPartitionList) {
        let partitions = partitions_of(list);
        let left = {
            let mut assigned = self.assigned();
            assigned.retain(|partition| !partitions.contains(partition));
            // What waits there is another member's to tell: left as it was, it would count twice.
            for (topic, number) in &partitions {
                self.telemetry.lag(topic, *number, 0);
            }
            assigned.len()
        };
        self.telemetry.revoked(partitions.len(), left);
        if self.closing.load(Ordering::Acquire) {
            return;
        }
        self.health.joined(left);
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        let (reply, answer) = sync_channel(1);
        let message = Control::Revoked {
            partitions,
            generation,
            reply,
        };
        if !self.tell(message) || consumer.assignment_lost() {
            return;
        }
        match answer.recv_timeout(self.revoke_deadline) {
            Ok(offsets) if offsets.count() > 0 => {
                if let Err(error) = consumer.commit(&offsets, CommitMode::Sync) {
                    tracing::warn!(%error, "offsets of revoked partitions were not committed");
                }
            }
            Ok(_) => {}
            Err(_) => tracing::warn!("revoked partitions were not drained in time"),
        }
    }
}

impl ClientContext for PollContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // A commit that a rebalance overtook is normal, and the commit callback repeats it.
        if facility == "COMMITFAIL" {
            tracing::debug!(facility, detail = message, "kafka client");
            return;
        }
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => {
                tracing::warn!(facility, detail = message, "kafka client");
            }
            _ => tracing::debug!(facility, detail = message, "kafka client"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "kafka client error");
    }

    fn stats(&self, statistics: Statistics) {
        let reachable = statistics
            .brokers
            .values()
            .any(|broker| broker.nodeid >= 0 && broker.state == "UP");
        self.health
            .kafka((!reachable).then(|| "no broker is connected".to_owned()));
        // Of partitions that are not fetched the client knows the end of long ago: `lag.rs` asks the broker.
        if !self.is_paused() {
            self.known_lags(&statistics);
        }
        if let Some(topic) = self.lost_topic(&statistics, reachable) {
            self.tell(Control::MadeAnew(topic));
        }
    }
}

/// Whether the broker has stopped to answer fetches of a partition that was read before. The client takes the state of a topic
/// that was deleted and made again for an old one, as its leader epoch begins at 0 again, and asks for the old epoch for ever.
fn is_lost(partition: &rdkafka::statistics::Partition) -> bool {
    partition.desired && partition.fetch_state == "active" && partition.app_offset >= 0 && partition.hi_offset < 0
}

impl ConsumerContext for PollContext {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(list) = rebalance {
            self.on_revoke(consumer, list);
        }
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => self.on_assign(list),
            Rebalance::Error(error) => tracing::warn!(%error, "rebalance failed"),
            Rebalance::Revoke(_) => {}
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        match result {
            Ok(()) => self.health.committed(),
            Err(error) => {
                self.commit_failed.store(true, Ordering::Release);
                tracing::debug!(%error, "offset commit failed, it is repeated");
            }
        }
    }
}

fn partitions_of(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements()
        .iter()
        .map(|element| (Arc::from(element.topic()), element.partition()))
        .collect()
}

/// The polling thread, seen from outside.
pub(crate) struct Poller {
    /// The consumer, for commits.
    pub(crate) consumer: Arc<KafkaConsumer>,
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
    asking: JoinHandle<()>,
}

impl Poller {
    /// Makes the consumer, subscribes, and starts the thread.
    pub(crate) fn start(
        client: &rdkafka::ClientConfig,
        (kind, topics): (SinkKind, &[String]),
        config: &RuntimeConfig,
        health: &Arc<Health>,
        telemetry: &Arc<Telemetry>,
    ) -> KafkaResult<(Self, Intake)> {
        let (record_sender, records) = mpsc::channel(config.queue_max(kind));
        let (control_sender, control) = mpsc::channel(CONTROL_QUEUE);
        let context = PollContext {
            control: control_sender,
            handle: Handle::current(),
            health: Arc::clone(health),
            telemetry: Arc::clone(telemetry),
            assigned: Mutex::new(BTreeSet::new()),
            generation: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            commit_failed: AtomicBool::new(false),
            lost: Mutex::new(BTreeMap::new()),
            revoke_deadline: config.revoke_deadline(),
        };
        let consumer: KafkaConsumer = client.create_with_context(context)?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&names)?;
        let consumer = Arc::new(consumer);
        let stop = Arc::new(AtomicBool::new(false));
        let share = u32::try_from(config.queue_max_bytes).unwrap_or(u32::MAX);
        let work = PollThread {
            consumer: Arc::clone(&consumer),
            records: record_sender,
            bytes: Arc::new(Semaphore::new(config.queue_max_bytes)),
            max_share: share,
            topics: topics.iter().map(|topic| Arc::from(topic.as_str())).collect(),
            pause_after: config.pause_after(),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("kafka-poll".to_owned())
            .spawn(move || work.run())
            .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
        let asking = tokio::spawn(lag::watch(Arc::downgrade(&consumer), config.lag_interval()));
        let poller = Self {
            consumer,
            stop,
            thread,
            asking,
        };
        Ok((poller, Intake { records, control }))
    }

    /// Leaves the group and ends the thread, within the deadline.
    pub(crate) async fn stop(self, deadline: Duration) {
        let context = self.consumer.context();
        context.closing.store(true, Ordering::Release);
        self.stop.store(true, Ordering::Release);
        self.asking.abort();
        drop(self.consumer);
        let joined = tokio::task::spawn_blocking(move || self.thread.join());
        if timeout(deadline, joined).await.is_err() {
            tracing::warn!("the kafka client did not leave its group in time");
        }
    }
}

struct PollThread {
    consumer: Arc<KafkaConsumer>,
    records: mpsc::Sender<Queued>,
    bytes: Arc<Semaphore>,
    max_share: u32,
    /// Interned names: every record carries its topic.
    topics: Vec<Arc<str>>,
    pause_after: Duration,
    stop: Arc<AtomicBool>,
}

impl PollThread {
    fn run(self) {
        let mut held = VecDeque::new();
        while !self.stop.load(Ordering::Acquire) {
            if let Some(record) = self.poll(POLL) {
                held.push_back(record);
                if !self.forward(&mut held, self.pause_after) {
                    self.forward_paused(&mut held);
                }
            }
        }
    }

    fn poll(&self, wait: Duration) -> Option<Record> {
        match self.consumer.poll(wait)? {
            Ok(message) => Some(self.record(&message)),
            Err(KafkaError::MessageConsumptionFatal(code)) => {
                self.consumer.context().tell(Control::Fatal(code.to_string()));
                None
            }
            Err(error) => {
                tracing::debug!(%error, "kafka poll");
                None
            }
        }
    }

    /// Sends what is held, in order. False if there was no room for so long.
    fn forward(&self, held: &mut VecDeque<Record>, patience: Duration) -> bool {
        while let Some(record) = held.pop_front() {
            if let Some(record) = self.send(record, patience) {
                held.push_front(record);
                // A worker that is gone takes nothing any more: that is the end, not a full queue.
                return self.records.is_closed();
            }
        }
        true
    }

    /// Gives the record back if there was no room for so long.
    fn send(&self, record: Record, patience: Duration) -> Option<Record> {
        let wanted = u32::try_from(record.bytes().max(1)).unwrap_or(u32::MAX);
        let wanted = wanted.min(self.max_share);
        let share = match Arc::clone(&self.bytes).try_acquire_many_owned(wanted) {
            Ok(share) => share,
            Err(_) => match self.wait(patience, Arc::clone(&self.bytes).acquire_many_owned(wanted)) {
                Some(Ok(share)) => share,
                _ => return Some(record),
            },
        };
        let place = match self.records.try_reserve() {
            Ok(place) => place,
            Err(_) => match self.wait(patience, self.records.reserve()) {
                Some(Ok(place)) => place,
                _ => return Some(record),
            },
        };
        place.send(Queued { record, _share: share });
        None
    }

    /// Blocks this thread on something of the runtime, for a bounded time. The timer must be made
    /// inside the runtime, which this thread is not part of.
    fn wait<T>(&self, patience: Duration, what: impl Future<Output = T>) -> Option<T> {
        let handle = &self.consumer.context().handle;
        handle.block_on(async { timeout(patience, what).await.ok() })
    }

    /// The sink is down or far behind: fetch nothing, keep polling so that the group member lives
    /// and rebalances are served, and go on when there is room.
    fn forward_paused(&self, held: &mut VecDeque<Record>) {
        tracing::info!("queue is full, partitions paused");
        self.consumer.context().paused.store(true, Ordering::Release);
        while !self.stop.load(Ordering::Acquire) {
            // Again in each round: a rebalance may have brought partitions that are not paused.
            self.each_assigned(|list| self.consumer.pause(list));
            if let Some(record) = self.poll(PAUSED_POLL) {
                held.push_back(record);
            }
            if self.forward(held, Duration::ZERO) {
                break;
            }
        }
        self.each_assigned(|list| self.consumer.resume(list));
        self.consumer.context().paused.store(false, Ordering::Release);
        tracing::info!("queue has room, partitions resumed");
    }

    fn each_assigned(&self, act: impl Fn(&TopicPartitionList) -> KafkaResult<()>) {
        if let Err(error) = self.consumer.assignment().and_then(|list| act(&list)) {
            tracing::debug!(%error, "pause or resume");
        }
    }

    fn record(&self, message: &BorrowedMessage<'_>) -> Record {
        let topic = self
            .topics
            .iter()
            .find(|topic| topic.as_ref() == message.topic())
            .map_or_else(|| Arc::from(message.topic()), Arc::clone);
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec)))
                .collect()
        });
        Record {
            topic,
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers,
            timestamp_ms: message.timestamp().to_millis(),
            taken_at: Timestamp::now(),
            generation: self.consumer.context().generation.load(Ordering::Acquire),
        }
    }
}
