//! Elasticsearch against Postgres, document by document.
//!
//! Documents are fetched by id, which needs no refresh: what was written is there. What a document should be is worked
//! out here once more and not taken from the code that writes it.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::envelope::StockLevelRow;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::page::ItemLevels;
use super::report::Differences;
use crate::search::{ElasticsearchConfig, Indexes};

/// Documents in one request.
const DOCUMENTS: usize = 1_000;

/// Elasticsearch did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// Not reachable, too slow, or no JSON.
    #[error("elasticsearch does not answer")]
    Http(#[from] reqwest::Error),
    /// It refused.
    #[error("elasticsearch refuses: {0}")]
    Refused(String),
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
    #[serde(rename = "_version", default)]
    version: i64,
    #[serde(rename = "_source", default)]
    source: Value,
}

/// The indexes, read past the code that serves them.
pub(super) struct Search {
    http: reqwest::Client,
    url: String,
    indexes: Indexes,
}

/// What one document should be.
struct Expected {
    id: String,
    version: i64,
    fields: Value,
    times: Vec<(&'static str, Option<Timestamp>)>,
}

impl Search {
    pub(super) fn new(config: &ElasticsearchConfig) -> Result<Self, SearchError> {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_millis(config.timeout_ms))
            .build()?;
        let url = config.url.trim_end_matches('/').to_owned();
        Ok(Self {
            http,
            url,
            indexes: Indexes::new(&config.index_prefix),
        })
    }

    /// Compares the documents of these levels.
    pub(super) async fn compare_levels(&self, items: &[ItemLevels]) -> Result<Differences, SearchError> {
        let expected: Vec<Expected> = items.iter().flat_map(|item| &item.levels).map(stock).collect();
        self.compare(&self.indexes.stock, &expected).await
    }

    /// Compares the documents of these items: id, version, fields.
    pub(super) async fn compare_items(&self, items: Vec<(Uuid, i64, Value)>) -> Result<Differences, SearchError> {
        let expected: Vec<Expected> = items
            .into_iter()
            .map(|(id, version, fields)| Expected {
                id: id.to_string(),
                version,
                fields,
                times: Vec::new(),
            })
            .collect();
        self.compare(&self.indexes.items, &expected).await
    }

    /// Documents that Postgres has no row for: more of them than rows.
    pub(super) async fn strangers(&self, levels: u64, items: u64) -> Result<Differences, SearchError> {
        let mut differences = Differences::default();
        for (index, expected) in [(&self.indexes.stock, levels), (&self.indexes.items, items)] {
            self.post(&format!("/{index}/_refresh"), &Value::Null).await?;
            let query = json!({"query": {"bool": {"must_not": {"term": {"deleted": true}}}}});
            let answer = self.post(&format!("/{index}/_count"), &query).await?;
            let count = answer.get("count").and_then(Value::as_u64).unwrap_or(0);
            // Too few were found by their ids already.
            if count > expected {
                differences.add(format!("{index}, documents"), expected.to_string(), count.to_string());
            }
        }
        Ok(differences)
    }

    async fn compare(&self, index: &str, expected: &[Expected]) -> Result<Differences, SearchError> {
        let mut differences = Differences::default();
        for chunk in expected.chunks(DOCUMENTS) {
            let ids: Vec<&str> = chunk.iter().map(|document| document.id.as_str()).collect();
            let answer = self.post(&format!("/{index}/_mget"), &json!({ "ids": ids })).await?;
            let answer: Answer = serde_json::from_value(answer)
                .map_err(|error| SearchError::Refused(format!("an answer that cannot be read: {error}")))?;
            let found: HashMap<String, Found> = answer
                .docs
                .into_iter()
                .filter(|document| document.found)
                .map(|document| (document.id.clone(), document))
                .collect();
            for document in chunk {
                compare_document(index, document, found.get(&document.id), &mut differences);
            }
        }
        Ok(differences)
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, SearchError> {
        let mut request = self.http.post(format!("{}{path}", self.url));
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            return Err(SearchError::Refused(format!(
                "{status}: {}",
                text.chars().take(300).collect::<String>()
            )));
        }
        serde_json::from_str(&text)
            .map_err(|error| SearchError::Refused(format!("an answer that cannot be read: {error}")))
    }
}

fn stock(level: &StockLevelRow) -> Expected {
    Expected {
        id: format!("{}:{}", level.item_id, level.location_id),
        version: level.version.get(),
        fields: json!({
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
        }),
        times: vec![
            ("next_hold_at", level.next_hold_at),
            ("last_movement_at", level.last_movement_at),
        ],
    }
}

fn compare_document(index: &str, expected: &Expected, found: Option<&Found>, differences: &mut Differences) {
    let key = |what: &str| format!("{index} {} {what}", expected.id);
    let Some(found) = found else {
        differences.add(key("document"), format!("version {}", expected.version), "");
        return;
    };
    if found.version != expected.version {
        differences.add(key("_version"), expected.version.to_string(), found.version.to_string());
    }
    for (name, value) in expected.fields.as_object().into_iter().flatten() {
        let there = found.source.get(name).unwrap_or(&Value::Null);
        if there != value {
            differences.add(key(name), value.to_string(), there.to_string());
        }
    }
    for (name, time) in &expected.times {
        let text = found.source.get(*name).and_then(Value::as_str);
        let there = text.and_then(|text| text.parse::<Timestamp>().ok());
        if there != *time {
            let expected = time.map_or_else(String::new, |time| time.to_string());
            differences.add(key(name), expected, text.unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::page::tests::level;
    use super::*;

    fn found() -> Found {
        serde_json::from_value(json!({
            "_id": "00000000-0000-0000-0000-000000000000:W1", "found": true, "_version": 7,
            "_source": {
                "item_id": Uuid::nil(), "location_id": "W1", "on_hand": 5, "reserved": 2, "in_transit": 0,
                "backordered": 0, "damaged": 0, "safety_stock": 0, "reorder_point": 4, "available": 3, "policy": "deny",
                "status": "low_stock", "next_hold_at": null, "version": 7, "last_movement_at": "1970-01-01T00:00:01.000000Z"
            }
        }))
        .unwrap()
    }

    fn differences(found: Option<&Found>) -> u64 {
        let mut differences = Differences::default();
        compare_document("onhand-stock", &stock(&level("W1", 5, 2)), found, &mut differences);
        differences.count
    }

    #[test]
    fn an_equal_document_has_no_difference() {
        assert_eq!(differences(Some(&found())), 0);
    }

    #[test]
    fn a_document_that_is_missing_old_or_wrong_is_found() {
        assert_eq!(differences(None), 1);
        assert_eq!(differences(Some(&Found { version: 6, ..found() })), 1);
        for name in found().source.as_object().unwrap().keys() {
            let mut wrong = found();
            wrong
                .source
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), json!("wrong"));
            // No deadline is expected, and text that is no time is none either.
            let expected = u64::from(name != "next_hold_at");
            assert_eq!(differences(Some(&wrong)), expected, "{name}");
        }
        let mut early = found();
        early
            .source
            .as_object_mut()
            .unwrap()
            .insert("next_hold_at".to_owned(), json!("2021-03-01T08:00:00Z"));
        assert_eq!(differences(Some(&early)), 1);
    }
}
