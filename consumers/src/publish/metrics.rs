//! Metrics of the publisher beside those of the runtime.

use metrics::counter;

/// Records whose delivery was confirmed. Label: topic.
const PUBLISHED: &str = "onhand_publish_records_total";
/// Quantities that did not fit the 32 bits of their contract; the event says so. Label: topic.
const SATURATED: &str = "onhand_publish_saturated_total";

/// Records were confirmed.
pub(super) fn published(topic: &'static str, records: u64) {
    counter!(PUBLISHED, "topic" => topic).increment(records);
}

/// An event carries quantities at the limit of their type.
pub(super) fn saturated(topic: &'static str) {
    counter!(SATURATED, "topic" => topic).increment(1);
}
