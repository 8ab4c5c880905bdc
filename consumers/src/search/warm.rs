//! Filling the indexes from Postgres when they are new, and removing movements that are too old.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::client::Client;
use super::fill::{Collection, Filler};
use super::index::{self, Definition, Indexes};
use super::month::Month;
use crate::postgres::RowSource;
use crate::runtime::{SinkError, Warmth};

/// Fills the indexes and knows whether they are full.
#[derive(Debug)]
pub(super) struct Warmer {
    client: Client,
    indexes: Indexes,
    filler: Filler,
    months: u32,
    /// The oldest month when old ones were last removed.
    dropped: Mutex<Option<Month>>,
    warmth: Mutex<Warmth>,
}

impl Warmer {
    pub(super) fn new(client: Client, indexes: Indexes, rows: RowSource, months: u32) -> Self {
        Self {
            filler: Filler {
                client: client.clone(),
                indexes: indexes.clone(),
                rows,
                strict: false,
            },
            client,
            indexes,
            months,
            dropped: Mutex::new(None),
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

    /// The oldest month whose movements are kept now.
    pub(super) fn oldest(&self) -> Month {
        let now = Timestamp::now();
        let months = Month::back_from(now, self.months);
        months.first().copied().unwrap_or_else(|| Month::of(now))
    }

    /// Every index that there should be now.
    pub(super) fn definitions(&self) -> Vec<Definition> {
        self.indexes
            .definitions(&Month::back_from(Timestamp::now(), self.months))
    }

    /// What has to be filled.
    pub(super) async fn cold(&self) -> Result<Vec<Collection>, SinkError> {
        let warm = index::warm(&self.client, &self.indexes).await?;
        let is_cold = |collection: &Collection| !warm.contains(&collection.alias(&self.indexes));
        let all = Collection::all(Timestamp::now(), self.months);
        let cold: Vec<Collection> = all.into_iter().filter(is_cold).collect();
        if cold.is_empty() {
            self.set(Warmth::Warm);
        }
        Ok(cold)
    }

    /// Reads all rows and writes them, page by page. Several consumers may do so at once: the
    /// documents are the same.
    pub(super) async fn fill(&self, cold: &[Collection]) -> Result<(), SinkError> {
        for collection in cold {
            let alias = collection.alias(&self.indexes);
            tracing::info!(alias, "filling a search index from postgres");
            let tell = |rows: usize| self.set(Warmth::Warming(format!("{alias}: {rows} rows filled")));
            tell(0);
            let rows = self.filler.fill(*collection, &tell).await?;
            index::mark_warm(&self.client, &alias).await?;
            tracing::info!(alias, rows, "search index filled");
        }
        self.set(Warmth::Warm);
        Ok(())
    }

    /// Removes months that are no longer kept, when a month begins.
    pub(super) async fn drop_old(&self) -> Result<(), SinkError> {
        let oldest = self.oldest();
        if *self.dropped.lock().unwrap_or_else(PoisonError::into_inner) != Some(oldest) {
            index::drop_old_months(&self.client, &self.indexes, oldest).await?;
            *self.dropped.lock().unwrap_or_else(PoisonError::into_inner) = Some(oldest);
        }
        Ok(())
    }
}
