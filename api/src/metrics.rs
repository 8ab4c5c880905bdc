//! Metrics of the HTTP interface: names, meaning, and the functions that record them.
//!
//! Labels have few values: route templates, never paths; operations, never skus.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::error::ApiError;

const HTTP_REQUESTS: &str = "http_requests_total";
const HTTP_DURATION: &str = "http_request_duration_seconds";
const HTTP_IN_FLIGHT: &str = "http_requests_in_flight";
const OPERATIONS: &str = "stock_operations_total";
const OPERATION_DURATION: &str = "stock_operation_duration_seconds";
const LANE_BATCH: &str = "onhand_lane_batch_commands";
const LANE_QUEUE: &str = "onhand_lane_queue_commands";
const LANE_WAIT: &str = "onhand_lane_wait_seconds";
const LANE_FAILURES: &str = "onhand_lane_failures_total";
const DATABASE_CALLS: &str = "onhand_database_call_duration_seconds";
const CACHE_READS: &str = "onhand_cache_reads_total";
const CACHE_REFILLS: &str = "onhand_cache_refills_total";
const FALLBACK_QUERIES: &str = "onhand_read_fallback_queries_total";
const TOKEN_READS: &str = "onhand_token_reads_total";
const SLOT_LAG: &str = "onhand_replication_slot_lag_bytes";
const SLOT_ACTIVE: &str = "onhand_replication_slot_active";
const SLOT_CONFIRMED: &str = "onhand_replication_slot_confirmed_bytes";
const POOL_CONNECTIONS: &str = "onhand_database_pool_connections";
const POOL_WAITING: &str = "onhand_database_pool_waiting_callers";
const HOLDS_EXPIRED: &str = "onhand_holds_expired_total";
const UPKEEP_FAILURES: &str = "onhand_upkeep_failures_total";
const HOUSEKEEPING_DONE: &str = "onhand_housekeeping_last_success_timestamp_seconds";
const FOLD_DURATION: &str = "onhand_summary_fold_duration_seconds";
const FOLDED_MOVEMENTS: &str = "onhand_summary_folded_movements_total";
const SUMMARY_STALENESS: &str = "onhand_summary_staleness_seconds";
const SUMMARY_PENDING: &str = "onhand_summary_pending_movements";
const REPORT_AGE: &str = "onhand_report_age_seconds";
const REPORT_DURATION: &str = "onhand_report_refresh_duration_seconds";

/// From half a millisecond to the request time-out.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// Powers of two up to the largest batch.
const COMMANDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1000.0];

/// The recorder is global to a process; a second server in it shares the first one's.
static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Installs the recorder, or returns the one that is installed.
pub(crate) fn install() -> Result<PrometheusHandle, ApiError> {
    let mut installed = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Full(LANE_BATCH.into()), COMMANDS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(ApiError::Metrics)?;
    describe();
    register();
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_counter!(HTTP_REQUESTS, "Requests by method, route template and status");
    describe_histogram!(HTTP_DURATION, Unit::Seconds, "Time to answer a request");
    describe_gauge!(HTTP_IN_FLIGHT, "Requests being answered");
    describe_counter!(OPERATIONS, "Stock and reservation writes by operation and status");
    describe_histogram!(OPERATION_DURATION, Unit::Seconds, "Time from request to decision");
    describe_histogram!(LANE_BATCH, "Commands in one call of api.apply_commands");
    describe_gauge!(LANE_QUEUE, "Commands left waiting when a batch was taken");
    describe_histogram!(LANE_WAIT, Unit::Seconds, "Time a command waited for its batch");
    describe_counter!(
        LANE_FAILURES,
        "Batches that failed, were repeated or were split, and commands that found no room, by reason"
    );
    describe_histogram!(
        DATABASE_CALLS,
        Unit::Seconds,
        "Time of one call of Postgres by what was called"
    );
    describe_counter!(CACHE_READS, "Items looked up in Redis by result");
    describe_counter!(CACHE_REFILLS, "Items written back to Redis after a read by result");
    describe_counter!(
        FALLBACK_QUERIES,
        "Queries of stock levels that Postgres was asked because Redis had no answer"
    );
    describe_counter!(
        TOKEN_READS,
        "Items read with a token by what met it: cache, waited, database, ahead (nothing did)"
    );
    describe_gauge!(
        SLOT_LAG,
        Unit::Bytes,
        "Write-ahead log that the reader of a slot has not confirmed"
    );
    describe_gauge!(SLOT_ACTIVE, "1 if somebody reads the slot");
    describe_gauge!(
        SLOT_CONFIRMED,
        Unit::Bytes,
        "Position in the write-ahead log that the reader of a slot has confirmed; it stands still while a connector is paused"
    );
    describe_gauge!(POOL_CONNECTIONS, "Open database connections by pool");
    describe_gauge!(POOL_WAITING, "Callers that wait for a connection by pool");
    describe_counter!(HOLDS_EXPIRED, "Reservations that the sweeper expired");
    describe_counter!(UPKEEP_FAILURES, "Background duties that failed by duty");
    describe_histogram!(
        FOLD_DURATION,
        Unit::Seconds,
        "Time of one fold of changes into the summaries"
    );
    describe_counter!(
        FOLDED_MOVEMENTS,
        "Movements that this instance folded into the summaries"
    );
    describe_gauge!(
        SUMMARY_STALENESS,
        Unit::Seconds,
        "Age of the oldest movement that is not in the summaries"
    );
    describe_gauge!(
        SUMMARY_PENDING,
        "Movements that are not in the summaries, counted up to 1000"
    );
    describe_gauge!(REPORT_AGE, Unit::Seconds, "Time since the last refresh by report");
    describe_histogram!(REPORT_DURATION, Unit::Seconds, "Time of one refresh by report");
    describe_gauge!(
        HOUSEKEEPING_DONE,
        Unit::Seconds,
        "When this process last carried out a duty of the housekeeping, or when it began to try"
    );
}

/// Makes the series of rare events known from the start, so that the first one is an increase.
fn register() {
    for reason in [
        "queue_full",
        "not_sent",
        "conflict",
        "busy",
        "refused",
        "lost",
        "split",
        "retry",
    ] {
        counter!(LANE_FAILURES, "reason" => reason).absolute(0);
    }
    for result in ["hit", "miss", "error"] {
        counter!(CACHE_READS, "result" => result).absolute(0);
    }
    for duty in ["sweep", "fold", "ages"] {
        counter!(UPKEEP_FAILURES, "duty" => duty).absolute(0);
    }
    for result in ["success", "error"] {
        counter!(CACHE_REFILLS, "result" => result).absolute(0);
    }
    for result in ["cache", "waited", "database", "ahead"] {
        counter!(TOKEN_READS, "result" => result).absolute(0);
    }
    counter!(FALLBACK_QUERIES).absolute(0);
    counter!(HOLDS_EXPIRED).absolute(0);
}

pub(crate) fn http_started() {
    gauge!(HTTP_IN_FLIGHT).increment(1.0);
}

pub(crate) fn http_ended() {
    gauge!(HTTP_IN_FLIGHT).decrement(1.0);
}

pub(crate) fn http_answered(method: &'static str, route: &str, status: u16, took: Duration) {
    let route = route.to_owned();
    histogram!(HTTP_DURATION, "method" => method, "route" => route.clone()).record(took);
    counter!(HTTP_REQUESTS, "method" => method, "route" => route, "status" => status.to_string()).increment(1);
}

/// `status` is `success`, `replayed`, or the code of the problem.
pub(crate) fn operation(operation: &'static str, status: &'static str, took: Duration) {
    counter!(OPERATIONS, "operation" => operation, "status" => status).increment(1);
    histogram!(OPERATION_DURATION, "operation" => operation).record(took);
}

pub(crate) fn lane_batch(commands: usize) {
    histogram!(LANE_BATCH).record(real(commands));
}

pub(crate) fn lane_queue(waiting: usize) {
    gauge!(LANE_QUEUE).set(real(waiting));
}

pub(crate) fn lane_wait(waited: Duration) {
    histogram!(LANE_WAIT).record(waited);
}

pub(crate) fn lane_failure(reason: &'static str) {
    counter!(LANE_FAILURES, "reason" => reason).increment(1);
}

/// `call` is the function, or what stands for a query.
pub(crate) fn database_call(call: &'static str, took: Duration) {
    histogram!(DATABASE_CALLS, "call" => call).record(took);
}

/// `result` is `hit`, `miss` (cold or not to be trusted) or `error` (slow or down).
pub(crate) fn cache_read(result: &'static str, items: usize) {
    counter!(CACHE_READS, "result" => result).increment(u64::try_from(items).unwrap_or(0));
}

pub(crate) fn cache_refill(result: &'static str) {
    counter!(CACHE_REFILLS, "result" => result).increment(1);
}

pub(crate) fn fallback_query() {
    counter!(FALLBACK_QUERIES).increment(1);
}

/// `result` is `cache` (Redis was as new as asked), `waited` (it was after a moment) or `database`.
pub(crate) fn token_read(result: &'static str, items: usize) {
    if items > 0 {
        counter!(TOKEN_READS, "result" => result).increment(u64::try_from(items).unwrap_or(0));
    }
}

/// Not even Postgres was as new as asked.
pub(crate) fn token_ahead() {
    token_read("ahead", 1);
}

pub(crate) fn slot_active(slot: &str, active: bool) {
    gauge!(SLOT_ACTIVE, "slot" => slot.to_owned()).set(if active { 1.0 } else { 0.0 });
}

pub(crate) fn slot_position(slot: &str, lag: i64, confirmed: i64) {
    gauge!(SLOT_LAG, "slot" => slot.to_owned()).set(bytes_as_f64(lag));
    gauge!(SLOT_CONFIRMED, "slot" => slot.to_owned()).set(bytes_as_f64(confirmed));
}

pub(crate) fn pool(name: &'static str, connections: usize, waiting: usize) {
    gauge!(POOL_CONNECTIONS, "pool" => name).set(real(connections));
    gauge!(POOL_WAITING, "pool" => name).set(real(waiting));
}

pub(crate) fn holds_expired(holds: u64) {
    counter!(HOLDS_EXPIRED).increment(holds);
}

pub(crate) fn upkeep_failure(duty: &'static str) {
    counter!(UPKEEP_FAILURES, "duty" => duty).increment(1);
}

/// The age of a duty counts from here until it is carried out: a series that is missing has no age, and no alert.
pub(crate) fn housekeeping_begun(duty: &'static str) {
    counter!(UPKEEP_FAILURES, "duty" => duty).absolute(0);
    housekeeping_done(duty);
}

pub(crate) fn housekeeping_done(duty: &'static str) {
    gauge!(HOUSEKEEPING_DONE, "duty" => duty).set(jiff::Timestamp::now().as_duration().as_secs_f64());
}

pub(crate) fn folded(movements: i64, took: Duration) {
    histogram!(FOLD_DURATION).record(took);
    counter!(FOLDED_MOVEMENTS).increment(u64::try_from(movements).unwrap_or(0));
}

pub(crate) fn summary_staleness(age: Duration, pending: i64) {
    gauge!(SUMMARY_STALENESS).set(age.as_secs_f64());
    gauge!(SUMMARY_PENDING).set(real(usize::try_from(pending).unwrap_or(0)));
}

pub(crate) fn report_age(report: &str, age: Duration) {
    gauge!(REPORT_AGE, "report" => report.to_owned()).set(age.as_secs_f64());
}

pub(crate) fn report_refreshed(report: &str, took: Duration) {
    histogram!(REPORT_DURATION, "report" => report.to_owned()).record(took);
}

fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

/// A gauge is a double; the log never gets so long that one byte mattered.
#[expect(clippy::as_conversions, reason = "there is no lossless i64 to f64")]
#[expect(clippy::cast_precision_loss, reason = "sizes and positions stay below 2^53")]
fn bytes_as_f64(bytes: i64) -> f64 {
    bytes.max(0) as f64
}
