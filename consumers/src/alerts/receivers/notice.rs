//! An edge of an alert as it is told.

use std::collections::BTreeMap;

use jiff::Timestamp;
use onhand_db::alert::{AlertState, ClaimedDelivery};
use serde::Deserialize;
use serde_json::Value;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
pub(super) struct Notice {
    /// `opened`, `resolved` or `established`.
    #[serde(skip)]
    pub(super) event: String,
    pub(super) fingerprint: String,
    pub(super) kind: String,
    pub(super) severity: String,
    pub(super) sku: Option<String>,
    pub(super) item_id: Option<String>,
    pub(super) location: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) value: Option<i64>,
    pub(super) threshold: Option<i64>,
    pub(super) opened_at: Option<Timestamp>,
    pub(super) resolved_at: Option<Timestamp>,
    pub(super) detail: Value,
    /// Of what is open at the beginning: how many, and of which kinds.
    pub(super) count: Option<u64>,
    pub(super) kinds: BTreeMap<String, u64>,
}

impl Notice {
    pub(super) fn of(delivery: &ClaimedDelivery) -> Self {
        // The payload is ours. One of another release that cannot be read still says which alert it is about.
        let mut notice = Self::deserialize(&delivery.payload).unwrap_or_else(|_| Self {
            fingerprint: delivery.fingerprint.clone(),
            ..Self::default()
        });
        notice.event.clone_from(&delivery.event);
        notice
    }

    pub(super) fn of_open(alert: &AlertState) -> Self {
        Self {
            event: "opened".to_owned(),
            fingerprint: alert.fingerprint.clone(),
            kind: alert.kind.clone(),
            severity: alert.severity.clone(),
            sku: alert.sku.clone(),
            item_id: alert.item_id.map(|id| id.to_string()),
            location: alert.location.clone(),
            reference: alert.reference.clone(),
            value: alert.value,
            threshold: alert.threshold,
            opened_at: Some(alert.opened_at),
            ..Self::default()
        }
    }

    pub(super) fn is_resolved(&self) -> bool {
        self.event == "resolved"
    }

    /// All that was open when alerting began, as one.
    pub(super) fn is_beginning(&self) -> bool {
        self.event == "established"
    }

    /// One sentence for people.
    pub(super) fn summary(&self) -> String {
        if self.is_beginning() {
            return self.beginning();
        }
        let sentence = self.sentence();
        if self.is_resolved() {
            return format!("Resolved: {sentence}");
        }
        sentence
    }

    fn beginning(&self) -> String {
        let kinds: Vec<String> = self
            .kinds
            .iter()
            .map(|(kind, count)| format!("{kind}: {count}"))
            .collect();
        format!(
            "Alerting begins, {} alerts are open ({})",
            self.count.unwrap_or_default(),
            kinds.join(", ")
        )
    }

    fn sentence(&self) -> String {
        let sku = self.sku.as_deref().unwrap_or("an item");
        let location = self.location.as_deref().unwrap_or("a location");
        let reference = self.reference.as_deref().unwrap_or_default();
        let value = self.value.unwrap_or_default();
        let threshold = self.threshold.unwrap_or_default();
        let end = self.detail.get("expires_at").and_then(Value::as_str).unwrap_or("soon");
        match self.kind.as_str() {
            "out_of_stock" => format!("{sku} is out of stock at {location} ({value} available)"),
            "safety_stock" => {
                format!("{sku} is at its safety stock at {location} ({value} available, threshold {threshold})")
            }
            "reorder_point" => {
                format!("{sku} is at its reorder point at {location} ({value} available, threshold {threshold})")
            }
            "lot_expiry" => format!("lot {reference} of {sku} at {location} expires: {end} ({value} on hand)"),
            "hold_expiry" => format!("a hold of {value} {sku} at {location} ends: {end}"),
            "count_variance" => format!("a count at {location} found a difference of {value} and waits for approval"),
            "pipeline_lag" => format!("the pipeline is behind: {reference} {value} (threshold {threshold})"),
            _ => self.fingerprint.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn delivery(event: &str, payload: Value) -> ClaimedDelivery {
        ClaimedDelivery {
            id: Uuid::nil(),
            attempt: 1,
            event: event.to_owned(),
            fingerprint: "f".to_owned(),
            payload,
            url: None,
            secret: None,
        }
    }

    #[test]
    fn every_kind_has_its_sentence() {
        for kind in [
            "out_of_stock",
            "safety_stock",
            "reorder_point",
            "lot_expiry",
            "hold_expiry",
            "count_variance",
            "pipeline_lag",
        ] {
            let payload = json!({"fingerprint": "f", "kind": kind, "sku": "A-1", "location": "W1", "value": 3,
                "opened_at": "2026-01-01T00:00:00+00:00", "detail": {"expires_at": "tomorrow"}});
            let notice = Notice::of(&delivery("opened", payload.clone()));
            assert_ne!(notice.summary(), "f", "{kind}");
            assert!(notice.opened_at.is_some());
            let resolved = Notice::of(&delivery("resolved", payload));
            assert!(resolved.summary().starts_with("Resolved: "), "{kind}");
        }
    }

    #[test]
    fn the_beginning_counts_and_the_unreadable_names_its_alert() {
        let payload = json!({"count": 3, "kinds": {"out_of_stock": 1, "reorder_point": 2}, "alerts": []});
        let notice = Notice::of(&delivery("established", payload));
        assert_eq!(
            notice.summary(),
            "Alerting begins, 3 alerts are open (out_of_stock: 1, reorder_point: 2)"
        );
        assert_eq!(Notice::of(&delivery("opened", json!({"value": "x"}))).summary(), "f");
    }
}
