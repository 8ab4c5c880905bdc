//! Names of the metrics, and the functions that write log line and metric together.

use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use metrics::{Histogram, counter, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::hops::STAGES;
use super::sink::Record;

/// Records read from Kafka. Labels: sink, topic.
pub const RECORDS_CONSUMED: &str = "onhand_consumer_records_consumed_total";
/// Records settled, by what became of them. Labels: sink, topic, outcome (applied, stale,
/// superseded, refused, skipped, poison).
pub const RECORDS_SETTLED: &str = "onhand_consumer_records_settled_total";
/// Records in a batch. Label: sink.
pub const BATCH_RECORDS: &str = "onhand_consumer_batch_records";
/// Time of one write of a batch to the sink. Label: sink.
pub const WRITE_SECONDS: &str = "onhand_consumer_write_duration_seconds";
/// From the commit in Postgres to the confirmed write. Labels: sink, topic.
pub const COMMIT_TO_SINK_SECONDS: &str = "onhand_consumer_commit_to_sink_seconds";
/// From the commit in Postgres to the confirmed write, stage by stage. Labels: sink, stage (capture: commit to Debezium;
/// publish: to Kafka; fetch: to this consumer; queue: to the batch; write: to the sink's word).
pub const STAGE_SECONDS: &str = "onhand_consumer_stage_seconds";
/// Records between what was committed and the end of a partition, also while nothing is fetched. Labels: sink, topic, partition.
pub const LAG_RECORDS: &str = "onhand_consumer_lag_records";
/// Seconds since offsets were last committed (or found up to date). Label: sink.
pub const LAST_COMMIT_AGE_SECONDS: &str = "onhand_consumer_last_commit_age_seconds";
/// Attempts that failed and were tried again. Labels: sink, stage.
pub const RETRIES: &str = "onhand_consumer_retries_total";
/// 0 closed, 1 open, 2 trying. Label: sink.
pub const BREAKER_STATE: &str = "onhand_consumer_breaker_state";
/// Partitions of this process. Label: sink.
pub const ASSIGNED_PARTITIONS: &str = "onhand_consumer_assigned_partitions";
/// Rebalances that took partitions away. Label: sink.
pub const REVOCATIONS: &str = "onhand_consumer_revocations_total";
/// Rows read from Postgres to fill a read model. Label: sink.
pub const WARMED_ROWS: &str = "onhand_consumer_warmed_rows_total";

const SECONDS: [f64; 16] = [
    0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0,
];
const RECORDS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 4000.0];

/// How often what was measured is folded into the distributions. Until then the recorder keeps every single value, and
/// whoever reads the metrics may never come.
pub(crate) const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// The process has one recorder. A second consumer in the same process (a test) shares it; if
/// another part of the program installed its own, there is nothing to render here.
pub(crate) fn handle() -> Option<&'static PrometheusHandle> {
    HANDLE
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(BATCH_RECORDS.to_owned()), &RECORDS))
                .and_then(PrometheusBuilder::install_recorder)
                .map_err(|error| tracing::warn!(%error, "metrics are not recorded here"))
                .ok()
        })
        .as_ref()
}

/// Keeps the recorder small until the future is dropped.
pub(crate) async fn keep(every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Some(handle) = handle() {
            handle.run_upkeep();
        }
    }
}

/// The labels of one sink; topics are interned so that a hot path allocates nothing new.
pub(crate) struct Telemetry {
    sink: &'static str,
    /// One for each of the stages: they are recorded for every record.
    stages: [Histogram; STAGES.len()],
    /// Last reason that was logged at warn, to log an outage once and not with every attempt.
    last_reason: RwLock<String>,
}

/// What became of a record, as a label.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settled {
    Applied,
    Stale,
    Superseded,
    Refused,
    Skipped,
}

impl Settled {
    fn label(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Stale => "stale",
            Self::Superseded => "superseded",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

impl Telemetry {
    /// Makes the series of rare events known from the start, so that the first one is an increase.
    pub(crate) fn new(sink: &'static str, topics: &[String]) -> Self {
        for topic in topics {
            for outcome in ["poison", "refused"] {
                counter!(RECORDS_SETTLED, "sink" => sink, "topic" => topic.clone(), "outcome" => outcome).absolute(0);
            }
        }
        counter!(RETRIES, "sink" => sink, "stage" => "write").absolute(0);
        counter!(REVOCATIONS, "sink" => sink).absolute(0);
        counter!(WARMED_ROWS, "sink" => sink).absolute(0);
        gauge!(BREAKER_STATE, "sink" => sink).set(0.0);
        Self {
            sink,
            stages: STAGES.map(|stage| histogram!(STAGE_SECONDS, "sink" => sink, "stage" => stage)),
            last_reason: RwLock::new(String::new()),
        }
    }

    pub(crate) fn consumed(&self, topic: &str, count: u64) {
        counter!(RECORDS_CONSUMED, "sink" => self.sink, "topic" => topic.to_owned()).increment(count);
    }

    pub(crate) fn settled(&self, topic: &str, outcome: Settled, count: u64) {
        counter!(RECORDS_SETTLED, "sink" => self.sink, "topic" => topic.to_owned(),
            "outcome" => outcome.label())
        .increment(count);
    }

    /// A record goes to the dead letters.
    pub(crate) fn poison(&self, record: &Record, stage: &'static str, reason: &str) {
        counter!(RECORDS_SETTLED, "sink" => self.sink, "topic" => record.topic.to_string(),
            "outcome" => "poison")
        .increment(1);
        tracing::warn!(sink = self.sink, topic = %record.topic, partition = record.partition,
            offset = record.offset, stage, error = reason, "record goes to the dead letters");
    }

    pub(crate) fn batch(&self, records: usize) {
        histogram!(BATCH_RECORDS, "sink" => self.sink).record(as_f64(records));
    }

    pub(crate) fn written(&self, took: Duration) {
        histogram!(WRITE_SECONDS, "sink" => self.sink).record(took.as_secs_f64());
    }

    pub(crate) fn commit_to_sink(&self, topic: &str, took: Duration) {
        histogram!(COMMIT_TO_SINK_SECONDS, "sink" => self.sink, "topic" => topic.to_owned()).record(took.as_secs_f64());
    }

    pub(crate) fn stages(&self, took: [Duration; STAGES.len()]) {
        for (histogram, took) in self.stages.iter().zip(took) {
            histogram.record(took.as_secs_f64());
        }
    }

    /// An attempt failed and will be repeated. An outage makes one line, not one per attempt.
    pub(crate) fn retry(&self, stage: &'static str, attempt: u32, reason: &str) {
        counter!(RETRIES, "sink" => self.sink, "stage" => stage).increment(1);
        let mut last = self.last_reason.write().unwrap_or_else(PoisonError::into_inner);
        if *last == reason {
            tracing::debug!(sink = self.sink, stage, attempt, error = reason, "still failing");
        } else {
            tracing::warn!(sink = self.sink, stage, attempt, error = reason, "failed, trying again");
            reason.clone_into(&mut last);
        }
    }

    /// The first success after failures.
    pub(crate) fn recovered(&self, stage: &'static str, attempts: u32) {
        self.last_reason.write().unwrap_or_else(PoisonError::into_inner).clear();
        tracing::info!(sink = self.sink, stage, attempts, "works again");
    }

    pub(crate) fn breaker(&self, state: &'static str, code: u8) {
        gauge!(BREAKER_STATE, "sink" => self.sink).set(f64::from(code));
        tracing::info!(sink = self.sink, state, "circuit breaker changed");
    }

    pub(crate) fn lag(&self, topic: &str, partition: i32, records: i64) {
        let records = u64::try_from(records).unwrap_or(0);
        gauge!(LAG_RECORDS, "sink" => self.sink, "topic" => topic.to_owned(),
            "partition" => partition.to_string())
        .set(u64_as_f64(records));
    }

    pub(crate) fn commit_age(&self, age: Duration) {
        gauge!(LAST_COMMIT_AGE_SECONDS, "sink" => self.sink).set(age.as_secs_f64());
    }

    pub(crate) fn assigned(&self, partitions: usize) {
        gauge!(ASSIGNED_PARTITIONS, "sink" => self.sink).set(as_f64(partitions));
        tracing::info!(sink = self.sink, partitions, "partitions assigned");
    }

    pub(crate) fn revoked(&self, partitions: usize, left: usize) {
        counter!(REVOCATIONS, "sink" => self.sink).increment(1);
        gauge!(ASSIGNED_PARTITIONS, "sink" => self.sink).set(as_f64(left));
        tracing::info!(sink = self.sink, partitions, left, "partitions revoked");
    }
}

/// Rows were read from Postgres to fill a read model.
pub(crate) fn warmed(sink: &'static str, rows: usize) {
    counter!(WARMED_ROWS, "sink" => sink).increment(u64::try_from(rows).unwrap_or(u64::MAX));
}

fn as_f64(count: usize) -> f64 {
    u64_as_f64(u64::try_from(count).unwrap_or(u64::MAX))
}

/// A gauge is a double; counts of records stay far below 2^53.
#[expect(clippy::as_conversions, reason = "there is no lossless u64 to f64")]
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn u64_as_f64(count: u64) -> f64 {
    count as f64
}
