//! Alertmanager, API v2. It tells alerts apart by their labels, and ends what it is not told of again.

use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::ConfigError;
use onhand_db::alert::AlertState;
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use super::http::{Http, Verdict};
use super::notice::Notice;

/// Open alerts in one request of a reminder.
pub(in super::super) const PAGE: i32 = 500;
/// An alert ends by itself if so many reminders in a row did not come through (as Prometheus has it).
const REMINDERS: u32 = 4;

/// One member of an Alertmanager cluster.
#[derive(Debug)]
pub(super) struct Alertmanager {
    url: Url,
    validity: Duration,
}

impl Alertmanager {
    pub(super) fn new(base: &str, resend: Duration) -> Result<Self, ConfigError> {
        let refuse = |_| ConfigError::new("alerts.alertmanager_urls", "must be http or https addresses");
        let url = Url::parse(&format!("{}/api/v2/alerts", base.trim_end_matches('/'))).map_err(refuse)?;
        Ok(Self {
            url,
            validity: resend.saturating_mul(REMINDERS),
        })
    }

    /// Name of the receiver, without what may be secret in the address.
    pub(super) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("alertmanager:{host}:{port}"),
            None => format!("alertmanager:{host}"),
        }
    }

    pub(super) async fn tell(&self, http: &Http, notices: &[Notice]) -> Verdict {
        let alerts = notices.iter().filter(|notice| !notice.is_beginning());
        self.post(http, alerts.map(|notice| self.alert(notice)).collect()).await
    }

    pub(super) async fn remind(&self, http: &Http, open: &[AlertState]) -> Verdict {
        let alerts = open.iter().map(|alert| self.alert(&Notice::of_open(alert)));
        self.post(http, alerts.collect()).await
    }

    async fn post(&self, http: &Http, alerts: Vec<Value>) -> Verdict {
        match http
            .post(self.url.as_str(), &[], Value::Array(alerts).to_string())
            .await
        {
            Ok(answer) => answer.verdict(&[StatusCode::BAD_REQUEST]),
            Err(verdict) => verdict,
        }
    }

    fn alert(&self, notice: &Notice) -> Value {
        let ends = match notice.resolved_at {
            Some(at) if notice.is_resolved() => at,
            _ => Timestamp::now().checked_add(self.validity).unwrap_or(Timestamp::MAX),
        };
        json!({
            "labels": labels(notice),
            "annotations": annotations(notice),
            "startsAt": notice.opened_at,
            "endsAt": ends,
        })
    }
}

/// Labels are the alert's identity: only what is the same when it resolves.
fn labels(notice: &Notice) -> Value {
    let labels = [
        ("alertname", Some(alert_name(&notice.kind))),
        ("service", Some("onhand".to_owned())),
        ("kind", Some(notice.kind.clone())),
        ("severity", Some(notice.severity.clone())),
        ("sku", notice.sku.clone()),
        ("item_id", notice.item_id.clone()),
        ("location", notice.location.clone()),
        ("reference", notice.reference.clone()),
    ];
    labels
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn annotations(notice: &Notice) -> Value {
    let annotations = [
        ("summary", Some(notice.summary())),
        ("fingerprint", Some(notice.fingerprint.clone())),
        ("value", notice.value.map(|value| value.to_string())),
        ("threshold", notice.threshold.map(|value| value.to_string())),
    ];
    annotations
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// `out_of_stock` is `OnhandOutOfStock`, as alerts of Prometheus are named.
fn alert_name(kind: &str) -> String {
    let words = kind.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    std::iter::once("Onhand".to_owned()).chain(words).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn notice(event: &str) -> Notice {
        Notice {
            event: event.to_owned(),
            kind: "out_of_stock".to_owned(),
            severity: "critical".to_owned(),
            sku: Some("A-1".to_owned()),
            location: Some("W1".to_owned()),
            opened_at: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            resolved_at: (event == "resolved").then(|| "2026-01-02T00:00:00Z".parse().unwrap()),
            ..Notice::default()
        }
    }

    #[test]
    fn an_alert_has_the_same_labels_when_it_resolves() {
        let alertmanager = Alertmanager::new("http://am:9093/", Duration::from_secs(60)).unwrap();
        assert_eq!(alertmanager.url.as_str(), "http://am:9093/api/v2/alerts");
        let (opened, resolved) = (
            alertmanager.alert(&notice("opened")),
            alertmanager.alert(&notice("resolved")),
        );
        assert_eq!(opened["labels"], resolved["labels"]);
        assert_eq!(opened["labels"]["alertname"], "OnhandOutOfStock");
        assert_eq!(opened["labels"]["severity"], "critical");
        assert_eq!(opened["startsAt"], "2026-01-01T00:00:00Z");
        assert_eq!(resolved["endsAt"], "2026-01-02T00:00:00Z");
        let ends: Timestamp = opened["endsAt"].as_str().unwrap().parse().unwrap();
        assert!(ends > Timestamp::now());
    }
}
