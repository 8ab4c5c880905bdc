//! Availability of many products at once.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::inventory::must_exist;
use crate::extract::StrictJson;
use crate::openapi::ReadRefusals;
use crate::problem::{BATCH_TOO_LARGE, Fault, Problem};
use crate::reads::{Source, provenance};
use crate::state::AppState;
use crate::token::Demand;

/// One call may name this many products.
const MAX_PRODUCTS: usize = 1_000;

/// Products whose stock is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"product_ids": ["A-1", "B-2"], "warehouse_id": "W1"}))]
pub(crate) struct BatchQuery {
    /// 1 to 1,000 ids or skus.
    #[schema(max_items = 1000, min_items = 1)]
    product_ids: Vec<String>,
    /// Only the stock at this location.
    warehouse_id: Option<String>,
}

/// What can be promised of each product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"stocks": {"A-1": 7, "B-2": 0}, "missing": [], "sources":
    {"cache": 2, "database": 0}}))]
pub(crate) struct BatchStock {
    /// Units that can be promised, by the id or sku as it was asked for.
    stocks: BTreeMap<String, i64>,
    /// Ids and skus that no item has.
    missing: Vec<String>,
    /// Ids and skus that cannot be answered now, because Postgres is down and Redis does not know
    /// them, or because a token asks for a write that Postgres does not have. If that is so for all of
    /// them, the whole answer is a problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unavailable: Vec<String>,
    /// How many answers came from where.
    sources: Sources,
}

/// How many answers came from where.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Sources {
    /// Redis.
    cache: usize,
    /// Postgres.
    database: usize,
}

/// Reads what can be promised of up to 1,000 products.
#[utoipa::path(
    post, path = "/v1/batch/stock", tag = "availability", summary = "Stock of many products",
    request_body = BatchQuery,
    responses((status = 200, description = "Their stock", body = BatchStock), ReadRefusals)
)]
pub(crate) async fn stock(
    State(state): State<AppState>,
    demand: Demand,
    StrictJson(query): StrictJson<BatchQuery>,
) -> Result<Response, Problem> {
    check(&query)?;
    let found = state.reader().many(&query.product_ids, &demand.0).await;
    if let Some(problem) = found.failure
        && found.stocks.is_empty()
    {
        return Err(problem);
    }
    let location = query.warehouse_id.as_deref();
    if let Some(location) = location
        && !found.stocks.values().any(|stock| stock.at(location).is_some())
    {
        must_exist(&state, location).await?;
    }
    let origin = provenance(found.stocks.values());
    let mut sources = Sources::default();
    let mut stocks = BTreeMap::new();
    for (name, stock) in found.stocks {
        match stock.source {
            Source::Cache => sources.cache += 1,
            Source::Database => sources.database += 1,
        }
        let available = match location {
            Some(location) => stock.at(location).map_or(0, |row| row.available),
            None => stock.available,
        };
        stocks.insert(name, available);
    }
    let (missing, unavailable) = (found.missing, found.unanswered);
    let answer = BatchStock {
        stocks,
        missing,
        unavailable,
        sources,
    };
    Ok((origin, Json(answer)).into_response())
}

fn check(query: &BatchQuery) -> Result<(), Problem> {
    let products = query.product_ids.len();
    if products > MAX_PRODUCTS {
        let detail = format!("{products} products, at most {MAX_PRODUCTS} in one call");
        return Err(Problem::new(&BATCH_TOO_LARGE).detail(detail));
    }
    if products == 0 {
        let fault = Fault::body("/product_ids", "must name at least one product");
        return Err(Problem::invalid(vec![fault]));
    }
    Ok(())
}
