//! Postgres, a page of items at a time.

use std::collections::HashMap;

use onhand_cdc::envelope::StockLevelRow;
use onhand_db::{DbError, PooledClient};
use serde_json::Value;
use uuid::Uuid;

use crate::postgres::stock_level;

/// The levels of one item, in location order.
#[derive(Debug, Clone)]
pub(super) struct ItemLevels {
    pub(super) id: Uuid,
    pub(super) levels: Vec<StockLevelRow>,
}

/// The ids of the next items.
pub(super) async fn item_ids(client: &PooledClient, after: Uuid, limit: i64) -> Result<Vec<Uuid>, DbError> {
    let statement = client
        .prepare_cached("select id from inventory.item where id > $1 order by id limit $2")
        .await?;
    let rows = client.query(&statement, &[&after, &limit]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// The levels of these items, some of which may have none.
pub(super) async fn levels(client: &PooledClient, items: &[Uuid]) -> Result<Vec<ItemLevels>, DbError> {
    let mut levels: HashMap<Uuid, Vec<StockLevelRow>> = HashMap::new();
    for row in onhand_db::levels_of_items(client, items).await? {
        let row = stock_level(row);
        levels.entry(row.item_id).or_default().push(row);
    }
    let found = items.iter().map(|id| ItemLevels {
        id: *id,
        levels: levels.remove(id).unwrap_or_default(),
    });
    Ok(found.collect())
}

/// These items as the index should have them, without the fields that only help searching.
pub(super) async fn items(client: &PooledClient, items: &[Uuid]) -> Result<Vec<(Uuid, i64, Value)>, DbError> {
    let statement = client
        .prepare_cached(
            "select i.id, i.version, jsonb_build_object('sku', i.sku, 'name', i.name, 'description', i.description, \
             'kind', i.kind, 'parent_id', i.parent_id, 'category_id', i.category_id, \
             'unit_of_measure', i.unit_of_measure, 'tags', to_jsonb(i.tags), 'dimensions', i.dimensions, \
             'metadata', i.metadata, 'status', i.status, 'version', i.version) \
             from inventory.item as i where i.id = any($1)",
        )
        .await?;
    let rows = client.query(&statement, &[&items]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?)))
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::Timestamp;
    use onhand_cdc::RowVersion;

    use super::*;

    /// A level with version 7 and reorder point 4 that moved one second after the epoch.
    pub(in super::super) fn level(location: &str, on_hand: i64, reserved: i64) -> StockLevelRow {
        StockLevelRow {
            item_id: Uuid::nil(),
            location_id: location.to_owned(),
            on_hand,
            reserved,
            in_transit: 0,
            backordered: 0,
            damaged: 0,
            safety_stock: 0,
            reorder_point: 4,
            available: on_hand - reserved,
            policy: "deny".to_owned(),
            status: "low_stock".to_owned(),
            next_hold_at: None,
            version: RowVersion::new(7),
            last_movement_at: Some(Timestamp::from_second(1).unwrap()),
            created_at: None,
        }
    }
}
