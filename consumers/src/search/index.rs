//! Names, mappings and creation of the indexes.
//!
//! Each index stands behind an alias, so that a new one can be built beside it and swapped (`rebuild.rs`). The mapping uses only
//! what every Elasticsearch 8 or 9 and OpenSearch has.

use std::collections::{HashMap, HashSet};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Client, ClientError};
use super::config::ElasticsearchConfig;
use super::month::Month;

/// Version of the mappings: raise it with a change that old documents do not fit.
const MAPPING_VERSION: u32 = 1;
/// What the alias of an index under construction ends in.
const NEXT: &str = "-next";
/// What the alias of an index that was replaced ends in.
const FORMER: &str = "-former";

/// Names of the aliases under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexes {
    /// Items, one document per item.
    pub items: String,
    /// Stock, one document per item and location.
    pub stock: String,
    /// Stock over all locations, one document per item that was ever stocked.
    pub summaries: String,
    /// The ledger, one document per movement: all months together, to be read. Each is written to the alias of its month.
    pub movements: String,
    prefix: String,
    /// What the alias of a month ends in.
    month_suffix: &'static str,
}

impl Indexes {
    /// Names that start with this prefix, usually `onhand-`.
    pub fn new(prefix: &str) -> Self {
        Self {
            items: format!("{prefix}items"),
            stock: format!("{prefix}stock"),
            summaries: format!("{prefix}summaries"),
            movements: format!("{prefix}movements"),
            prefix: prefix.to_owned(),
            month_suffix: "",
        }
    }

    /// Names of the indexes that are built beside these.
    pub(super) fn next(&self) -> Self {
        Self {
            items: next_of(&self.items),
            stock: next_of(&self.stock),
            summaries: next_of(&self.summaries),
            movements: self.movements.clone(),
            prefix: self.prefix.clone(),
            month_suffix: NEXT,
        }
    }

    /// Pattern of the aliases of all indexes under construction.
    pub(super) fn all_next(&self) -> String {
        format!("{}*{NEXT}", self.prefix)
    }

    /// Pattern of the aliases of all indexes that were replaced and are still to be removed.
    pub(super) fn all_former(&self) -> String {
        format!("{}*{FORMER}", self.prefix)
    }

    /// Alias of the movements of a month.
    pub(crate) fn month(&self, month: Month) -> String {
        format!("{}-{month}{}", self.movements, self.month_suffix)
    }

    /// Every index of the product while these months are kept.
    pub(super) fn definitions(&self, months: &[Month]) -> Vec<Definition> {
        let single = [
            (&self.items, items_mapping()),
            (&self.stock, stock_mapping()),
            (&self.summaries, summaries_mapping()),
        ];
        let single = single.into_iter().map(|(alias, mappings)| Definition {
            alias: alias.clone(),
            shared: None,
            mappings,
        });
        let months = months.iter().map(|month| Definition {
            alias: self.month(*month),
            shared: Some(self.movements.clone()),
            mappings: movements_mapping(),
        });
        single.chain(months).collect()
    }
}

/// Alias of the index that is built beside an alias.
pub(super) fn next_of(alias: &str) -> String {
    format!("{alias}{NEXT}")
}

/// Alias of the index that was replaced, until it is removed.
pub(super) fn former_of(alias: &str) -> String {
    format!("{alias}{FORMER}")
}

/// How soon what is written is found.
#[derive(Debug, Clone)]
pub(super) struct Refresh {
    rows: String,
    movements: String,
}

impl Refresh {
    pub(super) fn new(config: &ElasticsearchConfig) -> Self {
        Self {
            rows: config.refresh_interval.clone(),
            movements: config.movements_refresh_interval.clone(),
        }
    }

    /// Only movements lie in several indexes that are read together.
    fn of(&self, definition: &Definition) -> &str {
        match definition.shared {
            Some(_) => &self.movements,
            None => &self.rows,
        }
    }
}

/// An index as it should be.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// Alias that it is written under.
    pub(super) alias: String,
    /// Alias that it is read under together with others.
    pub(super) shared: Option<String>,
    mappings: Value,
}

impl Definition {
    /// Name of the first index behind the alias.
    fn first_index(&self) -> String {
        format!("{}-v{MAPPING_VERSION}", self.alias)
    }

    /// Name of an index built later, told apart by when.
    pub(super) fn later_index(&self, at_ms: i64) -> String {
        format!("{}-{at_ms}", self.first_index())
    }

    fn aliases(&self) -> Value {
        let mut aliases = json!({ &self.alias: { "is_write_index": true } });
        if let (Some(shared), Some(aliases)) = (&self.shared, aliases.as_object_mut()) {
            aliases.insert(shared.clone(), json!({}));
        }
        aliases
    }

    /// Makes an index of this definition under these aliases.
    pub(super) async fn create(
        &self,
        client: &Client,
        index: &str,
        aliases: Value,
        refresh: &Refresh,
    ) -> Result<(StatusCode, String), ClientError> {
        let body = json!({
            "settings": {
                "number_of_shards": 1,
                // One node cannot hold a copy; a cluster gets it by itself.
                "auto_expand_replicas": "0-1",
                "refresh_interval": refresh.of(self),
            },
            "mappings": self.mappings,
            "aliases": aliases,
        });
        client.send(Method::PUT, &format!("/{index}"), Some(body)).await
    }
}

/// Makes the indexes and aliases that are missing.
pub(super) async fn ensure(client: &Client, definitions: &[Definition], refresh: &Refresh) -> Result<(), ClientError> {
    for definition in definitions {
        let alias = &definition.alias;
        if exists(client, alias).await? {
            continue;
        }
        let index = definition.first_index();
        let (status, answer) = definition.create(client, &index, definition.aliases(), refresh).await?;
        match status {
            status if status.is_success() => tracing::info!(index, alias, "search index made"),
            // Another consumer was quicker, or the alias was lost.
            StatusCode::BAD_REQUEST if answer.contains("resource_already_exists") => {
                add_aliases(client, &index, definition).await?;
            }
            status => return Err(ClientError::refused(status, &answer)),
        }
    }
    Ok(())
}

async fn exists(client: &Client, alias: &str) -> Result<bool, ClientError> {
    Ok(!behind(client, alias).await?.is_empty())
}

/// The indexes behind an alias, or behind all aliases of a pattern, with the aliases that fit.
pub(super) async fn behind(client: &Client, alias: &str) -> Result<HashMap<String, Vec<String>>, ClientError> {
    let (status, answer) = client.send(Method::GET, &format!("/_alias/{alias}"), None).await?;
    match status {
        status if status.is_success() => {}
        StatusCode::NOT_FOUND => return Ok(HashMap::new()),
        status => return Err(ClientError::refused(status, &answer)),
    }
    let found: HashMap<String, Value> = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
    let aliases = |index: &Value| -> Vec<String> {
        let aliases = index.get("aliases").and_then(Value::as_object);
        aliases
            .into_iter()
            .flat_map(|aliases| aliases.keys().cloned())
            .collect()
    };
    Ok(found
        .iter()
        .map(|(index, body)| (index.clone(), aliases(body)))
        .collect())
}

async fn add_aliases(client: &Client, index: &str, definition: &Definition) -> Result<(), ClientError> {
    let mut actions = vec![json!({"add": {"index": index, "alias": definition.alias, "is_write_index": true}})];
    if let Some(shared) = &definition.shared {
        actions.push(json!({"add": {"index": index, "alias": shared}}));
    }
    let body = json!({ "actions": actions });
    client.expect(Method::POST, "/_aliases", Some(body)).await.map(drop)
}

/// The aliases whose index is marked as filled. The marker lives in the index itself, so it goes when the index goes.
pub(crate) async fn warm(client: &Client, indexes: &Indexes) -> Result<HashSet<String>, ClientError> {
    let path = format!("/{}*?filter_path=*.aliases,*.mappings._meta.warm", indexes.prefix);
    let (status, answer) = client.send(Method::GET, &path, None).await?;
    if status == StatusCode::NOT_FOUND {
        return Ok(HashSet::new());
    }
    if !status.is_success() {
        return Err(ClientError::refused(status, &answer));
    }
    let found: HashMap<String, Value> = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
    let is_marked = |index: &&Value| index.pointer("/mappings/_meta/warm") == Some(&json!(true));
    let aliases = |index: &Value| index.get("aliases").and_then(Value::as_object).cloned();
    Ok(found
        .values()
        .filter(is_marked)
        .filter_map(aliases)
        .flat_map(|aliases| aliases.into_iter().map(|(alias, _)| alias))
        .collect())
}

/// Whether the indexes that hold state are all there and filled.
pub(crate) async fn is_warm(client: &Client, indexes: &Indexes) -> Result<bool, ClientError> {
    let warm = warm(client, indexes).await?;
    let state = [&indexes.items, &indexes.stock, &indexes.summaries];
    Ok(state.into_iter().all(|alias| warm.contains(alias)))
}

/// Notes that every row was loaded.
pub(super) async fn mark_warm(client: &Client, alias: &str) -> Result<(), ClientError> {
    let body = json!({"_meta": {"warm": true}});
    client
        .expect(Method::PUT, &format!("/{alias}/_mapping"), Some(body))
        .await
        .map(drop)
}

/// Removes the movements of months that are no longer kept. Answers how many.
pub(super) async fn drop_old_months(client: &Client, indexes: &Indexes, oldest: Month) -> Result<usize, ClientError> {
    let kept = indexes.month(oldest);
    let mut dropped = 0;
    for (index, aliases) in behind(client, &format!("{}-*", indexes.movements)).await? {
        // Names of months sort as the months do. An index under construction belongs to who builds it.
        let own: Vec<&String> = aliases.iter().filter(|alias| !alias.ends_with(NEXT)).collect();
        if !own.is_empty() && own.iter().all(|alias| **alias < kept) {
            client.expect(Method::DELETE, &format!("/{index}"), None).await?;
            tracing::info!(index, "movements of an old month removed");
            dropped += 1;
        }
    }
    Ok(dropped)
}

fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": 512})
}

/// A number, or with `date` an instant, that is shown, sorted by and summed up. It can be searched for too, but by reading it of each document:
/// an index of its own would be written anew with every change of a row.
fn shown(kind: &str) -> Value {
    json!({"type": kind, "index": false})
}

/// Text is searched in its folded form only; the original is kept to be shown.
fn items_mapping() -> Value {
    let shown = json!({"type": "text", "index": false});
    let searched = json!({"type": "text", "index_prefixes": {"min_chars": 1, "max_chars": 10}});
    json!({
        "dynamic": "strict",
        "properties": {
            "sku": keyword(),
            "sku_folded": keyword(),
            "name": keyword(),
            "name_folded": searched,
            "description": shown,
            "description_folded": {"type": "text"},
            "kind": keyword(),
            "parent_id": keyword(),
            "category_id": keyword(),
            "unit_of_measure": keyword(),
            "tags": keyword(),
            "tags_folded": {"type": "text"},
            "dimensions": {"type": "object", "enabled": false},
            "metadata": {"type": "object", "enabled": false},
            "status": keyword(),
            "version": {"type": "long"},
            "created_at": {"type": "date"},
            "updated_at": {"type": "date"},
            "deleted": {"type": "boolean"},
        }
    })
}

fn stock_mapping() -> Value {
    let long = json!({"type": "long"});
    let number = shown("long");
    json!({
        "dynamic": "strict",
        "properties": {
            "item_id": keyword(),
            "location_id": keyword(),
            "on_hand": long,
            "reserved": long,
            "in_transit": number,
            "backordered": number,
            "damaged": number,
            "safety_stock": number,
            "reorder_point": number,
            "available": long,
            "policy": keyword(),
            "status": keyword(),
            "next_hold_at": shown("date"),
            "version": number,
            "last_movement_at": shown("date"),
            "deleted": {"type": "boolean"},
        }
    })
}

fn summaries_mapping() -> Value {
    let long = json!({"type": "long"});
    let number = shown("long");
    json!({
        "dynamic": "strict",
        "properties": {
            "item_id": keyword(),
            "sku": keyword(),
            "on_hand": long,
            "reserved": long,
            "available": long,
            "in_transit": number,
            "backordered": number,
            "damaged": number,
            "incoming": number,
            "oversold": number,
            "threshold": number,
            "status": keyword(),
            "location_count": number,
            "version": number,
            "updated_at": shown("date"),
            "deleted": {"type": "boolean"},
        }
    })
}

fn movements_mapping() -> Value {
    let number = shown("long");
    let date = json!({"type": "date"});
    let text = json!({"type": "text", "index": false});
    json!({
        "dynamic": "strict",
        "properties": {
            "item_id": keyword(),
            "location_id": keyword(),
            "version": number,
            "type": keyword(),
            "on_hand_delta": number,
            "reserved_delta": number,
            "on_hand": number,
            "reserved": number,
            "available": number,
            "reason": text,
            "reference": keyword(),
            "reservation_id": keyword(),
            "correlation_id": keyword(),
            "occurred_at": date,
            "recorded_at": date,
            "traceparent": {"type": "keyword", "index": false},
        }
    })
}
