//! Search of items, for the HTTP interface.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::ConfigError;
use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::client::{Client, ClientError};
use super::config::ElasticsearchConfig;
use super::fold::fold;
use super::index::Indexes;

/// Most hits in one page.
const MAX_LIMIT: u32 = 100;
/// More words than this in a query do not make it better, only slower.
const MAX_QUERY_CHARS: usize = 200;

/// The search could not be done.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The engine is not there, or too slow.
    #[error("search is not available: {0}")]
    Unavailable(String),
    /// The cursor is none of ours.
    #[error("the cursor cannot be read")]
    BadCursor,
}

impl From<ClientError> for SearchError {
    fn from(error: ClientError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Where a page ended. Opaque to clients; [`Display`](std::fmt::Display) and
/// [`FromStr`](std::str::FromStr) turn it into text and back.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchCursor {
    score: Option<f64>,
    sku: String,
}

impl std::fmt::Display for SearchCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.score {
            // The bits, because a score that is rounded would skip or repeat hits.
            Some(score) => write!(f, "{:016x}", score.to_bits())?,
            None => f.write_str("-")?,
        }
        f.write_str(".")?;
        self.sku.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for SearchCursor {
    type Err = SearchError;

    fn from_str(text: &str) -> Result<Self, SearchError> {
        let (score, sku) = text.split_once('.').ok_or(SearchError::BadCursor)?;
        let score = match score {
            "-" => None,
            bits => {
                let bits = u64::from_str_radix(bits, 16).map_err(|_| SearchError::BadCursor)?;
                Some(f64::from_bits(bits)).filter(|score| score.is_finite())
            }
        };
        let bytes: Option<Vec<u8>> = sku
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let sku = bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or(SearchError::BadCursor)?;
        Ok(Self { score, sku })
    }
}

/// An item that was found, as its newest event described it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProductHit {
    /// Item.
    pub item_id: Uuid,
    /// Stock keeping unit.
    pub sku: String,
    /// Name.
    pub name: String,
    /// Long text.
    pub description: Option<String>,
    /// `physical`, `digital` or `bundle`.
    pub kind: String,
    /// The item it is a variant of.
    pub parent_id: Option<Uuid>,
    /// Category.
    pub category_id: Option<Uuid>,
    /// Unit of measure.
    pub unit_of_measure: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Size.
    pub dimensions: Option<Map<String, Value>>,
    /// Whatever else its owner noted.
    pub metadata: Option<Map<String, Value>>,
    /// `active` or `archived`.
    pub status: String,
    /// Version of the row.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Option<Timestamp>,
    /// How well it fits; none without a query.
    pub score: Option<f64>,
    /// What there is of it over all locations; none if it was never stocked.
    pub totals: Option<StockTotals>,
}

/// Stock of an item over all its locations, as its newest summary says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockTotals {
    /// Physically there.
    pub on_hand: i64,
    /// Held by reservations.
    pub reserved: i64,
    /// Can be promised.
    pub available: i64,
    /// On the way to a location.
    pub in_transit: i64,
    /// Owed to customers.
    pub backordered: i64,
    /// `in_stock`, `low_stock` or `out_of_stock`.
    pub status: String,
    /// Locations with a stock level.
    pub location_count: i64,
    /// Version of the summary.
    pub version: i64,
}

/// A version that an item must have at least, for an answer to count as new enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemFloor {
    /// Item.
    pub item_id: Uuid,
    /// Its lowest acceptable version.
    pub version: i64,
}

/// One page of hits.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPage {
    /// The hits, best first; by sku without a query.
    pub hits: Vec<ProductHit>,
    /// Where the next page starts; none at the end.
    pub next: Option<SearchCursor>,
    /// Whether the index showed every floor's item in its version when it was searched.
    pub has_floors: bool,
}

/// Searches items. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct ProductSearch {
    client: Client,
    indexes: Indexes,
}

impl ProductSearch {
    /// Connects when it is first needed. A reader is less patient than the sink, so the longest
    /// wait is its own.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &ElasticsearchConfig, timeout: Duration) -> Result<Self, ConfigError> {
        config.validate()?;
        let client = Client::with_timeout(config, timeout)?;
        Ok(Self {
            client,
            indexes: Indexes::new(&config.index_prefix),
        })
    }

    /// Is the engine there?
    ///
    /// # Errors
    /// [`SearchError::Unavailable`] if not.
    pub async fn health(&self) -> Result<(), SearchError> {
        let path = "/_cluster/health?filter_path=status&timeout=1s";
        self.client.expect(Method::GET, path, None).await?;
        Ok(())
    }
}

/// Items that fit the words of `q`, best first; all active and archived items by sku if it is empty.
/// Words match with a letter wrong, and the last one may be only begun. Deleted items are left out.
/// The page says whether it was made from an index that has all of the `floors`.
///
/// # Errors
/// [`SearchError`] if the engine does not answer.
pub async fn search_products(
    search: &ProductSearch,
    q: &str,
    limit: u32,
    after: Option<&SearchCursor>,
    floors: &[ItemFloor],
) -> Result<SearchPage, SearchError> {
    let limit = limit.clamp(1, MAX_LIMIT);
    let words: String = fold(q.trim()).chars().take(MAX_QUERY_CHARS).collect();
    let mut body = request(&words, limit, after);
    if let (false, Some(fields)) = (floors.is_empty(), body.as_object_mut()) {
        fields.insert("aggs".to_owned(), floors_seen(floors));
    }
    let path = format!("/{}/_search", search.indexes.items);
    let answer = search.client.expect(Method::POST, &path, Some(body)).await?;
    let answer: Answer = serde_json::from_str(&answer)
        .map_err(|error| SearchError::Unavailable(format!("unreadable answer: {error}")))?;
    let seen = answer
        .aggregations
        .as_ref()
        .map_or(0, |all| all.all.new_enough.doc_count);
    let has_floors = usize::try_from(seen).is_ok_and(|seen| seen >= floors.len());
    let mut page = page(answer, limit, has_floors);
    join_totals(search, &mut page.hits).await?;
    Ok(page)
}

/// Counts the items that have reached their floors, beside the search: both see the same state of the index, because it
/// has one shard.
fn floors_seen(floors: &[ItemFloor]) -> Value {
    let reached: Vec<Value> = floors
        .iter()
        .map(|floor| {
            json!({"bool": {"filter": [
                {"ids": {"values": [floor.item_id]}},
                {"range": {"version": {"gte": floor.version}}},
            ]}})
        })
        .collect();
    json!({"all": {"global": {}, "aggs": {"new_enough": {"filter": {"bool": {"should": reached}}}}}})
}

/// Totals are documents of their own, since one version guards one document; they are joined here, for the hits of one page.
async fn join_totals(search: &ProductSearch, hits: &mut [ProductHit]) -> Result<(), SearchError> {
    if hits.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = hits.iter().map(|hit| hit.item_id).collect();
    let path = format!(
        "/{}/_mget?filter_path=docs._id,docs.found,docs._source",
        search.indexes.summaries
    );
    let body = json!({ "ids": ids });
    let (status, answer) = search.client.send(Method::POST, &path, Some(body)).await?;
    // An index that is not there yet has no totals; that is no reason to find nothing.
    if status == StatusCode::NOT_FOUND {
        return Ok(());
    }
    if !status.is_success() {
        return Err(ClientError::refused(status, &answer).into());
    }
    let answer: Totals = serde_json::from_str(&answer)
        .map_err(|error| SearchError::Unavailable(format!("unreadable answer: {error}")))?;
    let mut totals: HashMap<String, StockTotals> = answer
        .docs
        .into_iter()
        .filter_map(|found| Some((found.id, serde_json::from_value(found.source?).ok()?)))
        .collect();
    for hit in hits {
        hit.totals = totals.remove(&hit.item_id.to_string());
    }
    Ok(())
}

fn request(words: &str, limit: u32, after: Option<&SearchCursor>) -> Value {
    let scored = !words.is_empty();
    let sort = if scored {
        json!([{"_score": "desc"}, {"sku": "asc"}])
    } else {
        json!([{"sku": "asc"}])
    };
    let mut body = json!({
        "size": limit,
        "track_total_hits": false,
        "query": {"bool": {
            "must": if scored { matching(words) } else { json!({"match_all": {}}) },
            "must_not": {"term": {"deleted": true}},
        }},
        "sort": sort,
        "_source": {"excludes": ["*_folded"]},
    });
    if let (Some(cursor), Some(fields)) = (after, body.as_object_mut()) {
        let values = match cursor.score {
            Some(score) if scored => json!([score, cursor.sku]),
            _ => json!([cursor.sku]),
        };
        // A cursor of the other kind of search would be refused: it starts from the top instead.
        if cursor.score.is_some() == scored {
            fields.insert("search_after".to_owned(), values);
        }
    }
    body
}

/// The exact sku first, then words of name, tags and description.
fn matching(words: &str) -> Value {
    json!({"dis_max": {"tie_breaker": 0.2, "queries": [
        {"term": {"sku_folded": {"value": words, "boost": 20.0}}},
        {"prefix": {"sku_folded": {"value": words, "boost": 5.0}}},
        {"match_bool_prefix": {"name_folded": {"query": words, "operator": "and", "boost": 4.0}}},
        {"match": {"name_folded": {"query": words, "operator": "and", "fuzziness": "AUTO",
            "prefix_length": 1, "boost": 2.0}}},
        {"match": {"tags_folded": {"query": words, "boost": 1.5}}},
        {"match": {"description_folded": {"query": words, "operator": "and"}}},
    ]}})
}

#[derive(Deserialize)]
struct Totals {
    docs: Vec<Total>,
}

#[derive(Deserialize)]
struct Total {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source", default)]
    source: Option<Value>,
}

#[derive(Deserialize)]
struct Answer {
    hits: Hits,
    #[serde(default)]
    aggregations: Option<Aggregations>,
}

#[derive(Deserialize)]
struct Aggregations {
    all: AllItems,
}

#[derive(Deserialize)]
struct AllItems {
    new_enough: Count,
}

#[derive(Deserialize)]
struct Count {
    doc_count: u64,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_score")]
    score: Option<f64>,
    #[serde(rename = "_source")]
    source: Source,
}

#[derive(Deserialize)]
struct Source {
    sku: String,
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    parent_id: Option<Uuid>,
    #[serde(default)]
    category_id: Option<Uuid>,
    #[serde(default)]
    unit_of_measure: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    dimensions: Option<Map<String, Value>>,
    #[serde(default)]
    metadata: Option<Map<String, Value>>,
    #[serde(default)]
    status: String,
    version: i64,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

fn page(answer: Answer, limit: u32, has_floors: bool) -> SearchPage {
    let full = answer.hits.hits.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let hits: Vec<ProductHit> = answer.hits.hits.into_iter().filter_map(hit).collect();
    let next = hits.last().filter(|_| full).map(|last| SearchCursor {
        score: last.score,
        sku: last.sku.clone(),
    });
    SearchPage { hits, next, has_floors }
}

fn hit(hit: Hit) -> Option<ProductHit> {
    let source = hit.source;
    Some(ProductHit {
        item_id: hit.id.parse().ok()?,
        sku: source.sku,
        name: source.name,
        description: source.description,
        kind: source.kind,
        parent_id: source.parent_id,
        category_id: source.category_id,
        unit_of_measure: source.unit_of_measure,
        tags: source.tags,
        dimensions: source.dimensions,
        metadata: source.metadata,
        status: source.status,
        version: source.version,
        updated_at: source.updated_at,
        score: hit.score,
        totals: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        for cursor in [
            SearchCursor {
                score: Some(0.1 + 0.2),
                sku: "Ä-1 x".to_owned(),
            },
            SearchCursor {
                score: None,
                sku: String::new(),
            },
        ] {
            assert_eq!(cursor.to_string().parse::<SearchCursor>().unwrap(), cursor);
        }
        for text in ["", "x", "zz.41", "-.4", "-.zz", "-.ff"] {
            let parsed = text.parse::<SearchCursor>();
            assert!(parsed.is_err() || text == "-.4", "{text}");
        }
    }

    #[test]
    fn without_words_everything_is_listed_by_sku() {
        let cursor = SearchCursor {
            score: None,
            sku: "A".to_owned(),
        };
        let body = request("", 10, Some(&cursor));
        assert_eq!(body["search_after"], json!(["A"]));
        assert_eq!(body["query"]["bool"]["must"], json!({"match_all": {}}));
    }

    #[test]
    fn a_cursor_of_another_kind_of_search_starts_from_the_top() {
        let cursor = SearchCursor {
            score: None,
            sku: "A".to_owned(),
        };
        assert!(request("lamp", 10, Some(&cursor)).get("search_after").is_none());
    }
}
