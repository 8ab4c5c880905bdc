//! Reading rows from Postgres into an index, page by page.
//!
//! Events go on being written meanwhile; each document's version decides which of the two stays.

use jiff::Timestamp;

use super::client::{Client, Document, DocumentResult};
use super::index::Indexes;
use super::model;
use super::month::Month;
use crate::postgres::{RowSource, RowSourceError, Rows};
use crate::runtime::{SinkError, metrics};

/// Rows in one page and one bulk: a second of Elasticsearch at the very most.
const PAGE_ROWS: i64 = 2_000;

/// What has an index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Collection {
    Items,
    Stock,
    Summaries,
    Movements(Month),
}

impl Collection {
    /// All of them while so many months are kept; the movements, which are the most, come last.
    pub(super) fn all(now: Timestamp, months: u32) -> Vec<Self> {
        let mut months: Vec<Self> = Month::back_from(now, months).into_iter().map(Self::Movements).collect();
        // The newest month is looked at most.
        months.reverse();
        [vec![Self::Items, Self::Stock, Self::Summaries], months].concat()
    }

    /// The alias that it is written under.
    pub(super) fn alias(self, indexes: &Indexes) -> String {
        match self {
            Self::Items => indexes.items.clone(),
            Self::Stock => indexes.stock.clone(),
            Self::Summaries => indexes.summaries.clone(),
            Self::Movements(month) => indexes.month(month),
        }
    }
}

/// Fills indexes.
#[derive(Debug, Clone)]
pub(super) struct Filler {
    pub(super) client: Client,
    /// Where documents go.
    pub(super) indexes: Indexes,
    pub(super) rows: RowSource,
    /// Whether one row that the mapping refuses ends the filling. Else it must not keep all others out.
    pub(super) strict: bool,
}

impl Filler {
    /// Writes all rows of a collection; tells after each page how many there were so far.
    pub(super) async fn fill(&self, collection: Collection, tell: &(dyn Fn(usize) + Sync)) -> Result<usize, SinkError> {
        let rows = self.rows.open().await.map_err(unreadable)?;
        match collection {
            Collection::Items => self.items(&rows, tell).await,
            Collection::Stock => self.stock(&rows, tell).await,
            Collection::Summaries => self.summaries(&rows, tell).await,
            Collection::Movements(month) => self.movements(&rows, month, tell).await,
        }
    }

    async fn items(&self, rows: &Rows, tell: &(dyn Fn(usize) + Sync)) -> Result<usize, SinkError> {
        let (mut after, mut total) = (None, 0);
        loop {
            let page = rows.items(after.as_ref(), PAGE_ROWS).await.map_err(unreadable)?;
            self.write(page.iter().map(|row| model::item(&self.indexes, row)))
                .await?;
            total += told(page.len(), total, tell);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    async fn stock(&self, rows: &Rows, tell: &(dyn Fn(usize) + Sync)) -> Result<usize, SinkError> {
        let (mut after, mut total) = (None, 0);
        loop {
            let page = rows.stock_levels(after.as_ref(), PAGE_ROWS).await.map_err(unreadable)?;
            self.write(page.iter().map(|row| model::stock(&self.indexes, row)))
                .await?;
            total += told(page.len(), total, tell);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    async fn summaries(&self, rows: &Rows, tell: &(dyn Fn(usize) + Sync)) -> Result<usize, SinkError> {
        let (mut after, mut total) = (None, 0);
        loop {
            let page = rows.summaries(after.as_ref(), PAGE_ROWS).await.map_err(unreadable)?;
            self.write(page.iter().map(|row| model::summary(&self.indexes, row)))
                .await?;
            total += told(page.len(), total, tell);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    async fn movements(&self, rows: &Rows, month: Month, tell: &(dyn Fn(usize) + Sync)) -> Result<usize, SinkError> {
        let Some(span) = month.span() else { return Ok(0) };
        let (mut after, mut total) = (None, 0);
        loop {
            let page = rows
                .movements(span, after.as_ref(), PAGE_ROWS)
                .await
                .map_err(unreadable)?;
            self.write(page.iter().map(|row| model::movement(&self.indexes, row)))
                .await?;
            total += told(page.len(), total, tell);
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(total),
            }
        }
    }

    async fn write(&self, documents: impl Iterator<Item = Result<Document, String>>) -> Result<(), SinkError> {
        let documents: Vec<Document> = documents
            .collect::<Result<_, _>>()
            .map_err(|reason| SinkError::Transient(format!("row in postgres: {reason}")))?;
        self.write_documents(&documents).await
    }

    pub(super) async fn write_documents(&self, documents: &[Document]) -> Result<(), SinkError> {
        let results = self.client.bulk(documents).await?;
        for (document, result) in documents.iter().zip(results) {
            match result {
                DocumentResult::Written | DocumentResult::Stale => {}
                DocumentResult::Refused(reason) if self.strict => {
                    return Err(SinkError::Fatal(format!("document {}: {reason}", document.id)));
                }
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

/// Tells of a page and answers its length.
fn told(rows: usize, before: usize, tell: &(dyn Fn(usize) + Sync)) -> usize {
    metrics::warmed("search", rows);
    tell(before + rows);
    rows
}

pub(super) fn unreadable(error: RowSourceError) -> SinkError {
    SinkError::Transient(error.to_string())
}
