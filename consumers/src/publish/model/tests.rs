//! What each contract says of a movement.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use jiff::Timestamp;
use onhand_cdc::encode::Encoder;
use onhand_cdc::envelope::StockSummaryRow;
use onhand_cdc::schemas::{self, SchemaFile};
use onhand_cdc::{Environment, RowVersion, topics};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{item, movement};
use super::*;

const SOURCE: &str = "/onhand/inventory";

/// The value of a record as a reader sees it who knows nothing but the schema.
fn decoded(file: SchemaFile, message: &Message) -> BTreeMap<String, Avro> {
    let bytes = message.value.as_deref().unwrap();
    assert_eq!(&bytes[..5], [0, 0, 0, 0, 9]);
    let schema = Schema::parse_str(file.text).unwrap();
    let reader = GenericDatumReader::builder(&schema).build().unwrap();
    let mut body = &bytes[5..];
    let Avro::Record(fields) = reader.read_value(&mut body).unwrap() else {
        panic!("no record");
    };
    assert!(body.is_empty());
    fields.into_iter().collect()
}

fn json_of(message: &Message) -> Value {
    serde_json::from_slice(message.value.as_deref().unwrap()).unwrap()
}

fn header<'m>(message: &'m Message, name: &str) -> &'m str {
    message
        .headers
        .iter()
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.as_ref())
        .unwrap()
}

fn text(value: &Avro) -> &str {
    match value {
        Avro::String(text) => text,
        other => panic!("{other:?} is no text"),
    }
}

#[test]
fn a_stock_event_has_the_fields_of_its_contract_and_every_header() {
    let (movement, item) = (movement("commit", 12, (-5, -5), (95, 3)), item());
    let facts = Facts::new(&movement, &item).unwrap();
    let encoder = Encoder::new(schemas::STOCK_UPDATED).unwrap();
    let message = stock_updated(&facts, SOURCE, &encoder, 9).unwrap();
    assert_eq!(
        (message.topic, message.key.clone()),
        (topics::STOCK_EVENTS, item.record.id.clone())
    );
    let event = decoded(schemas::STOCK_UPDATED, &message);
    assert_eq!(text(&event["event_type"]), "STOCK_UPDATED");
    assert_eq!(event["event_time"], Avro::TimestampMillis(1_700_000_000_123));
    let Avro::Record(level) = &event["stock_level"] else {
        panic!()
    };
    assert_eq!(level[0].1, Avro::Int(95));
    assert_eq!(level[2].1, Avro::Int(92));
    let Avro::Record(shown) = &event["item"] else { panic!() };
    let shown: BTreeMap<&str, &Avro> = shown.iter().map(|(name, value)| (name.as_str(), value)).collect();
    assert_eq!(shown["tags"], &Avro::Array(vec![Avro::String("new".to_owned())]));
    assert!(matches!(shown["dimensions"], Avro::Union(1, _)));
    let Avro::Record(change) = &event["change"] else {
        panic!()
    };
    assert_eq!(
        (change[0].1.clone(), change[1].1.clone()),
        (Avro::Int(100), Avro::Int(95))
    );
    assert_eq!(change[2].1, Avro::String("commit".to_owned()));
    let Avro::Map(metadata) = &event["metadata"] else {
        panic!()
    };
    assert_eq!(text(&metadata["version"]), "12");
    assert!(!metadata.contains_key("saturated"));

    assert_eq!(header(&message, "ce_id"), text(&event["event_id"]));
    assert_eq!(header(&message, "event_type"), "STOCK_UPDATED");
    assert_eq!(header(&message, "schema_version"), "2");
    assert_eq!(header(&message, "ce_specversion"), "1.0");
    assert_eq!(header(&message, "ce_subject"), format!("{}/W1", item.id));
    assert_eq!(header(&message, "ce_time"), "2023-11-14T22:13:20.123000Z");
    assert_eq!(header(&message, "ce_partitionkey"), message.key);
    assert_eq!(Some(header(&message, "traceparent")), movement.traceparent.as_deref());
}

#[test]
fn a_quantity_beyond_32_bits_is_held_at_the_limit_and_said_exactly() {
    let huge = i64::from(i32::MAX) + 1;
    let (movement, item) = (movement("receipt", 2, (huge, 0), (huge, 4)), item());
    let facts = Facts::new(&movement, &item).unwrap();
    let encoder = Encoder::new(schemas::STOCK_UPDATED).unwrap();
    let event = decoded(
        schemas::STOCK_UPDATED,
        &stock_updated(&facts, SOURCE, &encoder, 9).unwrap(),
    );
    let Avro::Record(level) = &event["stock_level"] else {
        panic!()
    };
    assert_eq!(level[0].1, Avro::Int(i32::MAX));
    assert_eq!(level[1].1, Avro::Int(4));
    let Avro::Map(metadata) = &event["metadata"] else {
        panic!()
    };
    assert_eq!(text(&metadata["saturated"]), "quantity,new_quantity");
    assert_eq!(text(&metadata["exact_quantity"]), huge.to_string());
}

#[test]
fn the_state_is_keyed_by_item_and_location_and_carries_its_version() {
    let (movement, item) = (movement("reserve", 3, (0, 2), (5_000_000_000, 2)), item());
    let facts = Facts::new(&movement, &item).unwrap();
    let encoder = Encoder::new(schemas::STOCK_STATE).unwrap();
    let message = state(&facts, SOURCE, &encoder, 9).unwrap();
    assert_eq!(message.key, format!("{}:W1", item.id));
    let state = decoded(schemas::STOCK_STATE, &message);
    assert_eq!(state["on_hand"], Avro::Long(5_000_000_000));
    assert_eq!(state["available"], Avro::Long(4_999_999_998));
    assert_eq!(state["version"], Avro::Long(3));
    assert_eq!(text(&state["sku"]), "A-1");
}

#[test]
fn a_catalogue_event_has_the_envelope_of_the_catalogue() {
    let (movement, item) = (movement("commit", 12, (-5, -5), (95, 3)), item());
    let mut facts = Facts::new(&movement, &item).unwrap();
    let expiry: Timestamp = "2025-12-31T12:00:00Z".parse().unwrap();
    facts.lot = Some(("BATCH-789", Some(expiry)));
    let message = stock_level_changed(&facts, SOURCE, Environment::Sit).unwrap().unwrap();
    assert_eq!(message.topic, "inventory.sit.events");
    assert_eq!(message.key, item.record.id);
    let event = json_of(&message);
    assert_eq!(event["eventType"], "STOCK_LEVEL_CHANGED");
    assert_eq!(event["version"], "1.0");
    assert_eq!(event["eventId"], header(&message, "ce_id"));
    assert_eq!(
        event["payload"],
        json!({
            "productId": item.record.id, "sku": "A-1", "locationId": "W1", "previousQuantity": 100, "newQuantity": 95,
            "changeReason": "ORDER_FULFILLED", "unitOfMeasure": "EACH",
            "batchInfo": {"batchId": "BATCH-789", "expiryDate": "2025-12-31"},
            "previousAvailable": 92, "newAvailable": 92, "stockVersion": 12
        })
    );
    assert_eq!(event["metadata"]["source"], "api");
    assert_eq!(event["metadata"]["correlationId"], "c-1");
    assert!(event["metadata"].get("userId").is_none());
}

#[test]
fn settings_and_deadlines_move_no_units() {
    let (movement, item) = (movement("extend", 2, (0, 0), (5, 1)), item());
    let facts = Facts::new(&movement, &item).unwrap();
    assert_eq!(stock_level_changed(&facts, SOURCE, Environment::Dev).unwrap(), None);
    assert!(stock_changes(&facts, SOURCE).unwrap().is_empty());
}

#[test]
fn each_sort_of_movement_has_its_topic_beside_the_one_for_all() {
    for (kind, topic) in [
        ("receipt", None),
        ("commit", None),
        ("a new type", None),
        ("count", Some(topics::WAREHOUSE_ADJUSTED)),
        ("transfer_in", Some(topics::WAREHOUSE_TRANSFERRED)),
        ("reserve", Some(topics::WAREHOUSE_RESERVED)),
        ("expire", Some(topics::WAREHOUSE_RELEASED)),
    ] {
        let (movement, item) = (movement(kind, 2, (1, 0), (5, 1)), item());
        let facts = Facts::new(&movement, &item).unwrap();
        let messages = stock_changes(&facts, SOURCE).unwrap();
        let found: Vec<&str> = messages.iter().map(|message| message.topic).collect();
        let expected: Vec<&str> = topic.into_iter().chain([topics::WAREHOUSE_UPDATED]).collect();
        assert_eq!(found, expected, "{kind}");
        for message in &messages {
            assert_eq!(header(message, "ce_type"), message.topic);
            assert_eq!(json_of(message)["available_change"], 1);
        }
        let ids: BTreeSet<&str> = messages.iter().map(|message| header(message, "ce_id")).collect();
        assert_eq!(ids.len(), messages.len());
    }
}

#[test]
fn an_id_follows_from_what_the_event_is_about_and_from_nothing_else() {
    let item = item();
    let id = |version: i64, location: &str, reason: Option<&str>| {
        let mut movement = movement("receipt", version, (1, 0), (version, 0));
        movement.location_id = location.to_owned();
        movement.reason = reason.map(str::to_owned);
        let facts = Facts::new(&movement, &item).unwrap();
        let message = stock_level_changed(&facts, SOURCE, Environment::Dev).unwrap().unwrap();
        header(&message, "ce_id").to_owned()
    };
    assert_eq!(id(1, "W1", None), id(1, "W1", Some("another text")));
    assert_ne!(id(1, "W1", None), id(2, "W1", None));
    assert_ne!(id(1, "W1", None), id(1, "W2", None));
    // It is part of the contract: readers keep ids for longer than a release lives.
    assert_eq!(id(1, "W1", None), "f9e927aa-3305-50ab-b2da-8531a578ee76");
}

fn edge(deltas: (i64, i64), after: (i64, i64), settings: (Settings, Settings)) -> bool {
    let (movement, item) = (movement("removal", 2, deltas, after), item());
    let facts = Facts::new(&movement, &item).unwrap();
    LowStock::edge(&facts, settings.0, settings.1).is_some()
}

#[test]
fn low_stock_is_an_edge_of_what_is_available_against_the_threshold() {
    let at = |reorder_point| Settings::new(3, reorder_point, "deny");
    let same = |settings| (settings, settings);
    assert!(edge((-1, 0), (10, 0), same(at(10))), "falls to the threshold");
    assert!(!edge((-1, 0), (9, 0), same(at(10))), "was low already");
    assert!(!edge((-1, 0), (11, 0), same(at(10))), "is above it");
    assert!(
        edge((0, 8), (11, 8), same(at(0))),
        "a reservation takes from what is available"
    );
    assert!(
        edge((-9, 0), (0, 0), same(Settings::new(0, 0, "deny"))),
        "out of stock is low too"
    );
    assert!(
        !edge((-9, 0), (0, 0), same(Settings::new(0, 5, "unlimited"))),
        "never runs out"
    );
    assert!(!edge((5, 0), (8, 0), same(at(10))), "more stock is no alarm");
    assert!(edge((0, 0), (10, 0), (at(5), at(10))), "the threshold rose");
    assert!(!edge((0, 0), (10, 0), (at(10), at(12))), "was low by the old one");
}

#[test]
fn a_low_stock_event_says_what_was_and_what_is() {
    let (movement, item) = (movement("removal", 2, (-4, 0), (8, 0)), item());
    let facts = Facts::new(&movement, &item).unwrap();
    let settings = Settings::new(3, 10, "deny");
    let low = LowStock::edge(&facts, settings, settings).unwrap();
    let alert = json_of(&low_stock_alert(&facts, low, SOURCE, Environment::Dev).unwrap());
    assert_eq!(alert["eventType"], "LOW_STOCK_ALERT");
    assert_eq!(alert["payload"]["previousQuantity"], 12);
    assert_eq!(alert["payload"]["currentQuantity"], 8);
    assert_eq!(alert["payload"]["threshold"], 10);
    let message = low_stock(&facts, low, SOURCE).unwrap();
    assert_eq!(message.topic, topics::WAREHOUSE_LOW_STOCK);
    let data = json_of(&message);
    assert_eq!(
        (data["available"].clone(), data["out_of_stock"].clone()),
        (json!(8), json!(false))
    );
}

#[test]
fn a_policy_movement_says_the_settings_before_and_after() {
    let detail = json!({
        "safety_stock": 4, "reorder_point": 9, "policy": "deny",
        "before": {"safety_stock": 0, "reorder_point": 0, "policy": "unlimited"}
    });
    let (before, after) = settings_change(Some(&detail.to_string())).unwrap();
    assert!(before.unlimited && !after.unlimited);
    assert_eq!(after.threshold(), 9);
    assert_eq!(settings_change(Some("{\"lot\": \"L1\"}")), None);
    assert_eq!(
        named_lot(Some("{\"lot\": \"L1\", \"serials\": [\"a\"]}")).as_deref(),
        Some("L1")
    );
    assert_eq!(named_lot(None), None);
}

#[test]
fn an_aggregate_has_quantities_by_type_of_location_and_the_flag() {
    let item = item();
    let row = StockSummaryRow {
        item_id: item.id,
        sku: "A-1".to_owned(),
        on_hand: 30,
        reserved: 4,
        available: 26,
        in_transit: 0,
        backordered: 0,
        damaged: 0,
        incoming: 0,
        oversold: 0,
        threshold: 30,
        status: "low_stock".to_owned(),
        location_count: 2,
        by_location: "{}".to_owned(),
        by_location_type: json!({
            "warehouse": {"locations": 1, "on_hand": 20, "reserved": 4, "available": 16},
            "store": {"locations": 1, "on_hand": 10, "reserved": 0, "available": 10, "damaged": 1}
        })
        .to_string(),
        version: RowVersion::new(8),
        updated_at: Timestamp::from_millisecond(5).ok(),
    };
    let encoder = Encoder::new(schemas::INVENTORY_AGGREGATE).unwrap();
    let message = aggregate(Some(&row), &item, SOURCE, &encoder, 9).unwrap();
    assert_eq!(message.key, "A-1");
    let record = decoded(schemas::INVENTORY_AGGREGATE, &message);
    let Avro::Map(by_type) = &record["availableByLocationType"] else {
        panic!()
    };
    assert_eq!(
        (by_type["warehouse"].clone(), by_type["store"].clone()),
        (Avro::Long(16), Avro::Long(10))
    );
    assert_eq!(record["lowStock"], Avro::Boolean(true));
    assert_eq!(
        record["productName"],
        Avro::Union(1, Box::new(Avro::String("Bolt".to_owned())))
    );
    let gone = aggregate(None, &item, SOURCE, &encoder, 9).unwrap();
    assert_eq!((gone.key.as_str(), gone.value), ("A-1", None));
    let placeholder = StockSummaryRow {
        by_location_type: onhand_cdc::envelope::UNAVAILABLE.to_owned(),
        ..row
    };
    assert!(aggregate(Some(&placeholder), &item, SOURCE, &encoder, 9).is_err());
}

proptest! {
    /// A reader who adds up what the events say has, after each of them, the state that is published.
    #[test]
    fn the_sum_of_the_published_deltas_is_the_published_state(
        deltas in prop::collection::vec((-1_000_000_i64..1_000_000, -1_000_i64..1_000), 1..40)
    ) {
        let item = item();
        let states = Encoder::new(schemas::STOCK_STATE).unwrap();
        let (mut on_hand, mut reserved) = (0, 0);
        let (mut quantity, mut held) = (0, 0);
        for (number, (on_hand_delta, reserved_delta)) in deltas.into_iter().enumerate() {
            on_hand += on_hand_delta;
            reserved += reserved_delta;
            let version = i64::try_from(number).unwrap() + 1;
            let movement = movement("adjustment", version, (on_hand_delta, reserved_delta), (on_hand, reserved));
            let facts = Facts::new(&movement, &item).unwrap();
            for message in stock_changes(&facts, SOURCE).unwrap() {
                if message.topic == topics::WAREHOUSE_UPDATED {
                    quantity += json_of(&message)["quantity_change"].as_i64().unwrap();
                    held += json_of(&message)["reserved_change"].as_i64().unwrap();
                }
            }
            if let Some(message) = stock_level_changed(&facts, SOURCE, Environment::Dev).unwrap() {
                let payload = json_of(&message)["payload"].clone();
                prop_assert_eq!(payload["newQuantity"].as_i64(), Some(quantity));
                prop_assert_eq!(payload["previousQuantity"].as_i64(), Some(quantity - on_hand_delta));
                prop_assert_eq!(payload["newAvailable"].as_i64(), Some(quantity - held));
            }
            let state = decoded(schemas::STOCK_STATE, &state(&facts, SOURCE, &states, 9).unwrap());
            prop_assert_eq!(&state["on_hand"], &Avro::Long(quantity));
            prop_assert_eq!(&state["reserved"], &Avro::Long(held));
            prop_assert_eq!(&state["available"], &Avro::Long(quantity - held));
        }
    }
}
