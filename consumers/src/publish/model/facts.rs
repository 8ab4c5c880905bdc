//! What an event says besides the movement itself: the item, the place and the lot as they were known when it was published.

use std::collections::BTreeMap;

use jiff::Timestamp;
use onhand_cdc::RowVersion;
use onhand_cdc::envelope::{ItemRow, LocationRow, StockMovementRow, UNAVAILABLE};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An item as events show it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    pub(crate) id: Uuid,
    pub(crate) unit_of_measure: String,
    pub(crate) version: RowVersion,
    pub(crate) record: StockItem,
}

/// Record `com.inventory.stock.StockItem`, version 2.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct StockItem {
    pub(crate) id: String,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) category_id: String,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) tags: Vec<String>,
    pub(crate) dimensions: Option<Dimensions>,
}

/// Measures, as the contract has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dimensions {
    pub(crate) length: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) unit: String,
}

impl Item {
    /// None if a column is missing because the log did not carry it: the row must be read then.
    pub(crate) fn from_row(row: &ItemRow) -> Option<Self> {
        let texts = [&row.description, &row.metadata, &row.dimensions];
        if texts
            .into_iter()
            .flatten()
            .chain(&row.tags)
            .any(|text| text == UNAVAILABLE)
        {
            return None;
        }
        Some(Self {
            id: row.id,
            unit_of_measure: row.unit_of_measure.clone(),
            version: row.version,
            record: StockItem {
                id: row.id.to_string(),
                sku: row.sku.clone(),
                name: row.name.clone(),
                description: row.description.clone(),
                // The field cannot be null in the contract.
                category_id: row.category_id.map(|id| id.to_string()).unwrap_or_default(),
                metadata: texts_of(row.metadata.as_deref()),
                created_at: row.created_at?.as_millisecond(),
                updated_at: row.updated_at?.as_millisecond(),
                tags: row.tags.clone(),
                // Measures of another form, which the column may hold, have no place in the contract.
                dimensions: row
                    .dimensions
                    .as_deref()
                    .and_then(|text| serde_json::from_str(text).ok()),
            },
        })
    }

    /// Bytes that it holds, roughly.
    pub(crate) fn bytes(&self) -> usize {
        let record = &self.record;
        let metadata: usize = record
            .metadata
            .iter()
            .map(|(key, value)| key.len() + value.len() + 2 * size_of::<String>())
            .sum();
        let tags: usize = record.tags.iter().map(|tag| tag.len() + size_of::<String>()).sum();
        let unit = record.dimensions.as_ref().map_or(0, |size| size.unit.len());
        size_of::<Self>()
            + self.unit_of_measure.len()
            + record.id.len()
            + record.sku.len()
            + record.name.len()
            + record.description.as_ref().map_or(0, String::len)
            + record.category_id.len()
            + metadata
            + tags
            + unit
    }
}

/// A JSON object as the map of texts that the contract has: texts as they are, anything else as its JSON.
fn texts_of(json: Option<&str>) -> BTreeMap<String, String> {
    let object: serde_json::Map<String, serde_json::Value> = json
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    object
        .into_iter()
        .map(|(key, value)| match value {
            serde_json::Value::String(text) => (key, text),
            other => (key, other.to_string()),
        })
        .collect()
}

/// A location as events show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) version: RowVersion,
}

impl Place {
    pub(crate) fn from_row(row: &LocationRow) -> Self {
        Self {
            name: row.name.clone(),
            kind: row.kind.clone(),
            version: row.version,
        }
    }

    /// Bytes that it holds, roughly.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.kind.len()
    }
}

/// A movement and what is known around it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) movement: &'a StockMovementRow,
    pub(crate) item: &'a Item,
    /// None if the location is not known any more.
    pub(crate) place: Option<&'a Place>,
    /// The lot that the command named, and when it expires.
    pub(crate) lot: Option<(&'a str, Option<Timestamp>)>,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
}

impl<'a> Facts<'a> {
    /// None if the movement has no time.
    pub(crate) fn new(movement: &'a StockMovementRow, item: &'a Item) -> Option<Self> {
        Some(Self {
            movement,
            item,
            place: None,
            lot: None,
            occurred_at: movement.occurred_at.or(movement.recorded_at)?,
        })
    }

    pub(crate) fn previous_on_hand(&self) -> i64 {
        self.movement.on_hand.saturating_sub(self.movement.on_hand_delta)
    }

    pub(crate) fn available_delta(&self) -> i64 {
        self.movement.on_hand_delta.saturating_sub(self.movement.reserved_delta)
    }

    pub(crate) fn previous_available(&self) -> i64 {
        self.movement.available.saturating_sub(self.available_delta())
    }

    /// True if it changed a balance, and not only settings or deadlines.
    pub(crate) fn moves_units(&self) -> bool {
        let movement = self.movement;
        [
            movement.on_hand_delta,
            movement.reserved_delta,
            movement.in_transit_delta,
            movement.backordered_delta,
            movement.damaged_delta,
            movement.incoming_delta,
        ]
        .into_iter()
        .any(|delta| delta != 0)
    }
}

/// RFC 3339 in UTC with microseconds, as exact as the ledger.
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.6}")
}
