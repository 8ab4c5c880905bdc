//! The sink: change events of `item`, `stock_level`, `stock_summary` and `stock_movement` into the indexes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use onhand_cdc::ConfigError;
use reqwest::Method;

use super::beside::{Beside, merged};
use super::client::{Client, Document, DocumentResult};
use super::config::ElasticsearchConfig;
use super::index::{self, Indexes, Refresh};
use super::model::{Draft, Name, draft_of};
use super::month::Month;
use super::warm::Warmer;
use crate::postgres::RowSource;
use crate::runtime::{Event, Outcome, Sink, SinkError, Warmth};

/// Writes items, stock, summaries and movements to the search engine.
#[derive(Debug)]
pub struct SearchSink {
    client: Client,
    indexes: Indexes,
    refresh: Refresh,
    /// Set when a write met a missing index: the next one makes it first.
    lost: AtomicBool,
    beside: Beside,
    warmer: Warmer,
}

impl SearchSink {
    /// Connects when it is first needed.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &ElasticsearchConfig, rows: RowSource) -> Result<Self, ConfigError> {
        config.validate()?;
        let client = Client::new(config)?;
        let indexes = Indexes::new(&config.index_prefix);
        Ok(Self {
            warmer: Warmer::new(client.clone(), indexes.clone(), rows, config.movement_months),
            beside: Beside::default(),
            client,
            indexes,
            refresh: Refresh::new(config),
            lost: AtomicBool::new(false),
        })
    }

    async fn ensure(&self) -> Result<(), SinkError> {
        index::ensure(&self.client, &self.warmer.definitions(), &self.refresh).await?;
        self.lost.store(false, Ordering::Release);
        Ok(())
    }

    /// Writes to the live indexes and to those that are built beside them.
    async fn bulk(&self, documents: &[Document]) -> Result<Vec<DocumentResult>, SinkError> {
        self.beside.refresh(&self.client, &self.indexes).await?;
        let Some(all) = self.beside.with_copies(documents) else {
            return Ok(self.client.bulk(documents).await?);
        };
        let mut results: Vec<DocumentResult> = Vec::with_capacity(documents.len());
        for (document, result) in all.iter().zip(self.client.bulk(&all).await?) {
            if !document.is_copy {
                results.push(result);
                continue;
            }
            if result == DocumentResult::NoIndex {
                self.beside.forget();
            }
            if let Some(live) = results.pop() {
                results.push(merged(live, result));
            }
        }
        Ok(results)
    }

    fn outcome(&self, result: DocumentResult) -> Outcome {
        match result {
            DocumentResult::Written => Outcome::Applied,
            DocumentResult::Stale => Outcome::Stale,
            DocumentResult::Busy(reason) => Outcome::Retry(reason),
            DocumentResult::Refused(reason) => Outcome::Poison(reason),
            DocumentResult::NoIndex => {
                self.lost.store(true, Ordering::Release);
                self.warmer.lost();
                Outcome::Retry("the index is not there".to_owned())
            }
        }
    }
}

#[async_trait]
impl Sink for SearchSink {
    fn name(&self) -> &'static str {
        "search"
    }

    async fn prepare(&self) -> Result<(), SinkError> {
        self.ensure().await
    }

    async fn health(&self) -> Result<(), SinkError> {
        let path = "/_cluster/health?filter_path=status&timeout=1s";
        self.client.expect(Method::GET, path, None).await?;
        Ok(())
    }

    fn warmth(&self) -> Warmth {
        self.warmer.warmth()
    }

    /// The search engine works on one batch while the answers of the other are read and its successor is made ready.
    fn batches_at_once(&self) -> usize {
        2
    }

    async fn write(&self, batch: &[&Event]) -> Result<Vec<Outcome>, SinkError> {
        if self.lost.load(Ordering::Acquire) {
            self.ensure().await?;
        }
        let mut plan = Plan::of(&self.indexes, self.warmer.oldest(), batch);
        let results = self.bulk(&plan.documents).await?;
        for (sender, result) in plan.senders.iter().zip(results) {
            if let Some(outcome) = plan.outcomes.get_mut(*sender) {
                *outcome = self.outcome(result);
            }
        }
        Ok(plan.outcomes)
    }

    /// Fills indexes that are new, that of a month that begins among them. Makes them first if they went away while nothing
    /// changed.
    async fn tick(&self) -> Result<(), SinkError> {
        let cold = self.warmer.cold().await?;
        if !cold.is_empty() {
            self.ensure().await?;
            self.warmer.fill(&cold).await?;
        }
        self.warmer.drop_old().await
    }

    async fn shutdown(&self) {}
}

/// Which documents of a batch are sent, and which event each answer belongs to.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) documents: Vec<Document>,
    senders: Vec<usize>,
    outcomes: Vec<Outcome>,
}

impl Plan {
    /// Of each document only the newest version is sent; the older ones count as superseded.
    pub(super) fn of(indexes: &Indexes, oldest: Month, batch: &[&Event]) -> Self {
        let mut plan = Self {
            documents: Vec::new(),
            senders: Vec::new(),
            outcomes: vec![Outcome::Superseded; batch.len()],
        };
        let mut newest: HashMap<Name, (usize, Draft<'_>)> = HashMap::new();
        for (index, event) in batch.iter().enumerate() {
            let draft = match draft_of(indexes, &event.change, oldest) {
                Ok(Some(draft)) => draft,
                // Nothing that is kept: as good as superseded.
                Ok(None) => continue,
                Err(reason) => {
                    plan.poison(index, reason);
                    continue;
                }
            };
            match newest.get(&draft.name) {
                Some((_, held)) if !is_older(held, &draft) => {}
                _ => {
                    newest.insert(draft.name.clone(), (index, draft));
                }
            }
        }
        let mut chosen: Vec<(usize, Draft<'_>)> = newest.into_values().collect();
        chosen.sort_by_key(|(sender, _)| *sender);
        for (sender, draft) in chosen {
            match draft.finish() {
                Ok(document) => {
                    plan.documents.push(document);
                    plan.senders.push(sender);
                }
                Err(reason) => plan.poison(sender, reason),
            }
        }
        plan
    }

    fn poison(&mut self, sender: usize, reason: String) {
        if let Some(outcome) = self.outcomes.get_mut(sender) {
            *outcome = Outcome::Poison(reason);
        }
    }
}

/// A tombstone has the version of the row it deleted, and is newer than it.
fn is_older(held: &Draft<'_>, offered: &Draft<'_>) -> bool {
    offered.version > held.version || (offered.version == held.version && offered.wins_ties && !held.wins_ties)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use onhand_cdc::envelope::StockLevelRow;
    use onhand_cdc::{Change, Envelope, Operation, RowVersion, Source};
    use uuid::Uuid;

    use super::*;
    use crate::runtime::Record;

    fn level(version: i64) -> StockLevelRow {
        StockLevelRow {
            item_id: Uuid::from_u128(1),
            location_id: "W1".to_owned(),
            on_hand: 1,
            reserved: 0,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            safety_stock: 0,
            reorder_point: 0,
            available: 1,
            policy: "deny".to_owned(),
            status: "in_stock".to_owned(),
            next_hold_at: None,
            version: RowVersion::new(version),
            last_movement_at: None,
            created_at: None,
        }
    }

    fn event(op: Operation, version: i64) -> Event {
        let (before, after) = match op {
            Operation::Delete => (Some(level(version)), None),
            _ => (None, Some(level(version))),
        };
        Event {
            record: Record::new("onhand.inventory.stock_level", 0, 0),
            change: Change::StockLevel(Box::new(Envelope {
                before,
                after,
                source: Source {
                    ts_ms: 5,
                    ts_us: None,
                    lsn: None,
                    tx_id: None,
                    snapshot: None,
                },
                op,
                ts_ms: None,
                transaction: None,
            })),
        }
    }

    fn plan(events: &[Event]) -> Plan {
        let oldest = Month::of(jiff::Timestamp::UNIX_EPOCH);
        Plan::of(&Indexes::new("onhand-"), oldest, &events.iter().collect::<Vec<_>>())
    }

    #[test]
    fn only_the_newest_version_of_a_document_is_sent() {
        let plan = plan(&[
            event(Operation::Update, 2),
            event(Operation::Update, 3),
            event(Operation::Create, 1),
        ]);
        assert_eq!((plan.documents.len(), plan.senders.clone()), (1, vec![1]));
        assert_eq!(plan.documents[0].version, 3);
        assert_eq!(plan.outcomes[0], Outcome::Superseded);
    }

    #[test]
    fn a_delete_beats_the_row_it_deleted_in_any_order() {
        for deletion_first in [true, false] {
            let mut events = vec![event(Operation::Update, 4), event(Operation::Delete, 4)];
            if deletion_first {
                events.reverse();
            }
            let plan = plan(&events);
            assert!(plan.documents[0].wins_ties);
        }
    }

    #[test]
    fn a_poison_event_leaves_the_others_alone() {
        let plan = plan(&[event(Operation::Truncate, 1), event(Operation::Update, 2)]);
        assert!(matches!(plan.outcomes[0], Outcome::Poison(_)));
        assert_eq!(plan.senders, vec![1]);
    }
}
