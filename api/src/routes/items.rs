//! Items.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use onhand_db::DbError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::write::of_catalogue;
use crate::extract::{CallMeta, ItemRef, PathText, StrictJson, entity_tag, if_none_match};
use crate::openapi::{ReadRefusals, Refusals, WriteHeaders};
use crate::problem::{Fault, Problem, UNKNOWN_ITEM, in_list, refused};
use crate::state::AppState;
use crate::store::Item;
use crate::token::{Demand, Token};

/// An item to make or to change. Fields left out keep what the item has; a new item needs a name.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"sku": "A-1", "name": "White hanging heart", "category": "DECOR",
    "tags": ["heart"], "metadata": {"colour": "white"}}))]
pub(crate) struct ItemChange {
    /// Business key: 1 to 64 characters without blanks at its ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    sku: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    name: Option<String>,
    /// More words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100_000)]
    description: Option<String>,
    /// physical, digital or bundle.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Sku of the item it is a variant of.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_sku: Option<String>,
    /// Code of its category, which is made if it is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    /// What one unit is.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit_of_measure: Option<String>,
    /// Free words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 100)]
    tags: Option<Vec<String>>,
    /// Measures, any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    dimensions: Option<Map<String, Value>>,
    /// Anything else, any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// active or archived.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Version that it must have; 0: it must not be there yet. `If-Match` says the same of a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    expected_version: Option<i64>,
}

/// Items to make or to change, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
pub(crate) struct ItemChanges {
    /// 1 to 1,000 items.
    #[schema(max_items = 1000)]
    #[serde(deserialize_with = "crate::extract::objects")]
    items: Vec<ItemChange>,
}

/// Items as they are after the change, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Items {
    items: Vec<Item>,
}

/// Makes an item, or changes the one with this sku. The same request again changes nothing.
#[utoipa::path(
    post, path = "/v1/items", tag = "catalogue", summary = "Make or change an item",
    params(WriteHeaders), request_body = ItemChange,
    responses((status = 200, description = "The item as it is now", body = Item,
        headers(("ETag" = String, description = "Version of the item"))), Refusals)
)]
pub(crate) async fn post(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<ItemChange>,
) -> Result<Response, Problem> {
    save(&state, &meta, body).await
}

/// The same without the sku in the path.
#[utoipa::path(
    put, path = "/v1/items", tag = "catalogue", summary = "Make or change an item",
    params(WriteHeaders), request_body = ItemChange,
    responses((status = 200, description = "The item as it is now", body = Item,
        headers(("ETag" = String, description = "Version of the item"))), Refusals)
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<ItemChange>,
) -> Result<Response, Problem> {
    save(&state, &meta, body).await
}

/// Makes or changes the item with this sku. The same request again changes nothing.
#[utoipa::path(
    put, path = "/v1/items/{sku}", tag = "catalogue", summary = "Make or change an item by sku",
    params(("sku" = String, Path, description = "The item's sku", example = "A-1"), WriteHeaders),
    request_body = ItemChange,
    responses((status = 200, description = "The item as it is now", body = Item,
        headers(("ETag" = String, description = "Version of the item"))), Refusals)
)]
pub(crate) async fn put_by_sku(
    State(state): State<AppState>,
    PathText(sku): PathText,
    meta: CallMeta,
    StrictJson(mut body): StrictJson<ItemChange>,
) -> Result<Response, Problem> {
    match body.sku.as_deref() {
        Some(other) if other != sku => {
            return Err(Problem::invalid(vec![Fault::body("/sku", "differs from the path")]));
        }
        _ => body.sku = Some(sku),
    }
    save(&state, &meta, body).await
}

/// Makes or changes up to 1,000 items: all, or none.
#[utoipa::path(
    post, path = "/v1/batch/items", tag = "catalogue", summary = "Make or change many items",
    params(WriteHeaders), request_body = ItemChanges,
    responses((status = 200, description = "The items as they are now", body = Items), Refusals)
)]
pub(crate) async fn post_many(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<ItemChanges>,
) -> Result<Response, Problem> {
    meta.without_expected_version()?;
    let saved = state
        .store()
        .upsert_items(&body.items, meta.stored_key().as_deref())
        .await
        .map_err(|error| match error {
            DbError::Refused(refusal) => refused(&in_list("items", refusal)),
            other => other.into(),
        })?;
    let token = Token::of_items(&saved.rows);
    Ok(of_catalogue(token, saved.replayed, Json(Items { items: saved.rows })))
}

/// Reads an item by sku or id.
#[utoipa::path(
    get, path = "/v1/items/{sku}", tag = "catalogue", summary = "Read an item",
    params(("sku" = String, Path, description = "The item's sku or id", example = "A-1"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tag of a copy at hand")),
    responses((status = 200, description = "The item", body = Item,
        headers(("ETag" = String, description = "Version of the item"))),
        (status = 304, description = "The copy at hand is current"), ReadRefusals)
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    PathText(sku): PathText,
    demand: Demand,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = state.store().item(&ItemRef::parse(&sku)).await?;
    let item = found.ok_or_else(|| Problem::new(&UNKNOWN_ITEM))?;
    demand.check_item(&item)?;
    if if_none_match(&headers, item.version) {
        let tag = [(header::ETAG, entity_tag(item.version))];
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok(tagged(item))
}

async fn save(state: &AppState, meta: &CallMeta, mut body: ItemChange) -> Result<Response, Problem> {
    body.expected_version = meta.expected_version.or(body.expected_version);
    let saved = state
        .store()
        .upsert_items(std::slice::from_ref(&body), meta.stored_key().as_deref())
        .await?;
    let token = Token::of_items(&saved.rows);
    let item = saved
        .rows
        .into_iter()
        .next()
        .ok_or_else(|| Problem::new(&UNKNOWN_ITEM))?;
    Ok(of_catalogue(token, saved.replayed, tagged(item)))
}

fn tagged(item: Item) -> Response {
    ([(header::ETAG, entity_tag(item.version))], Json(item)).into_response()
}
