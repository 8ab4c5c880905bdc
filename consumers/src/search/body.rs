//! Documents as they are written: each row's fields by name, without a tree of JSON values in between, which took as long as the
//! rest of a document.

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use onhand_cdc::envelope::{ItemRow, StockLevelRow, StockSummaryRow};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::fold::fold;

/// An item, with folded text beside the text.
#[derive(Debug, Serialize)]
pub(super) struct Item<'a> {
    sku: &'a str,
    sku_folded: String,
    name: &'a str,
    name_folded: String,
    description: Option<&'a str>,
    description_folded: Option<String>,
    kind: &'a str,
    parent_id: Option<Uuid>,
    category_id: Option<Uuid>,
    unit_of_measure: &'a str,
    tags: &'a [String],
    tags_folded: Vec<String>,
    dimensions: Option<Value>,
    metadata: Option<Value>,
    status: &'a str,
    version: RowVersion,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
}

impl<'a> From<&'a ItemRow> for Item<'a> {
    fn from(row: &'a ItemRow) -> Self {
        Self {
            sku: &row.sku,
            sku_folded: fold(&row.sku),
            name: &row.name,
            name_folded: fold(&row.name),
            description: row.description.as_deref(),
            description_folded: row.description.as_deref().map(fold),
            kind: &row.kind,
            parent_id: row.parent_id,
            category_id: row.category_id,
            unit_of_measure: &row.unit_of_measure,
            tags: &row.tags,
            tags_folded: row.tags.iter().map(|tag| fold(tag)).collect(),
            dimensions: object(row.dimensions.as_deref()),
            metadata: object(row.metadata.as_deref()),
            status: &row.status,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// JSON text of a column; only objects fit the mapping, and the database allows nothing else.
fn object(text: Option<&str>) -> Option<Value> {
    let value: Value = serde_json::from_str(text?).ok()?;
    value.is_object().then_some(value)
}

/// A stock level.
#[derive(Debug, Serialize)]
pub(super) struct Stock<'a> {
    item_id: Uuid,
    location_id: &'a str,
    on_hand: i64,
    reserved: i64,
    in_transit: i64,
    backordered: i64,
    damaged: i64,
    safety_stock: i64,
    reorder_point: i64,
    available: i64,
    policy: &'a str,
    status: &'a str,
    next_hold_at: Option<Timestamp>,
    version: RowVersion,
    last_movement_at: Option<Timestamp>,
}

impl<'a> From<&'a StockLevelRow> for Stock<'a> {
    fn from(row: &'a StockLevelRow) -> Self {
        Self {
            item_id: row.item_id,
            location_id: &row.location_id,
            on_hand: row.on_hand,
            reserved: row.reserved,
            in_transit: row.in_transit,
            backordered: row.backordered,
            damaged: row.damaged,
            safety_stock: row.safety_stock,
            reorder_point: row.reorder_point,
            available: row.available,
            policy: &row.policy,
            status: &row.status,
            next_hold_at: row.next_hold_at,
            version: row.version,
            last_movement_at: row.last_movement_at,
        }
    }
}

/// A summary of an item.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    item_id: Uuid,
    sku: &'a str,
    on_hand: i64,
    reserved: i64,
    available: i64,
    in_transit: i64,
    backordered: i64,
    damaged: i64,
    incoming: i64,
    oversold: i64,
    threshold: i64,
    status: &'a str,
    location_count: i32,
    version: RowVersion,
    updated_at: Option<Timestamp>,
}

impl<'a> From<&'a StockSummaryRow> for Summary<'a> {
    fn from(row: &'a StockSummaryRow) -> Self {
        Self {
            item_id: row.item_id,
            sku: &row.sku,
            on_hand: row.on_hand,
            reserved: row.reserved,
            available: row.available,
            in_transit: row.in_transit,
            backordered: row.backordered,
            damaged: row.damaged,
            incoming: row.incoming,
            oversold: row.oversold,
            threshold: row.threshold,
            status: &row.status,
            location_count: row.location_count,
            version: row.version,
            updated_at: row.updated_at,
        }
    }
}

/// What stays of a deleted row.
#[derive(Debug, Serialize)]
pub(super) struct Tombstone {
    deleted: bool,
    version: i64,
}

impl Tombstone {
    pub(super) const fn new(version: i64) -> Self {
        Self { deleted: true, version }
    }
}
