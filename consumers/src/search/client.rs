//! HTTP to the search engine: single requests and bulks.

use futures_util::future::join_all;
use onhand_cdc::{ConfigError, error_chain};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::config::ElasticsearchConfig;
use crate::runtime::SinkError;

const ANSWER_CHARS: usize = 500;
/// Fewer documents are not worth a request of their own: the search engine takes some for each.
const REQUEST_DOCUMENTS: usize = 200;
/// Keeps the answer of a bulk small: only what decides about each document.
pub(super) const BULK_PATH: &str =
    "/_bulk?require_alias=true&filter_path=items.*.status,items.*.error.type,items.*.error.reason";

/// The search engine did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Not reachable, too slow, or busy.
    #[error("elasticsearch is not available: {0}")]
    Unavailable(String),
    /// It refuses the request itself.
    #[error("elasticsearch refuses ({status}): {answer}")]
    Refused { status: u16, answer: String },
}

impl ClientError {
    /// By its status: what may pass with time, and what will not.
    pub(crate) fn refused(status: StatusCode, answer: &str) -> Self {
        let answer: String = answer.chars().take(ANSWER_CHARS).collect();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Self::Unavailable(format!("{status}: {answer}"));
        }
        Self::Refused {
            status: status.as_u16(),
            answer,
        }
    }

    pub(crate) fn unreadable(error: serde_json::Error) -> Self {
        Self::Unavailable(format!("unreadable answer: {error}"))
    }
}

impl From<ClientError> for SinkError {
    /// Refusals are transient too: an operator can mend them (a full disk, a lost index) and
    /// nothing is gained by stopping.
    fn from(error: ClientError) -> Self {
        Self::Transient(error.to_string())
    }
}

/// A document to write, guarded by its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    /// Alias of the index.
    pub(crate) index: String,
    /// Id.
    pub(crate) id: String,
    /// Version of the row.
    pub(crate) version: i64,
    /// A tombstone has the version of the row it deletes, so it wins a tie.
    pub(crate) wins_ties: bool,
    /// It is the document before it once more, for an index that is built beside the live one. The two go in one request: a swap
    /// of the indexes between two requests would lose the change, the one written to what is replaced, the other to nothing.
    pub(crate) is_copy: bool,
    /// The document as JSON.
    pub(crate) body: String,
}

/// The line before a document in a bulk.
#[derive(Serialize)]
struct Action<'a> {
    index: Target<'a>,
}

#[derive(Serialize)]
struct Target<'a> {
    _index: &'a str,
    _id: &'a str,
    version: i64,
    version_type: &'static str,
}

impl Document {
    fn append_to(&self, bulk: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let index = Target {
            _index: &self.index,
            _id: &self.id,
            version: self.version,
            version_type: if self.wins_ties { "external_gte" } else { "external" },
        };
        serde_json::to_writer(&mut *bulk, &Action { index })?;
        bulk.push(b'\n');
        bulk.extend_from_slice(self.body.as_bytes());
        bulk.push(b'\n');
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.body.len() + self.id.len() + self.index.len() + 100
    }
}

/// What became of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DocumentResult {
    /// Written.
    Written,
    /// The index has as new or newer.
    Stale,
    /// Not now.
    Busy(String),
    /// The index or alias is not there.
    NoIndex,
    /// Never.
    Refused(String),
}

#[derive(Deserialize)]
struct BulkAnswer {
    #[serde(default)]
    items: Vec<std::collections::HashMap<String, BulkItem>>,
}

#[derive(Deserialize)]
struct BulkItem {
    status: u16,
    #[serde(default)]
    error: Option<BulkError>,
}

#[derive(Deserialize)]
struct BulkError {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    reason: String,
}

/// Connection to the search engine. Cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    bulk_max_bytes: usize,
    bulk_requests: usize,
}

impl Client {
    /// Connects when it is first needed.
    pub(crate) fn new(config: &ElasticsearchConfig) -> Result<Self, ConfigError> {
        Self::with_timeout(config, config.timeout())
    }

    /// The same with another patience.
    pub(crate) fn with_timeout(config: &ElasticsearchConfig, timeout: Duration) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(3)))
            .no_proxy()
            .build()
            .map_err(|error| ConfigError::new("elasticsearch.url", error.to_string()))?;
        Ok(Self {
            http,
            base: config.url.trim_end_matches('/').to_owned(),
            bulk_max_bytes: config.bulk_max_bytes,
            bulk_requests: config.bulk_requests,
        })
    }

    /// One request; the answer whatever its status.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, String), ClientError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        finish(request).await
    }

    /// One request that must succeed.
    pub(crate) async fn expect(&self, method: Method, path: &str, body: Option<Value>) -> Result<String, ClientError> {
        let (status, answer) = self.send(method, path, body).await?;
        if status.is_success() {
            return Ok(answer);
        }
        Err(ClientError::refused(status, &answer))
    }

    /// Writes documents, of which no two are the same one in the same index; answers one result for each, in order.
    ///
    /// A large batch goes in several requests at once, since the search engine gives each of them one thread. All are answered before
    /// the first failure is told; what was written then is stale when it comes again.
    pub(crate) async fn bulk(&self, documents: &[Document]) -> Result<Vec<DocumentResult>, ClientError> {
        let shares = shares(documents, self.bulk_requests);
        let answers = join_all(shares.into_iter().map(|share| self.bulk_in_turn(share))).await;
        let answers: Vec<Vec<DocumentResult>> = answers.into_iter().collect::<Result<_, _>>()?;
        Ok(answers.into_iter().flatten().collect())
    }

    /// The same in one request after the other, each within the bound.
    async fn bulk_in_turn(&self, documents: &[Document]) -> Result<Vec<DocumentResult>, ClientError> {
        let mut results = Vec::with_capacity(documents.len());
        let mut rest = documents;
        let mut limit = self.bulk_max_bytes;
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(chunk_len(rest, limit));
            match self.bulk_chunk(chunk).await {
                Ok(done) => {
                    results.extend(done);
                    rest = after;
                    limit = self.bulk_max_bytes;
                }
                // The request as a whole is refused: one document of it is the cause. Halve until
                // it stands alone, or with its copy.
                Err(ClientError::Refused { status, answer }) if is_content(status) => {
                    if chunk.len() == whole(chunk, 1) {
                        let refused = DocumentResult::Refused(format!("{status}: {answer}"));
                        results.extend(vec![refused; chunk.len()]);
                        rest = after;
                        limit = self.bulk_max_bytes;
                    } else {
                        limit = chunk.iter().map(Document::bytes).sum::<usize>() / 2;
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(results)
    }

    async fn bulk_chunk(&self, chunk: &[Document]) -> Result<Vec<DocumentResult>, ClientError> {
        let body = bulk_body(chunk).map_err(ClientError::unreadable)?;
        let request = self
            .http
            .post(format!("{}{BULK_PATH}", self.base))
            .header("content-type", "application/x-ndjson")
            .body(body);
        let (status, answer) = finish(request).await?;
        if !status.is_success() {
            return Err(ClientError::refused(status, &answer));
        }
        let answer: BulkAnswer = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
        if answer.items.len() != chunk.len() {
            let (got, sent) = (answer.items.len(), chunk.len());
            return Err(ClientError::Unavailable(format!("{got} answers for {sent} documents")));
        }
        Ok(answer
            .items
            .into_iter()
            .map(|item| item.into_values().next().map_or_else(no_answer, result_of))
            .collect())
    }
}

/// The body of one bulk request.
pub(super) fn bulk_body(documents: &[Document]) -> Result<Vec<u8>, serde_json::Error> {
    let mut body = Vec::with_capacity(documents.iter().map(Document::bytes).sum());
    for document in documents {
        document.append_to(&mut body)?;
    }
    Ok(body)
}

fn is_content(status: u16) -> bool {
    matches!(status, 400 | 413)
}

fn no_answer() -> DocumentResult {
    DocumentResult::Busy("no answer for this document".to_owned())
}

fn result_of(item: BulkItem) -> DocumentResult {
    let (kind, reason) = item
        .error
        .map_or_else(Default::default, |error| (error.kind, error.reason));
    let told = || format!("{}: {kind}: {reason}", item.status);
    match item.status {
        200..=299 => DocumentResult::Written,
        409 => DocumentResult::Stale,
        404 => DocumentResult::NoIndex,
        429 | 500..=599 => DocumentResult::Busy(told()),
        // A disk that is nearly full blocks writes with 403.
        403 if kind == "cluster_block_exception" => DocumentResult::Busy(told()),
        _ => DocumentResult::Refused(told()),
    }
}

/// What each of so many requests at once gets.
fn shares(documents: &[Document], requests: usize) -> Vec<&[Document]> {
    let share = documents.len().div_ceil(requests.max(1)).max(REQUEST_DOCUMENTS);
    let mut shares = Vec::with_capacity(requests);
    let mut rest = documents;
    while !rest.is_empty() {
        let (first, after) = rest.split_at(whole(rest, share));
        shares.push(first);
        rest = after;
    }
    shares
}

/// As many documents as fit, and at least one, with its copy.
fn chunk_len(documents: &[Document], limit: usize) -> usize {
    let (mut bytes, mut fitting) = (0, 0);
    for document in documents.chunk_by(|_, next| next.is_copy) {
        bytes += document.iter().map(Document::bytes).sum::<usize>();
        if bytes > limit {
            break;
        }
        fitting += document.len();
    }
    whole(documents, fitting.max(1))
}

/// So many of the first documents, and the copy of the last of them.
fn whole(documents: &[Document], count: usize) -> usize {
    let copies = documents.iter().skip(count).take_while(|document| document.is_copy);
    documents.len().min(count + copies.count())
}

async fn finish(request: reqwest::RequestBuilder) -> Result<(StatusCode, String), ClientError> {
    let unavailable = |error: reqwest::Error| ClientError::Unavailable(error_chain(&error));
    let answer = request.send().await.map_err(unavailable)?;
    let status = answer.status();
    let text = answer.text().await.map_err(unavailable)?;
    Ok((status, text))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn document(bytes: usize) -> Document {
        Document {
            index: String::new(),
            id: String::new(),
            version: 1,
            wins_ties: false,
            is_copy: false,
            body: "x".repeat(bytes.saturating_sub(100)),
        }
    }

    /// So many documents of 1,000 bytes, each with its copy.
    fn pairs(count: usize) -> Vec<Document> {
        let copy = || Document {
            is_copy: true,
            ..document(1_000)
        };
        (0..count).flat_map(|_| [document(1_000), copy()]).collect()
    }

    fn lengths(documents: usize, requests: usize) -> Vec<usize> {
        let documents = vec![document(100); documents];
        shares(&documents, requests)
            .into_iter()
            .map(<[Document]>::len)
            .collect()
    }

    fn result(status: u16, kind: &str) -> DocumentResult {
        result_of(BulkItem {
            status,
            error: Some(BulkError {
                kind: kind.to_owned(),
                reason: "because".to_owned(),
            }),
        })
    }

    #[test]
    fn each_status_has_one_meaning() {
        assert_eq!(result(201, ""), DocumentResult::Written);
        assert_eq!(result(409, "version_conflict_engine_exception"), DocumentResult::Stale);
        assert_eq!(result(404, "index_not_found_exception"), DocumentResult::NoIndex);
        for status in [429, 503] {
            assert!(matches!(result(status, ""), DocumentResult::Busy(_)));
        }
        let blocked = result(403, "cluster_block_exception");
        assert!(matches!(blocked, DocumentResult::Busy(_)));
        let mapping = result(400, "document_parsing_exception");
        assert!(matches!(mapping, DocumentResult::Refused(_)));
    }

    #[test]
    fn only_a_large_batch_is_divided() {
        assert_eq!(lengths(200, 2), [200]);
        assert_eq!(lengths(390, 2), [200, 190]);
        assert_eq!(lengths(1_001, 2), [501, 500]);
        assert_eq!(lengths(1_000, 1), [1_000]);
        assert!(lengths(0, 2).is_empty());
    }

    #[test]
    fn a_document_and_its_copy_are_never_parted() {
        let all = pairs(301);
        let lengths: Vec<usize> = shares(&all, 2).into_iter().map(<[Document]>::len).collect();
        assert_eq!(lengths, [302, 300]);
        let pairs = pairs(3);
        assert_eq!(chunk_len(&pairs, 10), 2);
        assert_eq!(chunk_len(&pairs, 3_500), 2);
        assert_eq!(chunk_len(&pairs, 4_000), 4);
    }

    #[test]
    fn the_line_before_a_document_names_it_with_its_version() {
        let document = Document {
            index: "onhand-stock".to_owned(),
            id: "a\"b".to_owned(),
            version: 7,
            wins_ties: true,
            is_copy: false,
            body: "{}".to_owned(),
        };
        let body = String::from_utf8(bulk_body(&[document]).unwrap()).unwrap();
        let expected = r#"{"index":{"_index":"onhand-stock","_id":"a\"b","version":7,"version_type":"external_gte"}}"#;
        assert_eq!(body, format!("{expected}\n{{}}\n"));
    }

    #[test]
    fn chunks_fill_up_to_the_limit_and_never_stand_still() {
        let documents = [document(1_000), document(1_000), document(5_000)];
        assert_eq!(chunk_len(&documents, 2_500), 2);
        assert_eq!(chunk_len(&documents, 10), 1);
        assert_eq!(chunk_len(&documents, 1_000_000), 3);
    }
}
