#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use onhand_cdc::topics;

use super::*;

fn event(change: Inbound, headers: &[(&str, &str)]) -> Event<Inbound> {
    let headers = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
        .collect();
    Event {
        record: Record {
            headers,
            ..Record::new(topics::INVENTORY_EVENTS, 0, 0)
        },
        change,
    }
}

fn inventory(event_type: &str, metadata: &[(&str, &str)]) -> InventoryEvent {
    let metadata = metadata
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    InventoryEvent {
        event_id: "e-1".to_owned(),
        sku: "A-1".to_owned(),
        event_type: event_type.to_owned(),
        quantity: 3,
        location_id: "W1".to_owned(),
        product_name: None,
        timestamp: Moment::Millis(0),
        user_id: Some(String::new()),
        reason: None,
        metadata: Some(metadata.collect()),
        supplier_name: None,
    }
}

fn translated(event_type: &str, metadata: &[(&str, &str)]) -> Result<Value, Box<Refusal>> {
    let change = Inbound::Event(Box::new(inventory(event_type, metadata)));
    command_of(&event(change, &[]), &IngestConfig::default())
}

fn stock(json: &Value) -> Result<Value, Box<Refusal>> {
    let command = StockCommand::from_json(json.to_string().as_bytes()).unwrap();
    command_of(
        &event(Inbound::Command(Box::new(command)), &[]),
        &IngestConfig::default(),
    )
}

#[test]
fn each_type_of_event_has_its_operation() {
    for (event_type, op) in [
        ("STOCK_IN", "add"),
        ("STOCK_OUT", "remove"),
        ("SALE", "remove"),
        ("RESERVATION", "reserve"),
        ("ADJUSTMENT", "adjust"),
    ] {
        let command = translated(event_type, &[]).unwrap();
        assert_eq!(command["op"], op);
        assert_eq!(command["idempotency_key"], "e-1");
        assert_eq!(command["reference"], "e-1");
        assert_eq!(command["occurred_at"], "1970-01-01T00:00:00Z");
        assert!(command.get("user_id").is_none(), "an empty text is none");
    }
    assert_eq!(translated("SALE", &[]).unwrap()["reason"], "sale");
    let refused = translated("TELEPORT", &[]).unwrap_err();
    assert_eq!(refused.code, ErrorCode::InvalidArgument);
    assert_eq!(refused.detail["field"], "eventType");
}

#[test]
fn metadata_may_say_more() {
    let said = [
        ("reservationId", "018f0000-0000-7000-8000-000000000001"),
        ("expiresInSeconds", "60"),
        ("owner", "cart-1"),
        ("correlationId", "c"),
        ("reference", "order-1"),
        ("colour", "red"),
    ];
    let command = translated("RESERVATION", &said).unwrap();
    let expected = json!({"op": "reserve", "idempotency_key": "e-1", "sku": "A-1", "location": "W1", "quantity": 3,
        "occurred_at": "1970-01-01T00:00:00Z", "reservation_id": "018f0000-0000-7000-8000-000000000001",
        "expires_in_seconds": 60, "owner": "cart-1", "correlation_id": "c", "reference": "order-1"});
    assert_eq!(command, expected);
    assert!(translated("RESERVATION", &[("expiresInSeconds", "soon")]).is_err());
}

#[test]
fn a_reservation_has_an_id_that_its_sender_can_work_out() {
    let first = translated("RESERVATION", &[]).unwrap();
    assert_eq!(
        first["reservation_id"],
        translated("RESERVATION", &[]).unwrap()["reservation_id"]
    );
    assert_eq!(reservation_id("not a uuid"), "1381e7a6-294a-5267-8082-36e23d559173");
    let own = "018F0000-0000-7000-8000-000000000001";
    assert_eq!(reservation_id(own), own.to_lowercase());
}

#[test]
fn an_adjustment_without_a_reason_takes_the_one_of_the_settings() {
    let change = Inbound::Event(Box::new(inventory("ADJUSTMENT", &[])));
    let config = IngestConfig {
        adjustment_reason_code: Some("correction".to_owned()),
        ..IngestConfig::default()
    };
    let command = command_of(&event(change.clone(), &[]), &config).unwrap();
    assert_eq!(command["reason_code"], "correction");
    let command = command_of(&event(change, &[]), &IngestConfig::default()).unwrap();
    assert!(command.get("reason_code").is_none());
}

#[test]
fn a_trace_that_is_none_costs_nothing() {
    let change = Inbound::Event(Box::new(inventory("SALE", &[])));
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (header, expected) in [
        (trace, Some(trace)),
        ("nonsense", None),
        ("", None),
        (&"x".repeat(55), None),
    ] {
        let headers = [("traceparent", header), ("correlation_id", "c-9")];
        let command = command_of(&event(change.clone(), &headers), &IngestConfig::default()).unwrap();
        assert_eq!(command.get("traceparent").and_then(Value::as_str), expected);
        assert_eq!(command["correlation_id"], "c-9");
    }
}

#[test]
fn every_type_of_the_contract_is_an_operation_and_the_others_are_refused() {
    let schema: Value =
        serde_json::from_str(onhand_cdc::schemas::newest(topics::STOCK_COMMANDS).unwrap().text).unwrap();
    let symbols = schema.pointer("/fields/1/type/symbols").unwrap().as_array().unwrap();
    let operations: Vec<String> = symbols
        .iter()
        .map(|symbol| symbol.as_str().unwrap().to_lowercase())
        .collect();
    assert_eq!(operations, OPERATIONS);
    for other in ["EXPIRE", "RECALL", "COUNT", "ORDER", "", "add; drop"] {
        let refused = stock(&json!({"command_id": "c", "command_type": other})).unwrap_err();
        assert_eq!(refused.detail["field"], "command_type");
    }
}

#[test]
fn places_are_named_as_the_operation_names_them() {
    let base = json!({"command_id": "c", "command_type": "MOVE", "sku": "A", "location_id": "W1", "to_location_id": "W2",
        "quantity": 1});
    let command = stock(&base).unwrap();
    assert_eq!((&command["from"], &command["to"]), (&json!("W1"), &json!("W2")));
    let command = stock(
        &json!({"command_id": "c", "command_type": "RESERVE", "location_id": "W1",
        "lines": [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 2, "location_id": "W2"}]}),
    )
    .unwrap();
    assert!(command.get("location").is_none());
    let lines = json!([{"sku": "A", "location": "W1", "quantity": 1}, {"sku": "B", "location": "W2", "quantity": 2}]);
    assert_eq!(command["lines"], lines);
    let command =
        stock(&json!({"command_id": "c", "command_type": "ADD", "location_id": "W1", "to_location_id": "W2"}));
    assert_eq!(
        command.unwrap()["to"],
        "W2",
        "what does not belong there is for the database to refuse"
    );
}
