//! Who is told of alerts, and in whose words.
//!
//! | receiver | one request has | told apart and grouped by |
//! |---|---|---|
//! | Alertmanager | many edges, and all open alerts at intervals | its labels; it groups and silences |
//! | Slack | many edges, as one message | |
//! | PagerDuty | one edge | `dedup_key`, so an edge that comes twice is one incident |
//! | webhook | one edge, signed | `webhook-id`, the same for each attempt |

mod alertmanager;
mod http;
mod notice;
mod pagerduty;
mod slack;
mod webhook;

use std::time::Duration;

use futures_util::future::join_all;
use onhand_cdc::ConfigError;
use onhand_db::alert::{AlertState, ClaimedDelivery};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::config::{AlertsConfig, Severity};
use super::metrics;
use alertmanager::Alertmanager;
use http::Http;
use notice::Notice;
use pagerduty::PagerDuty;
use slack::Slack;

pub(super) use alertmanager::PAGE as ALERTMANAGER_PAGE;
pub(super) use http::Verdict;

/// Edges in one request, where a receiver takes many.
const MANY: usize = 100;

/// All receivers that the settings name, and the way to those that the database names.
#[derive(Debug)]
pub(super) struct Receivers {
    http: Http,
    alertmanagers: Vec<(String, Alertmanager)>,
    slack: Option<(Slack, Severity)>,
    pagerduty: Option<(PagerDuty, Severity)>,
    concurrency: usize,
}

const SLACK: &str = "slack";
const PAGERDUTY: &str = "pagerduty";

impl Receivers {
    pub(super) fn new(config: &AlertsConfig) -> Result<Self, ConfigError> {
        let alertmanagers = config
            .alertmanager_urls
            .iter()
            .map(|url| Alertmanager::new(url, config.resend()).map(|found| (found.name(), found)))
            .collect::<Result<_, _>>()?;
        let slack = config.slack_webhook_url.as_ref().map(|url| Slack::new(url.clone()));
        let pagerduty = config
            .pagerduty_routing_key
            .as_ref()
            .map(|key| PagerDuty::new(&config.pagerduty_url, key.expose_secret()));
        Ok(Self {
            http: Http::new(config.request_timeout())?,
            alertmanagers,
            slack: slack.map(|slack| (slack, config.slack_min_severity)),
            pagerduty: pagerduty.map(|pagerduty| (pagerduty, config.pagerduty_min_severity)),
            concurrency: config.receiver_concurrency,
        })
    }

    /// Receivers that each edge is noted for, as the SQL functions take them.
    pub(super) fn for_edges(&self) -> Value {
        let alertmanagers = self.alertmanagers.iter().map(|(name, _)| json!({"name": name}));
        alertmanagers.chain(self.fixed()).collect()
    }

    /// Receivers of what is open at the beginning. Alertmanager gets all open alerts one by one anyway.
    pub(super) fn for_beginning(&self) -> Value {
        self.fixed().collect()
    }

    fn fixed(&self) -> impl Iterator<Item = Value> {
        let slack = self.slack.as_ref().map(|(_, least)| (SLACK, *least));
        let pagerduty = self.pagerduty.as_ref().map(|(_, least)| (PAGERDUTY, *least));
        slack
            .into_iter()
            .chain(pagerduty)
            .map(|(name, least)| json!({"name": name, "min_severity": least.name()}))
    }

    /// Names of the receivers that the settings name.
    pub(super) fn names(&self) -> Vec<&str> {
        let slack = self.slack.as_ref().map(|_| SLACK);
        let pagerduty = self.pagerduty.as_ref().map(|_| PAGERDUTY);
        let alertmanagers = self.alertmanagers.iter().map(|(name, _)| name.as_str());
        alertmanagers.chain(slack).chain(pagerduty).collect()
    }

    /// Names of those that are to be told of all open alerts at intervals.
    pub(super) fn reminded(&self) -> Vec<&str> {
        self.alertmanagers.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// How many messages are taken for it at once.
    pub(super) fn limit(&self, receiver: &str) -> usize {
        match self.alertmanager(receiver) {
            Some(_) => MANY,
            None if receiver == SLACK => MANY,
            None => self.concurrency,
        }
    }

    /// Longest time that one round of sending may take.
    pub(super) fn patience(&self) -> Duration {
        self.http.timeout()
    }

    fn alertmanager(&self, receiver: &str) -> Option<&Alertmanager> {
        self.alertmanagers
            .iter()
            .find(|(name, _)| name == receiver)
            .map(|(_, found)| found)
    }

    /// Tells an Alertmanager of alerts that are open.
    pub(super) async fn remind(&self, receiver: &str, open: &[AlertState]) -> Option<Verdict> {
        let alertmanager = self.alertmanager(receiver)?;
        Some(alertmanager.remind(&self.http, open).await)
    }

    /// Sends messages that were claimed for this receiver, and says of each what became of it.
    pub(super) async fn send(
        &self,
        receiver: &str,
        deliveries: Vec<ClaimedDelivery>,
    ) -> Vec<(ClaimedDelivery, Verdict)> {
        let started = std::time::Instant::now();
        let sent = self.send_all(receiver, deliveries).await;
        metrics::request(receiver, started.elapsed());
        sent
    }

    async fn send_all(&self, receiver: &str, deliveries: Vec<ClaimedDelivery>) -> Vec<(ClaimedDelivery, Verdict)> {
        if let Some(alertmanager) = self.alertmanager(receiver) {
            let verdict = alertmanager.tell(&self.http, &notices(&deliveries)).await;
            return together(deliveries, &verdict);
        }
        if let (SLACK, Some((slack, _))) = (receiver, &self.slack) {
            let verdict = slack.tell(&self.http, &notices(&deliveries)).await;
            return together(deliveries, &verdict);
        }
        // One request each, all at once: no more were taken than may be under way.
        join_all(deliveries.into_iter().map(|delivery| self.tell(receiver, delivery))).await
    }

    async fn tell(&self, receiver: &str, delivery: ClaimedDelivery) -> (ClaimedDelivery, Verdict) {
        let verdict = match (receiver, &self.pagerduty) {
            (PAGERDUTY, Some((pagerduty, _))) => pagerduty.tell(&self.http, &Notice::of(&delivery)).await,
            _ => webhook::tell(&self.http, &delivery).await,
        };
        (delivery, verdict)
    }
}

fn notices(deliveries: &[ClaimedDelivery]) -> Vec<Notice> {
    deliveries.iter().map(Notice::of).collect()
}

fn together(deliveries: Vec<ClaimedDelivery>, verdict: &Verdict) -> Vec<(ClaimedDelivery, Verdict)> {
    deliveries
        .into_iter()
        .map(|delivery| (delivery, verdict.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::SecretString;

    use super::*;

    #[test]
    fn without_settings_there_is_nobody_and_each_setting_is_a_receiver() {
        let nobody = Receivers::new(&AlertsConfig::default()).unwrap();
        assert!(nobody.names().is_empty());
        assert_eq!(nobody.for_edges(), json!([]));
        let config = AlertsConfig {
            alertmanager_urls: vec!["http://am-0:9093".to_owned(), "http://am-1:9093/prefix/".to_owned()],
            slack_webhook_url: Some(SecretString::from("http://slack/x")),
            pagerduty_routing_key: Some(SecretString::from("key")),
            ..AlertsConfig::default()
        };
        let all = Receivers::new(&config).unwrap();
        assert_eq!(
            all.names(),
            ["alertmanager:am-0:9093", "alertmanager:am-1:9093", "slack", "pagerduty"]
        );
        assert_eq!(all.reminded().len(), 2);
        assert_eq!(all.limit("pagerduty"), config.receiver_concurrency);
        assert_eq!(
            all.for_beginning(),
            json!([{"name": "slack", "min_severity": "warning"}, {"name": "pagerduty", "min_severity": "critical"}])
        );
    }
}
