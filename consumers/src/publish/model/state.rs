//! `inventory.state`: all balances of an item at a location after its latest change.

use onhand_cdc::encode::{EncodeError, Encoder};
use onhand_cdc::topics;
use serde::Serialize;

use super::facts::Facts;
use super::message::{AVRO, Attributes, Message};

#[derive(Serialize)]
struct StockState<'a> {
    item_id: &'a str,
    sku: &'a str,
    location_id: &'a str,
    on_hand: i64,
    reserved: i64,
    available: i64,
    in_transit: i64,
    backordered: i64,
    damaged: i64,
    incoming: i64,
    version: i64,
    change_type: &'a str,
    updated_at: i64,
}

/// The state after a movement. The key is item and location, so that compaction keeps the latest of each.
pub(crate) fn state(facts: &Facts<'_>, source: &str, encoder: &Encoder, id: u32) -> Result<Message, EncodeError> {
    let movement = facts.movement;
    let recorded_at = movement.recorded_at.unwrap_or(facts.occurred_at);
    let state = StockState {
        item_id: &facts.item.record.id,
        sku: &facts.item.record.sku,
        location_id: &movement.location_id,
        on_hand: movement.on_hand,
        reserved: movement.reserved,
        available: movement.available,
        in_transit: movement.in_transit,
        backordered: movement.backordered,
        damaged: movement.damaged,
        incoming: movement.incoming,
        version: movement.version.get(),
        change_type: &movement.kind,
        updated_at: recorded_at.as_millisecond(),
    };
    let key = format!("{}:{}", state.item_id, state.location_id);
    let attributes = Attributes {
        contract: topics::STATE,
        event_type: "STOCK_STATE",
        source,
        item: movement.item_id,
        location: &movement.location_id,
        version: movement.version,
        time: recorded_at,
        content_type: AVRO,
        schema_version: "1",
        traceparent: movement.traceparent.as_deref(),
    };
    Ok(Message {
        topic: topics::STATE,
        headers: attributes.headers(attributes.id(), &key),
        value: Some(encoder.encode(id, &state)?),
        key,
    })
}
