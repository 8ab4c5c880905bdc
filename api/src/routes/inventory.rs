//! Availability of one product.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use onhand_consumers::cache::{StockRow, StockStatus};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::extract::{ItemRef, PathText, StrictQuery, entity_tag, if_none_match};
use crate::openapi::ReadRefusals;
use crate::problem::{Problem, UNKNOWN_LOCATION};
use crate::reads::{ItemStock, Source, provenance};
use crate::state::AppState;
use crate::token::Demand;

/// What part of a product's inventory is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InventoryQuery {
    /// Only this location; the answer then has its version as entity tag.
    location: Option<String>,
}

/// How much there is of a product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "product_id": "0198c5a2-7c1e-7bb0-9a53-0f0a4c3c1f7e", "sku": "A-1", "status": "in_stock",
    "low_stock": false, "total": 10, "reserved": 3, "available": 7, "in_transit": 0,
    "backordered": 0, "damaged": 0, "source": "cache", "as_of": "2026-11-21T04:30:00.123Z",
    "age_ms": 12, "locations": [{"location": "W1", "on_hand": 10, "reserved": 3, "available": 7,
    "in_transit": 0, "backordered": 0, "damaged": 0, "safety_stock": 0, "reorder_point": 0,
    "status": "in_stock", "version": 4, "last_movement_at": "2026-11-21T04:30:00.12Z"}]}))]
pub(crate) struct Inventory {
    /// The item's id.
    product_id: Uuid,
    /// The item's sku; left out if only Redis can be reached and the item was named by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// in_stock, low_stock or out_of_stock, from the sums below.
    status: String,
    /// Whether it is low on stock or out of it.
    low_stock: bool,
    /// Units physically there.
    total: i64,
    /// Units held by reservations.
    reserved: i64,
    /// Units that can be promised; a negative balance at one location does not eat another's stock.
    available: i64,
    /// Units on their way.
    in_transit: i64,
    /// Units promised before they are there.
    backordered: i64,
    /// Units there that cannot be sold.
    damaged: i64,
    /// cache (Redis) or database (Postgres).
    source: Source,
    /// cache: commit time of the newest change it knows of this product. database: now.
    as_of: Timestamp,
    /// Milliseconds since as_of. A large number from the cache means that nothing changed since.
    age_ms: i64,
    /// Each location that has or had the product.
    locations: Vec<LocationStock>,
}

/// The balance of a product at one location.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LocationStock {
    /// The location's id.
    location: String,
    /// Units physically there.
    on_hand: i64,
    /// Units held by reservations.
    reserved: i64,
    /// Units that can be promised.
    available: i64,
    /// Units on their way there.
    in_transit: i64,
    /// Units promised before they are there.
    backordered: i64,
    /// Units there that cannot be sold.
    damaged: i64,
    /// Units kept back against surprises.
    safety_stock: i64,
    /// Level at which to order again.
    reorder_point: i64,
    /// in_stock, low_stock or out_of_stock.
    status: String,
    /// Version of the row; only grows.
    version: i64,
    /// When it last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_movement_at: Option<Timestamp>,
}

impl From<StockRow> for LocationStock {
    fn from(row: StockRow) -> Self {
        Self {
            location: row.location,
            on_hand: row.on_hand,
            reserved: row.reserved,
            available: row.available,
            in_transit: row.in_transit,
            backordered: row.backordered,
            damaged: row.damaged,
            safety_stock: row.safety_stock,
            reorder_point: row.reorder_point,
            status: row.status.unwrap_or(StockStatus::OutOfStock).to_string(),
            version: row.version.get(),
            last_movement_at: crate::reads::instant(row.last_movement_ms),
        }
    }
}

impl Inventory {
    pub(super) fn new(stock: ItemStock, sku: Option<String>) -> Self {
        let sum = |value: fn(&StockRow) -> i64| stock.rows.iter().map(value).sum();
        Self {
            product_id: stock.item_id,
            sku,
            status: stock.status.to_string(),
            low_stock: stock.status != StockStatus::InStock,
            total: sum(|row| row.on_hand),
            reserved: sum(|row| row.reserved),
            available: stock.available,
            in_transit: sum(|row| row.in_transit),
            backordered: sum(|row| row.backordered),
            damaged: sum(|row| row.damaged),
            source: stock.source,
            as_of: stock.as_of,
            age_ms: i64::try_from(stock.age().as_millis()).unwrap_or(i64::MAX),
            locations: stock.rows.into_iter().map(LocationStock::from).collect(),
        }
    }
}

/// Reads how much there is of a product, in total and at each location.
#[utoipa::path(
    get, path = "/v1/inventory/product/{id}", tag = "availability", summary = "Stock of a product",
    params(("id" = String, Path, description = "The item's id or sku", example = "A-1"),
        InventoryQuery,
        ("If-None-Match" = Option<String>, Header, description = "With location: entity tag of a copy at hand")),
    responses((status = 200, description = "Its stock", body = Inventory, headers(
        ("ETag" = String, description = "Version of the row, with location"))),
        (status = 304, description = "The copy at hand is current"), ReadRefusals)
)]
pub(crate) async fn product(
    State(state): State<AppState>,
    PathText(id): PathText,
    StrictQuery(query): StrictQuery<InventoryQuery>,
    demand: Demand,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let item = ItemRef::parse(&id);
    let mut stock = state.reader().item(&item, &demand.0).await?;
    let origin = provenance(std::iter::once(&stock));
    let mut version = None;
    if let Some(location) = &query.location {
        version = stock.at(location).map(|row| row.version.get());
        if version.is_none() {
            must_exist(&state, location).await?;
        }
        stock = stock.only(location);
    }
    if let Some(version) = version.filter(|version| if_none_match(&headers, *version)) {
        let tag = [(header::ETAG, entity_tag(version))];
        return Ok((StatusCode::NOT_MODIFIED, tag, origin).into_response());
    }
    let sku = match item {
        ItemRef::Sku(sku) => Some(sku),
        ItemRef::Id(id) => state.reader().sku_of(id).await,
    };
    let mut response = (origin, Json(Inventory::new(stock, sku))).into_response();
    if let Some(version) = version {
        response.headers_mut().insert(header::ETAG, entity_tag(version));
    }
    Ok(response)
}

/// A location that has no stock of anything asked for may not exist at all. If Postgres cannot
/// say, the benefit of the doubt costs nothing: there is no stock there either way.
pub(super) async fn must_exist(state: &AppState, location: &str) -> Result<(), Problem> {
    match state.store().location(location).await {
        Ok(None) => Err(Problem::new(&UNKNOWN_LOCATION)),
        Ok(Some(_)) | Err(_) => Ok(()),
    }
}
