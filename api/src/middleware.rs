//! What happens around every request: an id, a deadline, a count, and problems in full.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use onhand_trace::{KeyValue, Span, SpanBuilder, SpanKind, TraceParent};
use tracing::Instrument;
use uuid::Uuid;

use crate::extract::RequestId;
use crate::metrics;
use crate::problem::{BODY_TOO_LARGE, INTERNAL, METHOD_NOT_ALLOWED, NOT_FOUND, Problem, REQUEST_TIMEOUT};

const X_REQUEST_ID: &str = "x-request-id";
/// A longer or stranger id than this is replaced, not echoed.
const MAX_REQUEST_ID_LENGTH: usize = 128;
/// A body that is larger still is cut off instead of read to its end.
const MAX_DISCARDED_BYTES: usize = 256 * 1024 * 1024;
/// Label of requests that no route matched; their paths are anybody's invention.
const NO_ROUTE: &str = "none";
const TRACEPARENT: &str = "traceparent";

/// The outermost layer: gives the request its id, answers within the deadline, counts the answer,
/// and completes problems with path and id.
pub(crate) async fn around(State(deadline): State<Duration>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = method_label(request.method());
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let span = tracing::info_span!("request", request.id = %id, http.method = method, http.route = route,
        trace.id = tracing::field::Empty);
    let trace = traced(&mut request, method, route);
    if let Some(trace) = &trace {
        span.record("trace.id", trace.parent().trace_id());
    }

    let in_flight = InFlight::start();
    let answer = tokio::time::timeout(deadline, next.run(request)).instrument(span).await;
    let response = answer.unwrap_or_else(|_| Problem::new(&REQUEST_TIMEOUT).into_response());
    drop(in_flight);
    if let Some(trace) = trace {
        ended(trace, response.status());
    }

    metrics::http_answered(method, route, response.status().as_u16(), started.elapsed());
    complete(response, &path, &id)
}

/// Begins the span of a request, under the caller's if there is one. What the request leads to hangs under this one: it takes
/// the place of the caller's in the header.
fn traced(request: &mut Request, method: &'static str, route: &str) -> Option<Span> {
    if !onhand_trace::enabled() {
        return None;
    }
    let caller = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let caller = caller.and_then(|text| text.parse::<TraceParent>().ok());
    let span = SpanBuilder::new(format!("{method} {route}"), SpanKind::Server)
        .attributes(vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("url.path", request.uri().path().to_owned()),
        ])
        .start(caller.as_ref())?;
    if let Ok(value) = HeaderValue::from_str(&span.parent().to_string()) {
        request.headers_mut().insert(TRACEPARENT, value);
    }
    Some(span)
}

fn ended(mut span: Span, status: StatusCode) {
    span.attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.failed(status.canonical_reason().unwrap_or_default());
    }
}

/// Answers a request whose declared body is too large. What the client is sending is read to its end first, within bounds: a
/// client that is cut off in the middle of sending sees a broken connection and not the answer. One that waits to be told to
/// go on (`Expect`) is answered at once.
pub(crate) async fn refuse_large_body(State(max): State<usize>, request: Request, next: Next) -> Response {
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_none_or(|length| u64::try_from(max).is_ok_and(|max| length <= max)) {
        return next.run(request).await;
    }
    if !request.headers().contains_key(header::EXPECT) {
        discard(request.into_body()).await;
    }
    Problem::new(&BODY_TOO_LARGE).into_response()
}

async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut left = MAX_DISCARDED_BYTES;
    while let Some(Ok(chunk)) = chunks.next().await {
        let Some(rest) = left.checked_sub(chunk.len()) else {
            break;
        };
        left = rest;
    }
}

/// Counts a request while it is being answered, also when its client goes away midway.
struct InFlight;

impl InFlight {
    fn start() -> Self {
        metrics::http_started();
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::http_ended();
    }
}

fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(X_REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty() && text.len() <= MAX_REQUEST_ID_LENGTH)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn complete(mut response: Response, path: &str, id: &str) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let problem = problem.of_request(path, id);
        // A layer below may have measured the shorter body already.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        *response.body_mut() = Body::from(problem.body());
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}

/// Answer to a path that does not exist.
pub(crate) async fn no_route() -> Problem {
    Problem::new(&NOT_FOUND)
}

/// Answer to a method that a path does not have; axum adds the Allow header.
pub(crate) async fn no_method() -> Problem {
    Problem::new(&METHOD_NOT_ALLOWED)
}

/// Answer of a handler that panicked. The panic itself goes to the log, not to the caller.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the panic layer calls")]
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = words, "handler panicked");
    let mut response = Problem::new(&INTERNAL).into_response();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}
