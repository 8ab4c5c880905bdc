//! `inventory.stock.events`: one `StockUpdatedEvent` for each movement.

use std::collections::BTreeMap;

use onhand_cdc::encode::{EncodeError, Encoder};
use onhand_cdc::topics;
use serde::Serialize;

use super::facts::{Facts, StockItem, instant};
use super::kind::Kind;
use super::message::{AVRO, Attributes, Message};
use super::quantity::Narrow;
use crate::publish::metrics;

/// Contract that the event id is made with.
const CONTRACT: &str = "inventory.stock.events.StockUpdated";

#[derive(Serialize)]
struct StockUpdatedEvent<'a> {
    event_id: String,
    event_type: &'a str,
    event_time: i64,
    item: &'a StockItem,
    stock_level: StockLevel<'a>,
    change: StockChange<'a>,
    metadata: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct StockLevel<'a> {
    quantity: i32,
    reserved: i32,
    available: i32,
    location_id: &'a str,
}

#[derive(Serialize)]
struct StockChange<'a> {
    previous_quantity: i32,
    new_quantity: i32,
    change_type: &'a str,
    reason: Option<&'a str>,
}

/// The event of a movement, whatever its type: the versions of an item at a location have no gap but after a restore.
pub(crate) fn stock_updated(
    facts: &Facts<'_>,
    source: &str,
    encoder: &Encoder,
    id: u32,
) -> Result<Message, EncodeError> {
    let movement = facts.movement;
    let event_type = Kind::of(&movement.kind).event_type();
    let attributes = Attributes {
        contract: CONTRACT,
        event_type,
        source,
        item: movement.item_id,
        location: &movement.location_id,
        version: movement.version,
        time: facts.occurred_at,
        content_type: AVRO,
        schema_version: "2",
        traceparent: movement.traceparent.as_deref(),
    };
    let mut narrow = Narrow::default();
    let stock_level = StockLevel {
        quantity: narrow.int("quantity", movement.on_hand),
        reserved: narrow.int("reserved", movement.reserved),
        available: narrow.int("available", movement.available),
        location_id: &movement.location_id,
    };
    let change = StockChange {
        previous_quantity: narrow.int("previous_quantity", facts.previous_on_hand()),
        new_quantity: narrow.int("new_quantity", movement.on_hand),
        change_type: &movement.kind,
        reason: movement.reason.as_deref(),
    };
    let mut metadata = metadata(facts);
    if narrow.say(&mut metadata) {
        metrics::saturated(topics::STOCK_EVENTS);
    }
    let event_id = attributes.id();
    let event = StockUpdatedEvent {
        event_id: event_id.to_string(),
        event_type,
        event_time: facts.occurred_at.as_millisecond(),
        item: &facts.item.record,
        stock_level,
        change,
        metadata,
    };
    let key = facts.item.record.id.clone();
    Ok(Message {
        topic: topics::STOCK_EVENTS,
        headers: attributes.headers(event_id, &key),
        value: Some(encoder.encode(id, &event)?),
        key,
    })
}

/// All that the ledger says and the record has no field for.
fn metadata(facts: &Facts<'_>) -> BTreeMap<String, String> {
    let movement = facts.movement;
    let texts = [
        ("version", Some(movement.version.to_string())),
        ("source", Some(movement.source.clone())),
        ("recorded_at", movement.recorded_at.map(instant)),
        ("reserved_change", Some(movement.reserved_delta.to_string())),
        ("unit_of_measure", Some(facts.item.unit_of_measure.clone())),
        ("location_name", facts.place.map(|place| place.name.clone())),
        ("location_type", facts.place.map(|place| place.kind.clone())),
        ("correlation_id", movement.correlation_id.clone()),
        ("user_id", movement.user_id.clone()),
        ("reference", movement.reference.clone()),
        ("reservation_id", movement.reservation_id.map(|id| id.to_string())),
        ("transfer_id", movement.transfer_id.map(|id| id.to_string())),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), text?)))
        .collect()
}
