//! `inventory-events`: what happened, as a source system reports it.

use std::collections::HashMap;

use serde::Deserialize;

use super::fields::Moment;
use crate::decode::Contract;

/// A change of inventory that a source system reports (`schemas/inventory/v*_inventory_event.avsc`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryEvent {
    /// The same event sent twice has the same id.
    pub event_id: String,
    /// Business key of the item.
    pub sku: String,
    /// `STOCK_IN`, `STOCK_OUT`, `SALE`, `RESERVATION` or `ADJUSTMENT`; what a newer sender calls otherwise is kept as it is.
    pub event_type: String,
    /// Units; of an adjustment the signed difference.
    pub quantity: i64,
    /// Id of the location.
    pub location_id: String,
    /// Name of the item, for people.
    pub product_name: Option<String>,
    /// When it happened.
    pub timestamp: Moment,
    /// Who did it.
    pub user_id: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// Anything else.
    pub metadata: Option<HashMap<String, String>>,
    /// Who delivered; since version 2.
    pub supplier_name: Option<String>,
}

impl Contract for InventoryEvent {
    const RECORD: &'static str = "InventoryEvent";
}
