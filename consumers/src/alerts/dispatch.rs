//! Tells the receivers what waits for them in Postgres. One process does it: the one that holds the advisory lock.
//!
//! Each receiver is served by a task of its own while something is due for it, so a slow one holds up no other. Edges
//! of one alert are told in their order (`api.claim_deliveries` sees to it), different alerts do not wait for each
//! other. A message is settled after the answer; a process that dies in between leaves a lease that runs out, and the
//! message comes again under the same id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use onhand_db::alert::{self, AlertState, ClaimedDelivery, Settlement};
use onhand_db::{DbError, PooledClient};
use rand::Rng;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::config::AlertsConfig;
use super::metrics;
use super::receivers::{ALERTMANAGER_PAGE, Receivers, Verdict};
use super::store::{Store, bounded};
use crate::runtime::SinkError;

/// Advisory lock of whoever tells the receivers: "onhalert" in ASCII.
const LOCK: i64 = 0x6f6e_6861_6c65_7274;
/// A message that nobody settled within its time-out and this is due again.
const LEASE_MARGIN: Duration = Duration::from_secs(30);
/// A receiver that failed is left alone at most so long, whatever its messages wait for.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// The loop.
pub(super) struct Dispatcher {
    store: Store,
    receivers: Arc<Receivers>,
    config: AlertsConfig,
    news: Arc<Notify>,
    leads: Arc<AtomicBool>,
    lock: Option<PooledClient>,
    busy: HashSet<String>,
    /// How often each receiver failed in a row, and until when it is left alone.
    rests: HashMap<String, (u32, Instant)>,
    /// When each Alertmanager was told of all open alerts last.
    reminded: HashMap<String, Instant>,
}

/// How serving a receiver ended.
struct Served {
    receiver: String,
    /// It did not take a message.
    failed: bool,
    /// It took one.
    progressed: bool,
    reminded: bool,
}

impl Dispatcher {
    pub(super) fn new(
        store: Store,
        receivers: Arc<Receivers>,
        config: AlertsConfig,
        news: Arc<Notify>,
        leads: Arc<AtomicBool>,
    ) -> Self {
        Self {
            store,
            receivers,
            config,
            news,
            leads,
            lock: None,
            busy: HashSet::new(),
            rests: HashMap::new(),
            reminded: HashMap::new(),
        }
    }

    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut tasks: JoinSet<Served> = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.news.notified() => {}
                Some(served) = tasks.join_next() => {
                    if let Ok(served) = served {
                        self.note(served);
                    }
                }
                () = tokio::time::sleep(self.config.poll()) => {}
            }
            if let Err(error) = self.round(&mut tasks).await {
                tracing::warn!(%error, "receivers of alerts cannot be told");
            }
        }
        tasks.join_all().await;
        self.give_way().await;
    }

    async fn round(&mut self, tasks: &mut JoinSet<Served>) -> Result<(), SinkError> {
        if !self.lead().await? {
            return Ok(());
        }
        let names = self.receivers.names();
        let mut due = bounded(async {
            let client = self.store.client().await?;
            alert::list_due_receivers(&client, &names).await
        })
        .await?;
        let reminders = self.due_reminders();
        due.extend(reminders.iter().cloned());
        due.sort();
        due.dedup();
        for receiver in due {
            if tasks.len() >= self.config.max_receivers {
                break;
            }
            if self.busy.contains(&receiver) || self.is_resting(&receiver) {
                continue;
            }
            self.busy.insert(receiver.clone());
            let service = Service {
                store: self.store.clone(),
                receivers: Arc::clone(&self.receivers),
                config: self.config.clone(),
                remind: reminders.contains(&receiver),
                careful: self.rests.contains_key(&receiver),
                receiver,
            };
            tasks.spawn(service.run());
        }
        Ok(())
    }

    fn due_reminders(&self) -> HashSet<String> {
        self.receivers
            .reminded()
            .into_iter()
            .filter(|name| {
                self.reminded
                    .get(*name)
                    .is_none_or(|at| at.elapsed() >= self.config.resend())
            })
            .map(str::to_owned)
            .collect()
    }

    fn is_resting(&self, receiver: &str) -> bool {
        self.rests
            .get(receiver)
            .is_some_and(|(_, until)| *until > Instant::now())
    }

    fn note(&mut self, served: Served) {
        self.busy.remove(&served.receiver);
        if served.reminded {
            self.reminded.insert(served.receiver.clone(), Instant::now());
        }
        if served.failed {
            let before = self.rests.get(&served.receiver).map_or(0, |(failures, _)| *failures);
            let failures = if served.progressed { 0 } else { before };
            let rest = backoff(&self.config, failures).min(LONGEST_REST);
            self.rests
                .insert(served.receiver, (failures.saturating_add(1), Instant::now() + rest));
        } else {
            self.rests.remove(&served.receiver);
        }
    }

    /// Takes the lock, or makes sure that it is still held.
    async fn lead(&mut self) -> Result<bool, SinkError> {
        if let Some(client) = &self.lock {
            let alive = bounded(async { Ok(client.simple_query("select").await.map(drop)?) }).await;
            if alive.is_ok() {
                return Ok(true);
            }
            self.step_down();
        }
        let taken = bounded(async {
            let client = self.store.client().await?;
            let mine: bool = client
                .query_one("select pg_try_advisory_lock($1)", &[&LOCK])
                .await?
                .try_get(0)?;
            Ok::<_, DbError>(mine.then_some(client))
        })
        .await?;
        let Some(client) = taken else {
            return Ok(false);
        };
        self.lock = Some(client);
        // Whoever led before may have told less than he settled last.
        self.reminded.clear();
        self.leads.store(true, Ordering::Relaxed);
        metrics::leader(true);
        Ok(true)
    }

    /// The session is closed and not used again: it may still hold the lock.
    fn step_down(&mut self) {
        if let Some(client) = self.lock.take() {
            drop(PooledClient::take(client));
            self.leads.store(false, Ordering::Relaxed);
            metrics::leader(false);
        }
    }

    async fn give_way(&mut self) {
        if let Some(client) = &self.lock {
            let freed = bounded(async { Ok(client.execute("select pg_advisory_unlock($1)", &[&LOCK]).await?) }).await;
            if let Err(error) = freed {
                tracing::debug!(%error, "the lock goes with its session");
            }
        }
        self.step_down();
    }
}

/// Tells one receiver all that is due for it.
struct Service {
    store: Store,
    receivers: Arc<Receivers>,
    config: AlertsConfig,
    receiver: String,
    /// It is to be told of all open alerts.
    remind: bool,
    /// It failed the last time: one message first.
    careful: bool,
}

impl Service {
    async fn run(self) -> Served {
        let reminded = self.remind && self.remind().await;
        let mut progressed = reminded;
        let mut failed = self.remind && !reminded;
        if !failed {
            failed = match self.deliver(&mut progressed).await {
                Ok(all_taken) => !all_taken,
                Err(error) => {
                    tracing::warn!(receiver = self.receiver, %error, "messages cannot be taken or settled");
                    true
                }
            };
        }
        Served {
            receiver: self.receiver,
            failed,
            progressed,
            reminded,
        }
    }

    /// Before the edges: what resolved after the list was read is told after it.
    async fn remind(&self) -> bool {
        let mut after = String::new();
        loop {
            let page: Result<Vec<AlertState>, SinkError> = bounded(async {
                let client = self.store.client().await?;
                alert::get_open_alerts(&client, None, ALERTMANAGER_PAGE, &after).await
            })
            .await;
            let open = match page {
                Ok(open) => open,
                Err(error) => {
                    tracing::warn!(receiver = self.receiver, %error, "open alerts cannot be read");
                    return false;
                }
            };
            let Some(last) = open.last() else {
                return true;
            };
            after.clone_from(&last.fingerprint);
            match self.receivers.remind(&self.receiver, &open).await {
                Some(Verdict::Delivered(_)) | None => {}
                Some(verdict) => {
                    tracing::info!(receiver = self.receiver, ?verdict, "open alerts are told again later");
                    return false;
                }
            }
        }
    }

    /// Until nothing is due any more. False once a message was not taken.
    async fn deliver(&self, progressed: &mut bool) -> Result<bool, SinkError> {
        let mut limit = if self.careful {
            1
        } else {
            self.receivers.limit(&self.receiver)
        };
        let lease = self.receivers.patience() + LEASE_MARGIN;
        loop {
            let claimed = self.store.claim(&self.receiver, limit, lease).await?;
            if claimed.is_empty() {
                return Ok(true);
            }
            let mut all_taken = true;
            for (delivery, verdict) in self.receivers.send(&self.receiver, claimed).await {
                all_taken &= !matches!(verdict, Verdict::Retry { .. });
                *progressed |= matches!(verdict, Verdict::Delivered(_));
                self.settle(&delivery, verdict).await?;
            }
            if !all_taken {
                return Ok(false);
            }
            limit = self.receivers.limit(&self.receiver);
        }
    }

    async fn settle(&self, delivery: &ClaimedDelivery, verdict: Verdict) -> Result<(), SinkError> {
        let settlement = settlement(&self.config, delivery, verdict);
        self.store.settle(delivery, &settlement).await?;
        metrics::delivery(&self.receiver, settlement.outcome, settlement.error.as_deref());
        Ok(())
    }
}

fn settlement(config: &AlertsConfig, delivery: &ClaimedDelivery, verdict: Verdict) -> Settlement {
    let attempts = u32::try_from(delivery.attempt).unwrap_or(u32::MAX);
    let (outcome, status, error, pause) = match verdict {
        Verdict::Delivered(status) => ("delivered", Some(status), None, Duration::ZERO),
        Verdict::Gone { status } => (
            "disabled",
            Some(status),
            Some(format!("the receiver answered {status}: it wants nothing any more")),
            Duration::ZERO,
        ),
        Verdict::Refused { status, reason } => ("failed", status, Some(reason), Duration::ZERO),
        Verdict::Retry { status, reason, .. } if attempts >= config.max_attempts => {
            ("failed", status, Some(reason), Duration::ZERO)
        }
        Verdict::Retry { status, reason, after } => {
            let longest = Duration::from_millis(config.retry_max_ms);
            let pause = backoff(config, attempts.saturating_sub(1)).max(after.unwrap_or_default().min(longest));
            ("retry", status, Some(reason), pause)
        }
    };
    Settlement {
        outcome,
        response_status: status.map(i32::from),
        error,
        pause,
    }
}

/// Doubles with each failure up to the longest, shortened by a random part.
fn backoff(config: &AlertsConfig, failures: u32) -> Duration {
    let factor = 1_u32 << failures.min(30);
    let full = Duration::from_millis(config.retry_min_ms)
        .saturating_mul(factor)
        .min(Duration::from_millis(config.retry_max_ms));
    full.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn delivery(attempt: i32) -> ClaimedDelivery {
        ClaimedDelivery {
            id: Uuid::nil(),
            attempt,
            event: "opened".to_owned(),
            fingerprint: "f".to_owned(),
            payload: serde_json::Value::Null,
            url: None,
            secret: None,
        }
    }

    fn retry(after: Option<Duration>) -> Verdict {
        Verdict::Retry {
            status: Some(503),
            reason: "busy".to_owned(),
            after,
        }
    }

    #[test]
    fn pauses_double_are_bounded_and_wait_as_the_receiver_asks() {
        let config = AlertsConfig::default();
        let pause = |attempt, after| settlement(&config, &delivery(attempt), retry(after)).pause;
        assert!(pause(1, None) <= Duration::from_secs(1));
        assert!(pause(5, None) >= Duration::from_secs(8) && pause(5, None) <= Duration::from_secs(16));
        assert!(pause(29, None) <= Duration::from_secs(3_600));
        assert_eq!(pause(1, Some(Duration::from_secs(90))), Duration::from_secs(90));
        assert_eq!(
            pause(1, Some(Duration::from_secs(1_000_000))),
            Duration::from_secs(3_600)
        );
    }

    #[test]
    fn a_message_is_given_up_after_its_last_attempt_or_for_good() {
        let config = AlertsConfig::default();
        let last = settlement(&config, &delivery(30), retry(None));
        assert_eq!((last.outcome, last.response_status), ("failed", Some(503)));
        assert_eq!(settlement(&config, &delivery(29), retry(None)).outcome, "retry");
        assert_eq!(
            settlement(&config, &delivery(1), Verdict::Gone { status: 410 }).outcome,
            "disabled"
        );
        let refused = Verdict::Refused {
            status: Some(400),
            reason: "wrong".to_owned(),
        };
        assert_eq!(settlement(&config, &delivery(1), refused).outcome, "failed");
        assert_eq!(
            settlement(&config, &delivery(7), Verdict::Delivered(200)).outcome,
            "delivered"
        );
    }
}
