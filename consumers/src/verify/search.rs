//! Elasticsearch against Postgres, document by document.
//!
//! Documents are fetched by id, which needs no refresh: what was written is there. What a document should be is worked out here
//! once more and not taken from the code that writes it.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use onhand_cdc::envelope::{ItemRow, StockLevelRow, StockSummaryRow};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::VerifyError;
use super::digest::parts;
use super::report::{Finding, Kind, Place};
use crate::search::{Client, ElasticsearchConfig, Indexes, is_warm};

/// Documents in one request.
const DOCUMENTS: usize = 1_000;
/// Ids in one step of a scan.
const SCAN_STEP: usize = 5_000;
/// How long the engine keeps a scan that nobody goes on with.
const SCAN_KEEP: &str = "2m";

/// A document as it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Doc {
    pub(super) id: String,
    pub(super) version: i64,
    pub(super) source: Value,
    /// Sequence number and primary term, by which a write can name exactly this state of the document.
    pub(super) place: Option<(i64, i64)>,
}

impl Doc {
    pub(super) fn is_deleted(&self) -> bool {
        self.source.get("deleted").and_then(Value::as_bool) == Some(true)
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    docs: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Found {
    #[serde(rename = "_id")]
    id: String,
    #[serde(default)]
    found: bool,
    #[serde(default)]
    error: Option<Value>,
    #[serde(rename = "_version", default)]
    version: i64,
    #[serde(rename = "_seq_no", default)]
    sequence: Option<i64>,
    #[serde(rename = "_primary_term", default)]
    term: Option<i64>,
    #[serde(rename = "_source", default)]
    source: Value,
}

#[derive(Debug, Deserialize)]
struct ScanAnswer {
    #[serde(rename = "_scroll_id")]
    scroll_id: String,
    hits: ScanHits,
}

#[derive(Debug, Deserialize)]
struct ScanHits {
    hits: Vec<ScanHit>,
}

#[derive(Debug, Deserialize)]
struct ScanHit {
    #[serde(rename = "_id")]
    id: String,
}

/// What one document should be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) place: Place,
    pub(super) id: String,
    pub(super) version: i64,
    /// Compared as they are.
    pub(super) fields: Value,
    /// Compared as instants.
    pub(super) times: Vec<(&'static str, Option<Timestamp>)>,
}

/// The indexes, read past the code that serves them.
pub(super) struct Search {
    pub(super) client: Client,
    pub(super) indexes: Indexes,
    /// How many months of movements are kept.
    pub(super) months: u32,
}

impl Search {
    pub(super) fn new(config: &ElasticsearchConfig) -> Result<Self, VerifyError> {
        config.validate()?;
        let client = Client::new(config)?;
        Ok(Self {
            client,
            indexes: Indexes::new(&config.index_prefix),
            months: config.movement_months,
        })
    }

    /// Whether every index is there and was filled; before that nothing can be said about them.
    pub(super) async fn is_warm(&self) -> Result<bool, VerifyError> {
        Ok(is_warm(&self.client, &self.indexes).await?)
    }

    /// The alias of a collection.
    pub(super) fn alias(&self, place: Place) -> Cow<'_, str> {
        match place {
            Place::Items => Cow::Borrowed(&self.indexes.items),
            Place::Summaries => Cow::Borrowed(&self.indexes.summaries),
            Place::Movements(month) => Cow::Owned(self.indexes.month(month)),
            _ => Cow::Borrowed(&self.indexes.stock),
        }
    }

    /// Documents by their ids; those that are not there are left out.
    pub(super) async fn documents<T: AsRef<str>>(
        &self,
        place: Place,
        ids: &[T],
    ) -> Result<HashMap<String, Doc>, VerifyError> {
        let mut documents = HashMap::with_capacity(ids.len());
        let path = format!("/{}/_mget", self.alias(place));
        for chunk in ids.chunks(DOCUMENTS) {
            let ids: Vec<&str> = chunk.iter().map(AsRef::as_ref).collect();
            let answer = self
                .client
                .expect(Method::POST, &path, Some(json!({ "ids": ids })))
                .await?;
            let answer: Answer = parse(&answer)?;
            for found in answer.docs {
                if let Some(error) = found.error {
                    return Err(VerifyError::Search(format!("document {}: {error}", found.id)));
                }
                if found.found {
                    let doc = Doc {
                        id: found.id.clone(),
                        version: found.version,
                        source: found.source,
                        place: found.sequence.zip(found.term),
                    };
                    documents.insert(found.id, doc);
                }
            }
        }
        Ok(documents)
    }

    /// Starts a scan over the ids of all documents that are not remembered as deleted. Sees what was refreshed.
    pub(super) async fn scan(&self, place: Place) -> Result<Scan<'_>, VerifyError> {
        let path = format!("/{}/_search?scroll={SCAN_KEEP}", self.alias(place));
        let body = json!({
            "size": SCAN_STEP,
            "sort": ["_doc"],
            "_source": false,
            "query": {"bool": {"must_not": {"term": {"deleted": true}}}},
        });
        let answer = self.client.expect(Method::POST, &path, Some(body)).await?;
        let answer: ScanAnswer = parse(&answer)?;
        Ok(Scan {
            client: &self.client,
            scroll_id: answer.scroll_id,
            first: Some(ids(answer.hits)),
        })
    }
}

/// A scan that is under way.
pub(super) struct Scan<'a> {
    client: &'a Client,
    scroll_id: String,
    first: Option<Vec<String>>,
}

impl Scan<'_> {
    /// The next ids; none at the end, when the engine forgets the scan.
    pub(super) async fn next(&mut self) -> Result<Vec<String>, VerifyError> {
        let found = match self.first.take() {
            Some(ids) => ids,
            None => {
                let body = json!({"scroll": SCAN_KEEP, "scroll_id": self.scroll_id});
                let answer = self.client.expect(Method::POST, "/_search/scroll", Some(body)).await?;
                let answer: ScanAnswer = parse(&answer)?;
                self.scroll_id = answer.scroll_id;
                ids(answer.hits)
            }
        };
        if found.is_empty() {
            let body = json!({"scroll_id": self.scroll_id});
            let (status, _) = self.client.send(Method::DELETE, "/_search/scroll", Some(body)).await?;
            if !status.is_success() && status != StatusCode::NOT_FOUND {
                tracing::debug!(%status, "a scan is forgotten by itself");
            }
        }
        Ok(found)
    }
}

fn ids(hits: ScanHits) -> Vec<String> {
    hits.hits.into_iter().map(|hit| hit.id).collect()
}

pub(super) fn parse<T: serde::de::DeserializeOwned>(answer: &str) -> Result<T, VerifyError> {
    serde_json::from_str(answer).map_err(|error| VerifyError::Search(format!("an answer that cannot be read: {error}")))
}

/// The fields of a level's document.
pub(super) fn stock_fields(level: &StockLevelRow) -> Value {
    let mut fields = json!({
        "item_id": level.item_id,
        "location_id": level.location_id,
        "on_hand": level.on_hand,
        "reserved": level.reserved,
        "in_transit": level.in_transit,
        "backordered": level.backordered,
        "damaged": level.damaged,
        "safety_stock": level.safety_stock,
        "reorder_point": level.reorder_point,
        "available": level.available,
        "policy": level.policy,
        "status": level.status,
        "version": level.version.get(),
    });
    if let Some(fields) = fields.as_object_mut() {
        for (name, at) in times_of(level) {
            fields.insert(name.to_owned(), at.map_or(Value::Null, |at| at.to_string().into()));
        }
    }
    fields
}

fn times_of(level: &StockLevelRow) -> [(&'static str, Option<Timestamp>); 2] {
    [
        ("next_hold_at", level.next_hold_at),
        ("last_movement_at", level.last_movement_at),
    ]
}

/// The document of a level.
pub(super) fn stock(level: &StockLevelRow) -> Expected {
    let mut fields = stock_fields(level);
    let times = times_of(level);
    if let Some(fields) = fields.as_object_mut() {
        for (name, _) in times {
            fields.remove(name);
        }
    }
    Expected {
        place: Place::Stock,
        id: format!("{}:{}", level.item_id, level.location_id),
        version: level.version.get(),
        fields,
        times: times.to_vec(),
    }
}

/// The document of an item, without the fields that only help searching.
pub(super) fn item(row: &ItemRow) -> Expected {
    let object = |text: &Option<String>| -> Value {
        text.as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null)
    };
    Expected {
        place: Place::Items,
        id: row.id.to_string(),
        version: row.version.get(),
        fields: json!({
            "sku": row.sku,
            "name": row.name,
            "description": row.description,
            "kind": row.kind,
            "parent_id": row.parent_id,
            "category_id": row.category_id,
            "unit_of_measure": row.unit_of_measure,
            "tags": row.tags,
            "dimensions": object(&row.dimensions),
            "metadata": object(&row.metadata),
            "status": row.status,
            "version": row.version.get(),
        }),
        times: vec![("created_at", row.created_at), ("updated_at", row.updated_at)],
    }
}

/// The document of a summary.
pub(super) fn summary(row: &StockSummaryRow) -> Expected {
    Expected {
        place: Place::Summaries,
        id: row.item_id.to_string(),
        version: row.version.get(),
        fields: json!({
            "item_id": row.item_id,
            "sku": row.sku,
            "on_hand": row.on_hand,
            "reserved": row.reserved,
            "available": row.available,
            "in_transit": row.in_transit,
            "backordered": row.backordered,
            "damaged": row.damaged,
            "incoming": row.incoming,
            "oversold": row.oversold,
            "threshold": row.threshold,
            "status": row.status,
            "location_count": row.location_count,
            "version": row.version.get(),
        }),
        times: vec![("updated_at", row.updated_at)],
    }
}

/// One document against what it should be.
pub(super) fn judge(place: Place, id: &str, expected: Option<&Expected>, found: Option<&Doc>) -> Option<Finding> {
    let (kind, told, shown) = match (expected, found) {
        (None, None) => return None,
        (None, Some(found)) if found.is_deleted() => return None,
        (None, Some(found)) => (Kind::Extra, String::new(), format!("version {}", found.version)),
        (Some(expected), None) => (Kind::Missing, format!("version {}", expected.version), String::new()),
        (Some(expected), Some(found)) => {
            let (told, shown) = difference(expected, found)?;
            let kind = match found.version.cmp(&expected.version) {
                std::cmp::Ordering::Less => Kind::Stale,
                std::cmp::Ordering::Equal => Kind::Changed,
                std::cmp::Ordering::Greater => Kind::Ahead,
            };
            (kind, told, shown)
        }
    };
    Some(Finding {
        place,
        item: match place {
            Place::Stock | Place::Movements(_) => parts(id).map(|(item, _)| item),
            _ => id.parse().ok(),
        },
        id: id.to_owned(),
        kind,
        wanted: expected.map_or(0, |expected| expected.version),
        held: found.map_or(0, |found| found.version),
        expected: told,
        found: shown,
    })
}

/// The first thing in which a document is not what it should be.
fn difference(expected: &Expected, found: &Doc) -> Option<(String, String)> {
    let told = |field: &str, value: &dyn std::fmt::Display| format!("{field} {value}");
    if found.is_deleted() {
        return Some((
            format!("version {}", expected.version),
            format!("version {}, deleted", found.version),
        ));
    }
    if found.version != expected.version {
        return Some((told("_version", &expected.version), told("_version", &found.version)));
    }
    for (name, value) in expected.fields.as_object().into_iter().flatten() {
        let there = found.source.get(name).unwrap_or(&Value::Null);
        if !is_same(value, there) {
            return Some((told(name, value), told(name, there)));
        }
    }
    for (name, time) in &expected.times {
        let there = found.source.get(*name).unwrap_or(&Value::Null);
        let at = there.as_str().and_then(|text| text.parse::<Timestamp>().ok());
        if at != *time || (time.is_none() && !there.is_null()) {
            let time = time.map_or_else(|| "null".to_owned(), |time| time.to_string());
            return Some((told(name, &time), told(name, there)));
        }
    }
    None
}

/// An absent list and an empty one are the same to the search engine.
fn is_same(expected: &Value, there: &Value) -> bool {
    expected == there || (there.is_null() && expected.as_array().is_some_and(Vec::is_empty))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use uuid::Uuid;

    use super::super::source::tests::level;
    use super::*;

    fn found() -> Doc {
        Doc {
            id: "00000000-0000-0000-0000-000000000000:W1".to_owned(),
            version: 7,
            source: json!({
                "item_id": Uuid::nil(), "location_id": "W1", "on_hand": 5, "reserved": 2, "in_transit": 0,
                "backordered": 0, "damaged": 0, "safety_stock": 0, "reorder_point": 4, "available": 3, "policy": "deny",
                "status": "low_stock", "next_hold_at": null, "version": 7, "last_movement_at": "1970-01-01T00:00:01.000000Z"
            }),
            place: None,
        }
    }

    fn kind(found: Option<&Doc>) -> Option<Kind> {
        let expected = stock(&level("W1", 5, 2));
        judge(Place::Stock, &expected.id, Some(&expected), found).map(|finding| finding.kind)
    }

    #[test]
    fn an_equal_document_has_no_difference() {
        assert_eq!(kind(Some(&found())), None);
    }

    #[test]
    fn a_document_that_is_missing_old_new_or_wrong_is_told_apart() {
        assert_eq!(kind(None), Some(Kind::Missing));
        assert_eq!(kind(Some(&Doc { version: 6, ..found() })), Some(Kind::Stale));
        assert_eq!(kind(Some(&Doc { version: 8, ..found() })), Some(Kind::Ahead));
        for name in found().source.as_object().unwrap().keys() {
            let mut wrong = found();
            wrong.source[name] = json!("wrong");
            assert_eq!(kind(Some(&wrong)), Some(Kind::Changed), "{name}");
        }
        let mut early = found();
        early.source["next_hold_at"] = json!("2021-03-01T08:00:00Z");
        assert_eq!(kind(Some(&early)), Some(Kind::Changed));
    }

    #[test]
    fn what_postgres_does_not_have_is_extra_unless_it_is_remembered_as_deleted() {
        let judged = |doc: &Doc| judge(Place::Stock, &doc.id, None, Some(doc)).map(|finding| finding.kind);
        assert_eq!(judged(&found()), Some(Kind::Extra));
        let deleted = Doc {
            source: json!({"deleted": true, "version": 7}),
            ..found()
        };
        assert_eq!(judged(&deleted), None);
        assert_eq!(
            kind(Some(&deleted)),
            Some(Kind::Changed),
            "a row that was deleted is there again"
        );
    }
}
