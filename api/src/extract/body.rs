//! JSON bodies, read strictly: declared as JSON, well-formed, no unknown or doubled fields, no
//! text that Postgres cannot store.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::problem::{BODY_TOO_LARGE, Fault, MALFORMED_JSON, Problem, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE};

/// A JSON body of this type.
#[derive(Debug)]
pub(crate) struct StrictJson<T>(pub(crate) T);

impl<T, S> FromRequest<S> for StrictJson<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| unreadable(&error))?;
        parse(&bytes).map(Self)
    }
}

/// A JSON body that can be left out.
#[derive(Debug)]
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T, S> FromRequest<S> for OptionalJson<T>
where
    T: DeserializeOwned + Default,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers());
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| unreadable(&error))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        if !json {
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE));
        }
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(header::CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn unreadable(error: &BytesRejection) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(&BODY_TOO_LARGE),
        StatusCode::REQUEST_TIMEOUT => Problem::new(&REQUEST_TIMEOUT),
        _ => Problem::new(&MALFORMED_JSON).detail("the body could not be read to its end"),
    }
}

/// Reads one JSON value of type `T` that fills the whole input.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::new(&MALFORMED_JSON).detail("the body is empty"));
    }
    if !bytes.trim_ascii_start().starts_with(b"{") {
        // Valid JSON that is no object gets its own words; anything else is malformed.
        serde_json::from_slice::<serde::de::IgnoredAny>(bytes).map_err(|error| malformed(&error))?;
        return Err(Problem::invalid(vec![Fault::body(
            "",
            "the body must be a JSON object",
        )]));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value =
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| explain(error.inner(), error.path()))?;
    deserializer.end().map_err(|error| malformed(&error))?;
    if has_nul(bytes) {
        let fault = Fault::body("", "text must not contain the character U+0000");
        return Err(Problem::invalid(vec![fault]));
    }
    Ok(value)
}

fn explain(error: &serde_json::Error, path: &Path) -> Problem {
    match error.classify() {
        Category::Data => Problem::invalid(vec![Fault::body(pointer(path), message(error))]),
        Category::Syntax | Category::Eof | Category::Io => malformed(error),
    }
}

fn malformed(error: &serde_json::Error) -> Problem {
    let place = format!("line {}, column {}", error.line(), error.column());
    Problem::new(&MALFORMED_JSON)
        .detail(format!("{} at {place}", message(error)))
        .faults(vec![Fault::body("", place)])
}

/// The message without the place that `serde_json` appends to it.
fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

fn pointer(path: &Path) -> String {
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// Whether the escape `\u0000` occurs; a bare NUL is no JSON in the first place. Postgres refuses
/// the whole batch for it, so it must not get that far.
fn has_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = rest.get(at + 1..).unwrap_or_default();
        if escape.starts_with(b"u0000") {
            return true;
        }
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, expecting = "a JSON object")]
    #[allow(dead_code)]
    struct Sample {
        name: String,
        #[serde(deserialize_with = "crate::extract::objects")]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, expecting = "a JSON object")]
    #[allow(dead_code)]
    struct Line {
        n: i64,
    }

    fn refusal(body: &str) -> (String, String, String) {
        let problem = parse::<Sample>(body.as_bytes()).unwrap_err();
        let body: serde_json::Value = serde_json::from_slice(&problem.body()).unwrap();
        (
            body["code"].as_str().unwrap().to_owned(),
            body["errors"][0]["pointer"].as_str().unwrap_or("-").to_owned(),
            body["detail"].as_str().unwrap().to_owned(),
        )
    }

    #[test]
    fn wrong_values_are_pointed_at() {
        let (code, pointer, detail) = refusal(r#"{"name":"a","lines":[{"n":1},{"n":"x"}]}"#);
        assert_eq!((code.as_str(), pointer.as_str()), ("invalid_argument", "/lines/1/n"));
        assert!(detail.contains("expected i64"), "{detail}");
        let (code, pointer, detail) = refusal(r#"{"name":"a","lines":[{"n":1,"m":2}]}"#);
        assert_eq!((code.as_str(), pointer.as_str()), ("invalid_argument", "/lines/0/m"));
        assert!(detail.contains("unknown field"), "{detail}");
        let (code, pointer, detail) = refusal(r#"{"name":"a"}"#);
        assert_eq!((code.as_str(), pointer.as_str()), ("invalid_argument", ""));
        assert_eq!(detail, "missing field `lines`");
        let (_, _, detail) = refusal("[]");
        assert_eq!(detail, "the body must be a JSON object");
        let (_, pointer, detail) = refusal(r#"{"name":"a","lines":[[1]]}"#);
        assert_eq!(pointer, "/lines/0");
        assert!(detail.contains("expected a JSON object"), "{detail}");
    }

    #[test]
    fn malformed_json_says_where() {
        let (code, _, detail) = refusal("{\"name\": \"a\",\n  oops}");
        assert_eq!(code, "malformed_json");
        assert!(detail.ends_with("at line 2, column 3"), "{detail}");
        assert_eq!(refusal("  ").2, "the body is empty");
        assert_eq!(refusal(r#"{"name":"a","lines":[]} x"#).0, "malformed_json");
        assert_eq!(refusal(r#"{"name":"a","lines":["#).0, "malformed_json");
    }

    #[test]
    fn nul_is_refused_but_an_escaped_backslash_is_not() {
        assert_eq!(refusal(r#"{"name":"a\u0000","lines":[]}"#).0, "invalid_argument");
        parse::<Sample>(br#"{"name":"a\\u0000","lines":[]}"#).unwrap();
    }
}
