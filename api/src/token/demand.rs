//! The tokens that came with a read.

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use super::{CONSISTENCY_TOKEN, Token};
use crate::problem::{Fault, Problem, TOKEN_AHEAD};
use crate::store::{Item, Location};

/// Enough for a client that keeps the last answers of a dozen writers.
const MAX_TOKENS: usize = 16;
/// All tokens of a request together.
const MAX_CHARS: usize = 32_768;

/// What the tokens of a request ask for, in one or several headers, separated by commas. Nothing if there are none.
#[derive(Debug, Default)]
pub(crate) struct Demand(pub(crate) Token);

impl<S: Send + Sync> FromRequestParts<S> for Demand {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let token = merged(&parts.headers).map_err(|detail| {
            let fault = Fault::header("consistency-token", detail);
            Problem::invalid(vec![fault])
        })?;
        Ok(Self(token))
    }
}

fn merged(headers: &HeaderMap) -> Result<Token, String> {
    let mut token = Token::default();
    let (mut tokens, mut chars) = (0, 0);
    for value in headers.get_all(CONSISTENCY_TOKEN) {
        let value = value.to_str().map_err(|_| "must be visible ASCII".to_owned())?;
        for text in value.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            tokens += 1;
            chars += text.len();
            if tokens > MAX_TOKENS || chars > MAX_CHARS {
                return Err(format!(
                    "must be at most {MAX_TOKENS} tokens of {MAX_CHARS} characters in all"
                ));
            }
            token.merge(
                text.parse::<Token>()
                    .map_err(|error| format!("token {tokens} {error}"))?,
            );
        }
    }
    Ok(token)
}

impl Demand {
    /// Refuses an item that Postgres has only older than asked for.
    pub(crate) fn check_item(&self, item: &Item) -> Result<(), Problem> {
        met(self.0.is_met_by_item(item))
    }

    /// Refuses a location that Postgres has only older than asked for.
    pub(crate) fn check_location(&self, location: &Location) -> Result<(), Problem> {
        met(self.0.is_met_by_location(location))
    }
}

fn met(met: bool) -> Result<(), Problem> {
    if met { Ok(()) } else { Err(Problem::new(&TOKEN_AHEAD)) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::http::HeaderValue;
    use uuid::Uuid;

    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONSISTENCY_TOKEN, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn text(location: &str) -> String {
        let mut token = Token::default();
        token.require_level(Uuid::nil(), location, 1);
        token.header().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn several_headers_and_commas_mean_the_same() {
        let (a, b) = (text("W1"), text("W2"));
        let apart = merged(&headers(&[&a, &b])).unwrap();
        let together = merged(&headers(&[&format!("{a}, {b}")])).unwrap();
        assert_eq!(apart, together);
        assert_eq!(merged(&headers(&["", " , "])).unwrap(), Token::default());
    }

    #[test]
    fn garbage_and_floods_are_refused_in_plain_words() {
        let error = merged(&headers(&[&text("W1"), "garbage!"])).unwrap_err();
        assert_eq!(error, "token 2 is not base64url text: send it as it was answered");
        let flood = vec![text("W1"); MAX_TOKENS + 1].join(",");
        assert!(merged(&headers(&[&flood])).unwrap_err().contains("at most 16"));
    }
}
