//! Client of the schema registry (the Confluent API, which Apicurio, Redpanda and Confluent speak).
//!
//! It tells "not there now" from "not there": only the second may ever lead to a record being
//! given up. Nothing is cached here; the decoder caches what it has parsed.

use crate::error_chain;
use reqwest::{Client, StatusCode};
use schema_registry_converter::async_impl::schema_registry::{
    SrSettings, get_all_subjects, get_schema_by_id, is_compatible_schema, post_schema,
};
use schema_registry_converter::error::SRCError;
use schema_registry_converter::schema_registry_common::{SchemaType, SuppliedSchema};
use serde::Deserialize;
use serde_json::json;

use crate::RegistryConfig;
use crate::http;

/// Why the registry gave no good answer.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// It cannot be reached, answers too late or fails: ask again later.
    #[error("schema registry is not available: {0}")]
    Unavailable(String),
    /// It answers, and does not know what was asked for.
    #[error("schema registry does not know {0}")]
    NotFound(String),
    /// It has the schema, and nobody here can use it.
    #[error("schema registry has {what} in a form that cannot be used: {problem}")]
    Unusable {
        /// What was asked.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It refuses the request, for example an incompatible schema, or a caller that it does not let in. That says nothing of a
    /// record whose schema was asked for.
    #[error("schema registry refuses {what} ({status}): {answer}")]
    Rejected {
        /// What was asked.
        what: String,
        /// HTTP status of the answer.
        status: u16,
        /// The words of the registry.
        answer: String,
    },
}

impl RegistryError {
    /// True if the same request may succeed later without anybody changing it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// How new versions of a subject must relate to the older ones.
pub const COMPATIBILITY: &str = "BACKWARD_TRANSITIVE";

/// What a schema is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaFormat {
    /// Avro.
    Avro,
    /// JSON Schema.
    Json,
}

/// Speaks to the registry.
#[derive(Debug, Clone)]
pub struct RegistryClient {
    settings: SrSettings,
    http: Client,
    base: String,
}

impl RegistryClient {
    /// A client; no request is sent yet.
    pub fn new(config: &RegistryConfig) -> Result<Self, RegistryError> {
        let base = config.url.trim_end_matches('/').to_owned();
        let http = http::client(config.timeout()).map_err(|error| RegistryError::Unavailable(error_chain(&error)))?;
        let settings = SrSettings::new_builder(base.clone())
            .no_proxy()
            .set_timeout(config.timeout())
            .build()
            .map_err(|error| RegistryError::Unavailable(error_chain(&error)))?;
        Ok(Self { settings, http, base })
    }

    /// The text of the schema with this id.
    pub async fn schema_by_id(&self, id: u32) -> Result<String, RegistryError> {
        let what = format!("schema id {id}");
        let found = get_schema_by_id(id, &self.settings)
            .await
            .map_err(|error| refusal(&error, &what))?;
        if found.references.is_empty() {
            return Ok(found.schema);
        }
        Err(RegistryError::Unusable {
            what,
            problem: "schemas made of references to other subjects are not supported".to_owned(),
        })
    }

    /// All subjects. An empty list from a registry that should know some means that it lost its state.
    pub async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        get_all_subjects(&self.settings)
            .await
            .map_err(|error| refusal(&error, "its subjects"))
    }

    /// Registers a schema under a subject and answers its id; known schemas keep their id.
    pub async fn register(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        self.register_as(SchemaFormat::Avro, subject, schema).await
    }

    /// The same for a schema of this format.
    pub async fn register_as(&self, format: SchemaFormat, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        post_schema(&self.settings, subject.to_owned(), supplied_as(format, schema))
            .await
            .map(|registered| registered.id)
            .map_err(|error| refusal(&error, &format!("a schema for {subject}")))
    }

    /// The id of a schema that is registered under a subject. Changes nothing, so a client that may only read can ask.
    pub async fn find(&self, subject: &str, schema: &str) -> Result<u32, RegistryError> {
        let what = format!("this schema under {subject}");
        let request = self
            .http
            .post(format!("{}/subjects/{subject}", self.base))
            .json(&json!({ "schema": schema }));
        let (status, text) = http::send(request)
            .await
            .map_err(|error| RegistryError::Unavailable(error_chain(&error)))?;
        classify(status, &text, &what)?;
        serde_json::from_str::<Found>(&text)
            .map(|found| found.id)
            .map_err(|error| RegistryError::Unavailable(format!("its answer about {what} is none: {error}")))
    }

    /// Sets the rule that new versions of the subject must keep.
    pub async fn set_compatibility(&self, subject: &str) -> Result<(), RegistryError> {
        let what = format!("compatibility of {subject}");
        let request = self
            .http
            .put(format!("{}/config/{subject}", self.base))
            .json(&json!({ "compatibility": COMPATIBILITY }));
        let (status, text) = http::send(request)
            .await
            .map_err(|error| RegistryError::Unavailable(error_chain(&error)))?;
        classify(status, &text, &what)
    }

    /// Asks whether the schema could be the next version of the subject. A subject that does not
    /// exist yet takes any schema.
    pub async fn is_compatible(&self, subject: &str, schema: &str) -> Result<bool, RegistryError> {
        let what = format!("compatibility with {subject}");
        let asked = is_compatible_schema(&self.settings, subject.to_owned(), supplied(schema)).await;
        match asked.map_err(|error| refusal(&error, &what)) {
            Err(RegistryError::NotFound(_)) => Ok(true),
            verdict => verdict,
        }
    }
}

/// The part of an answer that is needed.
#[derive(Deserialize)]
struct Found {
    id: u32,
}

fn supplied(schema: &str) -> SuppliedSchema {
    supplied_as(SchemaFormat::Avro, schema)
}

fn supplied_as(format: SchemaFormat, schema: &str) -> SuppliedSchema {
    let kind = match format {
        SchemaFormat::Avro => SchemaType::Avro,
        SchemaFormat::Json => SchemaType::Json,
    };
    SuppliedSchema::new(None, kind, schema.to_owned())
}

/// What an error of the converter means. It keeps the HTTP status only in its words, and calls a 500 final; here everything
/// that is no clear answer about the request is "not now": a proxy or a half started server may say anything.
fn refusal(error: &SRCError, what: &str) -> RegistryError {
    let status = error
        .error
        .rsplit_once("failed with status ")
        .and_then(|(_, rest)| rest.split(' ').next())
        .and_then(|number| number.parse::<u16>().ok())
        .and_then(|number| StatusCode::from_u16(number).ok());
    let words = error.cause.clone().unwrap_or_else(|| error.error.clone());
    status
        .and_then(|status| classify(status, &words, what).err())
        .unwrap_or(RegistryError::Unavailable(words))
}

fn classify(status: StatusCode, text: &str, what: &str) -> Result<(), RegistryError> {
    if status.is_success() {
        return Ok(());
    }
    if status == StatusCode::NOT_FOUND {
        return Err(RegistryError::NotFound(what.to_owned()));
    }
    let late = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::REQUEST_TIMEOUT;
    if status.is_server_error() || late {
        return Err(RegistryError::Unavailable(format!("it answers {status}")));
    }
    Err(RegistryError::Rejected {
        what: what.to_owned(),
        status: status.as_u16(),
        answer: text.chars().take(500).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16) -> Result<(), RegistryError> {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        classify(status, "body", "schema id 7")
    }

    #[test]
    fn only_a_clear_answer_counts_as_not_found() {
        assert!(class(200).is_ok());
        assert!(matches!(class(404), Err(RegistryError::NotFound(_))));
        assert!(matches!(class(409), Err(RegistryError::Rejected { .. })));
        for late in [429, 408, 500, 502, 503, 504] {
            assert!(class(late).is_err_and(|error| error.is_transient()), "{late}");
        }
    }

    #[test]
    fn the_words_of_the_converter_are_understood() {
        let error = |text: &str| SRCError::new(text, Some("cause".to_owned()), false);
        let failed = |status: &str| error(&format!("HTTP request to schema registry failed with status {status}"));
        assert!(matches!(
            refusal(&failed("404 Not Found"), "x"),
            RegistryError::NotFound(_)
        ));
        assert!(matches!(
            refusal(&failed("409 Conflict"), "x"),
            RegistryError::Rejected { status: 409, .. }
        ));
        assert!(refusal(&failed("500 Internal Server Error"), "x").is_transient());
        assert!(refusal(&error("could not parse to RawRegisteredSchema"), "x").is_transient());
    }

    #[tokio::test]
    async fn a_closed_port_is_transient() {
        let config = RegistryConfig {
            url: "http://127.0.0.1:9".to_owned(),
            timeout_ms: 500,
        };
        let client = RegistryClient::new(&config);
        let answer = match client {
            Ok(client) => client.schema_by_id(1).await,
            Err(error) => Err(error),
        };
        assert!(answer.is_err_and(|error| error.is_transient()));
    }
}
