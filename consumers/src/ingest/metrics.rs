//! Names of the metrics of the ingest sink beyond those of every consumer.

use metrics::{counter, gauge};
use serde_json::Value;

/// Commands that were decided. Labels: topic, op, outcome (applied, replayed, refused).
pub(super) const COMMANDS: &str = "onhand_ingest_commands_total";
/// Refusals by their SQLSTATE. Labels: topic, code.
pub(super) const REFUSALS: &str = "onhand_ingest_refusals_total";
/// Most commands in one call at the moment: it shrinks while Postgres is too slow for more.
pub(super) const CALL_LIMIT: &str = "onhand_ingest_call_limit_commands";

pub(super) fn decided(topic: &str, command: &Value, outcome: &'static str) {
    // Only operations that were translated get here, so the label is one of a few.
    let op = command.get("op").and_then(Value::as_str).unwrap_or("none");
    counter!(COMMANDS, "topic" => topic.to_owned(), "op" => op.to_owned(), "outcome" => outcome).increment(1);
}

pub(super) fn refused(topic: &str, code: &str) {
    counter!(REFUSALS, "topic" => topic.to_owned(), "code" => code.to_owned()).increment(1);
}

pub(super) fn limit(commands: usize) {
    gauge!(CALL_LIMIT).set(f64::from(u32::try_from(commands).unwrap_or(u32::MAX)));
}
