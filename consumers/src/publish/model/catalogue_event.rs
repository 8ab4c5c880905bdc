//! `inventory.<env>.events`: JSON events of the inventory catalogue.

use jiff::tz::TimeZone;
use onhand_cdc::Environment;
use serde::Serialize;
use uuid::Uuid;

use super::facts::{Facts, instant};
use super::kind::change_reason;
use super::message::{Attributes, JSON, Message};
use super::settings::LowStock;

const VERSION: &str = "1.0";
/// The environment is not part of it: an inventory is in one.
const CHANGED: &str = "inventory.events.STOCK_LEVEL_CHANGED";
const LOW: &str = "inventory.events.LOW_STOCK_ALERT";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CatalogueEvent<'a, P> {
    event_id: Uuid,
    event_type: &'a str,
    timestamp: String,
    version: &'static str,
    payload: P,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StockLevelChanged<'a> {
    product_id: &'a str,
    sku: &'a str,
    location_id: &'a str,
    previous_quantity: i64,
    new_quantity: i64,
    change_reason: String,
    unit_of_measure: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_info: Option<BatchInfo<'a>>,
    previous_available: i64,
    new_available: i64,
    stock_version: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchInfo<'a> {
    batch_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiry_date: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LowStockAlert<'a> {
    product_id: &'a str,
    sku: &'a str,
    location_id: &'a str,
    previous_quantity: i64,
    current_quantity: i64,
    threshold: i64,
    unit_of_measure: &'a str,
    stock_version: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
}

/// The event of a movement that moved units; none of one that only changed settings or deadlines.
pub(crate) fn stock_level_changed(
    facts: &Facts<'_>,
    source: &str,
    environment: Environment,
) -> serde_json::Result<Option<Message>> {
    if !facts.moves_units() {
        return Ok(None);
    }
    let movement = facts.movement;
    let record = &facts.item.record;
    let payload = StockLevelChanged {
        product_id: &record.id,
        sku: &record.sku,
        location_id: &movement.location_id,
        previous_quantity: facts.previous_on_hand(),
        new_quantity: movement.on_hand,
        change_reason: change_reason(&movement.kind),
        unit_of_measure: &facts.item.unit_of_measure,
        batch_info: facts.lot.map(|(code, expires_at)| BatchInfo {
            batch_id: code,
            expiry_date: expires_at.map(|at| at.to_zoned(TimeZone::UTC).date().to_string()),
        }),
        previous_available: facts.previous_available(),
        new_available: movement.available,
        stock_version: movement.version.get(),
    };
    message(facts, source, environment, CHANGED, "STOCK_LEVEL_CHANGED", payload).map(Some)
}

/// The alert of a movement that made the stock low.
pub(crate) fn low_stock_alert(
    facts: &Facts<'_>,
    low: LowStock,
    source: &str,
    environment: Environment,
) -> serde_json::Result<Message> {
    let movement = facts.movement;
    let record = &facts.item.record;
    let payload = LowStockAlert {
        product_id: &record.id,
        sku: &record.sku,
        location_id: &movement.location_id,
        previous_quantity: low.previous,
        current_quantity: movement.available,
        threshold: low.settings.threshold(),
        unit_of_measure: &facts.item.unit_of_measure,
        stock_version: movement.version.get(),
    };
    message(facts, source, environment, LOW, "LOW_STOCK_ALERT", payload)
}

fn message<P: Serialize>(
    facts: &Facts<'_>,
    source: &str,
    environment: Environment,
    contract: &'static str,
    event_type: &'static str,
    payload: P,
) -> serde_json::Result<Message> {
    let movement = facts.movement;
    let attributes = Attributes {
        contract,
        event_type,
        source,
        item: movement.item_id,
        location: &movement.location_id,
        version: movement.version,
        time: facts.occurred_at,
        content_type: JSON,
        schema_version: "1",
        traceparent: movement.traceparent.as_deref(),
    };
    let id = attributes.id();
    let event = CatalogueEvent {
        event_id: id,
        event_type,
        timestamp: instant(facts.occurred_at),
        version: VERSION,
        payload,
        metadata: Metadata {
            source: &movement.source,
            correlation_id: movement.correlation_id.as_deref(),
            user_id: movement.user_id.as_deref(),
            reason: movement.reason.as_deref(),
            reference: movement.reference.as_deref(),
            reservation_id: movement.reservation_id,
            transfer_id: movement.transfer_id,
            recorded_at: movement.recorded_at.map(instant),
        },
    };
    let key = facts.item.record.id.clone();
    Ok(Message {
        topic: environment.events_topic(),
        headers: attributes.headers(id, &key),
        value: Some(serde_json::to_vec(&event)?),
        key,
    })
}
