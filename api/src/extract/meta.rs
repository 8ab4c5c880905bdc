//! What a caller says about a request in its headers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::problem::{Fault, Problem};

/// Key under which a write is done once.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Who calls; keys of different clients never meet.
pub(crate) const X_CLIENT_ID: &str = "x-client-id";
/// Identifier of the business operation a request belongs to.
pub(crate) const X_CORRELATION_ID: &str = "x-correlation-id";
/// Caller of a request that does not name one.
const ANONYMOUS: &str = "anonymous";
/// The ledger keeps at most this many characters.
const MAX_CORRELATION_ID_LENGTH: usize = 200;
/// `inventory.idempotency_key` keeps at most 200 characters, among them the client id and a slash.
const MAX_KEY_LENGTH: usize = 128;
const MAX_CLIENT_ID_LENGTH: usize = 64;
/// Version 00 of W3C trace context: 2 + 32 + 16 + 2 hexadecimal digits and three dashes.
const TRACEPARENT_LENGTH: usize = 55;

/// Identifier of one request, put among the extensions by the outermost layer.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self(String::new())))
    }
}

/// Headers that every write understands.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallMeta {
    /// Scope of the idempotency key: `X-Client-Id`, else `anonymous`.
    pub(crate) caller: String,
    /// `X-Client-Id` as it was given.
    pub(crate) client: Option<String>,
    /// `Idempotency-Key`.
    pub(crate) idempotency_key: Option<String>,
    /// The version in `If-Match`.
    pub(crate) expected_version: Option<i64>,
    /// `X-Correlation-Id`, else the request id.
    pub(crate) correlation_id: String,
    /// `traceparent`, if it is a valid one.
    pub(crate) traceparent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for CallMeta {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone());
        Self::from_headers(&parts.headers, request_id.unwrap_or_default())
    }
}

impl CallMeta {
    fn from_headers(headers: &HeaderMap, request_id: String) -> Result<Self, Problem> {
        let mut faults = Vec::new();
        let client = checked(headers, X_CLIENT_ID, client_id, &mut faults);
        let key = checked(headers, IDEMPOTENCY_KEY, idempotency_key, &mut faults);
        let version = checked(headers, "if-match", if_match, &mut faults);
        let correlation = checked(headers, X_CORRELATION_ID, correlation_id, &mut faults);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        Ok(Self {
            caller: client.clone().unwrap_or_else(|| ANONYMOUS.to_owned()),
            client,
            idempotency_key: key,
            expected_version: version.flatten(),
            correlation_id: correlation.unwrap_or(request_id),
            traceparent: traceparent(headers),
        })
    }

    /// The idempotency key as it is stored. The database knows all callers as one login, so the caller is part of the key.
    /// A client id has no slash in it, which keeps the two parts apart.
    pub(crate) fn stored_key(&self) -> Option<String> {
        let key = self.idempotency_key.as_ref()?;
        Some(format!("{caller}/{key}", caller = self.caller))
    }

    /// Refuses If-Match where an operation touches several rows.
    pub(crate) fn without_expected_version(&self) -> Result<(), Problem> {
        if self.expected_version.is_none() {
            return Ok(());
        }
        let fault = Fault::header("if-match", "is only understood by operations on one row");
        Err(Problem::invalid(vec![fault]))
    }
}

/// Reads one header with `read`; a second copy of it is a fault, too.
fn checked<T>(
    headers: &HeaderMap,
    name: &'static str,
    read: impl Fn(&str) -> Result<T, &'static str>,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    let first = values.next()?;
    let result = if values.next().is_some() {
        Err("must be given once")
    } else {
        first
            .to_str()
            .map_err(|_| "must be visible ASCII")
            .and_then(|text| read(text.trim()))
    };
    result.map_err(|detail| faults.push(Fault::header(name, detail))).ok()
}

fn client_id(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@:".contains(&byte);
    if text.is_empty() || text.len() > MAX_CLIENT_ID_LENGTH || !text.bytes().all(allowed) {
        return Err("must be 1 to 64 letters, digits or one of . _ - @ :");
    }
    Ok(text.to_owned())
}

/// The draft wants a quoted string; most clients send the bare text. Both mean the same key.
fn idempotency_key(text: &str) -> Result<String, &'static str> {
    let bare = unquoted(text).unwrap_or(text);
    if bare.is_empty() || bare.len() > MAX_KEY_LENGTH {
        return Err("must be 1 to 128 characters of visible ASCII");
    }
    Ok(bare.to_owned())
}

fn correlation_id(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > MAX_CORRELATION_ID_LENGTH {
        return Err("must be 1 to 200 characters of visible ASCII");
    }
    Ok(text.to_owned())
}

fn if_match(text: &str) -> Result<Option<i64>, &'static str> {
    if text == "*" {
        return Ok(None);
    }
    let version = unquoted(text)
        .and_then(|tag| tag.parse::<i64>().ok())
        .filter(|tag| *tag >= 0);
    version
        .map(Some)
        .ok_or("must be one strong entity tag as the server gave it, such as \"7\"")
}

fn unquoted(text: &str) -> Option<&str> {
    text.strip_prefix('"')?.strip_suffix('"')
}

/// A traceparent that is not well-formed is ignored, as W3C trace context asks.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let hex = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte) || *byte == b'-';
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    let valid = text.len() == TRACEPARENT_LENGTH
        && text.as_bytes().iter().all(hex)
        && lengths == [2, 32, 16, 2]
        && !text.starts_with("ff");
    valid.then(|| text.to_owned())
}

/// The strong entity tag of a row version.
pub(crate) fn entity_tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether If-None-Match names this version, so that the body need not be sent again.
pub(crate) fn if_none_match(headers: &HeaderMap, version: i64) -> bool {
    let current = format!("\"{version}\"");
    headers
        .get_all("if-none-match")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == current)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn meta(pairs: &[(&'static str, &str)]) -> Result<CallMeta, Problem> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        CallMeta::from_headers(&headers, "request-1".into())
    }

    #[test]
    fn silence_means_anonymous_without_conditions() {
        let meta = meta(&[]).unwrap();
        assert_eq!(meta.caller, "anonymous");
        assert_eq!(meta.correlation_id, "request-1");
        assert!(meta.idempotency_key.is_none() && meta.expected_version.is_none());
    }

    #[test]
    fn quoted_and_bare_keys_are_one_key() {
        let quoted = meta(&[(IDEMPOTENCY_KEY, "\"k-1\"")]).unwrap();
        let bare = meta(&[(IDEMPOTENCY_KEY, "k-1")]).unwrap();
        assert_eq!(quoted.idempotency_key, bare.idempotency_key);
    }

    #[test]
    fn wrong_headers_are_refused() {
        let long = "k".repeat(129);
        for bad in [
            (IDEMPOTENCY_KEY, long.as_str()),
            (IDEMPOTENCY_KEY, ""),
            ("if-match", "7"),
            ("if-match", "W/\"7\""),
            ("if-match", "\"1\", \"2\""),
            (X_CLIENT_ID, "a b"),
        ] {
            assert_eq!(meta(&[bad]).unwrap_err().code(), "invalid_argument", "{bad:?}");
        }
        assert!(meta(&[(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "b")]).is_err());
    }

    #[test]
    fn if_match_gives_the_version() {
        assert_eq!(meta(&[("if-match", "\"7\"")]).unwrap().expected_version, Some(7));
        assert_eq!(meta(&[("if-match", "*")]).unwrap().expected_version, None);
    }

    #[test]
    fn only_a_valid_traceparent_is_kept() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(
            meta(&[("traceparent", good)]).unwrap().traceparent.as_deref(),
            Some(good)
        );
        assert!(meta(&[("traceparent", "00-zz")]).unwrap().traceparent.is_none());
    }
}
