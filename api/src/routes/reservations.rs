//! Reservations: made, confirmed, cancelled, read.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::write::write;
use crate::extract::{CallMeta, OptionalJson, PathText, StrictJson, entity_tag, if_none_match, parse_uuid};
use crate::lane::{Answer, Command, Line, Op};
use crate::openapi::{ReadRefusals, Refusals, WriteHeaders};
use crate::problem::Problem;
use crate::state::AppState;
use crate::store::Reservation;
use crate::token::Demand;
use crate::units::Units;

/// What to hold: one line (`sku`, `location`, `quantity`) or several, all or none (`lines`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"lines": [{"sku": "A-1", "location": "W1", "quantity": 2},
    {"sku": "B-2", "location": "W1", "quantity": 1}], "owner": "cart-17", "expires_in_seconds": 900}))]
pub(crate) struct NewReservation {
    /// The item's sku.
    sku: Option<String>,
    /// The location's id.
    location: Option<String>,
    /// Whole units, greater than zero.
    quantity: Option<Units>,
    /// Up to 1,000 lines instead of `sku`, `location` and `quantity`: all are held, or none.
    #[schema(max_items = 1000)]
    #[serde(default, deserialize_with = "crate::extract::maybe_objects")]
    lines: Option<Vec<Line>>,
    /// Whom the hold is for, such as a cart.
    #[schema(max_length = 200)]
    owner: Option<String>,
    /// Life of the hold; 900 if neither this nor `expires_at` is given.
    expires_in_seconds: Option<f64>,
    /// End of the hold (RFC 3339).
    #[serde(default, deserialize_with = "crate::extract::maybe_timestamp")]
    expires_at: Option<Timestamp>,
    /// An id of the caller's choice; one is made otherwise.
    reservation_id: Option<Uuid>,
    /// Why, in a few words.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// A document in another system, such as an order.
    #[schema(max_length = 200)]
    reference: Option<String>,
}

/// What may be said about the end of a reservation. The body can be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"reference": "order-4711"}))]
pub(crate) struct Closing {
    /// Why, in a few words.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// A document in another system, such as an order.
    #[schema(max_length = 200)]
    reference: Option<String>,
}

impl NewReservation {
    fn into_command(self) -> Command {
        Command {
            sku: self.sku,
            location: self.location,
            quantity: self.quantity,
            lines: self.lines,
            owner: self.owner,
            expires_in_seconds: self.expires_in_seconds,
            expires_at: self.expires_at,
            reservation_id: self.reservation_id,
            reason: self.reason,
            reference: self.reference,
            ..Command::new(Op::Reserve)
        }
    }
}

/// Holds available stock until it is confirmed, cancelled, or its time is up.
#[utoipa::path(
    post, path = "/v1/reservations", tag = "reservations", summary = "Reserve stock",
    params(WriteHeaders), request_body = NewReservation,
    responses((status = 201, description = "Held", body = Answer, headers(
        ("Location" = String, description = "Address of the reservation"),
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn reserve(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<NewReservation>,
) -> Result<Response, Problem> {
    let written = write(&state, meta, body.into_command()).await?;
    let location = written.answer.reservation_id.map(|id| format!("/v1/reservations/{id}"));
    let mut response = written.into_document(StatusCode::CREATED);
    if let Some(Ok(value)) = location.as_deref().map(HeaderValue::from_str) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    Ok(response)
}

/// Confirms a pending reservation: what it held leaves the stock for good.
#[utoipa::path(
    post, path = "/v1/reservations/{id}/confirm", tag = "reservations",
    summary = "Confirm a reservation",
    params(("id" = Uuid, Path, description = "The reservation's id"), WriteHeaders),
    request_body(content = Option<Closing>),
    responses((status = 200, description = "Confirmed", body = Answer, headers(
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    PathText(id): PathText,
    meta: CallMeta,
    OptionalJson(body): OptionalJson<Closing>,
) -> Result<Response, Problem> {
    close(&state, &id, meta, body, Op::Confirm).await
}

/// Cancels a pending reservation: what it held can be promised again.
#[utoipa::path(
    post, path = "/v1/reservations/{id}/cancel", tag = "reservations",
    summary = "Cancel a reservation",
    params(("id" = Uuid, Path, description = "The reservation's id"), WriteHeaders),
    request_body(content = Option<Closing>),
    responses((status = 200, description = "Cancelled", body = Answer, headers(
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn cancel(
    State(state): State<AppState>,
    PathText(id): PathText,
    meta: CallMeta,
    OptionalJson(body): OptionalJson<Closing>,
) -> Result<Response, Problem> {
    close(&state, &id, meta, body, Op::Cancel).await
}

async fn close(state: &AppState, id: &str, meta: CallMeta, body: Closing, op: Op) -> Result<Response, Problem> {
    let command = Command {
        reservation_id: Some(parse_uuid("id", id)?),
        reason: body.reason,
        reference: body.reference,
        ..Command::new(op)
    };
    let written = write(state, meta, command).await?;
    Ok(written.into_document(StatusCode::OK))
}

/// Reads a reservation with its lines. It is read from Postgres, so it is never older than any token.
#[utoipa::path(
    get, path = "/v1/reservations/{id}", tag = "reservations", summary = "Read a reservation",
    params(("id" = Uuid, Path, description = "The reservation's id"),
        ("If-None-Match" = Option<String>, Header, description = "Entity tag of a copy at hand")),
    responses((status = 200, description = "The reservation", body = Reservation, headers(
        ("ETag" = String, description = "Version of the reservation"))),
        (status = 304, description = "The copy at hand is current"), ReadRefusals)
)]
pub(crate) async fn read(
    State(state): State<AppState>,
    PathText(id): PathText,
    _demand: Demand,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reservation = state.store().reservation(parse_uuid("id", &id)?).await?;
    let tag = [(header::ETAG, entity_tag(reservation.version))];
    if if_none_match(&headers, reservation.version) {
        return Ok((StatusCode::NOT_MODIFIED, tag).into_response());
    }
    Ok((tag, Json(reservation)).into_response())
}
