//! The sink: change events of `stock_level` into edges of alerts.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use onhand_cdc::envelope::StockLevelRow;
use onhand_cdc::{Change, ConfigError, Envelope, Operation};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::apart::{self, Verdict};
use super::checks::Checks;
use super::dispatch::Dispatcher;
use super::metrics;
use super::model::Figures;
use super::receivers::Receivers;
use super::store::{LevelEvent, Store, bounded};
use super::warm::Establisher;
use crate::config::ConsumerConfig;
use crate::postgres::RowSource;
use crate::runtime::{Event, Outcome, Sink, SinkError, Warmth};

/// Longer than the settling of requests that are under way when the consumer stops.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Keeps the state of alerts and tells the receivers.
#[derive(Debug)]
pub struct AlertsSink {
    store: Store,
    establisher: Establisher,
    checks: Checks,
    /// Something may be there to be sent.
    news: Arc<Notify>,
    receivers: Arc<Receivers>,
    stop: CancellationToken,
    dispatcher: Mutex<Option<JoinHandle<()>>>,
}

impl AlertsSink {
    /// Connects when it is first needed, and starts telling the receivers what waits for them. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &ConsumerConfig, rows: RowSource) -> Result<Self, ConfigError> {
        let receivers = Arc::new(Receivers::new(&config.alerts)?);
        let store = Store::new(&config.database, receivers.for_edges(), config.alerts.margin_percent)?;
        let (news, leads) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let stop = CancellationToken::new();
        let dispatcher = Dispatcher::new(
            store.clone(),
            Arc::clone(&receivers),
            config.alerts.clone(),
            Arc::clone(&news),
            Arc::clone(&leads),
        );
        let task = tokio::spawn(dispatcher.run(stop.clone()));
        Ok(Self {
            establisher: Establisher::new(store.clone(), rows, receivers.for_beginning()),
            checks: Checks::new(store.clone(), config, Arc::clone(&news), leads),
            store,
            news,
            receivers,
            stop,
            dispatcher: Mutex::new(Some(task)),
        })
    }
}

#[async_trait]
impl Sink for AlertsSink {
    fn name(&self) -> &'static str {
        "alerts"
    }

    /// Judges all levels once, quietly, before the first event: what is low already is no edge.
    async fn prepare(&self) -> Result<(), SinkError> {
        self.receivers.names().into_iter().for_each(metrics::register);
        self.establisher.establish().await?;
        self.news.notify_one();
        Ok(())
    }

    async fn health(&self) -> Result<(), SinkError> {
        bounded(async {
            let client = self.store.client().await?;
            Ok(client.simple_query("select").await.map(drop)?)
        })
        .await
    }

    fn warmth(&self) -> Warmth {
        self.establisher.warmth()
    }

    async fn write(&self, batch: &[&Event]) -> Result<Vec<Outcome>, SinkError> {
        let parsed: Vec<Result<LevelEvent, String>> = batch.iter().map(|event| level_of(&event.change)).collect();
        let levels: Vec<LevelEvent> = parsed.iter().filter_map(|level| level.as_ref().ok().cloned()).collect();
        let (verdicts, turned) = apart::judge(&self.store, &levels).await?;
        if turned {
            self.news.notify_one();
        }
        let mut verdicts = verdicts.into_iter();
        Ok(parsed
            .into_iter()
            .map(|level| match level {
                Err(reason) => Outcome::Poison(reason),
                Ok(_) => outcome_of(verdicts.next()),
            })
            .collect())
    }

    async fn tick(&self) -> Result<(), SinkError> {
        match self.establisher.warmth() {
            Warmth::Warm => self.checks.tick().await,
            Warmth::Warming(_) => Ok(()),
        }
    }

    async fn shutdown(&self) {
        self.stop.cancel();
        let task = self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && tokio::time::timeout(STOP_DEADLINE, task).await.is_err()
        {
            tracing::info!("messages that were under way are sent again by the next consumer");
        }
    }
}

impl Drop for AlertsSink {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn outcome_of(verdict: Option<Verdict>) -> Outcome {
    match verdict {
        Some(Verdict::Fresh) => Outcome::Applied,
        Some(Verdict::Stale) => Outcome::Stale,
        Some(Verdict::Later(reason)) => Outcome::Retry(reason),
        Some(Verdict::Refused(reason)) => Outcome::Poison(reason),
        None => Outcome::Retry("not judged".to_owned()),
    }
}

/// What the event says of its level.
fn level_of(change: &Change) -> Result<LevelEvent, String> {
    let Change::StockLevel(envelope) = change else {
        return Err("alerts take changes of stock_level only".to_owned());
    };
    let (row, deleted) = row_of(envelope)?;
    if !row.version.is_valid() {
        return Err(format!("row version {} is none", row.version));
    }
    Ok(LevelEvent {
        item_id: row.item_id,
        location: row.location_id.clone(),
        figures: figures(row, deleted),
        at: envelope.source.committed_at(),
    })
}

fn row_of(envelope: &Envelope<StockLevelRow>) -> Result<(&StockLevelRow, bool), String> {
    match envelope.op {
        Operation::Create | Operation::Update | Operation::Read => {
            let after = envelope.after.as_ref().ok_or("change without a new row")?;
            Ok((after, false))
        }
        Operation::Delete => {
            let before = envelope.before.as_ref().ok_or("delete without an old row")?;
            Ok((before, true))
        }
        Operation::Truncate | Operation::Message => {
            Err(format!("operation {:?} says nothing about a row", envelope.op))
        }
    }
}

/// The numbers that alerts are judged by. What is gone is not short of anything.
pub(super) fn figures(row: &StockLevelRow, deleted: bool) -> Figures {
    Figures {
        version: row.version.get(),
        on_hand: row.on_hand,
        available: row.available,
        safety_stock: row.safety_stock,
        reorder_point: row.reorder_point,
        unlimited: deleted || row.policy == "unlimited",
        deleted,
    }
}

#[cfg(test)]
#[path = "sink_tests.rs"]
mod tests;
