//! Products: items with their stock.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use onhand_consumers::search::{ItemFloor, ProductHit, SearchCursor, SearchError, SearchPage, search_products};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::inventory::Inventory;
use crate::extract::{ItemRef, PathText, StrictQuery};
use crate::openapi::ReadRefusals;
use crate::problem::{Fault, NOT_CAUGHT_UP, Problem, SEARCH_UNAVAILABLE, TOKEN_TOO_WIDE, UNKNOWN_ITEM};
use crate::reads::{CACHE_STATUS, Found, Source, provenance};
use crate::state::AppState;
use crate::store::Item;
use crate::token::{Demand, Token};

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;
const MAX_QUERY_LENGTH: usize = 200;
/// How often a search that is behind a token is made again; the index shows what is new every half second.
const TOKEN_POLL: Duration = Duration::from_millis(60);

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words of name, tags, description, or a sku; one letter may be wrong, the last word may be
    /// only begun. Everything by sku if left out.
    #[param(example = "white heart", max_length = 200)]
    q: Option<String>,
    /// Most products in one answer, 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next` of the answer before.
    after: Option<String>,
}

/// One page of products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductPage {
    /// Best first; by sku without words.
    products: Vec<FoundProduct>,
    /// Where the next page starts; left out at the end. Also in the Link header.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A product that was found, with what can be promised of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundProduct {
    /// The item's id.
    id: Uuid,
    /// The item's sku.
    sku: String,
    /// Its name.
    name: String,
    /// More words.
    description: Option<String>,
    /// physical, digital or bundle.
    kind: String,
    /// What one unit is.
    unit_of_measure: String,
    /// Free words.
    tags: Vec<String>,
    /// Measures.
    #[schema(value_type = Option<Object>)]
    dimensions: Option<Map<String, Value>>,
    /// Anything else.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// active or archived.
    status: String,
    /// Version of the item's row.
    version: i64,
    /// When the item last changed.
    updated_at: Option<Timestamp>,
    /// How well it fits; left out without words.
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    /// Its stock, as new as the Consistency-Token asks; left out if it could not be had, then `stock_unavailable` says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock: Option<StockSummary>,
    /// Code of the problem for which `stock` is left out, as a read of this product alone would answer: `token_ahead` if Postgres
    /// itself has only older rows than the token names, `unknown_item` if the item is gone, `database_unavailable`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "token_ahead")]
    stock_unavailable: Option<&'static str>,
    /// Its stock in detail, as the search index heard of it, normally a second after the change. Left out if it was never
    /// stocked, and if the Consistency-Token says anything of its stock: these numbers may be older than that.
    #[serde(skip_serializing_if = "Option::is_none")]
    totals: Option<Totals>,
}

/// Stock of a product over all its locations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Totals {
    /// Physically there.
    on_hand: i64,
    /// Held by reservations.
    reserved: i64,
    /// Can be promised, holds that ended and were not written off yet left out.
    available: i64,
    /// On the way to a location.
    in_transit: i64,
    /// Owed to customers.
    backordered: i64,
    /// Locations that have or had it.
    location_count: i64,
    /// Version of these numbers.
    version: i64,
}

/// What can be promised of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StockSummary {
    /// Units that can be promised over all locations.
    available: i64,
    /// in_stock, low_stock or out_of_stock.
    status: String,
    /// cache (Redis) or database (Postgres).
    source: Source,
}

/// An item and how much there is of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Product {
    /// The item.
    #[serde(flatten)]
    item: Item,
    /// Its stock.
    stock: Inventory,
}

impl FoundProduct {
    fn new(hit: ProductHit, found: &Found, token: &Token) -> Self {
        let name = hit.item_id.to_string();
        let stock = found.stocks.get(&name);
        // A summary has a version of its own, which no token can be compared with.
        let totals = hit.totals.filter(|_| !token.concerns(hit.item_id));
        Self {
            id: hit.item_id,
            sku: hit.sku,
            name: hit.name,
            description: hit.description,
            kind: hit.kind,
            unit_of_measure: hit.unit_of_measure,
            tags: hit.tags,
            dimensions: hit.dimensions,
            metadata: hit.metadata,
            status: hit.status,
            version: hit.version,
            updated_at: hit.updated_at,
            score: hit.score,
            stock: stock.map(|stock| StockSummary {
                available: stock.available,
                status: stock.status.to_string(),
                source: stock.source,
            }),
            stock_unavailable: found.why_not(&name),
            totals: totals.map(|totals| Totals {
                on_hand: totals.on_hand,
                reserved: totals.reserved,
                available: totals.available,
                in_transit: totals.in_transit,
                backordered: totals.backordered,
                location_count: totals.location_count,
                version: totals.version,
            }),
        }
    }
}

/// Searches products by words. Finds what Elasticsearch has heard of, normally within a second of
/// the change, and after a short wait whatever the Consistency-Token names, or nothing at all (503);
/// the stock beside each hit is current, and never older than the token.
#[utoipa::path(
    get, path = "/v1/products", tag = "products", summary = "Search products",
    params(SearchQuery),
    responses((status = 200, description = "One page of products", body = ProductPage, headers(
        ("Link" = String, description = "rel=\"next\": the next page, if there is one"))), ReadRefusals)
)]
pub(crate) async fn search(
    State(state): State<AppState>,
    StrictQuery(query): StrictQuery<SearchQuery>,
    demand: Demand,
) -> Result<Response, Problem> {
    let words = query.q.as_deref().unwrap_or_default();
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let after = check(words, limit, query.after.as_deref())?;
    let page = caught_up(&state, &demand.0, words, limit, after.as_ref()).await?;
    let ids: Vec<String> = page.hits.iter().map(|hit| hit.item_id.to_string()).collect();
    let found = state.reader().many(&ids, &demand.0).await;
    let mut origin = provenance(found.stocks.values());
    origin.append(CACHE_STATUS, HeaderValue::from_static("elasticsearch; hit"));
    let products = page
        .hits
        .into_iter()
        .map(|hit| FoundProduct::new(hit, &found, &demand.0))
        .collect();
    let next = page.next.map(|cursor| cursor.to_string());
    let link = next.as_deref().and_then(|next| link(words, limit, next));
    let mut response = (origin, Json(ProductPage { products, next })).into_response();
    if let Some(link) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

/// Searches until the answer knows the items of the token, for a bounded time.
async fn caught_up(
    state: &AppState,
    token: &Token,
    words: &str,
    limit: u32,
    after: Option<&SearchCursor>,
) -> Result<SearchPage, Problem> {
    let items = token.items().ok_or_else(|| Problem::new(&TOKEN_TOO_WIDE))?;
    let floors: Vec<ItemFloor> = items
        .iter()
        .map(|(item_id, version)| ItemFloor {
            item_id: *item_id,
            version: *version,
        })
        .collect();
    let until = Instant::now() + Duration::from_millis(state.config().read.token_search_wait_ms);
    loop {
        let page = search_products(state.search(), words, limit, after, &floors)
            .await
            .map_err(failure)?;
        if page.has_floors {
            return Ok(page);
        }
        if Instant::now() >= until {
            return Err(Problem::new(&NOT_CAUGHT_UP));
        }
        tokio::time::sleep(TOKEN_POLL).await;
    }
}

fn check(words: &str, limit: u32, after: Option<&str>) -> Result<Option<SearchCursor>, Problem> {
    let mut faults = Vec::new();
    if words.chars().count() > MAX_QUERY_LENGTH {
        faults.push(Fault::parameter("q", "must be at most 200 characters"));
    }
    if !(1..=MAX_LIMIT).contains(&limit) {
        faults.push(Fault::parameter("limit", "must be 1 to 100"));
    }
    let cursor = after.map(str::parse::<SearchCursor>).transpose();
    match cursor {
        Ok(cursor) if faults.is_empty() => return Ok(cursor),
        Ok(_) => {}
        Err(_) => faults.push(Fault::parameter("after", "must be the next of an earlier answer")),
    }
    Err(Problem::invalid(faults))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err calls")]
fn failure(error: SearchError) -> Problem {
    tracing::warn!(error = %error, "search failed");
    Problem::new(&SEARCH_UNAVAILABLE)
}

fn link(words: &str, limit: u32, next: &str) -> Option<HeaderValue> {
    let words: String = words.bytes().map(escaped).collect();
    let target = format!("</v1/products?q={words}&limit={limit}&after={next}>; rel=\"next\"");
    HeaderValue::from_str(&target).ok()
}

/// Percent-encoding of everything but letters and digits.
fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// Reads a product with its stock.
#[utoipa::path(
    get, path = "/v1/products/{id}", tag = "products", summary = "Read a product with its stock",
    params(("id" = String, Path, description = "The item's id or sku", example = "A-1")),
    responses((status = 200, description = "The product", body = Product), ReadRefusals)
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    PathText(id): PathText,
    demand: Demand,
) -> Result<Response, Problem> {
    let item = ItemRef::parse(&id);
    let item = state
        .store()
        .item(&item)
        .await?
        .ok_or_else(|| Problem::new(&UNKNOWN_ITEM))?;
    demand.check_item(&item)?;
    let stock = state.reader().item(&ItemRef::Id(item.id), &demand.0).await?;
    let origin = provenance(std::iter::once(&stock));
    let sku = Some(item.sku.clone());
    let product = Product {
        item,
        stock: Inventory::new(stock, sku),
    };
    Ok((origin, Json(product)).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn all_wrong_parameters_are_named() {
        let problem = check(&"x".repeat(201), 0, Some("?")).unwrap_err();
        let text = String::from_utf8(problem.body()).unwrap();
        for name in ["\"q\"", "\"limit\"", "\"after\""] {
            assert!(text.contains(&format!("\"parameter\":{name}")), "{text}");
        }
        assert!(check("", 20, None).unwrap().is_none());
    }

    #[test]
    fn the_link_is_a_valid_address() {
        let link = link("größe & <b>", 5, "-.41").unwrap();
        let expected = "</v1/products?q=gr%C3%B6%C3%9Fe%20%26%20%3Cb%3E&limit=5&after=-.41>; rel=\"next\"";
        assert_eq!(link.to_str().unwrap(), expected);
    }
}
