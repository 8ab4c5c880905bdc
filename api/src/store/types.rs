//! Rows as callers see them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// An item as it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Item {
    /// The id that the database gave it.
    pub(crate) id: Uuid,
    /// Its business key.
    pub(crate) sku: String,
    /// Its name.
    pub(crate) name: String,
    /// More words.
    pub(crate) description: Option<String>,
    /// physical, digital or bundle.
    pub(crate) kind: String,
    /// The item it is a variant of.
    pub(crate) parent_sku: Option<String>,
    /// Code of its category.
    pub(crate) category: Option<String>,
    /// What one unit is.
    pub(crate) unit_of_measure: String,
    /// Free words.
    pub(crate) tags: Vec<String>,
    /// Measures, as the caller keeps them.
    #[schema(value_type = Option<Object>)]
    pub(crate) dimensions: Option<Value>,
    /// Anything else, as the caller keeps it.
    #[schema(value_type = Object)]
    pub(crate) metadata: Value,
    /// active or archived.
    pub(crate) status: String,
    /// Version of the row; only grows.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// A location as it is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Location {
    /// Its business code.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// warehouse, store, dark_store, partner or ecommerce.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Lower is preferred in allocation.
    pub(crate) priority: i32,
    /// open or closed.
    pub(crate) status: String,
    /// Where it is, as the caller keeps it.
    #[schema(value_type = Option<Object>)]
    pub(crate) address: Option<Value>,
    /// Anything else, as the caller keeps it.
    #[schema(value_type = Object)]
    pub(crate) metadata: Value,
    /// Version of the row; only grows.
    pub(crate) version: i64,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
}

/// A reservation and its lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reservation {
    /// Its id.
    pub(crate) reservation_id: Uuid,
    /// PENDING, COMMITTED, RELEASED or EXPIRED.
    pub(crate) status: String,
    /// Whom it is for.
    pub(crate) owner: Option<String>,
    /// A document in another system.
    pub(crate) reference: Option<String>,
    /// When it ends by itself while pending.
    pub(crate) expires_at: Timestamp,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it last changed.
    pub(crate) updated_at: Timestamp,
    /// Version of the reservation; only grows.
    pub(crate) version: i64,
    /// What it holds or held.
    pub(crate) lines: Vec<ReservationLine>,
}

/// One line of a reservation.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReservationLine {
    /// The item's sku.
    pub(crate) sku: String,
    /// The item's id.
    pub(crate) item_id: Uuid,
    /// The location's id.
    pub(crate) location: String,
    /// Whole units.
    pub(crate) quantity: i64,
}

impl From<onhand_db::Item> for Item {
    fn from(item: onhand_db::Item) -> Self {
        Self {
            id: item.id,
            sku: item.sku,
            name: item.name,
            description: item.description,
            kind: item.kind,
            parent_sku: item.parent_sku,
            category: item.category,
            unit_of_measure: item.unit_of_measure,
            tags: item.tags,
            dimensions: item.dimensions,
            metadata: item.metadata,
            status: item.status,
            version: item.version,
            created_at: item.created_at,
            updated_at: item.updated_at,
        }
    }
}

impl From<onhand_db::Location> for Location {
    fn from(location: onhand_db::Location) -> Self {
        Self {
            id: location.id,
            name: location.name,
            kind: location.location_type,
            priority: location.priority,
            status: location.status,
            address: location.address,
            metadata: location.metadata,
            version: location.version,
            created_at: location.created_at,
            updated_at: location.updated_at,
        }
    }
}

impl From<onhand_db::ReservationState> for Reservation {
    fn from(state: onhand_db::ReservationState) -> Self {
        Self {
            reservation_id: state.id,
            status: state.status,
            owner: state.owner,
            reference: state.reference,
            expires_at: state.expires_at,
            created_at: state.created_at,
            updated_at: state.updated_at,
            version: state.version,
            lines: state.lines.into_iter().map(ReservationLine::from).collect(),
        }
    }
}

impl From<onhand_db::ReservationLine> for ReservationLine {
    fn from(line: onhand_db::ReservationLine) -> Self {
        Self {
            sku: line.sku,
            item_id: line.item_id,
            location: line.location,
            quantity: line.quantity,
        }
    }
}
