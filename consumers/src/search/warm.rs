//! Filling the indexes from Postgres when they are new.
//!
//! Events go on being written meanwhile; each document's version decides which of the two stays.

use std::sync::{Mutex, PoisonError};

use onhand_cdc::envelope::{ItemRow, StockLevelRow};

use super::client::{Client, Document, DocumentResult};
use super::index::{self, Indexes};
use super::model;
use crate::postgres::{RowSource, RowSourceError};
use crate::runtime::{SinkError, Warmth, metrics};

/// Rows in one page and one bulk: a second of Elasticsearch at the very most.
const PAGE_ROWS: i64 = 2_000;

/// Fills the indexes and knows whether they are full.
#[derive(Debug)]
pub(super) struct Warmer {
    client: Client,
    indexes: Indexes,
    rows: RowSource,
    warmth: Mutex<Warmth>,
}

impl Warmer {
    pub(super) fn new(client: Client, indexes: Indexes, rows: RowSource) -> Self {
        Self {
            client,
            indexes,
            rows,
            warmth: Mutex::new(Warmth::Warming("not looked at yet".to_owned())),
        }
    }

    pub(super) fn warmth(&self) -> Warmth {
        self.warmth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, warmth: Warmth) {
        *self.warmth.lock().unwrap_or_else(PoisonError::into_inner) = warmth;
    }

    /// The index went away.
    pub(super) fn lost(&self) {
        self.set(Warmth::Warming("the index was lost".to_owned()));
    }

    /// True if the indexes have to be filled.
    pub(super) async fn is_cold(&self) -> Result<bool, SinkError> {
        let warm = index::is_warm(&self.client, &self.indexes).await?;
        if warm {
            self.set(Warmth::Warm);
        }
        Ok(!warm)
    }

    /// Reads all rows and writes them, page by page. Several consumers may do so at once: the
    /// documents are the same.
    pub(super) async fn fill(&self) -> Result<(), SinkError> {
        tracing::info!("filling the search indexes from postgres");
        self.set(Warmth::Warming("0 rows filled".to_owned()));
        let items = self.fill_items().await?;
        let levels = self.fill_stock(items).await?;
        index::mark_warm(&self.client, &self.indexes).await?;
        tracing::info!(items, levels, "search indexes filled");
        self.set(Warmth::Warm);
        Ok(())
    }

    async fn fill_items(&self) -> Result<usize, SinkError> {
        let rows = self.rows.open().await.map_err(unreadable)?;
        let mut after: Option<ItemRow> = None;
        let mut total = 0;
        loop {
            let page = rows.items(after.as_ref(), PAGE_ROWS).await.map_err(unreadable)?;
            let documents = page.iter().map(|row| model::item(&self.indexes, row));
            self.write(documents).await?;
            total += page.len();
            self.progress(page.len(), total);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    async fn fill_stock(&self, before: usize) -> Result<usize, SinkError> {
        let rows = self.rows.open().await.map_err(unreadable)?;
        let mut after: Option<StockLevelRow> = None;
        let mut total = 0;
        loop {
            let page = rows.stock_levels(after.as_ref(), PAGE_ROWS).await.map_err(unreadable)?;
            let documents = page.iter().map(|row| model::stock(&self.indexes, row));
            self.write(documents).await?;
            total += page.len();
            self.progress(page.len(), before + total);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    fn progress(&self, rows: usize, total: usize) {
        metrics::warmed("search", rows);
        self.set(Warmth::Warming(format!("{total} rows filled")));
    }

    async fn write(&self, documents: impl Iterator<Item = Result<Document, String>>) -> Result<(), SinkError> {
        let documents: Vec<Document> = documents
            .collect::<Result<_, _>>()
            .map_err(|reason| SinkError::Transient(format!("row in postgres: {reason}")))?;
        let results = self.client.bulk(&documents).await?;
        for (document, result) in documents.iter().zip(results) {
            match result {
                DocumentResult::Written | DocumentResult::Stale => {}
                // One row that the mapping refuses must not keep all others out.
                DocumentResult::Refused(reason) => {
                    tracing::warn!(document = document.id, error = reason, "row not indexed");
                }
                DocumentResult::Busy(reason) => return Err(SinkError::Transient(reason)),
                DocumentResult::NoIndex => {
                    return Err(SinkError::Transient("the index is not there".to_owned()));
                }
            }
        }
        Ok(())
    }
}

fn unreadable(error: RowSourceError) -> SinkError {
    SinkError::Transient(error.to_string())
}
