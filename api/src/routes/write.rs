//! The way of every stock and reservation write through the lanes.

use std::time::Instant;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::extract::{CallMeta, entity_tag};
use crate::lane::{Answer, Command, Decision};
use crate::metrics;
use crate::problem::{Problem, refused, undecided};
use crate::state::AppState;
use crate::token::{CONSISTENCY_TOKEN, Token};

/// Marks an answer that was stored by an earlier request with the same key.
const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";

/// What a write came to.
pub(super) struct Written {
    pub(super) answer: Answer,
    pub(super) replayed: bool,
}

/// Sends one command through its lane and counts what became of it.
pub(super) async fn write(state: &AppState, meta: CallMeta, command: Command) -> Result<Written, Problem> {
    let started = Instant::now();
    let operation = command.op.label();
    let result = match state.lanes().submit(signed(command, meta)).await {
        Ok(Decision::Applied { answer, replayed }) => Ok(Written { answer, replayed }),
        Ok(Decision::Refused(refusal)) => Err(refused(&refusal)),
        Err(error) => Err(undecided(error)),
    };
    let status = match &result {
        Ok(written) if written.replayed => "replayed",
        Ok(_) => "success",
        Err(problem) => problem.code(),
    };
    metrics::operation(operation, status, started.elapsed());
    result
}

/// Adds what the headers said.
fn signed(mut command: Command, meta: CallMeta) -> Command {
    command.idempotency_key = meta.stored_key();
    command.expected_version = meta.expected_version;
    command.correlation_id = Some(meta.correlation_id).filter(|id| !id.is_empty());
    command.user_id = meta.client;
    command.traceparent = meta.traceparent;
    command
}

impl Written {
    /// The answer with its headers: the token of what was made; a replay is marked, a single row gets its entity tag.
    pub(super) fn into_response(self, status: StatusCode) -> Response {
        let tag = match self.answer.levels.as_slice() {
            [level] => Some(entity_tag(level.version)),
            _ => None,
        };
        let token = Token::of_levels(&self.answer.levels).header();
        let mut response = (status, Json(self.answer)).into_response();
        let headers = response.headers_mut();
        if let Some(tag) = tag {
            headers.insert(header::ETAG, tag);
        }
        if let Some(token) = token {
            headers.insert(CONSISTENCY_TOKEN, token);
        }
        mark(self.replayed, &mut response);
        response
    }

    /// The answer to a write of a document, such as a reservation: without the entity tag of the one stock row it touched, since If-Match
    /// is about the document.
    pub(super) fn into_document(self, status: StatusCode) -> Response {
        let mut response = self.into_response(status);
        response.headers_mut().remove(header::ETAG);
        response
    }
}

fn mark(replayed: bool, response: &mut Response) {
    if replayed {
        let value = HeaderValue::from_static("true");
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, value);
    }
}

/// The answer to a write of the catalogue, with the token of what it made.
pub(super) fn of_catalogue(token: Token, replayed: bool, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if let Some(token) = token.header() {
        response.headers_mut().insert(CONSISTENCY_TOKEN, token);
    }
    mark(replayed, &mut response);
    response
}
