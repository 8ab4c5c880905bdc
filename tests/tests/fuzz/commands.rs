//! Random commands: valid ones, and valid ones of which something was changed.

use crate::draw::Draw;
use crate::world::{Known, location, sensible, sku};
use serde_json::{Map, Value, json};

/// Operations with the fields that they need and, behind the bar, those that they may have.
const OPERATIONS: [(&str, &str, &str); 22] = [
    (
        "add",
        "line",
        "reason reference expected_version idempotency_key occurred_at",
    ),
    ("return", "line", "state reason idempotency_key"),
    ("remove", "line", "reason reason_code expected_version idempotency_key"),
    ("adjust", "line reason", "reason_code user_id"),
    ("quarantine", "line", "reason reason_code"),
    ("restore", "line", "reason"),
    ("write_off", "line reason", "state reason_code"),
    ("move", "line from to", "reason idempotency_key"),
    ("ship", "line from to", "reason idempotency_key"),
    ("receive", "transfer_id", "lines complete idempotency_key"),
    ("cancel_transfer", "transfer_id", "reason"),
    (
        "reserve",
        "line",
        "reservation_id owner expires_in_seconds expires_at partial strategy locations replace idempotency_key",
    ),
    ("reserve", "line", "reservation_id idempotency_key"),
    ("confirm", "reservation_id", "lines serials idempotency_key"),
    ("cancel", "reservation_id", "reason idempotency_key"),
    ("expire", "reservation_id", ""),
    ("extend", "reservation_id", "expires_in_seconds expires_at"),
    ("relocate", "reservation_id to", "from sku"),
    (
        "order",
        "supplier location lines",
        "expected_at idempotency_key reference",
    ),
    ("receive_order", "purchase_order_id", "lines idempotency_key"),
    ("cancel_order", "purchase_order_id", "reason"),
    ("count", "count_id", "reason"),
];

/// What a mutation puts where it does not belong.
const FIELDS: [&str; 42] = [
    "op",
    "idempotency_key",
    "sku",
    "location",
    "quantity",
    "lines",
    "from",
    "to",
    "reservation_id",
    "owner",
    "expires_in_seconds",
    "expires_at",
    "expected_version",
    "reason",
    "reference",
    "correlation_id",
    "user_id",
    "source",
    "occurred_at",
    "traceparent",
    "unit",
    "lot",
    "lot_expires_at",
    "serials",
    "partial",
    "strategy",
    "locations",
    "replace",
    "state",
    "reason_code",
    "transfer_id",
    "complete",
    "supplier",
    "purchase_order_id",
    "expected_at",
    "count_id",
    "received",
    "damaged",
    "lost",
    "unit_cost",
    "currency",
    "zzz",
];

/// A batch of commands.
pub(crate) fn batch(draw: &mut Draw, known: &Known, hostile: bool) -> Value {
    let most = if draw.percent(60) { 1 } else { 20 };
    let mut commands: Vec<Value> = (0..=draw.below(most)).map(|_| command(draw, known)).collect();
    if hostile {
        let place = draw.below(commands.len());
        mutate(draw, known, &mut commands[place]);
    }
    Value::from(commands)
}

/// A command that is formed as it should be.
pub(crate) fn command(draw: &mut Draw, known: &Known) -> Value {
    if draw.percent(1) {
        return json!({"op": "recall", "sku": "L2", "lot": sensible(draw, known, "lot"), "reason": "fuzz"});
    }
    let (op, needed, optional) = OPERATIONS[draw.below(OPERATIONS.len())];
    let mut body = Map::new();
    body.insert("op".to_owned(), json!(op));
    for field in needed.split(' ') {
        match field {
            "line" if draw.percent(80) => body.extend(line(draw, known, op)),
            "line" => {
                let lines: Vec<Value> = (0..=draw.below(3))
                    .map(|_| Value::from(line(draw, known, op)))
                    .collect();
                body.insert("lines".to_owned(), Value::from(lines));
            }
            "lines" => {
                body.insert("lines".to_owned(), lines(draw, known, op));
            }
            _ => {
                body.insert(field.to_owned(), sensible(draw, known, field));
            }
        }
    }
    for field in optional.split(' ').filter(|field| !field.is_empty()) {
        if draw.percent(20) {
            let value = if field == "lines" {
                lines(draw, known, op)
            } else {
                sensible(draw, known, field)
            };
            body.insert(field.to_owned(), value);
        }
    }
    if body.contains_key("strategy") || matches!(op, "move" | "ship") {
        body.remove("location");
    }
    Value::from(body)
}

/// Some lines, of the kind that this operation reads.
pub(crate) fn lines(draw: &mut Draw, known: &Known, op: &str) -> Value {
    (0..=draw.below(3))
        .map(|_| Value::from(line(draw, known, op)))
        .collect()
}

/// One line: what is counted, where, and which units.
pub(crate) fn line(draw: &mut Draw, known: &Known, op: &str) -> Map<String, Value> {
    let mut line = Map::new();
    let sku = sku(draw);
    let most = if sku.starts_with('S') || draw.percent(60) {
        3
    } else {
        300
    };
    let quantity = 1 + draw.below(most);
    line.insert("sku".to_owned(), json!(sku));
    match op {
        "receive" | "receive_order" => {
            line.insert("received".to_owned(), json!(quantity));
            for part in ["damaged", "lost"] {
                if draw.percent(if op == "receive" { 20 } else { 5 }) {
                    line.insert(part.to_owned(), sensible(draw, known, part));
                }
            }
        }
        "adjust" if draw.percent(50) => {
            line.insert("quantity".to_owned(), json!(-i64::try_from(quantity).unwrap_or(1)));
        }
        _ => {
            line.insert("quantity".to_owned(), json!(quantity));
        }
    }
    if matches!(op, "move" | "ship") {
        line.insert("from".to_owned(), json!(location(draw)));
        line.insert("to".to_owned(), json!(location(draw)));
    } else if !matches!(op, "receive" | "receive_order" | "order") {
        line.insert("location".to_owned(), json!(location(draw)));
    }
    let comes_in = matches!(op, "add" | "return" | "receive_order" | "adjust");
    if sku.starts_with('L') && draw.percent(if comes_in { 95 } else { 30 }) {
        line.insert("lot".to_owned(), sensible(draw, known, "lot"));
        if comes_in && op != "adjust" && draw.percent(20) {
            line.insert("lot_expires_at".to_owned(), sensible(draw, known, "lot_expires_at"));
        }
    }
    if sku.starts_with('S') && draw.percent(90) {
        let first = draw.below(60);
        let serials: Vec<String> = (first..first + quantity).map(|number| format!("SN-{number}")).collect();
        line.insert("serials".to_owned(), json!(serials));
    }
    if draw.percent(8) {
        line.insert("unit".to_owned(), sensible(draw, known, "unit"));
    }
    line
}

/// Changes something somewhere in a value, mostly a field of an object.
pub(crate) fn mutate(draw: &mut Draw, known: &Known, value: &mut Value) {
    if draw.percent(3) {
        *value = draw.json(3);
        return;
    }
    match value {
        Value::Array(entries) if !entries.is_empty() => {
            let place = draw.below(entries.len());
            match draw.below(10) {
                0 => {
                    let twice = entries[place].clone();
                    entries.push(twice);
                }
                1 => {
                    entries.remove(place);
                }
                2 => entries.push(draw.json(2)),
                3 => entries[place] = draw.json(2),
                _ => mutate(draw, known, &mut entries[place]),
            }
        }
        Value::Object(fields) => mutate_object(draw, known, fields),
        _ => *value = draw.json(2),
    }
}

fn mutate_object(draw: &mut Draw, known: &Known, fields: &mut Map<String, Value>) {
    let place = draw.below(fields.len());
    let present = fields.keys().nth(place).cloned();
    let inside = present
        .as_ref()
        .and_then(|name| fields.get_mut(name))
        .filter(|inner| inner.is_array());
    if let Some(inner) = inside.filter(|_| draw.percent(70)) {
        return mutate(draw, known, inner);
    }
    let name = present
        .filter(|name| name != "op" || draw.percent(20))
        .filter(|_| draw.percent(60))
        .unwrap_or_else(|| draw.pick(&FIELDS).to_owned());
    match draw.below(6) {
        0 => {
            fields.remove(&name);
        }
        1 => {
            let value = sensible(draw, known, &name);
            fields.insert(name, value);
        }
        _ => {
            let value = draw.json(2);
            fields.insert(name, value);
        }
    }
}
