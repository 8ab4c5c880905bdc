//! The topics that other systems write to, and where they are answered: one record for each, sent here and read back by whoever
//! reads the rest.

use std::time::{Duration, Instant};

use onhand_cdc::topics::{FAILURES, INVENTORY_EVENTS, INVENTORY_EVENTS_DLQ, STOCK_COMMANDS, STOCK_FAILURES};
use onhand_tests::inbound::{Contract, hex, record, with_keys};
use onhand_tests::stack::{SETTLE, Stack};
use serde_json::{Value, json};

/// No command at all.
const GARBAGE: &[u8] = b"garbage";

/// What was sent, all under one key: an event and a command that are refused, because nobody has this sku, and garbage.
pub(super) struct Inbound {
    sku: String,
    event: Vec<u8>,
    command: Vec<u8>,
}

impl Inbound {
    /// Sends it and waits until each is answered.
    pub(super) async fn send(stack: &Stack) -> Self {
        let sku = format!("PUB-NOBODY-{}", uuid::Uuid::now_v7().simple());
        let event = Contract::own("inventory/v2_inventory_event.avsc").await.unwrap();
        let event = event.encode(
            &json!({"eventId": format!("{sku}-event"), "sku": sku, "eventType": "STOCK_IN", "quantity": 3,
            "locationId": "PUB-W1", "timestamp": 1_700_000_000_000_i64, "supplierName": "Lamps Ltd"}),
        );
        let command = Contract::own("stock/v1_stock_command.avsc").await.unwrap();
        let command = command.encode(
            &json!({"command_id": format!("{sku}-command"), "command_type": "ADD", "sku": sku,
            "location_id": "PUB-W1", "quantity": 5}),
        );
        let sent = Self {
            sku,
            event: event.unwrap(),
            command: command.unwrap(),
        };
        let records =
            |values: &[&[u8]]| -> Vec<_> { values.iter().map(|value| record(&sent.sku, value.to_vec())).collect() };
        stack
            .produce_all(INVENTORY_EVENTS, &records(&[&sent.event]))
            .await
            .unwrap();
        stack
            .produce_all(STOCK_COMMANDS, &records(&[&sent.command, GARBAGE]))
            .await
            .unwrap();
        sent.is_answered(stack).await;
        sent
    }

    async fn is_answered(&self, stack: &Stack) {
        let deadline = Instant::now() + SETTLE;
        let keys = [self.sku.clone()];
        for topic in [INVENTORY_EVENTS_DLQ, STOCK_FAILURES, FAILURES] {
            while with_keys(stack, topic, &keys).unwrap().is_empty() {
                assert!(Instant::now() < deadline, "{topic}: no answer");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }

    /// Whether a line of the Python client is about what was sent.
    pub(super) fn has(&self, line: &Value) -> bool {
        line["key"] == self.sku
    }

    /// Each of them was read, as what it is.
    pub(super) fn assert_read(&self, lines: &[Value]) {
        let values = |topic: &str| -> Vec<&Value> {
            let about = lines.iter().filter(|line| line["topic"] == topic && self.has(line));
            about.map(|line| &line["value"]).collect()
        };
        let [event] = values(INVENTORY_EVENTS)[..] else {
            panic!("{INVENTORY_EVENTS}: {:?}", values(INVENTORY_EVENTS));
        };
        assert_eq!(
            (&event["sku"], &event["eventType"], &event["supplierName"]),
            (&json!(self.sku), &json!("STOCK_IN"), &json!("Lamps Ltd"))
        );
        let [command, garbage] = values(STOCK_COMMANDS)[..] else {
            panic!("{STOCK_COMMANDS}: {:?}", values(STOCK_COMMANDS));
        };
        assert_eq!(
            (&command["sku"], &command["command_type"], &command["quantity"]),
            (&json!(self.sku), &json!("ADD"), &json!(5))
        );
        assert!(
            garbage.get("unreadable").is_some(),
            "{garbage}: the client says what it cannot read"
        );
        let failures = values(STOCK_FAILURES);
        assert!(!failures.is_empty(), "{STOCK_FAILURES}");
        for failure in failures {
            assert_eq!(failure["command_id"], format!("{}-command", self.sku));
            assert_eq!(failure["slug"], "unknown_item");
            assert_eq!(failure["original_value"], hex(&self.command));
        }
        // Records that were given up have no schema of their own: they are what they were.
        for (topic, bytes) in [(INVENTORY_EVENTS_DLQ, self.event.as_slice()), (FAILURES, GARBAGE)] {
            let letters = values(topic);
            assert!(!letters.is_empty(), "{topic}");
            assert!(
                letters.iter().all(|letter| **letter == hex(bytes)),
                "{topic}: {letters:?}"
            );
        }
    }
}
