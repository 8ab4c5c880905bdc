//! One struct per captured table, with the columns that consumers use.
//!
//! Each is called `Value` on the wire (that is how Debezium names the record; the deserializer checks
//! it). Columns that a struct does not name are skipped, columns a record does not have take their
//! default where that is harmless, and fail where it is not: an id or a version is never guessed.

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::RowVersion;
use crate::lenient::{list, optional};

/// What Debezium writes where Postgres did not log a large column because it had not changed.
pub const UNAVAILABLE: &str = "__debezium_unavailable_value";

/// `inventory.category`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct CategoryRow {
    /// Primary key.
    pub id: Uuid,
    /// Business code.
    pub code: String,
    /// Display name.
    pub name: String,
    /// Parent in the tree.
    #[serde(default, deserialize_with = "optional")]
    pub parent_id: Option<Uuid>,
    /// Version of the row.
    pub version: RowVersion,
}

/// `inventory.item`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct ItemRow {
    /// Primary key.
    pub id: Uuid,
    /// Stock keeping unit, unique.
    pub sku: String,
    /// Display name.
    pub name: String,
    /// Long text; may be [`UNAVAILABLE`].
    #[serde(default, deserialize_with = "optional")]
    pub description: Option<String>,
    /// `physical`, `digital` or `bundle`.
    #[serde(default)]
    pub kind: String,
    /// The item this one is a variant of.
    #[serde(default, deserialize_with = "optional")]
    pub parent_id: Option<Uuid>,
    /// Category.
    #[serde(default, deserialize_with = "optional")]
    pub category_id: Option<Uuid>,
    /// Unit of measure.
    #[serde(default)]
    pub unit_of_measure: String,
    /// Tags; may hold [`UNAVAILABLE`].
    #[serde(default, deserialize_with = "list")]
    pub tags: Vec<String>,
    /// JSON text; may be [`UNAVAILABLE`].
    #[serde(default, deserialize_with = "optional")]
    pub dimensions: Option<String>,
    /// JSON text; may be [`UNAVAILABLE`].
    #[serde(default, deserialize_with = "optional")]
    pub metadata: Option<String>,
    /// `active` or `archived`.
    #[serde(default)]
    pub status: String,
    /// Version of the row.
    pub version: RowVersion,
    /// When the row was made.
    #[serde(default, deserialize_with = "optional")]
    pub created_at: Option<Timestamp>,
    /// When the row was last changed.
    #[serde(default, deserialize_with = "optional")]
    pub updated_at: Option<Timestamp>,
}

/// `inventory.location`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct LocationRow {
    /// Business code, the primary key.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `warehouse`, `store`, `dark_store`, `partner` or `ecommerce`.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Lower is preferred in allocation.
    #[serde(default)]
    pub priority: i32,
    /// `open` or `closed`.
    #[serde(default)]
    pub status: String,
    /// Version of the row.
    pub version: RowVersion,
}

/// `inventory.stock_level`: one item at one location.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct StockLevelRow {
    /// Item, first part of the primary key.
    pub item_id: Uuid,
    /// Location, second part of the primary key.
    pub location_id: String,
    /// Physically there.
    pub on_hand: i64,
    /// Held by reservations.
    pub reserved: i64,
    /// On the way to this location.
    #[serde(default)]
    pub in_transit: i64,
    /// Owed to customers.
    #[serde(default)]
    pub backordered: i64,
    /// There, but not for sale.
    #[serde(default)]
    pub damaged: i64,
    /// Kept back for surprises.
    #[serde(default)]
    pub safety_stock: i64,
    /// Order more at or below this.
    #[serde(default)]
    pub reorder_point: i64,
    /// `on_hand - reserved`.
    pub available: i64,
    /// `deny` or `oversell`.
    #[serde(default)]
    pub policy: String,
    /// `in_stock`, `low_stock` or `out_of_stock`.
    pub status: String,
    /// No pending hold of this row ends before this instant.
    #[serde(default, deserialize_with = "optional")]
    pub next_hold_at: Option<Timestamp>,
    /// Version of the row.
    pub version: RowVersion,
    /// When stock last moved here.
    #[serde(default, deserialize_with = "optional")]
    pub last_movement_at: Option<Timestamp>,
    /// When the row was made.
    #[serde(default, deserialize_with = "optional")]
    pub created_at: Option<Timestamp>,
}

/// `inventory.reservation`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct ReservationRow {
    /// Primary key.
    pub id: Uuid,
    /// Who holds it.
    #[serde(default, deserialize_with = "optional")]
    pub owner: Option<String>,
    /// `PENDING`, `COMMITTED`, `RELEASED` or `EXPIRED`.
    pub status: String,
    /// End of the hold.
    #[serde(default, deserialize_with = "optional")]
    pub expires_at: Option<Timestamp>,
    /// Reference of the caller.
    #[serde(default, deserialize_with = "optional")]
    pub reference: Option<String>,
    /// Version of the row.
    pub version: RowVersion,
}

/// `inventory.reservation_line`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct ReservationLineRow {
    /// Reservation.
    pub reservation_id: Uuid,
    /// Item.
    pub item_id: Uuid,
    /// Location.
    pub location_id: String,
    /// Units held.
    pub quantity: i64,
    /// The same four states as the reservation.
    pub status: String,
    /// End of the hold.
    #[serde(default, deserialize_with = "optional")]
    pub expires_at: Option<Timestamp>,
}

/// `inventory.stock_movement`: one line of the ledger.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct StockMovementRow {
    /// Item.
    pub item_id: Uuid,
    /// Location.
    pub location_id: String,
    /// Version of the stock level after this movement.
    pub version: RowVersion,
    /// `receipt`, `removal`, `reserve`, ...
    #[serde(rename = "type")]
    pub kind: String,
    /// Change of `on_hand`.
    pub on_hand_delta: i64,
    /// Change of `reserved`.
    pub reserved_delta: i64,
    /// Change of `in_transit`.
    #[serde(default)]
    pub in_transit_delta: i64,
    /// Change of `backordered`.
    #[serde(default)]
    pub backordered_delta: i64,
    /// Change of `damaged`.
    #[serde(default)]
    pub damaged_delta: i64,
    /// Change of `incoming`.
    #[serde(default)]
    pub incoming_delta: i64,
    /// `on_hand` afterwards.
    pub on_hand: i64,
    /// `reserved` afterwards.
    pub reserved: i64,
    /// `in_transit` afterwards.
    #[serde(default)]
    pub in_transit: i64,
    /// `backordered` afterwards.
    #[serde(default)]
    pub backordered: i64,
    /// `damaged` afterwards.
    #[serde(default)]
    pub damaged: i64,
    /// `incoming` afterwards.
    #[serde(default)]
    pub incoming: i64,
    /// `available` afterwards.
    pub available: i64,
    /// Why.
    #[serde(default, deserialize_with = "optional")]
    pub reason: Option<String>,
    /// Reference of the caller.
    #[serde(default, deserialize_with = "optional")]
    pub reference: Option<String>,
    /// Reservation that moved it.
    #[serde(default, deserialize_with = "optional")]
    pub reservation_id: Option<Uuid>,
    /// Groups the movements of one business operation.
    #[serde(default, deserialize_with = "optional")]
    pub correlation_id: Option<String>,
    /// Who did it.
    #[serde(default, deserialize_with = "optional")]
    pub user_id: Option<String>,
    /// The system that reported it.
    #[serde(default)]
    pub source: String,
    /// When it happened.
    #[serde(default, deserialize_with = "optional")]
    pub occurred_at: Option<Timestamp>,
    /// When it was written down.
    #[serde(default, deserialize_with = "optional")]
    pub recorded_at: Option<Timestamp>,
    /// W3C trace context of the writer.
    #[serde(default, deserialize_with = "optional")]
    pub traceparent: Option<String>,
    /// Transfer that moved it.
    #[serde(default, deserialize_with = "optional")]
    pub transfer_id: Option<Uuid>,
    /// JSON text: the settings after a `policy` movement and `before` it, the lot or serial numbers that a command named.
    #[serde(default, deserialize_with = "optional")]
    pub detail: Option<String>,
}

/// `inventory.stock_summary`: an item over all its locations. A location below zero counts as 0 in the totals.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename = "Value")]
pub struct StockSummaryRow {
    /// Item, the primary key.
    pub item_id: Uuid,
    /// Its stock keeping unit.
    #[serde(default)]
    pub sku: String,
    /// Physically there.
    #[serde(default)]
    pub on_hand: i64,
    /// Held by reservations.
    #[serde(default)]
    pub reserved: i64,
    /// Can be sold.
    #[serde(default)]
    pub available: i64,
    /// On the way to a location.
    #[serde(default)]
    pub in_transit: i64,
    /// Owed to customers.
    #[serde(default)]
    pub backordered: i64,
    /// There, but not for sale.
    #[serde(default)]
    pub damaged: i64,
    /// Ordered from suppliers.
    #[serde(default)]
    pub incoming: i64,
    /// Sold beyond what was there.
    #[serde(default)]
    pub oversold: i64,
    /// Sum of the larger of safety stock and reorder point.
    #[serde(default)]
    pub threshold: i64,
    /// `in_stock`, `low_stock` or `out_of_stock`; empty where only the key is known.
    #[serde(default)]
    pub status: String,
    /// Number of locations with a stock level.
    #[serde(default)]
    pub location_count: i32,
    /// JSON text: status and states by location; may be [`UNAVAILABLE`].
    #[serde(default)]
    pub by_location: String,
    /// JSON text: totals by type of location; may be [`UNAVAILABLE`].
    #[serde(default)]
    pub by_location_type: String,
    /// Version of the row.
    pub version: RowVersion,
    /// When the row was last changed.
    #[serde(default, deserialize_with = "optional")]
    pub updated_at: Option<Timestamp>,
}
