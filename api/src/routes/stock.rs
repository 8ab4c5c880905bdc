//! Receipts, removals, adjustments and moves.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::ToSchema;

use super::write::write;
use crate::extract::{CallMeta, StrictJson};
use crate::lane::{Answer, Command, Line, Op};
use crate::openapi::{Refusals, WriteHeaders};
use crate::problem::Problem;
use crate::state::AppState;
use crate::units::Units;

/// A change of one balance (`sku`, `location`, `quantity`) or of several, all or none (`lines`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"sku": "A-1", "location": "W1", "quantity": 10, "reason": "delivery",
    "reference": "PO-4711"}))]
pub(crate) struct StockChange {
    /// The item's sku.
    sku: Option<String>,
    /// The location's id.
    location: Option<String>,
    /// Whole units; the signed difference for an adjustment, greater than zero otherwise.
    quantity: Option<Units>,
    /// Up to 1,000 changes instead of `sku`, `location` and `quantity`: all take effect, or none.
    #[schema(max_items = 1000)]
    #[serde(default, deserialize_with = "crate::extract::maybe_objects")]
    lines: Option<Vec<Line>>,
    /// Why, in a few words. Required for an adjustment.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// A document in another system.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// When it happened, if it is reported late (RFC 3339).
    #[serde(default, deserialize_with = "crate::extract::maybe_timestamp")]
    occurred_at: Option<Timestamp>,
}

/// A move of one item from one location to another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, expecting = "a JSON object")]
#[schema(example = json!({"sku": "A-1", "from": "W1", "to": "W2", "quantity": 4}))]
pub(crate) struct StockMove {
    /// The item's sku.
    sku: String,
    /// The location it leaves.
    from: String,
    /// The location it goes to.
    to: String,
    /// Whole units, greater than zero.
    quantity: Units,
    /// Why, in a few words.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// A document in another system.
    #[schema(max_length = 200)]
    reference: Option<String>,
    /// When it happened, if it is reported late (RFC 3339).
    #[serde(default, deserialize_with = "crate::extract::maybe_timestamp")]
    occurred_at: Option<Timestamp>,
}

impl StockChange {
    fn into_command(self, op: Op) -> Command {
        Command {
            sku: self.sku,
            location: self.location,
            quantity: self.quantity,
            lines: self.lines,
            reason: self.reason,
            reference: self.reference,
            occurred_at: self.occurred_at,
            ..Command::new(op)
        }
    }
}

impl StockMove {
    fn into_command(self) -> Command {
        Command {
            sku: Some(self.sku),
            from: Some(self.from),
            to: Some(self.to),
            quantity: Some(self.quantity),
            reason: self.reason,
            reference: self.reference,
            occurred_at: self.occurred_at,
            ..Command::new(Op::Move)
        }
    }
}

async fn change(state: &AppState, meta: CallMeta, body: StockChange, op: Op) -> Result<Response, Problem> {
    let written = write(state, meta, body.into_command(op)).await?;
    Ok(written.into_response(StatusCode::OK))
}

/// Receives stock.
#[utoipa::path(
    post, path = "/v1/stock/add", tag = "stock", summary = "Receive stock",
    params(WriteHeaders), request_body = StockChange,
    responses((status = 200, description = "Received", body = Answer, headers(
        ("ETag" = String, description = "Version of the row, if there is one row"),
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn add(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<StockChange>,
) -> Result<Response, Problem> {
    change(&state, meta, body, Op::Add).await
}

/// Takes stock out. Reserved stock cannot be taken out this way.
#[utoipa::path(
    post, path = "/v1/stock/remove", tag = "stock", summary = "Take stock out",
    params(WriteHeaders), request_body = StockChange,
    responses((status = 200, description = "Taken out", body = Answer, headers(
        ("ETag" = String, description = "Version of the row, if there is one row"),
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn remove(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<StockChange>,
) -> Result<Response, Problem> {
    change(&state, meta, body, Op::Remove).await
}

/// Corrects stock by a signed difference, for example after a count. Needs a reason.
#[utoipa::path(
    post, path = "/v1/stock/adjust", tag = "stock", summary = "Correct stock by a difference",
    params(WriteHeaders),
    request_body(content = StockChange, example = json!({"sku": "A-1", "location": "W1",
        "quantity": -2, "reason": "damaged in storage"})),
    responses((status = 200, description = "Corrected", body = Answer, headers(
        ("ETag" = String, description = "Version of the row, if there is one row"),
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn adjust(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<StockChange>,
) -> Result<Response, Problem> {
    change(&state, meta, body, Op::Adjust).await
}

/// Moves stock from one location to another in one step.
#[utoipa::path(
    post, path = "/v1/stock/move", tag = "stock", summary = "Move stock between locations",
    params(WriteHeaders), request_body = StockMove,
    responses((status = 200, description = "Moved; both balances", body = Answer, headers(
        ("Idempotency-Replayed" = String, description = "true, if this is the answer to an earlier request with the same key"))),
        Refusals)
)]
pub(crate) async fn move_stock(
    State(state): State<AppState>,
    meta: CallMeta,
    StrictJson(body): StrictJson<StockMove>,
) -> Result<Response, Problem> {
    let written = write(&state, meta, body.into_command()).await?;
    Ok(written.into_response(StatusCode::OK))
}
