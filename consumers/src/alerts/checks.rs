//! What no event tells: lots and holds about to end, counts that wait, the pipeline, and rules that were changed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use onhand_db::alert::{self, Horizons, RuleChange};
use serde_json::Value;
use tokio::sync::Notify;

use super::pipeline::Pipeline;
use super::store::{MAX_LEVELS, Store, bounded};
use crate::config::ConsumerConfig;
use crate::runtime::SinkError;

/// Keys of levels in one page: one transaction.
const PAGE_ROWS: i32 = 1_000;
/// Old history is looked for this often.
const PURGE_EVERY: Duration = Duration::from_secs(3_600);

/// Looks at intervals. One process does it: the one that tells the receivers.
#[derive(Debug)]
pub(super) struct Checks {
    store: Store,
    pipeline: Pipeline,
    horizons: Horizons,
    interval: Duration,
    history_days: i32,
    news: Arc<Notify>,
    leads: Arc<AtomicBool>,
    last: Mutex<Last>,
}

/// When was what done last.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    checked: Option<Instant>,
    purged: Option<Instant>,
}

impl Checks {
    pub(super) fn new(store: Store, config: &ConsumerConfig, news: Arc<Notify>, leads: Arc<AtomicBool>) -> Self {
        Self {
            store,
            pipeline: Pipeline::new(config),
            horizons: config.alerts.horizons(),
            interval: config.alerts.check_interval(),
            history_days: i32::from(config.alerts.history_days),
            news,
            leads,
            last: Mutex::default(),
        }
    }

    pub(super) async fn tick(&self) -> Result<(), SinkError> {
        if !self.leads.load(Ordering::Relaxed) {
            return Ok(());
        }
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if is_over(last.checked, self.interval) {
            self.follow_rules().await?;
            self.refresh().await?;
            self.note(|last| last.checked = Some(Instant::now()));
        }
        if is_over(last.purged, PURGE_EVERY) {
            self.purge().await?;
            self.note(|last| last.purged = Some(Instant::now()));
        }
        Ok(())
    }

    fn note(&self, change: impl FnOnce(&mut Last)) {
        change(&mut self.last.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Judges the levels of changed rules anew. Changes are closed at their end, so what broke off is begun again.
    async fn follow_rules(&self) -> Result<(), SinkError> {
        loop {
            let found = bounded(async {
                let client = self.store.client().await?;
                alert::find_rule_changes(&client).await
            });
            let changes = found.await?;
            if changes.is_empty() {
                return Ok(());
            }
            let levels = self.follow(&changes).await?;
            let ids: Vec<i64> = changes.iter().map(|change| change.id).collect();
            bounded(async {
                let client = self.store.client().await?;
                alert::close_rule_changes(&client, &ids).await
            })
            .await?;
            self.news.notify_one();
            tracing::info!(rules = ids.len(), levels, "levels of changed rules were judged anew");
        }
    }

    /// A rule of one item has a handful of levels, and thousands of items may be archived at once: levels of many rules are judged together.
    async fn follow(&self, changes: &[RuleChange]) -> Result<usize, SinkError> {
        let (mut total, mut waiting) = (0, Vec::new());
        for change in changes {
            let mut last = None;
            loop {
                let page = bounded(async {
                    let client = self.store.client().await?;
                    alert::list_alert_levels(&client, change, last.as_ref(), PAGE_ROWS).await
                })
                .await?;
                let Some(end) = page.last().cloned() else {
                    break;
                };
                last = Some(end);
                waiting.extend(page);
                if waiting.len() >= MAX_LEVELS {
                    total += waiting.len();
                    self.store.judge_anew(&waiting).await?;
                    waiting.clear();
                }
            }
        }
        total += waiting.len();
        self.store.judge_anew(&waiting).await?;
        Ok(total)
    }

    async fn refresh(&self) -> Result<(), SinkError> {
        let (opened, resolved) = bounded(async {
            let client = self.store.client().await?;
            let conditions = Value::Array(self.pipeline.conditions(&client).await?);
            alert::refresh_alert_conditions(&client, &self.horizons, &conditions, self.store.receivers()).await
        })
        .await?;
        if opened + resolved > 0 {
            tracing::info!(opened, resolved, "alerts of lots, holds, counts and the pipeline");
            self.news.notify_one();
        }
        Ok(())
    }

    async fn purge(&self) -> Result<(), SinkError> {
        bounded(async {
            let client = self.store.client().await?;
            alert::purge_alert_history(&client, self.history_days).await.map(drop)
        })
        .await
    }
}

fn is_over(since: Option<Instant>, interval: Duration) -> bool {
    since.is_none_or(|since| since.elapsed() >= interval)
}
