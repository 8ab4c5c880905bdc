//! The beginning: all stock levels are judged once from Postgres, quietly, and what is open then is told as one group.
//!
//! Versions are kept with them, so events from before that are nothing new.

use std::sync::{Mutex, PoisonError};

use onhand_db::alert;
use serde_json::Value;

use super::sink::figures;
use super::store::{LevelEvent, Store, bounded};
use crate::postgres::RowSource;
use crate::runtime::{SinkError, Warmth, metrics};

/// Rows in one page: one transaction, some tens of milliseconds.
const PAGE_ROWS: i64 = 1_000;

/// Judges everything once.
#[derive(Debug)]
pub(super) struct Establisher {
    store: Store,
    rows: RowSource,
    /// Who is told of what is open at the beginning.
    receivers: Value,
    warmth: Mutex<Warmth>,
}

impl Establisher {
    pub(super) fn new(store: Store, rows: RowSource, receivers: Value) -> Self {
        Self {
            store,
            rows,
            receivers,
            warmth: Mutex::new(Warmth::Warming("not looked at yet".to_owned())),
        }
    }

    pub(super) fn warmth(&self) -> Warmth {
        self.warmth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, warmth: Warmth) {
        *self.warmth.lock().unwrap_or_else(PoisonError::into_inner) = warmth;
    }

    /// Does it unless it was done. Two at once do no harm: a level that one has judged is nothing new to the other, and
    /// one of them tells.
    pub(super) async fn establish(&self) -> Result<(), SinkError> {
        if !self.call(true).await? {
            let rows = self.judge_all().await?;
            self.call(false).await?;
            tracing::info!(rows, "all stock levels were judged, alerting begins");
        }
        self.set(Warmth::Warm);
        Ok(())
    }

    async fn call(&self, dry_run: bool) -> Result<bool, SinkError> {
        bounded(async {
            let client = self.store.client().await?;
            let at = alert::establish_alerts(&client, &self.receivers, dry_run).await?;
            Ok(at.is_some())
        })
        .await
    }

    async fn judge_all(&self) -> Result<usize, SinkError> {
        let rows = self
            .rows
            .open()
            .await
            .map_err(|error| SinkError::Transient(error.to_string()))?;
        let (mut total, mut last) = (0, None);
        loop {
            let page = rows
                .stock_levels(last.as_ref(), PAGE_ROWS)
                .await
                .map_err(|error| SinkError::Transient(error.to_string()))?;
            if page.is_empty() {
                return Ok(total);
            }
            let events: Vec<LevelEvent> = page
                .iter()
                .map(|row| LevelEvent {
                    item_id: row.item_id,
                    location: row.location_id.clone(),
                    figures: figures(row, false),
                    at: row.last_movement_at,
                })
                .collect();
            self.store.judge_quietly(&events).await?;
            total += page.len();
            metrics::warmed("alerts", page.len());
            self.set(Warmth::Warming(format!("{total} rows judged")));
            last = page.into_iter().next_back();
        }
    }
}
