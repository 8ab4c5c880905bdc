//! Taking out of the indexes what Postgres does not have: rows whose delete was never seen.

use std::collections::HashSet;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, ClientError, DocumentResult};
use super::config::ElasticsearchConfig;
use super::index::Indexes;
use super::model;
use crate::runtime::SinkError;

/// Documents in one page.
const PAGE: usize = 1_000;
/// How long the engine keeps the view that the pages are taken from, between two of them.
const KEEP_ALIVE: &str = "2m";

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Items; ids are those of items.
    Items,
    /// Stock; ids are `item:location`.
    Stock,
}

/// A document that is not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: String,
    pub(crate) version: i64,
}

/// The indexes, page by page.
pub(crate) struct Sweeper {
    client: Client,
    indexes: Indexes,
}

#[derive(Deserialize)]
struct View {
    id: String,
}

#[derive(Deserialize)]
struct Answer {
    pit_id: String,
    hits: Hits,
}

#[derive(Deserialize)]
struct Hits {
    hits: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version")]
    version: i64,
    sort: Value,
}

/// A place in the pages of one index.
pub(crate) struct Pages {
    view: String,
    after: Option<Value>,
}

impl Sweeper {
    pub(crate) fn new(config: &ElasticsearchConfig) -> Result<Self, SinkError> {
        let client = Client::new(config).map_err(|error| SinkError::Fatal(error.to_string()))?;
        Ok(Self {
            client,
            indexes: Indexes::new(&config.index_prefix),
        })
    }

    fn alias(&self, kind: Kind) -> &str {
        match kind {
            Kind::Items => &self.indexes.items,
            Kind::Stock => &self.indexes.stock,
        }
    }

    /// A view of the index as it is now.
    pub(crate) async fn open(&self, kind: Kind) -> Result<Pages, SinkError> {
        let alias = self.alias(kind);
        self.client
            .expect(Method::POST, &format!("/{alias}/_refresh"), None)
            .await?;
        let path = format!("/{alias}/_pit?keep_alive={KEEP_ALIVE}");
        let answer = self.client.expect(Method::POST, &path, None).await?;
        let view: View = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
        Ok(Pages {
            view: view.id,
            after: None,
        })
    }

    /// The next documents that are not deleted; none at the end.
    pub(crate) async fn next(&self, pages: &mut Pages) -> Result<Vec<Stored>, SinkError> {
        let mut body = json!({
            "size": PAGE,
            "pit": {"id": pages.view, "keep_alive": KEEP_ALIVE},
            "sort": [{"_shard_doc": "asc"}],
            "query": {"bool": {"must_not": {"term": {"deleted": true}}}},
            "_source": false,
            "version": true,
            "track_total_hits": false,
        });
        if let (Some(after), Some(fields)) = (&pages.after, body.as_object_mut()) {
            fields.insert("search_after".to_owned(), after.clone());
        }
        let answer = self.client.expect(Method::POST, "/_search", Some(body)).await?;
        let answer: Answer = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
        pages.view = answer.pit_id;
        pages.after = answer.hits.hits.last().map(|hit| hit.sort.clone());
        Ok(answer
            .hits
            .hits
            .into_iter()
            .map(|hit| Stored {
                id: hit.id,
                version: hit.version,
            })
            .collect())
    }

    /// Frees the view.
    pub(crate) async fn close(&self, pages: Pages) -> Result<(), SinkError> {
        let body = json!({"id": pages.view});
        self.client.expect(Method::DELETE, "/_pit", Some(body)).await?;
        Ok(())
    }

    /// Puts tombstones of their own version in the place of documents that are not among these; a newer row still beats them.
    /// Returns how many went.
    pub(crate) async fn remove_others(
        &self,
        kind: Kind,
        stored: &[Stored],
        known: &HashSet<String>,
    ) -> Result<u64, SinkError> {
        let documents: Vec<_> = stored
            .iter()
            .filter(|document| !known.contains(&document.id))
            .map(|document| model::tombstone(self.alias(kind), document.id.clone(), document.version))
            .collect::<Result<_, _>>()
            .map_err(SinkError::Transient)?;
        let mut removed = 0;
        for result in self.client.bulk(&documents).await? {
            match result {
                DocumentResult::Written => removed += 1,
                DocumentResult::Stale => {}
                DocumentResult::Busy(reason) | DocumentResult::Refused(reason) => {
                    return Err(SinkError::Transient(reason));
                }
                DocumentResult::NoIndex => return Err(SinkError::Transient("the index is not there".to_owned())),
            }
        }
        Ok(removed)
    }
}
