//! `inventory-aggregates`: an item over all its locations, by type of location.

use std::collections::BTreeMap;

use onhand_cdc::encode::Encoder;
use onhand_cdc::envelope::StockSummaryRow;
use onhand_cdc::topics;
use serde::{Deserialize, Serialize};

use super::facts::Item;
use super::message::{AVRO, Attributes, Message};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InventoryAggregate<'a> {
    sku: &'a str,
    product_id: &'a str,
    product_name: Option<&'a str>,
    total_quantity: i64,
    reserved_quantity: i64,
    available_quantity: i64,
    quantity_by_location_type: BTreeMap<String, i64>,
    available_by_location_type: BTreeMap<String, i64>,
    location_count: i32,
    status: &'a str,
    low_stock: bool,
    low_stock_threshold: i64,
    version: i64,
    last_updated: i64,
}

/// What the row says of one type of location.
#[derive(Deserialize)]
struct Totals {
    on_hand: i64,
    available: i64,
}

/// The record of a summary; the key is the sku. Without a row the key is removed.
///
/// # Errors
/// Says what the row lacks.
pub(crate) fn aggregate(
    row: Option<&StockSummaryRow>,
    item: &Item,
    source: &str,
    encoder: &Encoder,
    id: u32,
) -> Result<Message, String> {
    let record = &item.record;
    let Some(row) = row else {
        return Ok(Message {
            topic: topics::AGGREGATES,
            key: record.sku.clone(),
            value: None,
            headers: Vec::new(),
        });
    };
    let updated_at = row.updated_at.ok_or("summary without a time")?;
    let by_type: BTreeMap<String, Totals> = serde_json::from_str(&row.by_location_type)
        .map_err(|error| format!("totals by type of location cannot be read: {error}"))?;
    let aggregate = InventoryAggregate {
        sku: &record.sku,
        product_id: &record.id,
        product_name: Some(&record.name),
        total_quantity: row.on_hand,
        reserved_quantity: row.reserved,
        available_quantity: row.available,
        quantity_by_location_type: totals(&by_type, |totals| totals.on_hand),
        available_by_location_type: totals(&by_type, |totals| totals.available),
        location_count: row.location_count,
        status: &row.status,
        low_stock: row.status != "in_stock",
        low_stock_threshold: row.threshold,
        version: row.version.get(),
        last_updated: updated_at.as_millisecond(),
    };
    let attributes = Attributes {
        contract: topics::AGGREGATES,
        event_type: "INVENTORY_AGGREGATE",
        source,
        item: row.item_id,
        location: "",
        version: row.version,
        time: updated_at,
        content_type: AVRO,
        schema_version: "1",
        traceparent: None,
    };
    Ok(Message {
        topic: topics::AGGREGATES,
        headers: attributes.headers(attributes.id(), &record.sku),
        value: Some(encoder.encode(id, &aggregate).map_err(|error| error.to_string())?),
        key: record.sku.clone(),
    })
}

fn totals(by_type: &BTreeMap<String, Totals>, pick: impl Fn(&Totals) -> i64) -> BTreeMap<String, i64> {
    by_type
        .iter()
        .map(|(kind, totals)| (kind.clone(), pick(totals)))
        .collect()
}
