//! Names of the metrics, and the functions that write log line and metric together.

use std::time::Duration;

use metrics::{counter, gauge, histogram};

use super::report::{Kind, Report, Store};

/// Differences that were found. Labels: store, kind.
pub const DIFFERENCES: &str = "onhand_verify_differences_total";
/// Differences that were put right. Labels: store, kind.
pub const REPAIRED: &str = "onhand_verify_repaired_total";
/// Runs by how they ended. Label: outcome (equal, different, behind, failed).
pub const RUNS: &str = "onhand_verify_runs_total";
/// How long a run took, with its pauses.
pub const DURATION_SECONDS: &str = "onhand_verify_run_duration_seconds";
/// Keys of which the last run knows nothing, because the read model was behind. Label: store.
pub const BEHIND: &str = "onhand_verify_behind_keys";
/// Differences that the last run left. Not zero is an alarm.
pub const LEFT: &str = "onhand_verify_differences_left";
/// Rows that the last run compared. Label: table (stock_level, item, stock_movement).
pub const ROWS: &str = "onhand_verify_rows";
/// When a run was last complete, in seconds since 1970; 0 if none was since the start of the process.
pub const LAST_COMPLETE: &str = "onhand_verify_last_complete_timestamp_seconds";
/// Since a run was last complete, or since the start of the process.
pub const AGE_SECONDS: &str = "onhand_verify_age_seconds";
/// 1 if no run was complete for longer than allowed. 1 is an alarm.
pub const LATE: &str = "onhand_verify_late";

/// Makes every series known from the start, so that the first difference is an increase.
pub(super) fn register() {
    for store in Store::ALL {
        for kind in Kind::ALL {
            counter!(DIFFERENCES, "store" => store.name(), "kind" => kind.name()).absolute(0);
            counter!(REPAIRED, "store" => store.name(), "kind" => kind.name()).absolute(0);
        }
    }
    for outcome in ["equal", "different", "behind", "failed"] {
        counter!(RUNS, "outcome" => outcome).absolute(0);
    }
    gauge!(LAST_COMPLETE).set(0.0);
    gauge!(LATE).set(0.0);
}

/// A run ended.
pub(super) fn ended(report: &Report) {
    let outcome = match (report.count(), report.is_complete()) {
        (0, true) => "equal",
        (0, false) => "behind",
        _ => "different",
    };
    counter!(RUNS, "outcome" => outcome).increment(1);
    histogram!(DURATION_SECONDS).record(report.seconds);
    gauge!(LEFT).set(as_f64(report.left()));
    gauge!(ROWS, "table" => "stock_level").set(as_f64(report.levels));
    gauge!(ROWS, "table" => "item").set(as_f64(report.items));
    gauge!(ROWS, "table" => "stock_movement").set(as_f64(report.indexed_movements));
    for (store, found) in &report.stores {
        gauge!(BEHIND, "store" => store.name()).set(as_f64(found.behind));
        for (kind, count) in &found.found {
            counter!(DIFFERENCES, "store" => store.name(), "kind" => kind.name()).increment(*count);
        }
        for (kind, count) in &found.repaired {
            counter!(REPAIRED, "store" => store.name(), "kind" => kind.name()).increment(*count);
        }
        if found.behind > 0 || !found.lag.is_empty() {
            tracing::warn!(
                store = store.name(),
                keys = found.behind,
                reason = found.lag,
                "read model is behind"
            );
        }
    }
    for difference in &report.differences {
        tracing::error!(
            store = difference.store.name(),
            kind = difference.kind.name(),
            key = difference.key,
            expected = difference.expected,
            found = difference.found,
            repaired = difference.repaired,
            "read model differs from postgres"
        );
    }
    tracing::info!(
        outcome,
        levels = report.levels,
        items = report.items,
        indexed_movements = report.indexed_movements,
        buckets = report.buckets,
        descended = report.descended,
        differences = report.count(),
        left = report.left(),
        seconds = report.seconds,
        "verified"
    );
}

/// A run could not be made.
pub(super) fn failed(error: &str) {
    counter!(RUNS, "outcome" => "failed").increment(1);
    tracing::warn!(error, "could not verify");
}

/// A run was complete.
pub(super) fn complete(at: jiff::Timestamp) {
    gauge!(LAST_COMPLETE).set(at.as_duration().as_secs_f64());
}

/// How old the last complete run is.
pub(super) fn age(age: Duration, late: bool) {
    gauge!(AGE_SECONDS).set(age.as_secs_f64());
    gauge!(LATE).set(f64::from(u8::from(late)));
}

/// A gauge is a double; counts of keys stay far below 2^53.
#[expect(clippy::as_conversions, reason = "there is no lossless u64 to f64")]
#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
fn as_f64(count: u64) -> f64 {
    count as f64
}
