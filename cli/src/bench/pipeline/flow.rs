//! How fast a process drained a backlog, and what that took of the machine.
//!
//! Start-up (loading the program, joining the group) is left out: the time runs from the first records that were settled to
//! the last ones, and so does the processor time.

use std::time::{Duration, Instant};

use super::super::figures;

/// How far a process was at some instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// When.
    pub(super) at: Instant,
    /// Records that it had settled.
    pub(super) settled: u64,
    /// Processor time that it had taken.
    pub(super) cpu: Duration,
}

/// One draining.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Flow {
    /// Records a second.
    pub(super) rate: f64,
    /// Records in a second of processor time.
    pub(super) per_cpu: f64,
    /// From the start of the process to the last record.
    pub(super) whole: Duration,
    /// The most memory that the process ever had, in megabytes.
    pub(super) peak: f64,
}

impl Flow {
    /// From the start of the process, the first look that saw records settled, and the look that saw all of them.
    pub(super) fn new(start: Mark, first: Mark, last: Mark, peak: f64) -> Self {
        // All were there at the first look: then the start-up is all that can be counted from.
        let from = if first.settled < last.settled { first } else { start };
        let settled = last.settled.saturating_sub(from.settled);
        Self {
            rate: figures::rate(settled, last.at.saturating_duration_since(from.at)),
            per_cpu: figures::rate(settled, last.cpu.saturating_sub(from.cpu)),
            whole: last.at.saturating_duration_since(start.at),
            peak,
        }
    }
}

/// Records that a consumer says it has settled of a topic, in the text of its metrics.
pub(super) fn settled(metrics: &str, topic: &str) -> u64 {
    let label = format!("topic=\"{topic}\"");
    metrics
        .lines()
        .filter_map(|line| line.strip_prefix(onhand_consumers::runtime::metrics::RECORDS_SETTLED))
        .filter(|rest| rest.contains(&label))
        .filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(start: Instant, millis: u64, settled: u64, cpu_millis: u64) -> Mark {
        Mark {
            at: start + Duration::from_millis(millis),
            settled,
            cpu: Duration::from_millis(cpu_millis),
        }
    }

    #[test]
    fn start_up_does_not_count() {
        let start = Instant::now();
        let flow = Flow::new(
            mark(start, 0, 0, 0),
            mark(start, 3_000, 1_000, 200),
            mark(start, 5_000, 11_000, 1_200),
            60.0,
        );
        assert_eq!((flow.rate, flow.per_cpu), (5_000.0, 10_000.0));
        assert_eq!(flow.whole, Duration::from_secs(5));
    }

    #[test]
    fn what_was_done_at_the_first_look_counts_from_the_start() {
        let start = Instant::now();
        let all = mark(start, 500, 100, 250);
        let flow = Flow::new(mark(start, 0, 0, 0), all, all, 0.0);
        assert_eq!((flow.rate, flow.per_cpu), (200.0, 400.0));
    }

    #[test]
    fn all_outcomes_of_one_topic_are_added() {
        let text = "# TYPE onhand_consumer_records_settled_total counter\n\
            onhand_consumer_records_settled_total{sink=\"cache\",topic=\"b.stock_level\",outcome=\"applied\"} 600\n\
            onhand_consumer_records_settled_total{sink=\"cache\",topic=\"b.stock_level\",outcome=\"superseded\"} 400\n\
            onhand_consumer_records_settled_total{sink=\"cache\",topic=\"b.item\",outcome=\"applied\"} 7\n\
            onhand_consumer_records_consumed_total{sink=\"cache\",topic=\"b.stock_level\"} 5000\n";
        assert_eq!(settled(text, "b.stock_level"), 1_000);
        assert_eq!(settled(text, "b.item"), 7);
        assert_eq!(settled("", "b.item"), 0);
    }
}
