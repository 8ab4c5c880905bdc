//! Topics and groups of the benchmark: made, read, looked at, removed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use onhand_cdc::KafkaConfig;
use onhand_cdc::offsets::{self, Marks, Partition};
use onhand_cdc::topics::{self, TopicSpec};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::site::PATIENCE;

/// As many as the topics of hot tables have.
const PARTITIONS: i32 = 4;
/// A run that is killed leaves its topics to the next one, or to this.
const RETENTION_MS: &str = "86400000";
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// While the client's queue is full.
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// Where reading begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With what is written from now on.
    Now,
    /// With the first record.
    Beginning,
}

/// Hands a record to the client; waits while its queue is full. Blocks.
pub(super) fn enqueue<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
    producer: &BaseProducer,
    mut record: BaseRecord<'_, K, P>,
) -> Result<()> {
    while let Err((error, refused)) = producer.send(record) {
        match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => record = refused,
            error => return Err(error.into()),
        }
        producer.poll(FULL_PAUSE);
    }
    producer.poll(Duration::ZERO);
    Ok(())
}

/// Waits until Kafka has all that was handed over; `what` it is, for the error. Blocks.
pub(super) fn flush(producer: &BaseProducer, what: &str) -> Result<()> {
    producer.flush(PATIENCE)?;
    match producer.in_flight_count() {
        0 => Ok(()),
        left => bail!("{left} {what} were not taken by Kafka"),
    }
}

/// Makes the topics that the consumers under test read. They are not compacted: a backlog has to stay one.
pub(super) async fn make(config: &KafkaConfig, prefix: &str) -> Result<()> {
    let spec = |table: &str, partitions| TopicSpec {
        name: format!("{prefix}.{table}"),
        partitions,
        config: vec![("cleanup.policy", "delete"), ("retention.ms", RETENTION_MS)],
    };
    let specs = [spec("stock_level", PARTITIONS), spec("item", 1)];
    topics::ensure_these(config, &specs).await?;
    Ok(())
}

/// Removes all topics and groups whose names begin so.
pub(super) async fn remove(config: &KafkaConfig, prefix: &str) -> Result<()> {
    let (client, wanted) = (config.client(), prefix.to_owned());
    let (topics, groups) = blocking(move || found(&client, &wanted)).await?;
    let admin: AdminClient<DefaultClientContext> = config.client().create()?;
    let options = AdminOptions::new()
        .request_timeout(Some(PATIENCE))
        .operation_timeout(Some(PATIENCE));
    if !groups.is_empty() {
        let names: Vec<&str> = groups.iter().map(String::as_str).collect();
        for removed in admin.delete_groups(&names, &options).await? {
            gone(removed, RDKafkaErrorCode::GroupIdNotFound)?;
        }
    }
    if !topics.is_empty() {
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        for removed in admin.delete_topics(&names, &options).await? {
            gone(removed, RDKafkaErrorCode::UnknownTopicOrPartition)?;
        }
    }
    Ok(())
}

/// What is gone already is fine.
fn gone(removed: Result<String, (String, RDKafkaErrorCode)>, already: RDKafkaErrorCode) -> Result<()> {
    match removed {
        Ok(_) => Ok(()),
        Err((_, code)) if code == already => Ok(()),
        Err((name, code)) => bail!("{name} was not removed from Kafka: {code}"),
    }
}

/// Names of topics and groups that begin so.
fn found(client: &ClientConfig, prefix: &str) -> Result<(Vec<String>, Vec<String>)> {
    let consumer: BaseConsumer = client.create()?;
    let metadata = consumer
        .fetch_metadata(None, PATIENCE)
        .context("Kafka does not answer")?;
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    let topics = names.filter(|name| name.starts_with(prefix)).collect();
    let list = consumer.fetch_group_list(None, PATIENCE)?;
    let names = list.groups().iter().map(|group| group.name().to_owned());
    let groups = names.filter(|name| name.starts_with(prefix)).collect();
    Ok((topics, groups))
}

/// A bare consumer of all partitions of a topic, without a group. It fetches as the product's consumers do.
pub(super) fn reader(config: &KafkaConfig, topic: &str, start: Start) -> Result<BaseConsumer> {
    let mut client = config.client();
    client
        .set("group.id", "onhand-bench-reader")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.message.max.bytes", "262144");
    let consumer: BaseConsumer = client.create()?;
    let mut list = TopicPartitionList::new();
    for ((topic, partition), marks) in marks(&consumer, &[topic])? {
        let offset = match start {
            Start::Now => marks.high,
            Start::Beginning => marks.low,
        };
        list.add_partition_offset(&topic, partition, Offset::Offset(offset))?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

/// The next record, waited for for a bounded time. Errors of the connection pass by themselves.
pub(super) fn next<'a>(consumer: &'a BaseConsumer, patience: Duration) -> Option<BorrowedMessage<'a>> {
    let deadline = Instant::now() + patience;
    loop {
        match consumer.poll(PAUSE) {
            Some(Ok(message)) => return Some(message),
            _ if Instant::now() >= deadline => return None,
            _ => {}
        }
    }
}

/// Begin and end of each partition of these topics, of which each must exist.
fn marks(consumer: &BaseConsumer, topics: &[impl AsRef<str>]) -> Result<BTreeMap<Partition, Marks>> {
    let partitions = offsets::partitions(consumer, topics, PATIENCE).context("Kafka does not answer")?;
    for topic in topics.iter().map(AsRef::as_ref) {
        if partitions.iter().all(|(name, _)| name != topic) {
            bail!("there is no topic {topic}");
        }
    }
    Ok(offsets::marks(consumer, &partitions, PATIENCE)?)
}

/// Waits until a group has committed everything of a topic: then nothing of it would come again.
pub(super) async fn committed(config: &KafkaConfig, group: &str, topic: &str) -> Result<()> {
    let (mut client, group, topic) = (config.client(), group.to_owned(), topic.to_owned());
    blocking(move || {
        client.set("group.id", &group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = client.create()?;
        let marks = marks(&consumer, &[&topic])?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let lag = lag(&consumer, &marks)?;
            if lag == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("group {group} has not committed the last {lag} records of {topic}");
            }
            std::thread::sleep(PAUSE);
        }
    })
    .await
}

/// Where a group is in topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Records that it has not committed.
    pub(super) behind: i64,
    /// Sum of the offsets behind the last records: grows by one with each record.
    pub(super) end: i64,
}

/// Where this group is in these topics now. Blocks.
pub(super) fn standing(config: &KafkaConfig, group: &str, topics: &[String]) -> Result<Standing> {
    let mut client = config.client();
    client.set("group.id", group).set("enable.auto.commit", "false");
    let consumer: BaseConsumer = client.create()?;
    let marks = marks(&consumer, topics)?;
    Ok(Standing {
        behind: lag(&consumer, &marks)?,
        end: marks.values().map(|marks| marks.high).sum(),
    })
}

fn lag(consumer: &BaseConsumer, marks: &BTreeMap<Partition, Marks>) -> Result<i64> {
    let partitions: Vec<Partition> = marks.keys().cloned().collect();
    let committed = offsets::committed(consumer, &partitions, PATIENCE)?;
    Ok(offsets::behind(marks, &partitions, &committed))
}

/// Tells a thread to end when the run that waits for it is given up.
pub(super) struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// The flag, and what the thread looks at.
    pub(super) fn new() -> (Self, Arc<AtomicBool>) {
        let flag = Arc::new(AtomicBool::new(false));
        (Self(Arc::clone(&flag)), flag)
    }
}

impl Drop for StopFlag {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs what blocks on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(what: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(what).await?
}

#[cfg(test)]
mod tests {
    use onhand_consumers::SinkKind;

    #[test]
    fn every_sink_reads_something() {
        for kind in SinkKind::ALL {
            assert!(!kind.topics("p").is_empty(), "{kind:?}");
        }
        assert_eq!(SinkKind::Cache.topics("p"), ["p.stock_level"]);
        assert!(
            SinkKind::Ingest
                .topics("p")
                .contains(&"inventory.stock.commands".to_owned())
        );
    }
}
