//! How far behind the partitions are while nothing is fetched of them.
//!
//! While records flow, each answer to a fetch tells the client where a partition ends, and its statistics say how far that is.
//! Paused partitions are not fetched: that end stands still for as long as the sink is away, and whoever never settled anything has
//! no number at all. So the broker is asked then, now and then and beside the polling thread.

use std::sync::Weak;
use std::time::Duration;

use onhand_cdc::offsets::{self, Partition};
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;

use super::poll::KafkaConsumer;

/// Longest wait for one answer of the broker.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Asks as often as this while partitions are paused, until the consumer is gone.
pub(crate) async fn watch(consumer: Weak<KafkaConsumer>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        let Some(consumer) = consumer.upgrade() else {
            return;
        };
        if !consumer.context().is_paused() {
            continue;
        }
        let asked = tokio::task::spawn_blocking(move || ask(&consumer));
        if let Ok(Err(error)) = asked.await {
            tracing::debug!(%error, "the broker does not say how much waits");
        }
    }
}

/// One question for what was committed, and two for where the partitions begin and end.
fn ask(consumer: &KafkaConsumer) -> KafkaResult<()> {
    let assigned: Vec<Partition> = consumer
        .assignment()?
        .elements()
        .iter()
        .map(|element| (element.topic().to_owned(), element.partition()))
        .collect();
    let committed = offsets::committed(consumer, &assigned, TIMEOUT)?;
    let marks = offsets::marks(consumer, &assigned, TIMEOUT)?;
    if consumer.context().is_paused() {
        for ((topic, partition), marks) in &marks {
            let committed = committed.get(&(topic.clone(), *partition)).copied();
            consumer.context().told_lag(topic, *partition, marks.behind(committed));
        }
    }
    Ok(())
}
