//! The OpenAPI document: what the handlers do not say themselves.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Ref, Type};
use utoipa::openapi::{OpenApi, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses};

use crate::problem::{CATALOGUE, Fault, Problem, ProblemKind};

/// The one read that is a POST.
const BATCH_READ: &str = "/v1/batch/stock";
const PROBLEM_JSON: &str = "application/problem+json";
/// Problems that a read cannot meet.
const ONLY_WRITES: &[&str] = &[
    "insufficient_stock",
    "reservation_expired",
    "stale_version",
    "idempotency_key_reused",
    "reservation_not_pending",
    "item_archived",
    "location_closed",
    "quantity_out_of_range",
    "reservation_exists",
];
/// Problems that only a read can meet.
const ONLY_READS: &[&str] = &["search_unavailable", "token_ahead", "token_too_wide", "not_caught_up"];
/// Tags of the operations that read or write what a token speaks of.
const WITH_TOKENS: &[&str] = &["stock", "reservations", "availability", "catalogue", "products"];

/// Title, words and tags; paths are collected from the routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Onhand",
        description = "Inventory system of record. Every error is a problem (RFC 9457) with a \
            stable code; /problems explains each. Every response carries X-Request-Id, which is \
            the caller's if the caller sent one. A write sent again with the same Idempotency-Key \
            takes effect once. Every write answers with a Consistency-Token; a read that carries it is \
            never answered from older data.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    tags(
        (name = "stock", description = "Receive, take out, correct and move stock"),
        (name = "reservations", description = "Hold stock, then confirm or cancel"),
        (name = "availability", description = "How much there is, from Redis or Postgres"),
        (name = "catalogue", description = "Items and locations"),
        (name = "products", description = "Search with stock"),
        (name = "system", description = "Health and explanations")
    ),
    components(schemas(Problem, Fault))
)]
pub(crate) struct ApiDoc;

/// Headers that every write understands. They have no examples on purpose: the page to try the
/// interface would fill them in, and a second try under the same key would be a replay.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes headers; CallMeta reads them")]
pub(crate) struct WriteHeaders {
    /// A key of the caller's choice, 1 to 128 visible ASCII characters. A request that is sent again
    /// with its key gets the stored answer, for 24 hours. Items and locations can do without:
    /// writing them twice changes nothing.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
    /// Entity tag of the row as the caller knows it: the item, location or reservation, or the
    /// stock row (of a move: the one it takes from). The write is refused with 412 if the row has
    /// changed since. Not for several rows at once.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// Who calls: 1 to 64 of letters, digits and . _ - @ : Idempotency keys of different clients
    /// never meet. `anonymous` if left out. Recorded in the ledger as the user.
    #[param(rename = "X-Client-Id")]
    x_client_id: Option<String>,
    /// Business operation this request belongs to; recorded in the ledger. The request id if left
    /// out.
    #[param(rename = "X-Correlation-Id")]
    x_correlation_id: Option<String>,
    /// Identifier of this request; echoed.
    #[param(rename = "X-Request-Id")]
    x_request_id: Option<String>,
    /// W3C trace context; recorded in the ledger.
    #[param(rename = "traceparent")]
    traceparent: Option<String>,
}

/// Describes the token in every operation at once: writes answer with it, reads take it. `POST /v1/batch/stock` is a read.
pub(crate) fn describe_tokens(document: &mut OpenApi) {
    let paths = document.paths.paths.iter_mut();
    for (path, item) in paths {
        let writes = [&mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in writes
            .into_iter()
            .filter_map(Option::as_mut)
            .filter(|one| has_token(one))
        {
            if path == BATCH_READ {
                take_token(operation);
            } else {
                answer_token(operation);
            }
        }
        if let Some(operation) = item.get.as_mut().filter(|one| has_token(one)) {
            take_token(operation);
        }
    }
}

fn has_token(operation: &Operation) -> bool {
    let mut tags = operation.tags.iter().flatten();
    tags.any(|tag| WITH_TOKENS.contains(&tag.as_str()))
}

fn take_token(operation: &mut Operation) {
    let parameter = ParameterBuilder::new()
        .name("Consistency-Token")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Tokens that writes were answered with; several in one header, separated by commas, or in several headers. The \
             answer is never older than these writes.",
        ))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

fn answer_token(operation: &mut Operation) {
    let header = HeaderBuilder::new()
        .description(Some(
            "To be sent with later reads: they are then never older than this write",
        ))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    let responses = operation.responses.responses.iter_mut();
    for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
        if let RefOr::T(response) = response {
            response
                .headers
                .insert("Consistency-Token".to_owned(), RefOr::T(header.clone()));
        }
    }
}

/// Every problem that a write can meet.
pub(crate) struct Refusals;

/// Every problem that a read can meet.
pub(crate) struct ReadRefusals;

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        by_status(|kind| !ONLY_READS.contains(&kind.code))
    }
}

impl IntoResponses for ReadRefusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        by_status(|kind| !ONLY_WRITES.contains(&kind.code))
    }
}

/// One response for each status, with an example for each code.
fn by_status(wanted: impl Fn(&ProblemKind) -> bool) -> BTreeMap<String, RefOr<Response>> {
    let mut grouped: BTreeMap<u16, Vec<&'static ProblemKind>> = BTreeMap::new();
    for kind in CATALOGUE
        .iter()
        .copied()
        .filter(|kind| wanted(kind) && !about_routes(kind))
    {
        grouped.entry(kind.status.as_u16()).or_default().push(kind);
    }
    grouped
        .into_iter()
        .map(|(status, kinds)| (status.to_string(), response(&kinds).into()))
        .collect()
}

/// Problems of requests that reach no operation are documented in words only.
fn about_routes(kind: &ProblemKind) -> bool {
    matches!(kind.code, "not_found" | "method_not_allowed")
}

fn response(kinds: &[&'static ProblemKind]) -> Response {
    let codes: Vec<&str> = kinds.iter().map(|kind| kind.code).collect();
    let examples = kinds.iter().map(|kind| {
        let value = serde_json::to_value(Problem::new(kind)).unwrap_or_else(|_| json!({}));
        let example = ExampleBuilder::new().summary(kind.title).value(Some(value)).build();
        (kind.code, RefOr::T(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .examples_from_iter(examples)
        .build();
    let mut builder = ResponseBuilder::new()
        .description(codes.join(", "))
        .content(PROBLEM_JSON, content);
    if kinds.iter().any(|kind| kind.status == StatusCode::SERVICE_UNAVAILABLE) {
        let header = HeaderBuilder::new()
            .description(Some("Seconds to wait before a retry"))
            .schema(Some(Object::with_type(Type::Integer)))
            .build();
        builder = builder.header("Retry-After", header);
    }
    builder.build()
}
