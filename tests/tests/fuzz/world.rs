//! The inventory that calls are drawn for: what there is at the start, what became known since, and values that make sense.

use crate::draw::{Draw, raw, uuid};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};

const PLAIN: [&str; 6] = ["N1", "N2", "N3", "N4", "N5", "N6"];
const LOTS: [&str; 5] = ["LOT-1", "LOT-2", "LOT-3", "LOT-4", "LOT-5"];
const UNITS: [&str; 3] = ["CASE", "PALLET", "EACH"];

/// How many reservations share their ids between the sessions.
const SHARED_RESERVATIONS: usize = 60;
/// How many ids of a kind are remembered.
const REMEMBERED: usize = 20;

/// The calls that make the inventory.
pub(crate) const CATALOGUE: [&str; 16] = [
    r#"select from api.upsert_items('[
        {"sku": "N1", "name": "N1"}, {"sku": "N2", "name": "N2", "category": "tools"}, {"sku": "N3", "name": "N3"},
        {"sku": "N4", "name": "N4"}, {"sku": "N5", "name": "N5"}, {"sku": "N6", "name": "N6"},
        {"sku": "L1", "name": "L1", "tracking": "lot"}, {"sku": "L2", "name": "L2", "tracking": "lot"},
        {"sku": "S1", "name": "S1", "tracking": "serial"}, {"sku": "S2", "name": "S2", "tracking": "serial"},
        {"sku": "D1", "name": "D1", "kind": "digital"}, {"sku": "X1", "name": "X1", "status": "archived"},
        {"sku": "B1", "name": "B1", "kind": "bundle"}, {"sku": "B2", "name": "B2", "kind": "bundle"}]')"#,
    r#"select from api.upsert_items('[{"sku": "N4", "parent_sku": "N1"}]')"#,
    r#"select from api.upsert_locations('[
        {"id": "W1", "priority": 1}, {"id": "W2", "priority": 2}, {"id": "W3", "type": "store"}, {"id": "W4"},
        {"id": "C1", "status": "closed"}]')"#,
    r#"select from api.set_bundle('B1', '[{"sku": "N1", "quantity": 1}, {"sku": "N2", "quantity": 2}]')"#,
    r#"select from api.set_bundle('B2', '[{"sku": "B1", "quantity": 1}, {"sku": "L1", "quantity": 1}]')"#,
    r#"select from api.set_item_units('N1', '[{"unit": "CASE", "quantity": 12}, {"unit": "PALLET", "quantity": 480}]')"#,
    r#"select from api.set_item_units('L1', '[{"unit": "CASE", "quantity": 6}]')"#,
    "select from api.upsert_reason('shrinkage', 'Shrinkage')",
    "select from api.upsert_supplier('ACME', 'Acme')",
    "select from api.upsert_supplier('GLOBEX', 'Globex', 'archived')",
    "select from api.set_item_supplier('N1', 'ACME', 3, 1, 10, 12, 250, 'EUR')",
    "select from api.set_item_supplier('N2', 'ACME', 5)",
    "select from api.set_stock_policy('N5', 'W1', 1, 2, 'backorder')",
    "select from api.set_stock_policy('N6', 'W1', 1, 2, 'oversell')",
    "select from api.set_default_policy(sku => 'N5', policy => 'backorder')",
    r#"select from api.apply_commands('[
        {"op": "add", "sku": "N1", "location": "W1", "quantity": 100000}, {"op": "add", "sku": "N2", "location": "W1", "quantity": 100000},
        {"op": "add", "sku": "N3", "location": "W2", "quantity": 5}, {"op": "add", "sku": "N6", "location": "W1", "quantity": 50},
        {"op": "add", "sku": "L1", "location": "W1", "quantity": 100, "lot": "LOT-1"}]')"#,
];

/// Undoes what closes places and archives items, and brings some stock, so that the history goes on.
pub(crate) const REVIVAL: &str = r#"select from api.upsert_items('[{"sku": "N1", "status": "active"}, {"sku": "N2", "status": "active"},
    {"sku": "N3", "status": "active"}, {"sku": "N5", "status": "active"}, {"sku": "L1", "status": "active"}, {"sku": "S1", "status": "active"}]');
    select from api.upsert_locations('[{"id": "W1", "status": "open"}, {"id": "W2", "status": "open"}, {"id": "W3", "status": "open"}]');
    select from api.apply_commands('[{"op": "add", "lines": [{"sku": "N1", "location": "W2", "quantity": 500},
        {"sku": "N2", "location": "W3", "quantity": 500}, {"sku": "N3", "location": "W1", "quantity": 500}]}]')"#;

/// The ids that answers of one session have named, by the name of the field.
#[derive(Debug, Default)]
pub(crate) struct Known(BTreeMap<&'static str, VecDeque<String>>);

const ID_FIELDS: [&str; 4] = ["reservation_id", "transfer_id", "purchase_order_id", "count_id"];

impl Known {
    /// Remembers the ids in a column of an answer, or in the JSON of one.
    pub(crate) fn learn(&mut self, column: &str, value: &str) {
        for field in ID_FIELDS {
            if column == field {
                self.remember(field, value);
            } else if column == "answer" {
                let name = format!("\"{field}\": \"");
                for rest in value.split(name.as_str()).skip(1) {
                    self.remember(field, rest.get(..36).unwrap_or_default());
                }
            }
        }
    }

    fn remember(&mut self, field: &'static str, id: &str) {
        let ids = self.0.entry(field).or_default();
        if id.len() == 36 && !ids.iter().any(|known| known == id) {
            ids.push_back(id.to_owned());
            if ids.len() > REMEMBERED {
                ids.pop_front();
            }
        }
    }

    /// One of the ids, or one that nobody has.
    pub(crate) fn id(&self, draw: &mut Draw, field: &str) -> String {
        let (shared, number) = (draw.percent(40), draw.number());
        if field == "reservation_id" && shared {
            return reservation(draw.below(SHARED_RESERVATIONS));
        }
        // The newest ones most often: what is old is over.
        let back = draw
            .below(REMEMBERED)
            .min(draw.below(REMEMBERED))
            .min(draw.below(REMEMBERED));
        match self.0.get(field) {
            Some(ids) if !ids.is_empty() => ids[ids.len() - 1 - back % ids.len()].clone(),
            _ => uuid(number),
        }
    }
}

fn reservation(number: usize) -> String {
    uuid(u64::try_from(number).unwrap_or_default())
}

/// Whose units are told apart, and how.
pub(crate) fn sku(draw: &mut Draw) -> &'static str {
    match draw.below(20) {
        0..=10 => draw.pick(&PLAIN),
        11..=13 => draw.pick(&["L1", "L2"]),
        14..=16 => draw.pick(&["S1", "S2"]),
        17 => "D1",
        18 => draw.pick(&["B1", "B2"]),
        _ => draw.pick(&["X1", "missing"]),
    }
}

pub(crate) fn location(draw: &mut Draw) -> &'static str {
    if draw.percent(95) {
        draw.pick(&["W1", "W1", "W2", "W3", "W4"])
    } else {
        draw.pick(&["C1", "missing"])
    }
}

/// A value that makes sense in a field or an argument of this name, `null` where none is known to.
pub(crate) fn sensible(draw: &mut Draw, known: &Known, name: &str) -> Value {
    match name {
        "sku" | "parent_sku" | "component" => json!(sku(draw)),
        "location" | "from" | "to" | "from_location" | "to_location" => json!(location(draw)),
        "locations" => json!([location(draw), location(draw)]),
        "skus" => json!([sku(draw), sku(draw)]),
        "quantity" | "received" | "counted" | "delta" => json!(1 + draw.below(9)),
        "damaged" | "lost" => json!(draw.below(3)),
        "ordered" | "minimum_order_quantity" | "order_multiple" | "fixed_quantity" | "max_level" => {
            json!(20 + draw.below(50))
        }
        "min_level" | "safety_stock" | "reorder_point" => json!(draw.below(20)),
        "unit_cost" | "ordering_cost" => json!(draw.below(10_000)),
        "lead_time_days" | "lead_time_stddev_days" | "review_period_days" => raw(draw.pick(&["0", "1", "2.5", "14"])),
        "holding_cost_rate" | "service_level" => raw(draw.pick(&["0.5", "0.9", "0.95", "0.999"])),
        "days" | "demand_days" => json!(2 + draw.below(100)),
        "max_rows" | "max_count" | "max_lines" | "max_movements" => json!(1 + draw.below(50)),
        "months_ahead" => json!(draw.below(3)),
        "priority" => json!(draw.below(100)),
        "version" | "expected_version" | "before_version" => json!(draw.below(20)),
        "reservation_id" | "transfer_id" | "purchase_order_id" | "count_id" => json!(known.id(draw, name)),
        "unit" | "from_unit" | "to_unit" => json!(draw.pick(&UNITS)),
        "lot" => json!(draw.pick(&LOTS)),
        "lot_expires_at" => json!(draw.pick(&["2024-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "2091-01-01T00:00:00Z"])),
        "serial" => json!(serial(draw)),
        "serials" => (0..=draw.below(3)).map(|_| serial(draw)).collect(),
        "supplier" => json!(draw.pick(&["ACME", "ACME", "GLOBEX"])),
        "currency" => json!(draw.pick(&["EUR", "USD"])),
        "state" => json!(draw.pick(&["on_hand", "damaged"])),
        "strategy" => json!(draw.pick(&["priority", "nearest", "fewest_splits"])),
        "partial" | "complete" | "replace" | "active" | "include_empty" | "all_items" => json!(draw.percent(50)),
        "policy" => json!(draw.pick(&["deny", "oversell", "backorder"])),
        "method" => json!(draw.pick(&["eoq", "min_max", "fixed"])),
        "abc_class" => json!(draw.pick(&["A", "B", "C"])),
        "tracking" => json!(draw.pick(&["none", "lot", "serial"])),
        "kind" => json!(draw.pick(&["physical", "physical", "digital", "bundle"])),
        "by" => json!(draw.pick(&["occurred", "recorded"])),
        "reason_code" | "code" => json!(draw.pick(&["shrinkage", "count_variance", "ACME"])),
        "owner" => json!(format!("cart-{}", draw.below(20))),
        "idempotency_key" => json!(format!("key-{}", draw.below(2_000))),
        "expires_in_seconds" => raw(draw.pick(&["0.001", "0.5", "60", "3600"])),
        "expires_in" => json!(draw.pick(&["1 millisecond", "1 minute", "1 hour"])),
        "older_than" | "keep" | "grace" => json!(draw.pick(&["1 hour", "1 day", "3 years"])),
        "occurred_at" | "counted_at" | "since" | "as_of" | "until" | "before" | "expected_at" | "month" => {
            json!(draw.pick(&[
                "2020-02-29T12:00:00Z",
                "2025-06-01T00:00:00Z",
                "2026-01-01T00:00:00+02:00"
            ]))
        }
        "expires_at" => json!("2028-01-01T00:00:00Z"),
        "id" => json!(location(draw)),
        "category" => json!(draw.pick(&["tools", "toys"])),
        "unit_of_measure" => json!("EACH"),
        "traceparent" => json!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "reason" | "reference" | "correlation_id" | "user_id" | "source" | "name" | "description" | "caller" => {
            json!("fuzz")
        }
        _ => Value::Null,
    }
}

fn serial(draw: &mut Draw) -> String {
    format!("SN-{}", draw.below(60))
}
