//! What differs is put right, and never at the cost of anything newer.
//!
//! What is missing or stale is written like any change: the write loses to a newer version. What has the right version and the wrong
//! value, or a version that Postgres never wrote, would refuse that. It is replaced only as long as it is still the very text that was
//! seen to be wrong (Redis), a version that is not newer (Elasticsearch, `external_gte`), or the very state of the document (its
//! sequence number). What Postgres does not have becomes a tombstone, so that an old event cannot bring it back.

use std::collections::{HashMap, HashSet};

use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::redis::Cache;
use super::report::{Finding, Kind, Place};
use super::scan::{distinct, places};
use super::search::{Doc, Search};
use super::{Verifier, VerifyError};
use crate::cache::{Repair, RowRepair, StockRow};
use crate::search::{
    Document, DocumentResult, item_document, movement_document, stock_document, summary_document, tombstone,
};

/// Keys in one round.
const CHUNK: usize = 500;
/// How long the engine may remember a deleted version after it was told not to.
const FORGET: Duration = Duration::from_secs(10);

impl Verifier {
    /// Repairs, looks again, and says what is still wrong.
    pub(super) async fn repair(&self, confirmed: &[Finding]) -> Result<HashSet<(Place, String)>, VerifyError> {
        for place in places(confirmed.iter()) {
            let wrong: Vec<&Finding> = confirmed.iter().filter(|finding| finding.place == place).collect();
            for chunk in wrong.chunks(CHUNK) {
                match (place, &self.cache, &self.search) {
                    (Place::Hash, Some(cache), _) => self.repair_hashes(cache, chunk).await?,
                    (Place::Hash | Place::Balance, ..) | (_, _, None) => {}
                    (_, _, Some(search)) => self.repair_documents(search, place, chunk).await?,
                }
            }
        }
        let repairable: Vec<&Finding> = confirmed
            .iter()
            .filter(|finding| finding.place != Place::Balance)
            .collect();
        let seen = self.look(&repairable).await?;
        let was: HashMap<(Place, &str), &Finding> = confirmed.iter().map(|finding| (finding.key(), finding)).collect();
        let left = seen
            .into_values()
            .filter(|now| was.get(&now.key()).is_some_and(|was| is_still(was, now)));
        let left: HashSet<(Place, String)> = left.map(|finding| (finding.place, finding.id)).collect();
        for (place, id) in &left {
            tracing::warn!(store = place.store().name(), key = id, "could not be repaired");
        }
        Ok(left)
    }

    async fn repair_hashes(&self, cache: &Cache, wrong: &[&Finding]) -> Result<(), VerifyError> {
        let items = distinct(wrong);
        let hashes = cache.hashes(&items).await?;
        let levels = self.source.levels(&items).await?;
        let named: HashMap<&str, &Finding> = wrong.iter().map(|finding| (finding.id.as_str(), *finding)).collect();
        let mut repairs = Vec::with_capacity(items.len());
        for (item, hash) in hashes {
            // Only what a look said to be wrong, and still is what it was then, may be replaced at any version.
            let seen = |location: &str| -> String {
                let name = format!("row:{location}");
                match (hash.get(&name), named.get(format!("{item} {name}").as_str())) {
                    (Some(text), Some(finding)) if *text == finding.found => text.clone(),
                    _ => String::new(),
                }
            };
            let levels = levels.get(&item).map_or(&[][..], Vec::as_slice);
            let mut rows = Vec::new();
            for level in levels {
                let row = StockRow::from_level(level).map_err(|error| VerifyError::Config(error.to_string()))?;
                rows.push(RowRepair {
                    seen: seen(&row.location),
                    location: row.location.clone(),
                    row: Some(row),
                });
            }
            for finding in wrong
                .iter()
                .filter(|finding| finding.item == Some(item) && finding.kind == Kind::Extra)
            {
                let field = finding.id.split_once(' ').map_or("", |(_, field)| field);
                if let Some(location) = field.strip_prefix("row:")
                    && !levels.iter().any(|level| level.location_id == location)
                {
                    let held = StockRow::parse(location, &finding.found).ok();
                    rows.push(RowRepair {
                        location: location.to_owned(),
                        row: held.map(|row| StockRow::tombstone(location, row.version)),
                        seen: finding.found.clone(),
                    });
                }
            }
            repairs.push(Repair {
                item_id: item,
                known: !levels.is_empty(),
                rows,
            });
        }
        cache.repair(&repairs).await?;
        let keys: Vec<&str> = wrong
            .iter()
            .filter(|finding| finding.item.is_none())
            .map(|finding| finding.id.as_str())
            .collect();
        if !keys.is_empty() {
            cache.remove(&keys).await?;
        }
        Ok(())
    }

    async fn repair_documents(&self, search: &Search, place: Place, wrong: &[&Finding]) -> Result<(), VerifyError> {
        let Some(rows) = self.documents(search, place, wrong).await? else {
            return Ok(());
        };
        let ids: Vec<&str> = wrong.iter().map(|finding| finding.id.as_str()).collect();
        let held = search.documents(place, &ids).await?;
        let (mut writes, mut forced) = (Vec::new(), Vec::new());
        let mut missing = HashSet::new();
        for finding in wrong {
            let row = rows.get(&finding.id);
            match (finding.kind, row) {
                // No event ever says anything of these again: nothing has to be remembered.
                (Kind::Extra, None) if finding.item.is_none() || matches!(place, Place::Movements(_)) => {
                    remove(search, place, held.get(&finding.id)).await?;
                }
                (Kind::Extra, None) => {
                    let version = finding.held.max(1);
                    writes.extend(tombstone(&search.alias(place), finding.id.clone(), version));
                }
                (Kind::Ahead, Some(row)) => {
                    if let Some(doc) = held.get(&finding.id).filter(|doc| doc.version == finding.held) {
                        forced.push((Some(doc), row.clone()));
                    }
                }
                (Kind::Changed, Some(row)) => writes.push(Document {
                    wins_ties: true,
                    is_copy: false,
                    ..row.clone()
                }),
                (kind, Some(row)) => {
                    if kind == Kind::Missing {
                        missing.insert(row.id.clone());
                    }
                    writes.push(row.clone());
                }
                (_, None) => {}
            }
        }
        let results = search.client.bulk(&writes).await?;
        told(&results);
        // The engine remembers the version of a document that was deleted by hand, for a while.
        let refused = writes.into_iter().zip(results);
        let refused = refused.filter(|(row, result)| *result == DocumentResult::Stale && missing.contains(&row.id));
        forced.extend(refused.map(|(row, _)| (None, row)));
        self.force(search, place, forced).await
    }

    /// The documents of these findings as the consumer writes them, by id. None if nothing is known about them any more.
    async fn documents(
        &self,
        search: &Search,
        place: Place,
        wrong: &[&Finding],
    ) -> Result<Option<HashMap<String, Document>>, VerifyError> {
        let items = &distinct(wrong);
        let made: Vec<Result<Document, String>> = match place {
            Place::Items => {
                let rows = self.source.items(items).await?;
                rows.iter().map(|row| item_document(&search.indexes, row)).collect()
            }
            Place::Summaries => {
                let rows = self.source.summaries(items).await?;
                rows.iter().map(|row| summary_document(&search.indexes, row)).collect()
            }
            Place::Movements(month) => {
                let ids: Vec<&str> = wrong.iter().map(|finding| finding.id.as_str()).collect();
                let Some(lines) = self.source.movements(month, &ids).await? else {
                    return Ok(None);
                };
                let lines = lines.values();
                lines.map(|line| movement_document(&search.indexes, line)).collect()
            }
            _ => {
                let levels = self.source.levels(items).await?;
                let rows = levels.values().flatten();
                rows.map(|row| stock_document(&search.indexes, row)).collect()
            }
        };
        let documents = made.into_iter().map(|document| {
            let document = document.map_err(VerifyError::Search)?;
            Ok((document.id.clone(), document))
        });
        documents.collect::<Result<_, VerifyError>>().map(Some)
    }

    /// Replaces documents of a version that is too high, or was before they were deleted. The engine never takes a lower one, so what
    /// is there is deleted, as long as it is what it was, and the engine is told to forget the version of what was deleted.
    async fn force(
        &self,
        search: &Search,
        place: Place,
        forced: Vec<(Option<&Doc>, Document)>,
    ) -> Result<(), VerifyError> {
        if forced.is_empty() {
            return Ok(());
        }
        let alias = search.alias(place);
        let forget = json!({"index": {"gc_deletes": "0s"}});
        let path = format!("/{alias}/_settings");
        search.client.expect(Method::PUT, &path, Some(forget)).await?;
        let mut left = Vec::new();
        for (doc, row) in forced {
            remove(search, place, doc).await?;
            left.push(row);
        }
        let deadline = Instant::now() + FORGET;
        loop {
            search
                .client
                .expect(Method::POST, &format!("/{alias}/_refresh"), None)
                .await?;
            let results = search.client.bulk(&left).await?;
            let refused = left
                .into_iter()
                .zip(&results)
                .filter(|(_, result)| **result == DocumentResult::Stale);
            left = refused.map(|(row, _)| row).collect();
            if left.is_empty() || Instant::now() >= deadline {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// Deletes a document, if it is still in the state that was seen.
async fn remove(search: &Search, place: Place, doc: Option<&Doc>) -> Result<(), VerifyError> {
    let Some((doc, (sequence, term))) = doc.and_then(|doc| Some((doc, doc.place?))) else {
        return Ok(());
    };
    let path = format!(
        "/{}/_doc/{}?if_seq_no={sequence}&if_primary_term={term}",
        search.alias(place),
        escaped(&doc.id)
    );
    let (status, answer) = search.client.send(Method::DELETE, &path, None).await?;
    // Somebody else was there in between: then it is no longer what was seen.
    if status.is_success() || matches!(status, StatusCode::CONFLICT | StatusCode::NOT_FOUND) {
        return Ok(());
    }
    Err(VerifyError::Search(format!("{status}: {answer}")))
}

/// Percent-encoding of everything but letters and digits.
fn escaped(id: &str) -> String {
    let mut text = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// A stale answer is no failure: something newer came in between.
fn told(results: &[DocumentResult]) {
    for result in results {
        if let DocumentResult::Busy(reason) | DocumentResult::Refused(reason) = result {
            tracing::warn!(error = reason, "a repair was not taken");
        }
    }
}

/// Whether a difference after a repair is the one that was repaired, and not the next change on its way.
fn is_still(was: &Finding, now: &Finding) -> bool {
    match now.kind {
        Kind::Missing | Kind::Stale => now.held < was.wanted || now.wanted == 0,
        Kind::Ahead => now.held == was.held,
        Kind::Changed => true,
        Kind::Extra => was.kind == Kind::Extra,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_safe_in_a_path() {
        assert_eq!(escaped("a-1:W/ü"), "a-1%3AW%2F%C3%BC");
    }
}
