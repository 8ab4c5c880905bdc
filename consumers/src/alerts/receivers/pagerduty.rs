//! PagerDuty, Events API v2: one event for each edge; the alert's fingerprint is the `dedup_key`.

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::http::{Http, Verdict};
use super::notice::Notice;

/// PagerDuty cuts no summary, it refuses it.
const SUMMARY_CHARS: usize = 1_024;
/// An event that is wrong stays wrong.
const REFUSED: [StatusCode; 1] = [StatusCode::BAD_REQUEST];

/// A service.
#[derive(Debug)]
pub(super) struct PagerDuty {
    url: String,
    key: SecretString,
}

impl PagerDuty {
    pub(super) fn new(url: &str, key: &str) -> Self {
        Self {
            url: url.to_owned(),
            key: SecretString::from(key),
        }
    }

    pub(super) async fn tell(&self, http: &Http, notice: &Notice) -> Verdict {
        match http.post(&self.url, &[], self.event(notice).to_string()).await {
            Ok(answer) => answer.verdict(&REFUSED),
            Err(verdict) => verdict,
        }
    }

    fn event(&self, notice: &Notice) -> Value {
        let mut event = json!({
            "routing_key": self.key.expose_secret(),
            "event_action": if notice.is_resolved() { "resolve" } else { "trigger" },
            "dedup_key": format!("onhand/{}", notice.fingerprint),
        });
        if !notice.is_resolved()
            && let Some(fields) = event.as_object_mut()
        {
            fields.insert("client".to_owned(), "Onhand".into());
            fields.insert("payload".to_owned(), payload(notice));
        }
        event
    }
}

fn payload(notice: &Notice) -> Value {
    let summary: String = notice.summary().chars().take(SUMMARY_CHARS).collect();
    json!({
        "summary": summary,
        "source": notice.location.as_deref().unwrap_or("onhand"),
        "severity": notice.severity,
        "timestamp": notice.opened_at,
        "component": notice.sku,
        "class": notice.kind,
        "custom_details": {"value": notice.value, "threshold": notice.threshold, "reference": notice.reference,
            "item_id": notice.item_id, "detail": notice.detail},
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn both_edges_of_an_alert_have_one_key() {
        let pagerduty = PagerDuty::new("http://pd", "routing");
        let mut notice = Notice {
            event: "opened".to_owned(),
            fingerprint: "out_of_stock/1/W1".to_owned(),
            kind: "out_of_stock".to_owned(),
            severity: "critical".to_owned(),
            location: Some("W1".to_owned()),
            ..Notice::default()
        };
        let trigger = pagerduty.event(&notice);
        notice.event = "resolved".to_owned();
        let resolve = pagerduty.event(&notice);
        assert_eq!(trigger["event_action"], "trigger");
        assert_eq!(trigger["payload"]["severity"], "critical");
        assert_eq!(resolve["event_action"], "resolve");
        assert_eq!(trigger["dedup_key"], resolve["dedup_key"]);
        assert_eq!(trigger["routing_key"], "routing");
        assert!(!format!("{pagerduty:?}").contains("routing\""));
    }
}
