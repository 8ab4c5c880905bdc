//! Names, mappings and creation of the indexes.
//!
//! Each index stands behind an alias, so that a new one can be built beside it and swapped. The
//! mapping uses only what every Elasticsearch 8 or 9 and OpenSearch has.

use std::collections::HashMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Client, ClientError};

/// Version of the mappings: raise it with a change that old documents do not fit.
const MAPPING_VERSION: u32 = 1;

/// Names of the aliases under one prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexes {
    /// Items, one document per item.
    pub items: String,
    /// Stock, one document per item and location.
    pub stock: String,
}

impl Indexes {
    /// Names that start with this prefix, usually `onhand-`.
    pub fn new(prefix: &str) -> Self {
        Self {
            items: format!("{prefix}items"),
            stock: format!("{prefix}stock"),
        }
    }

    fn definitions(&self) -> [(&str, Value); 2] {
        [(&self.items, items_mapping()), (&self.stock, stock_mapping())]
    }
}

/// Makes the indexes and aliases that are missing.
pub(super) async fn ensure(client: &Client, indexes: &Indexes, refresh_interval: &str) -> Result<(), ClientError> {
    for (alias, mappings) in indexes.definitions() {
        if exists(client, alias).await? {
            continue;
        }
        let index = format!("{alias}-v{MAPPING_VERSION}");
        let body = json!({
            "settings": {
                "number_of_shards": 1,
                // One node cannot hold a copy; a cluster gets it by itself.
                "auto_expand_replicas": "0-1",
                "refresh_interval": refresh_interval,
            },
            "mappings": mappings,
            "aliases": { alias: { "is_write_index": true } },
        });
        let (status, answer) = client.send(Method::PUT, &format!("/{index}"), Some(body)).await?;
        match status {
            status if status.is_success() => tracing::info!(index, alias, "search index made"),
            // Another consumer was quicker, or the alias was lost.
            StatusCode::BAD_REQUEST if answer.contains("resource_already_exists") => {
                add_alias(client, &index, alias).await?;
            }
            status => return Err(ClientError::refused(status, &answer)),
        }
    }
    Ok(())
}

async fn exists(client: &Client, alias: &str) -> Result<bool, ClientError> {
    let (status, answer) = client.send(Method::GET, &format!("/_alias/{alias}"), None).await?;
    match status {
        status if status.is_success() => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        status => Err(ClientError::refused(status, &answer)),
    }
}

async fn add_alias(client: &Client, index: &str, alias: &str) -> Result<(), ClientError> {
    let body = json!({"actions": [{"add": {"index": index, "alias": alias, "is_write_index": true}}]});
    client.expect(Method::POST, "/_aliases", Some(body)).await.map(drop)
}

/// True if both indexes are there and marked as filled. The marker lives in the index itself, so
/// it goes when the index goes.
pub(super) async fn is_warm(client: &Client, indexes: &Indexes) -> Result<bool, ClientError> {
    let path = format!(
        "/{},{}/_mapping?filter_path=*.mappings._meta.warm",
        indexes.items, indexes.stock
    );
    let (status, answer) = client.send(Method::GET, &path, None).await?;
    if status == StatusCode::NOT_FOUND {
        return Ok(false);
    }
    if !status.is_success() {
        return Err(ClientError::refused(status, &answer));
    }
    let marked: HashMap<String, Value> = serde_json::from_str(&answer).map_err(ClientError::unreadable)?;
    let marked = marked
        .values()
        .filter(|index| index.pointer("/mappings/_meta/warm") == Some(&json!(true)));
    Ok(marked.count() == 2)
}

/// Notes that every row was loaded.
pub(super) async fn mark_warm(client: &Client, indexes: &Indexes) -> Result<(), ClientError> {
    for alias in [&indexes.items, &indexes.stock] {
        let body = json!({"_meta": {"warm": true}});
        client
            .expect(Method::PUT, &format!("/{alias}/_mapping"), Some(body))
            .await?;
    }
    Ok(())
}

/// Text is searched in its folded form only; the original is kept to be shown.
fn items_mapping() -> Value {
    let keyword = json!({"type": "keyword", "ignore_above": 512});
    let shown = json!({"type": "text", "index": false});
    let searched = json!({"type": "text", "index_prefixes": {"min_chars": 1, "max_chars": 10}});
    json!({
        "dynamic": "strict",
        "properties": {
            "sku": keyword,
            "sku_folded": keyword,
            "name": keyword,
            "name_folded": searched,
            "description": shown,
            "description_folded": {"type": "text"},
            "kind": keyword,
            "parent_id": keyword,
            "category_id": keyword,
            "unit_of_measure": keyword,
            "tags": keyword,
            "tags_folded": {"type": "text"},
            "dimensions": {"type": "object", "enabled": false},
            "metadata": {"type": "object", "enabled": false},
            "status": keyword,
            "version": {"type": "long"},
            "created_at": {"type": "date"},
            "updated_at": {"type": "date"},
            "deleted": {"type": "boolean"},
        }
    })
}

fn stock_mapping() -> Value {
    let keyword = json!({"type": "keyword", "ignore_above": 512});
    let long = json!({"type": "long"});
    let date = json!({"type": "date"});
    json!({
        "dynamic": "strict",
        "properties": {
            "item_id": keyword,
            "location_id": keyword,
            "on_hand": long,
            "reserved": long,
            "in_transit": long,
            "backordered": long,
            "damaged": long,
            "safety_stock": long,
            "reorder_point": long,
            "available": long,
            "policy": keyword,
            "status": keyword,
            "next_hold_at": date,
            "version": long,
            "last_movement_at": date,
            "deleted": {"type": "boolean"},
        }
    })
}
