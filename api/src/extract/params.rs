//! Path and query parameters.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::problem::{Fault, Problem};

/// The single parameter of a path, as text.
#[derive(Debug)]
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let wrong = || {
            Problem::invalid(vec![Fault::parameter(
                "path",
                "must be text in UTF-8 without the character U+0000",
            )])
        };
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| wrong())?;
        if text.contains('\0') {
            Err(wrong())
        } else {
            Ok(Self(text))
        }
    }
}

/// Query parameters of this type; unknown ones are refused.
#[derive(Debug)]
pub(crate) struct StrictQuery<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for StrictQuery<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::invalid(vec![Fault::parameter("query", reason(&rejection))])),
        }
    }
}

fn reason(rejection: &QueryRejection) -> String {
    let text = rejection.body_text();
    let prefix = "Failed to deserialize query string: ";
    text.strip_prefix(prefix).unwrap_or(&text).to_owned()
}

/// How a caller names an item: by its id or by its sku.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ItemRef {
    /// The id that the database gave it.
    Id(Uuid),
    /// The business key.
    Sku(String),
}

impl ItemRef {
    /// A text in the hyphenated form of a uuid is an id, anything else a sku.
    pub(crate) fn parse(text: &str) -> Self {
        const HYPHENATED: usize = 36;
        match Uuid::try_parse(text) {
            Ok(id) if text.len() == HYPHENATED => Self::Id(id),
            _ => Self::Sku(text.to_owned()),
        }
    }
}

/// A path parameter that must be a uuid.
pub(crate) fn parse_uuid(name: &'static str, text: &str) -> Result<Uuid, Problem> {
    Uuid::try_parse(text).map_err(|_| Problem::invalid(vec![Fault::parameter(name, "must be a uuid")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_named_by_id_or_sku() {
        let id = "0198c5a2-7c1e-7bb0-9a53-0f0a4c3c1f7e";
        assert!(matches!(ItemRef::parse(id), ItemRef::Id(_)));
        assert_eq!(ItemRef::parse("85123A"), ItemRef::Sku("85123A".into()));
        // 32 hexadecimal digits without hyphens may well be somebody's sku.
        assert!(matches!(ItemRef::parse(&id.replace('-', "")), ItemRef::Sku(_)));
    }
}
