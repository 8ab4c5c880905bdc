//! Building all indexes anew beside the live ones, and the swap.
//!
//! 1. Indexes are made, each behind the alias of the live one with `-next` after it. From then on consumers write every change to
//!    both (`beside.rs`).
//! 2. When every consumer must have noticed, all rows are read from Postgres, and what the live indexes remember as deleted is
//!    carried over. Versions decide between these and the changes that come meanwhile.
//! 3. One request moves all aliases. Readers see the old indexes before it and the new ones after it.
//! 4. The old indexes are removed a little later: the engine resolves an alias when a search begins, so one that had begun before
//!    the swap still reads them, and would fail.
//!
//! A rebuild that was interrupted leaves indexes that nobody reads; the next one removes them and starts again.

use std::time::Duration;

use jiff::Timestamp;
use onhand_cdc::ConfigError;
use onhand_db::DatabaseConfig;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::beside::TRUST;
use super::client::{Client, ClientError};
use super::config::ElasticsearchConfig;
use super::fill::{Collection, Filler};
use super::index::{self, Indexes, Refresh, former_of, next_of};
use super::model::tombstone;
use super::month::Month;
use crate::postgres::{PooledClient, RowSource, RowSourceError};
use crate::runtime::SinkError;

/// How long after the alias every consumer writes to it: it trusts a look that long, and a row may become visible in Postgres a
/// little later than its change is streamed.
const NOTICED: Duration = TRUST.saturating_add(Duration::from_secs(2));
/// How long searches that began before the swap may still read the old indexes.
const READ_OUT: Duration = Duration::from_secs(10);
/// Tombstones in one step.
const STEP: usize = 2_000;
/// How long the engine keeps a scan that nobody goes on with.
const SCAN_KEEP: &str = "2m";

/// A rebuild that could not be finished. The live indexes are as they were.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// A setting cannot work.
    #[error("a setting cannot work")]
    Config(#[from] ConfigError),
    /// The engine or Postgres did not do what was asked.
    #[error("{0}")]
    Failed(String),
    /// Another rebuild is at work.
    #[error("another rebuild is at work")]
    Busy,
}

impl From<ClientError> for RebuildError {
    fn from(error: ClientError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<SinkError> for RebuildError {
    fn from(error: SinkError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<RowSourceError> for RebuildError {
    fn from(error: RowSourceError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// What a rebuild did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Documents that were made from rows, by alias.
    pub documents: Vec<(String, usize)>,
    /// Deleted rows that are remembered.
    pub tombstones: usize,
    /// Indexes that were removed.
    pub removed: Vec<String>,
}

/// Builds the indexes anew.
#[derive(Debug)]
pub struct Rebuild {
    client: Client,
    live: Indexes,
    rows: RowSource,
    refresh: Refresh,
    months: u32,
}

#[derive(Deserialize)]
struct Scanned {
    #[serde(rename = "_scroll_id")]
    scroll_id: String,
    hits: ScannedHits,
}

#[derive(Deserialize)]
struct ScannedHits {
    hits: Vec<ScannedHit>,
}

#[derive(Deserialize)]
struct ScannedHit {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_version")]
    version: i64,
}

impl Rebuild {
    /// Connects when it first needs to.
    ///
    /// # Errors
    /// A setting that cannot work.
    pub fn new(config: &ElasticsearchConfig, database: &DatabaseConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        let client = Client::new(config)?;
        Ok(Self {
            client,
            live: Indexes::new(&config.index_prefix),
            rows: RowSource::new(database)?,
            refresh: Refresh::new(config),
            months: config.movement_months,
        })
    }

    /// Builds, fills and swaps; tells what it is doing.
    ///
    /// # Errors
    /// [`RebuildError`]; readers go on with the indexes they had, and it can be run again.
    pub async fn run(&self, tell: &(dyn Fn(&str) + Sync)) -> Result<Rebuilt, RebuildError> {
        let _lock = self.lock().await?;
        let now = Timestamp::now();
        for index in self.remove_unfinished().await? {
            tell(&format!("removed {index}, which an interrupted rebuild left"));
        }
        let definitions = self.live.definitions(&Month::back_from(now, self.months));
        // An alias that was lost is made first, so that there is something to swap with.
        index::ensure(&self.client, &definitions, &self.refresh).await?;
        for definition in &definitions {
            let index = definition.later_index(now.as_millisecond());
            let aliases = json!({ next_of(&definition.alias): { "is_write_index": true } });
            let (status, answer) = definition.create(&self.client, &index, aliases, &self.refresh).await?;
            if !status.is_success() {
                return Err(ClientError::refused(status, &answer).into());
            }
        }
        tell(&format!(
            "made {} indexes; changes go to both from now on",
            definitions.len()
        ));
        tokio::time::sleep(NOTICED).await;

        let mut rebuilt = self.fill(now, tell).await?;
        let names: Vec<(String, Option<String>)> = definitions
            .into_iter()
            .map(|definition| (definition.alias, definition.shared))
            .collect();
        self.swap(&names).await?;
        tell("swapped; what still reads the old indexes may end");
        tokio::time::sleep(READ_OUT).await;
        rebuilt.removed = self.remove(&self.live.all_former()).await?;
        Ok(rebuilt)
    }

    /// Removes what an interrupted rebuild left; answers the names.
    ///
    /// # Errors
    /// [`RebuildError`] if a rebuild is at work, or the engine refuses.
    pub async fn abort(&self) -> Result<Vec<String>, RebuildError> {
        let _lock = self.lock().await?;
        self.remove_unfinished().await
    }

    async fn lock(&self) -> Result<PooledClient, RebuildError> {
        self.rows.try_lock().await?.ok_or(RebuildError::Busy)
    }

    async fn remove_unfinished(&self) -> Result<Vec<String>, RebuildError> {
        let mut removed = self.remove(&self.live.all_next()).await?;
        removed.extend(self.remove(&self.live.all_former()).await?);
        Ok(removed)
    }

    /// Removes the indexes behind the aliases of a pattern; answers their names.
    async fn remove(&self, aliases: &str) -> Result<Vec<String>, RebuildError> {
        let found = index::behind(&self.client, aliases).await?;
        for index in found.keys() {
            self.client.expect(Method::DELETE, &format!("/{index}"), None).await?;
        }
        Ok(found.into_keys().collect())
    }

    async fn fill(&self, now: Timestamp, tell: &(dyn Fn(&str) + Sync)) -> Result<Rebuilt, RebuildError> {
        let filler = Filler {
            client: self.client.clone(),
            indexes: self.live.next(),
            rows: self.rows.clone(),
            strict: true,
        };
        let mut rebuilt = Rebuilt::default();
        for collection in Collection::all(now, self.months) {
            let rows = filler.fill(collection, &|_| {}).await?;
            let alias = collection.alias(&self.live);
            if !matches!(collection, Collection::Movements(_)) {
                let carried = self.carry_tombstones(&filler, &alias).await?;
                rebuilt.tombstones += carried;
            }
            let next = collection.alias(&filler.indexes);
            index::mark_warm(&self.client, &next).await?;
            self.client
                .expect(Method::POST, &format!("/{next}/_refresh"), None)
                .await?;
            tell(&format!("{alias}: {rows} documents"));
            rebuilt.documents.push((alias, rows));
        }
        Ok(rebuilt)
    }

    /// What is remembered as deleted stays remembered, so that an old event cannot bring it back.
    async fn carry_tombstones(&self, filler: &Filler, alias: &str) -> Result<usize, RebuildError> {
        self.client
            .expect(Method::POST, &format!("/{alias}/_refresh"), None)
            .await?;
        let body = json!({
            "size": STEP, "sort": ["_doc"], "version": true, "_source": false,
            "query": {"term": {"deleted": true}},
        });
        let path = format!("/{alias}/_search?scroll={SCAN_KEEP}");
        let mut answer = self.client.expect(Method::POST, &path, Some(body)).await?;
        let mut carried = 0;
        loop {
            let scanned: Scanned = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
            let hits = scanned.hits.hits;
            if hits.is_empty() {
                let body = json!({"scroll_id": scanned.scroll_id});
                self.client.send(Method::DELETE, "/_search/scroll", Some(body)).await?;
                return Ok(carried);
            }
            carried += hits.len();
            let documents = hits
                .into_iter()
                .map(|hit| tombstone(&next_of(alias), hit.id, hit.version))
                .collect::<Result<Vec<_>, _>>()
                .map_err(RebuildError::Failed)?;
            filler.write_documents(&documents).await?;
            let body = json!({"scroll": SCAN_KEEP, "scroll_id": scanned.scroll_id});
            answer = self.client.expect(Method::POST, "/_search/scroll", Some(body)).await?;
        }
    }

    /// All aliases at once: the engine applies the actions of one request in one step.
    async fn swap(&self, names: &[(String, Option<String>)]) -> Result<(), RebuildError> {
        let mut actions: Vec<Value> = Vec::new();
        for (alias, shared) in names {
            let next = next_of(alias);
            for index in index::behind(&self.client, alias).await?.into_keys() {
                actions.push(json!({"remove": {"index": index, "alias": alias}}));
                if let Some(shared) = shared {
                    actions.push(json!({"remove": {"index": index, "alias": shared, "must_exist": false}}));
                }
                actions.push(json!({"add": {"index": index, "alias": former_of(alias)}}));
            }
            for index in index::behind(&self.client, &next).await?.into_keys() {
                actions.push(json!({"add": {"index": index, "alias": alias, "is_write_index": true}}));
                actions.push(json!({"remove": {"index": index, "alias": next}}));
                if let Some(shared) = shared {
                    actions.push(json!({"add": {"index": index, "alias": shared}}));
                }
            }
        }
        let body = json!({ "actions": actions });
        self.client.expect(Method::POST, "/_aliases", Some(body)).await?;
        Ok(())
    }
}
