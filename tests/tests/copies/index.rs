//! A search engine, as far as its versions and its refusals go.
//!
//! A document is written if its version is higher than the one that is held (`external`), or as high (`external_gte`); else the
//! answer is 409. That is what the manuals of Elasticsearch and OpenSearch say of both.

use anyhow::{Context, Result, bail};
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

pub(crate) const EXTERNAL: &str = "external";
const EXTERNAL_OR_EQUAL: &str = "external_gte";

/// The documents of all indexes by their ids, and what the engine will not take.
#[derive(Debug, Default)]
pub(crate) struct Index {
    documents: HashMap<String, (i64, Value)>,
    /// How often each id was sent.
    sent: HashMap<String, u32>,
    /// Ids that are answered with 429 so many times more.
    busy: HashMap<String, u32>,
    /// Ids whose documents do not fit the mapping.
    unfit: HashSet<String>,
}

impl Index {
    /// An index that is busy two times for one document, and never takes another.
    pub(crate) fn refusing(busy: &str, unfit: &str) -> Self {
        Self {
            busy: HashMap::from([(busy.to_owned(), 2)]),
            unfit: HashSet::from([unfit.to_owned()]),
            ..Self::default()
        }
    }

    /// Writes one document; answers the status of it.
    pub(crate) fn put(&mut self, id: &str, version: i64, kind: &str, document: &Value) -> u16 {
        *self.sent.entry(id.to_owned()).or_default() += 1;
        if self.unfit.contains(id) {
            return 400;
        }
        if let Some(left) = self.busy.get_mut(id).filter(|left| **left > 0) {
            *left -= 1;
            return 429;
        }
        let held = self.documents.get(id).map_or(0, |(held, _)| *held);
        if version < held || (version == held && kind != EXTERNAL_OR_EQUAL) {
            return 409;
        }
        self.documents.insert(id.to_owned(), (version, document.clone()));
        200
    }

    /// Takes the body of a bulk request; answers the status of each document.
    pub(crate) fn bulk(&mut self, body: &str) -> Result<Vec<u16>> {
        let lines: Vec<Value> = body.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
        let mut answers = Vec::new();
        for pair in lines.chunks(2) {
            let [action, document] = pair else {
                bail!("an action without a document");
            };
            let action = &action["index"];
            let id = action["_id"].as_str().context("no id")?;
            let version = action["version"].as_i64().context("no version")?;
            let kind = action["version_type"].as_str().context("no version type")?;
            answers.push(self.put(id, version, kind, document));
        }
        Ok(answers)
    }

    /// The document, unless it only says that there was one.
    pub(crate) fn live(&self, id: &str) -> Option<&Value> {
        let (_, document) = self.documents.get(id)?;
        (document["deleted"] != json!(true)).then_some(document)
    }

    pub(crate) fn times_sent(&self, id: &str) -> u32 {
        self.sent.get(id).copied().unwrap_or_default()
    }
}

pub(crate) type Shared = Arc<Mutex<Index>>;

/// Serves an index over HTTP for as long as the test runs; answers the base of its address.
pub(crate) async fn serve(index: &Shared) -> Result<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(answer).with_state(Arc::clone(index));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(format!("http://{address}"))
}

/// Every alias is there, every view of an index is empty, everything else that is asked for is done.
async fn answer(State(index): State<Shared>, _: Method, uri: Uri, body: String) -> (StatusCode, Json<Value>) {
    if uri.path() == "/_bulk" {
        return match index.lock().unwrap().bulk(&body) {
            Ok(answers) => (
                StatusCode::OK,
                Json(json!({"items": answers.into_iter().map(told).collect::<Vec<_>>()})),
            ),
            Err(error) => (StatusCode::BAD_REQUEST, Json(json!({"error": error.to_string()}))),
        };
    }
    match uri.path().strip_prefix("/_alias/") {
        Some(pattern) if pattern.contains('*') => (StatusCode::NOT_FOUND, Json(json!({}))),
        Some(alias) => (
            StatusCode::OK,
            Json(json!({format!("{alias}-v1"): {"aliases": {alias: {}}}})),
        ),
        None => (
            StatusCode::OK,
            Json(json!({"id": "view", "pit_id": "view", "hits": {"hits": []}})),
        ),
    }
}

fn told(status: u16) -> Value {
    let kind = match status {
        400 => "document_parsing_exception",
        409 => "version_conflict_engine_exception",
        429 => "es_rejected_execution_exception",
        _ => return json!({"index": {"status": status}}),
    };
    json!({"index": {"status": status, "error": {"type": kind, "reason": "the test wants it so"}}})
}
