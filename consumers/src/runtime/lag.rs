//! How far behind the partitions are while nothing is fetched of them.
//!
//! While records flow, each answer to a fetch tells the client where a partition ends, and its statistics say how far that is.
//! Paused partitions are not fetched: that end stands still for as long as the sink is away, and whoever never settled anything has
//! no number at all. So the broker is asked then, now and then and beside the polling thread.

use std::sync::Weak;
use std::time::Duration;

use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};

use super::poll::KafkaConsumer;

/// Longest wait for one answer of the broker.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Records between what was committed and the end of a partition; what the broker has dropped is not waited for any more.
pub(crate) fn records_behind(committed: Offset, (low, high): (i64, i64)) -> i64 {
    let position = match committed {
        Offset::Offset(offset) => offset.max(low),
        _ => low,
    };
    high.saturating_sub(position).max(0)
}

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

/// One question for what was committed, and one for the ends of each partition.
fn ask(consumer: &KafkaConsumer) -> KafkaResult<()> {
    let assigned = consumer.assignment()?;
    let mut wanted = TopicPartitionList::new();
    for element in assigned.elements() {
        wanted.add_partition(element.topic(), element.partition());
    }
    let committed = consumer.committed_offsets(wanted, TIMEOUT)?;
    for element in committed.elements() {
        // With many partitions and a slow broker this takes long, and a stop should not wait for it.
        if !consumer.context().is_paused() {
            return Ok(());
        }
        let ends = consumer.fetch_watermarks(element.topic(), element.partition(), TIMEOUT)?;
        let behind = records_behind(element.offset(), ends);
        consumer
            .context()
            .told_lag(element.topic(), element.partition(), behind);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_behind_ends_at_what_the_broker_still_has() {
        assert_eq!(records_behind(Offset::Offset(7), (0, 10)), 3);
        assert_eq!(records_behind(Offset::Offset(7), (9, 10)), 1);
        assert_eq!(records_behind(Offset::Invalid, (4, 10)), 6);
        // A topic that was made anew ends before what was committed of the old one.
        assert_eq!(records_behind(Offset::Offset(12), (0, 10)), 0);
    }
}
