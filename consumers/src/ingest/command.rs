//! From a record to a command of `api.apply_commands`.
//!
//! Names are translated and nothing is judged: what is missing, malformed or against a rule is refused by the database, in the
//! same words as for every other caller. The one exception is what has no command to become.

use onhand_cdc::inbound::{InventoryEvent, Moment, StockCommand, StockCommandLine};
use onhand_db::{ErrorCode, Refusal};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::config::IngestConfig;
use super::model::{Inbound, text_header};
use crate::runtime::{Event, Record};

/// What the ids of reservations are made under for events and commands whose own id is no UUID.
const RESERVATIONS: Uuid = Uuid::from_u128(0x6f6e_6861_6e64_5a00_8e1d_c5a0_41d2_b9e7);
/// Operations that other systems may ask for. Those left out are for people (counts, recalls, purchase orders) and for the
/// sweeper.
const OPERATIONS: [&str; 16] = [
    "add",
    "remove",
    "return",
    "adjust",
    "quarantine",
    "restore",
    "write_off",
    "move",
    "ship",
    "receive",
    "cancel_transfer",
    "reserve",
    "confirm",
    "cancel",
    "extend",
    "relocate",
];

/// The command that a record stands for.
pub(super) fn command_of(event: &Event<Inbound>, config: &IngestConfig) -> Result<Value, Box<Refusal>> {
    let mut command = match &event.change {
        Inbound::Event(inventory) => of_event(inventory, config)?,
        Inbound::Command(stock) => of_command(stock, config)?,
    };
    if !command.0.contains_key("correlation_id") {
        command.text("correlation_id", text_header(&event.record, "correlation_id"));
    }
    command.text("traceparent", traceparent(&event.record));
    Ok(Value::Object(command.0))
}

/// A trace is for watching: one that is none must not cost the command.
fn traceparent(record: &Record) -> Option<&str> {
    text_header(record, "traceparent")
        .filter(|text| text.len() == 55 && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()))
}

/// Fields of a command; what is not there or empty is left out.
#[derive(Debug, Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn new(op: &str, id: &str) -> Self {
        let mut fields = Self::default();
        fields.set("op", op);
        // Also if it is empty, which is refused: without a key the command would have an effect each time.
        fields.set("idempotency_key", id);
        fields
    }

    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.set(name, value);
        }
    }

    fn number(&mut self, name: &str, value: Option<i64>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    fn moment(&mut self, name: &str, value: Option<&Moment>) {
        if let Some(value) = value {
            self.set(name, value.text());
        }
    }

    fn list(&mut self, name: &str, values: &[String]) {
        if !values.is_empty() {
            self.set(name, values.to_vec());
        }
    }

    fn adjustment_reason(&mut self, op: &str, config: &IngestConfig) {
        if op == "adjust" && !self.0.contains_key("reason") && !self.0.contains_key("reason_code") {
            self.text("reason_code", config.adjustment_reason_code.as_deref());
        }
    }
}

fn of_event(event: &InventoryEvent, config: &IngestConfig) -> Result<Fields, Box<Refusal>> {
    let op = match event.event_type.as_str() {
        "STOCK_IN" => "add",
        "STOCK_OUT" | "SALE" => "remove",
        "RESERVATION" => "reserve",
        "ADJUSTMENT" => "adjust",
        other => return Err(invalid("eventType", &format!("'{}' is not known", short(other)))),
    };
    let extra = |name: &str| {
        event
            .metadata
            .as_ref()
            .and_then(|all| all.get(name))
            .map(String::as_str)
    };
    let mut fields = Fields::new(op, &event.event_id);
    fields.set("sku", event.sku.as_str());
    fields.set("location", event.location_id.as_str());
    fields.set("quantity", event.quantity);
    fields.set("occurred_at", event.timestamp.text());
    fields.text("user_id", event.user_id.as_deref());
    let reason = event.reason.as_deref().filter(|reason| !reason.is_empty());
    fields.text("reason", reason.or_else(|| default_reason(event)));
    fields.text("reason_code", extra("reasonCode"));
    fields.text("correlation_id", extra("correlationId"));
    fields.text("lot", extra("lot"));
    fields.text("reference", extra("reference").or(Some(&event.event_id)));
    fields.adjustment_reason(op, config);
    if op == "reserve" {
        fields.text("owner", extra("owner"));
        match extra("reservationId") {
            Some(id) => fields.text("reservation_id", Some(id)),
            None => fields.set("reservation_id", reservation_id(&event.event_id)),
        }
        if let Some(seconds) = extra("expiresInSeconds") {
            let seconds: i64 = seconds
                .parse()
                .map_err(|_| invalid("metadata/expiresInSeconds", "must be a whole number"))?;
            fields.set("expires_in_seconds", seconds);
        }
    }
    Ok(fields)
}

/// The ledger has one word for all that leaves; the event knows more.
fn default_reason(event: &InventoryEvent) -> Option<&str> {
    match event.event_type.as_str() {
        "SALE" => Some("sale"),
        "STOCK_IN" => event.supplier_name.as_deref(),
        _ => None,
    }
}

fn of_command(command: &StockCommand, config: &IngestConfig) -> Result<Fields, Box<Refusal>> {
    let wanted = command.command_type.to_ascii_lowercase();
    let op = OPERATIONS.into_iter().find(|op| *op == wanted).ok_or_else(|| {
        invalid(
            "command_type",
            &format!("'{}' is not known", short(&command.command_type)),
        )
    })?;
    let mut fields = Fields::new(op, &command.command_id);
    places(&mut fields, op, command);
    fields.text("sku", command.sku.as_deref());
    fields.number("quantity", command.quantity);
    fields.text("unit", command.unit.as_deref());
    fields.text("lot", command.lot.as_deref());
    fields.moment("lot_expires_at", command.lot_expires_at.as_ref());
    fields.list("serials", &command.serials);
    fields.text("state", command.state.as_deref());
    fields.text("reservation_id", command.reservation_id.as_deref());
    if op == "reserve" && !fields.0.contains_key("reservation_id") {
        fields.set("reservation_id", reservation_id(&command.command_id));
    }
    fields.text("transfer_id", command.transfer_id.as_deref());
    fields.text("owner", command.owner.as_deref());
    fields.number("expires_in_seconds", command.expires_in_seconds);
    fields.moment("expires_at", command.expires_at.as_ref());
    fields.number("expected_version", command.expected_version);
    fields.text("reason", command.reason.as_deref());
    fields.text("reason_code", command.reason_code.as_deref());
    fields.adjustment_reason(op, config);
    fields.text("reference", command.reference.as_deref().or(Some(&command.command_id)));
    fields.text("correlation_id", command.correlation_id.as_deref());
    fields.text("user_id", command.user_id.as_deref());
    fields.moment("occurred_at", command.occurred_at.as_ref());
    Ok(fields)
}

/// Operations between two places have the first one as theirs; in the others the lines take the place of the command.
fn places(fields: &mut Fields, op: &str, command: &StockCommand) {
    let between = matches!(op, "move" | "ship" | "relocate");
    let here = command.location_id.as_deref();
    if between {
        fields.text("from", here);
    } else if command.lines.is_empty() {
        fields.text("location", here);
    }
    fields.text("to", command.to_location_id.as_deref());
    if !command.lines.is_empty() {
        let place = if between { None } else { here };
        let lines: Vec<Value> = command.lines.iter().map(|line| line_of(line, place)).collect();
        fields.set("lines", lines);
    }
}

fn line_of(line: &StockCommandLine, place: Option<&str>) -> Value {
    let mut fields = Fields::default();
    fields.set("sku", line.sku.as_str());
    fields.text("location", line.location_id.as_deref().or(place));
    fields.number("quantity", line.quantity);
    fields.text("unit", line.unit.as_deref());
    fields.text("lot", line.lot.as_deref());
    fields.list("serials", &line.serials);
    fields.number("received", line.received);
    fields.number("damaged", line.damaged);
    fields.number("lost", line.lost);
    Value::Object(fields.0)
}

/// A sender that names no reservation can still confirm it: its id follows from the id of what made it.
fn reservation_id(id: &str) -> String {
    let id = Uuid::parse_str(id).unwrap_or_else(|_| Uuid::new_v5(&RESERVATIONS, id.as_bytes()));
    id.to_string()
}

fn invalid(field: &str, problem: &str) -> Box<Refusal> {
    Box::new(Refusal {
        code: ErrorCode::InvalidArgument,
        message: format!("{field} {problem}"),
        detail: json!({"field": field, "problem": problem}),
        hint: None,
    })
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
