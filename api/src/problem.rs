//! Errors as the caller sees them: problem details (RFC 9457) with a stable `code`, a hint, and
//! pointers to what was wrong. Nothing a database or another part said is passed on, except the
//! messages of our own error class.

mod catalogue;
pub(crate) mod page;
mod refusal;

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

pub use catalogue::ProblemKind;
pub(crate) use catalogue::*;
pub(crate) use refusal::{in_list, refused, undecided};

/// Seconds a caller should wait after an answer that says "not now".
const RETRY_AFTER_SECONDS: &str = "1";
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Why a request was not done, ready to be answered. One pointer wide, because it is the error of
/// almost every function here.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<ProblemBody>);

/// The body of every error answer (`application/problem+json`).
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "/problems/insufficient_stock", "title": "Insufficient stock", "status": 409,
    "code": "insufficient_stock", "detail": "insufficient stock of A-1 at W1: 5 asked, 3 available",
    "hint": "Ask for less, another location, or try again when stock has come in.",
    "instance": "/v1/reservations", "request_id": "0198c5a2-7c1e-7bb0-9a53-0f0a4c3c1f7e"
}))]
struct ProblemBody {
    /// Address of the page that explains this kind of problem.
    #[serde(rename = "type")]
    kind_uri: String,
    /// Short name of the kind.
    title: &'static str,
    /// The HTTP status, repeated.
    status: u16,
    /// Stable machine-readable name of the kind.
    code: &'static str,
    /// What happened this time.
    detail: String,
    /// What the caller can do.
    hint: String,
    /// Single values that were wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// Figures behind the refusal, for example what was asked and what was available.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
    /// Path of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
    /// Identifier of the request, as in the X-Request-Id header.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// One value that was wrong and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Name of a query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameter: Option<&'static str>,
    /// Name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<&'static str>,
    /// What is wrong with it.
    pub detail: String,
}

impl Fault {
    /// A wrong value in the body.
    pub(crate) fn body(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            header: None,
            detail: detail.into(),
        }
    }

    /// A wrong parameter in the path or query.
    pub(crate) fn parameter(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name),
            header: None,
            detail: detail.into(),
        }
    }

    /// A wrong header.
    pub(crate) fn header(name: &'static str, detail: impl Into<String>) -> Self {
        Self {
            pointer: None,
            parameter: None,
            header: Some(name),
            detail: detail.into(),
        }
    }
}

impl Problem {
    /// A problem of this kind, described by the catalogue alone.
    pub(crate) fn new(kind: &'static ProblemKind) -> Self {
        Self(Box::new(ProblemBody {
            kind_uri: format!("/problems/{}", kind.code),
            title: kind.title,
            status: kind.status.as_u16(),
            code: kind.code,
            detail: kind.about.to_owned(),
            hint: kind.hint.to_owned(),
            errors: Vec::new(),
            context: None,
            instance: None,
            request_id: None,
        }))
    }

    /// Says what happened this time.
    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// Replaces the kind's hint.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = hint.into();
        self
    }

    /// Adds the values that were wrong.
    #[must_use]
    pub(crate) fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.errors = faults;
        self
    }

    /// Adds the figures behind a refusal.
    #[must_use]
    pub(crate) fn context(mut self, context: Option<Value>) -> Self {
        self.0.context = context;
        self
    }

    /// One or several invalid values; the detail repeats the first.
    pub(crate) fn invalid(faults: Vec<Fault>) -> Self {
        let detail = faults.first().map(describe).unwrap_or_default();
        Self::new(&INVALID_ARGUMENT).detail(detail).faults(faults)
    }

    /// Stable machine-readable name of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Adds what only the outermost layer knows.
    pub(crate) fn of_request(mut self, path: &str, request_id: &str) -> Self {
        self.0.instance = Some(path.to_owned());
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// The body as bytes.
    pub(crate) fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn describe(fault: &Fault) -> String {
    let place = fault.pointer.as_deref().or(fault.parameter).or(fault.header);
    match place {
        Some(place) if !place.is_empty() => format!("{place}: {}", fault.detail),
        _ => fault.detail.clone(),
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        ProblemBody::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        ProblemBody::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        ProblemBody::schemas(schemas);
    }
}

impl IntoResponse for Problem {
    /// The problem also travels as an extension, so that the outermost layer can add the path and
    /// the request id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            let wait = HeaderValue::from_static(RETRY_AFTER_SECONDS);
            response.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_problem_names_kind_and_place() {
        let problem = Problem::invalid(vec![Fault::body("/quantity", "must be positive")]);
        let body: Value = serde_json::from_slice(&problem.body()).unwrap();
        assert_eq!(body["type"], "/problems/invalid_argument");
        assert_eq!(body["status"], 400);
        assert_eq!(body["detail"], "/quantity: must be positive");
        assert_eq!(body["errors"][0]["pointer"], "/quantity");
        assert!(body["errors"][0].get("header").is_none());
    }

    #[test]
    fn not_now_says_when() {
        let response = Problem::new(&OVERLOADED).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
}
