//! What the search engine holds of the movements of a month.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::VerifyError;
use super::super::search::{Doc, Search, parse};
use super::sums::{Bucket, ItemKey, RANGE, RangeKey, Sums, aggregations, by_item, range_key};
use super::{Part, Range};
use crate::search::Month;

/// Items in one answer: a page of them, and as many that Postgres does not know.
const ITEMS: u32 = 1_000;
/// Kinds of movements in one answer; there are not half as many.
const KINDS: u32 = 64;
/// Buckets of an item in one answer.
const BUCKETS: u32 = 1_000;
/// Documents in one answer: those that should be there and as many that should not.
const DOCUMENTS: i64 = 2 * RANGE;
/// How far the clock of what was recorded may be ahead of this one. Beyond it nothing is left out as being too new.
const AHEAD_MS: i64 = 3_600_000;

/// The movements of a month that are old enough.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope {
    pub(super) month: Month,
    /// What was recorded from here on is too new.
    pub(super) until: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Answer<T> {
    aggregations: T,
}

#[derive(Deserialize)]
struct Items {
    item: Buckets,
}

#[derive(Deserialize)]
struct Parts {
    part: Buckets,
}

#[derive(Deserialize)]
struct Buckets {
    #[serde(default)]
    after_key: Option<Value>,
    buckets: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Found {
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version", default)]
    version: i64,
    #[serde(rename = "_source", default)]
    source: Value,
}

impl Search {
    async fn ask(&self, month: Month, body: Value) -> Result<String, VerifyError> {
        let path = format!("/{}/_search", self.indexes.month(month));
        Ok(self.client.expect(Method::POST, &path, Some(body)).await?)
    }

    /// Sums of the items of a range, those included that Postgres does not know.
    pub(super) async fn item_sums(&self, scope: Scope, range: Range) -> Result<BTreeMap<ItemKey, Sums>, VerifyError> {
        let body = json!({
            "size": 0,
            "track_total_hits": false,
            "query": scope.query(vec![range.query()]),
            "aggs": {"item": {
                "terms": {"field": "item_id", "size": ITEMS, "order": {"_key": "asc"}},
                "aggs": {"kind": {
                    "terms": {"field": "type", "size": KINDS, "missing": ""},
                    "aggs": aggregations(),
                }},
            }},
        });
        let answer: Answer<Items> = parse(&self.ask(scope.month, body).await?)?;
        by_item(&answer.aggregations.item.buckets)
            .map_err(|error| VerifyError::Search(format!("an answer that cannot be read: {error}")))
    }

    /// Sums of the buckets of one item.
    pub(super) async fn range_sums(&self, scope: Scope, item: &str) -> Result<BTreeMap<RangeKey, Sums>, VerifyError> {
        let mut sums = BTreeMap::new();
        let mut after = None;
        loop {
            let mut parts = json!({
                "size": BUCKETS,
                "sources": [
                    {"location": {"terms": {"field": "location_id", "missing_bucket": true}}},
                    {"first": {"histogram": {"field": "version", "interval": RANGE, "missing_bucket": true}}},
                    {"kind": {"terms": {"field": "type", "missing_bucket": true}}},
                ],
            });
            if let (Some(after), Some(parts)) = (after.take(), parts.as_object_mut()) {
                parts.insert("after".to_owned(), after);
            }
            let body = json!({
                "size": 0,
                "track_total_hits": false,
                "query": scope.query(vec![json!({"term": {"item_id": item}})]),
                "aggs": {"part": {"composite": parts, "aggs": aggregations()}},
            });
            let answer: Answer<Parts> = parse(&self.ask(scope.month, body).await?)?;
            let part = answer.aggregations.part;
            sums.extend(part.buckets.iter().map(|bucket| (range_key(bucket), bucket.sums())));
            match part.after_key {
                Some(next) if !part.buckets.is_empty() => after = Some(next),
                _ => return Ok(sums),
            }
        }
    }

    /// The documents of a part of an item, by id.
    pub(super) async fn part_documents(
        &self,
        scope: Scope,
        item: &str,
        part: &Part,
    ) -> Result<HashMap<String, Doc>, VerifyError> {
        let body = json!({
            "size": DOCUMENTS,
            "version": true,
            "track_total_hits": false,
            "query": scope.query([vec![json!({"term": {"item_id": item}})], part.query()].concat()),
        });
        let found: Found = parse(&self.ask(scope.month, body).await?)?;
        let document = |hit: Hit| {
            let doc = Doc {
                id: hit.id.clone(),
                version: hit.version,
                source: hit.source,
                place: None,
            };
            (hit.id, doc)
        };
        Ok(found.hits.hits.into_iter().map(document).collect())
    }

    /// Ids of some documents that belong to no item at all.
    pub(super) async fn without_item(&self, month: Month) -> Result<Vec<String>, VerifyError> {
        let body = json!({
            "size": DOCUMENTS,
            "_source": false,
            "track_total_hits": false,
            "query": {"bool": {"must_not": {"exists": {"field": "item_id"}}}},
        });
        let found: Found = parse(&self.ask(month, body).await?)?;
        Ok(found.hits.hits.into_iter().map(|hit| hit.id).collect())
    }
}

impl Scope {
    fn query(self, filter: Vec<Value>) -> Value {
        let mut query = json!({"filter": filter});
        if let (Some(until), Some(query)) = (self.until, query.as_object_mut()) {
            let from = until.as_millisecond();
            let new = json!({"range": {"recorded_at": {"gte": from, "lt": from + AHEAD_MS, "format": "epoch_millis"}}});
            query.insert("must_not".to_owned(), new);
        }
        json!({ "bool": query })
    }
}

impl Range {
    /// Text sorts as ids do.
    fn query(self) -> Value {
        let mut bounds = serde_json::Map::new();
        if self.after != Uuid::nil() {
            bounds.insert("gt".to_owned(), self.after.to_string().into());
        }
        if let Some(last) = self.last {
            bounds.insert("lte".to_owned(), last.to_string().into());
        }
        if bounds.is_empty() {
            return json!({"exists": {"field": "item_id"}});
        }
        json!({"range": {"item_id": bounds}})
    }
}

impl Part {
    fn query(&self) -> Vec<Value> {
        let lacks = |field: &str| json!({"bool": {"must_not": {"exists": {"field": field}}}});
        match self {
            Self::Whole => Vec::new(),
            Self::Bucket(location, first) => vec![
                location.as_ref().map_or_else(
                    || lacks("location_id"),
                    |location| json!({"term": {"location_id": location}}),
                ),
                first.map_or_else(
                    || lacks("version"),
                    |first| json!({"range": {"version": {"gte": first, "lt": first + RANGE}}}),
                ),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet_and_leave_nothing_out_at_the_ends() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let query = |after, last| Range { after, last }.query();
        assert_eq!(query(Uuid::nil(), None), json!({"exists": {"field": "item_id"}}));
        let first = json!({"range": {"item_id": {"lte": one.to_string()}}});
        assert_eq!(query(Uuid::nil(), Some(one)), first);
        let next = json!({"range": {"item_id": {"gt": one.to_string(), "lte": two.to_string()}}});
        assert_eq!(query(one, Some(two)), next);
        assert_eq!(query(two, None), json!({"range": {"item_id": {"gt": two.to_string()}}}));
    }

    #[test]
    fn a_bucket_of_documents_that_lost_a_field_can_be_asked_for() {
        let lost = Part::Bucket(None, None).query();
        let lacks = |field: &str| json!({"bool": {"must_not": {"exists": {"field": field}}}});
        assert_eq!(lost, [lacks("location_id"), lacks("version")]);
        let bucket = Part::Bucket(Some("W1".to_owned()), Some(256)).query();
        let versions = json!({"range": {"version": {"gte": 256, "lt": 512}}});
        assert_eq!(bucket, [json!({"term": {"location_id": "W1"}}), versions]);
    }
}
