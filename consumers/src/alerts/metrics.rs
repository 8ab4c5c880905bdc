//! Names of the metrics of alerts, and the functions that write log line and metric together.

use std::time::Duration;

use ::metrics::{counter, gauge, histogram};

use super::model::Turn;

/// Edges of alerts. Labels: kind, edge (opened, resolved).
const EDGES: &str = "onhand_alert_edges_total";
/// Attempts to deliver a message. Labels: receiver, outcome (delivered, retry, failed, disabled).
const DELIVERIES: &str = "onhand_alert_deliveries_total";
/// Time of one request to a receiver. Label: receiver.
const REQUEST_SECONDS: &str = "onhand_alert_request_duration_seconds";
/// 1 if this process is the one that tells the receivers.
const LEADER: &str = "onhand_alert_leader";

/// Makes the series of a receiver known from the start, so that its first failure is an increase.
pub(super) fn register(receiver: &str) {
    for outcome in ["delivered", "retry", "failed"] {
        counter!(DELIVERIES, "receiver" => receiver.to_owned(), "outcome" => outcome).absolute(0);
    }
}

/// An edge of an alert was decided.
pub(super) fn edge(kind: &'static str, turn: Turn) {
    counter!(EDGES, "kind" => kind, "edge" => turn.name()).increment(1);
}

/// What became of a message.
pub(super) fn delivery(receiver: &str, outcome: &'static str, error: Option<&str>) {
    counter!(DELIVERIES, "receiver" => receiver.to_owned(), "outcome" => outcome).increment(1);
    match (outcome, error) {
        ("delivered", _) => tracing::debug!(receiver, "alert delivered"),
        ("retry", Some(error)) => tracing::info!(receiver, error, "alert not delivered, trying again"),
        (_, error) => tracing::error!(receiver, outcome, error, "alert given up"),
    }
}

/// A request to a receiver was answered, or was not.
pub(super) fn request(receiver: &str, took: Duration) {
    histogram!(REQUEST_SECONDS, "receiver" => receiver.to_owned()).record(took.as_secs_f64());
}

/// Whether this process tells the receivers from now on.
pub(super) fn leader(leads: bool) {
    gauge!(LEADER).set(if leads { 1.0 } else { 0.0 });
    tracing::info!(leads, "telling receivers of alerts");
}
