//! Locations.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::write::of_catalogue;
use crate::extract::{CallMeta, PathText, StrictJson, entity_tag, if_none_match};
use crate::openapi::{ReadRefusals, Refusals, WriteHeaders};
use crate::problem::{Fault, Problem, UNKNOWN_LOCATION};
use crate::state::AppState;
use crate::store::Location;
use crate::token::{Demand, Token};

/// A location to make or to change. Fields left out keep what it has; a new one needs a name.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"id": "W1", "name": "Main warehouse", "type": "warehouse"}))]
pub(crate) struct LocationChange {
    /// Business code: 1 to 64 letters, digits, dots, dashes or underscores.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 64)]
    id: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    name: Option<String>,
    /// warehouse, store, dark_store, partner or ecommerce.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    /// Lower is preferred in allocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    /// open or closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Where it is, any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    address: Option<Map<String, Value>>,
    /// Anything else, any object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
    /// Version that it must have; 0: it must not be there yet. `If-Match` says the same of a single one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    expected_version: Option<i64>,
}

/// Makes a location, or changes the one with this id. The same request again changes nothing.
#[utoipa::path(
    post, path = "/v1/locations", tag = "catalogue", summary = "Make or change a location",
    params(WriteHeaders), request_body = LocationChange,
    responses((status = 200, description = "The location as it is now", body = Location,
        headers(("ETag" = String, description = "Version of the location"))), Refusals)
)]
pub(crate) async fn post(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<LocationChange>,
) -> Result<Response, Problem> {
    save(&state, &meta, body).await
}

/// The same without the id in the path.
#[utoipa::path(
    put, path = "/v1/locations", tag = "catalogue", summary = "Make or change a location",
    params(WriteHeaders), request_body = LocationChange,
    responses((status = 200, description = "The location as it is now", body = Location,
        headers(("ETag" = String, description = "Version of the location"))), Refusals)
)]
pub(crate) async fn put(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<LocationChange>,
) -> Result<Response, Problem> {
    save(&state, &meta, body).await
}

/// Makes or changes the location with this id. The same request again changes nothing.
#[utoipa::path(
    put, path = "/v1/locations/{id}", tag = "catalogue", summary = "Make or change a location by id",
    params(("id" = String, Path, description = "The location's id", example = "W1"), WriteHeaders),
    request_body = LocationChange,
    responses((status = 200, description = "The location as it is now", body = Location,
        headers(("ETag" = String, description = "Version of the location"))), Refusals)
)]
pub(crate) async fn put_by_id(
    State(state): State<AppState>,
    PathText(id): PathText,
    meta: CallMeta,
    StrictJson(mut body): StrictJson<LocationChange>,
) -> Result<Response, Problem> {
    match body.id.as_deref() {
        Some(other) if other != id => {
            return Err(Problem::invalid(vec![Fault::body("/id", "differs from the path")]));
        }
        _ => body.id = Some(id),
    }
    save(&state, &meta, body).await
}

/// Reads a location.
#[utoipa::path(
    get, path = "/v1/locations/{id}", tag = "catalogue", summary = "Read a location",
    params(("id" = String, Path, description = "The location's id", example = "W1"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tag of a copy at hand")),
    responses((status = 200, description = "The location", body = Location,
        headers(("ETag" = String, description = "Version of the location"))),
        (status = 304, description = "The copy at hand is current"), ReadRefusals)
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    PathText(id): PathText,
    demand: Demand,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = state.store().location(&id).await?;
    let location = found.ok_or_else(|| Problem::new(&UNKNOWN_LOCATION))?;
    demand.check_location(&location)?;
    if if_none_match(&headers, location.version) {
        let tag = [(header::ETAG, entity_tag(location.version))];
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok(tagged(location))
}

async fn save(state: &AppState, meta: &CallMeta, mut body: LocationChange) -> Result<Response, Problem> {
    body.expected_version = meta.expected_version.or(body.expected_version);
    let saved = state
        .store()
        .upsert_locations(std::slice::from_ref(&body), meta.stored_key().as_deref())
        .await?;
    let location = saved
        .rows
        .into_iter()
        .next()
        .ok_or_else(|| Problem::new(&UNKNOWN_LOCATION))?;
    Ok(of_catalogue(
        Token::of_location(&location),
        saved.replayed,
        tagged(location),
    ))
}

fn tagged(location: Location) -> Response {
    ([(header::ETAG, entity_tag(location.version))], Json(location)).into_response()
}
