//! The topics `warehouse.*`: CloudEvents 1.0 in binary mode, the attributes in headers and the data as JSON.

use onhand_cdc::topics;
use serde::Serialize;
use uuid::Uuid;

use super::facts::{Facts, instant};
use super::kind::Kind;
use super::message::{Attributes, JSON, Message};
use super::settings::LowStock;

#[derive(Serialize)]
struct StockChange<'a> {
    product_id: &'a str,
    sku: &'a str,
    name: &'a str,
    warehouse_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_type: Option<&'a str>,
    change_type: &'a str,
    quantity_change: i64,
    reserved_change: i64,
    available_change: i64,
    quantity: i64,
    reserved: i64,
    available: i64,
    in_transit: i64,
    backordered: i64,
    damaged: i64,
    incoming: i64,
    unit_of_measure: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    source: &'a str,
    version: i64,
    occurred_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
}

#[derive(Serialize)]
struct LowStockData<'a> {
    product_id: &'a str,
    sku: &'a str,
    name: &'a str,
    warehouse_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    warehouse_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_type: Option<&'a str>,
    previous_available: i64,
    available: i64,
    threshold: i64,
    safety_stock: i64,
    reorder_point: i64,
    out_of_stock: bool,
    unit_of_measure: &'a str,
    version: i64,
    occurred_at: String,
}

/// The event of a movement that moved units on `warehouse.stock.updated`, and once more on the topic of its sort if it has
/// one. Whoever reads the first knows every balance; the others are for those who want no more than their sort.
pub(crate) fn stock_changes(facts: &Facts<'_>, source: &str) -> serde_json::Result<Vec<Message>> {
    if !facts.moves_units() {
        return Ok(Vec::new());
    }
    let data = serde_json::to_vec(&stock_change(facts))?;
    let sort = Kind::of(&facts.movement.kind).topic();
    let mut messages: Vec<Message> = sort
        .map(|topic| message(facts, source, topic, data.clone()))
        .into_iter()
        .collect();
    messages.push(message(facts, source, topics::WAREHOUSE_UPDATED, data));
    Ok(messages)
}

/// The event of a movement that made the stock low.
pub(crate) fn low_stock(facts: &Facts<'_>, low: LowStock, source: &str) -> serde_json::Result<Message> {
    let movement = facts.movement;
    let record = &facts.item.record;
    let data = LowStockData {
        product_id: &record.id,
        sku: &record.sku,
        name: &record.name,
        warehouse_id: &movement.location_id,
        warehouse_name: facts.place.map(|place| place.name.as_str()),
        location_type: facts.place.map(|place| place.kind.as_str()),
        previous_available: low.previous,
        available: movement.available,
        threshold: low.settings.threshold(),
        safety_stock: low.settings.safety_stock,
        reorder_point: low.settings.reorder_point,
        out_of_stock: movement.available <= 0,
        unit_of_measure: &facts.item.unit_of_measure,
        version: movement.version.get(),
        occurred_at: instant(facts.occurred_at),
    };
    Ok(message(
        facts,
        source,
        topics::WAREHOUSE_LOW_STOCK,
        serde_json::to_vec(&data)?,
    ))
}

fn stock_change<'a>(facts: &Facts<'a>) -> StockChange<'a> {
    let movement = facts.movement;
    let record = &facts.item.record;
    StockChange {
        product_id: &record.id,
        sku: &record.sku,
        name: &record.name,
        warehouse_id: &movement.location_id,
        warehouse_name: facts.place.map(|place| place.name.as_str()),
        location_type: facts.place.map(|place| place.kind.as_str()),
        change_type: &movement.kind,
        quantity_change: movement.on_hand_delta,
        reserved_change: movement.reserved_delta,
        available_change: facts.available_delta(),
        quantity: movement.on_hand,
        reserved: movement.reserved,
        available: movement.available,
        in_transit: movement.in_transit,
        backordered: movement.backordered,
        damaged: movement.damaged,
        incoming: movement.incoming,
        unit_of_measure: &facts.item.unit_of_measure,
        reason: movement.reason.as_deref(),
        reference: movement.reference.as_deref(),
        reservation_id: movement.reservation_id,
        transfer_id: movement.transfer_id,
        correlation_id: movement.correlation_id.as_deref(),
        user_id: movement.user_id.as_deref(),
        source: &movement.source,
        version: movement.version.get(),
        occurred_at: instant(facts.occurred_at),
        recorded_at: movement.recorded_at.map(instant),
    }
}

/// Type and topic of a CloudEvent have one name.
fn message(facts: &Facts<'_>, source: &str, topic: &'static str, data: Vec<u8>) -> Message {
    let movement = facts.movement;
    let attributes = Attributes {
        contract: topic,
        event_type: topic,
        source,
        item: movement.item_id,
        location: &movement.location_id,
        version: movement.version,
        time: facts.occurred_at,
        content_type: JSON,
        schema_version: "1",
        traceparent: movement.traceparent.as_deref(),
    };
    let key = facts.item.record.id.clone();
    Message {
        topic,
        headers: attributes.headers(attributes.id(), &key),
        value: Some(data),
        key,
    }
}
